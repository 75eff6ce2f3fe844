"""Tells people that an endpoint was given up: by a command, by mail. Once, from the process that gave it up.

The command gets one JSON object on its standard input; it is not run through a shell.
"""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec
import structlog

from orchestrator.delivery.completing import GivenUp
from orchestrator.delivery.endpoint_ids import endpoint_id
from orchestratorx_prism.errors import SettingsRejected

TIMEOUT_S: Final = 30.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Of "smtp://user:password@host:587" (STARTTLS where it is offered) or "smtps://host:465"."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)


def mail_server(url: str) -> MailServer:
    """The server that a URL names.

    Raises:
        SettingsRejected: It names none; the URL, which may hold a password, is not repeated.
    """
    parts: Any = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if parts.scheme not in {"smtp", "smtps"} or not host:
        raise SettingsRejected("smtp_url: not of the form smtp://user:password@host:587", reason="SMTP_URL_INVALID")
    tls = parts.scheme == "smtps"
    return MailServer(
        host, port or (465 if tls else 587), tls, unquote(parts.username or ""), unquote(parts.password or "")
    )


class Alerts:
    """Callable: `dispatcher.Alert`."""

    def __init__(
        self, *, command: Sequence[str] = (), smtp_url: str = "", mail_from: str = "", mail_to: str = ""
    ) -> None:
        """Raises SettingsRejected if the mail server's URL is wrong."""
        self._command = list(command)
        self._server = mail_server(smtp_url) if smtp_url else None
        self._from = mail_from or mail_to
        self._to = mail_to

    async def __call__(self, given_up: GivenUp) -> None:
        """Tells; failures are logged, and stop nothing."""
        if self._command:
            await self._run(given_up)
        if self._server is not None and self._to:
            try:
                await asyncio.to_thread(self._mail, self._server, given_up)
            except (OSError, smtplib.SMTPException) as error:
                _log.error("endpoint.mail_failed", error=type(error).__name__)

    async def _run(self, given_up: GivenUp) -> None:
        told = msgspec.json.encode(
            {
                "event": "endpoint.failed",
                "endpoint_id": endpoint_id(given_up.endpoint),
                "merchant_id": given_up.merchant_id,
                "url": given_up.url,
                "reason": given_up.reason,
            }
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
            )
        except OSError as error:
            _log.error("endpoint.hook_failed", error=type(error).__name__)
            return
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await process.communicate(told + b"\n")
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):  # it ended in this moment
                process.kill()
            await process.wait()
        if process.returncode:
            _log.error("endpoint.hook_failed", status=process.returncode)

    def _mail(self, server: MailServer, given_up: GivenUp) -> None:
        message = EmailMessage()
        message["Subject"] = f"Webhook endpoint {endpoint_id(given_up.endpoint)} was switched off"
        message["From"], message["To"] = self._from, self._to
        message.set_content(
            f"Merchant:  {given_up.merchant_id}\nURL:       {given_up.url}\nWhy:       {given_up.reason}\n\n"
            "It gets nothing until it is switched on again; then `orchestrator endpoints recover` sends what it has\n"
            "missed.\n"
        )
        with _connected(server) as smtp:
            if server.user:
                smtp.login(server.user, server.password)
            smtp.send_message(message)


def _connected(server: MailServer) -> smtplib.SMTP:
    """Failure policy: closed. A password goes out over TLS or not at all."""
    context = ssl.create_default_context()
    if server.tls:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
    smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    try:
        smtp.ehlo()
        if smtp.has_extn("starttls"):
            smtp.starttls(context=context)
        elif server.user:
            raise smtplib.SMTPNotSupportedError("the mail server offers no TLS")
    except BaseException:
        smtp.close()
        raise
    return smtp
