"""Daraja's API over HTTP: addresses, connections and the access token. The only file here that does I/O.

What an answer means is not decided here. What matters to the caller of a request that moves money is told with every
failure: whether the request can have reached M-Pesa.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import httpx
import msgspec

from connectors.mpesa.shapes import exact
from connectors.spi import Environment, ProviderUnavailable
from orchestratorx_prism.errors import SettingsRejected

HOSTS: Final[Mapping[int, str]] = {
    Environment.ENVIRONMENT_SANDBOX: "https://sandbox.safaricom.co.ke",
    Environment.ENVIRONMENT_PRODUCTION: "https://api.safaricom.co.ke",
}

TOKEN_PATH: Final = "/oauth/v1/generate"  # noqa: S105 - a path

CONNECT_TIMEOUT_S: Final = 5.0
_LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=4.0)
"""A connection that rested longer may be closed on the other side, and a push that is sent on it would be lost."""

_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_REFRESH_BEFORE_S: Final = 60.0
"""How long before its end a token is renewed."""

# Source: Daraja documentation, "Authorization" and error codes of each API.
BAD_TOKEN_CODES: Final = frozenset({"404.001.03", "400.003.01", "401.002.01", "401.003.01"})

_DECODER: Final = msgspec.json.Decoder(dict[str, Any], float_hook=exact)


class NotReached(ProviderUnavailable):
    """The request was not sent: M-Pesa could not be reached, or time ran out before."""


class NoAnswer(ProviderUnavailable):
    """The request's first byte was on the way, and no answer came: it may have been carried out."""


class TokenRefused(ProviderUnavailable):
    """M-Pesa refused the consumer key or secret. No request was sent."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What M-Pesa answered. `repr` shows the status alone."""

    status: int
    body: bytes = field(repr=False)
    said: Mapping[str, Any] | None = field(repr=False)
    """The body's fields; None where it is no JSON object."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def error_code(self) -> str:
        """`errorCode`, if it has the form of one: "404.001.03"."""
        code = (self.said or {}).get("errorCode")
        return code if isinstance(code, str) and len(code) < 32 and code.replace(".", "").isalnum() else ""

    @property
    def refuses_token(self) -> bool:
        """Daraja's gateway refused the token, and so has passed nothing on."""
        return self.status == 401 or (not self.ok and self.error_code in BAD_TOKEN_CODES)


class Session:
    """One merchant's connections and access token. Belongs to one event loop."""

    def __init__(
        self, config: Mapping[str, str], environment: Environment.ValueType, now_s: Callable[[], float] = time.time
    ) -> None:
        """
        Raises:
            SettingsRejected: MPESA_API_BASE is no https address, nor one of this machine.
        """
        self._consumer = (config.get("MPESA_CONSUMER_KEY", ""), config.get("MPESA_CONSUMER_SECRET", ""))
        self.base = _base(config, environment)
        self._now_s = now_s
        self._http: httpx.AsyncClient | None = None
        self._token = ""
        self._renew_at_s = 0.0
        self._renewing: asyncio.Task[str] | None = None

    @property
    def has_credentials(self) -> bool:
        return all(self._consumer)

    async def request(self, path: str, body: Mapping[str, Any], timeout_s: float, method: str = "POST") -> Answered:
        """Sends JSON with a valid token; repeats it once with a new token where the token was refused.

        Args:
            timeout_s: For everything together, the token included. Seconds.

        Raises:
            NoAnswer: It was sent, and no answer came in time.
            NotReached, TokenRefused, ProviderUnavailable: Nothing was sent.
        """
        sending = _Sending()
        try:
            async with asyncio.timeout(timeout_s):
                token = await self._access_token("")
                answer = await self._send(method, path, timeout_s, sending, token=token, json=body)
                if answer.refuses_token:
                    sending.begun = False
                    token = await self._access_token(token)
                    answer = await self._send(method, path, timeout_s, sending, token=token, json=body)
                return answer
        except (httpx.HTTPError, TimeoutError) as error:
            raise _failure(error, sending) from error

    async def aclose(self) -> None:
        """Closes connections."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _access_token(self, refused: str) -> str:
        """A token that still holds. Renewed once for all who wait, and never because of one that is replaced already.

        A waiter that gives up takes nothing from the others; a failure is told to all of them, and is not kept.

        Args:
            refused: The token that Daraja has just refused; empty if none.
        """
        held = self._token != "" and self._now_s() < self._renew_at_s
        if held and not (refused and hmac.compare_digest(refused.encode(), self._token.encode())):
            return self._token
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
            self._renewing.add_done_callback(self._renewed)
        return await asyncio.shield(self._renewing)

    async def _renew(self) -> str:
        query = {"grant_type": "client_credentials"}
        # What is lost here moves no money: the state of this sending is of no interest.
        answer = await self._send(
            "GET", TOKEN_PATH, CONNECT_TIMEOUT_S, _Sending(), params=query, auth=httpx.BasicAuth(*self._consumer)
        )
        token = (answer.said or {}).get("access_token")
        if not answer.ok or not isinstance(token, str) or not token:
            raise _token_refused(answer)
        lifetime_s = _seconds((answer.said or {}).get("expires_in"))
        self._token = token
        self._renew_at_s = self._now_s() + lifetime_s - min(_REFRESH_BEFORE_S, lifetime_s / 2)
        return token

    def _renewed(self, task: asyncio.Task[str]) -> None:
        self._renewing = None
        if not task.cancelled():
            task.exception()  # whoever waits has it; nobody may

    async def _send(
        self, method: str, path: str, timeout_s: float, sending: _Sending, *, token: str = "", **options: Any
    ) -> Answered:
        if self._http is None:
            self._http = httpx.AsyncClient(base_url=self.base, limits=_LIMITS, follow_redirects=False)
        reply = await self._http.request(
            method,
            path,
            headers={"authorization": f"Bearer {token}"} if token else None,
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S)),
            extensions={"trace": sending.trace},
            **options,
        )
        return Answered(reply.status_code, reply.content, _decoded(reply.content))


class _Sending:
    """Whether a request's first byte was on the way; told by the HTTP library's own trace."""

    def __init__(self) -> None:
        self.begun = False

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            self.begun = True


def _failure(error: Exception, sending: _Sending) -> ProviderUnavailable:
    late = isinstance(error, TimeoutError)
    if sending.begun:
        return NoAnswer("M-Pesa did not answer in time" if late else f"M-Pesa did not answer ({type(error).__name__})")
    return NotReached(
        "M-Pesa could not be reached in time" if late else f"M-Pesa could not be reached ({type(error).__name__})"
    )


def _token_refused(answer: Answered) -> ProviderUnavailable:
    said = f"M-Pesa gave no access token (HTTP {answer.status}, {answer.error_code or 'no error code'})"
    # A firewall answers 403 without a code, too: that says nothing of the credentials.
    if answer.status in {400, 401} or (answer.status == 403 and answer.error_code):
        fix = "check MPESA_CONSUMER_KEY and MPESA_CONSUMER_SECRET, and that they are of this environment"
        return TokenRefused(said, fix=fix)
    return ProviderUnavailable(said)


def _base(config: Mapping[str, str], environment: Environment.ValueType) -> str:
    given = config.get("MPESA_API_BASE", "")
    if not given:
        return HOSTS[environment or Environment.ENVIRONMENT_SANDBOX]
    # Failure policy: closed. Credentials do not travel in the clear.
    if not is_safe_address(given):
        raise SettingsRejected(
            "MPESA_API_BASE is neither an https address nor one of this machine",
            fix="leave it empty for Safaricom's own host",
        )
    return given


def is_safe_address(text: str) -> bool:
    """Whether it is an https address, or a http one of this machine."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return bool(url.host) and (url.scheme == "https" or (url.scheme == "http" and url.host in _THIS_MACHINE))


def _decoded(body: bytes) -> dict[str, Any] | None:
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def _seconds(expires_in: Any) -> float:
    """How long a token holds. Daraja says it in text, "3599"; 0 where it cannot be read: then it serves once."""
    try:
        return min(float(expires_in), 86_400.0) if isinstance(expires_in, str | int | Decimal) else 0.0
    except ValueError:
        return 0.0
