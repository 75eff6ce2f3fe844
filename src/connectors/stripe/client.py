"""Carrying out operations at Stripe through its own SDK; the only file of the operations that does I/O.

Every foreign error is translated here, once. Repeats are ours, not the SDK's: `repeating.py`.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import stripe

from connectors.spi import Capability, Environment
from connectors.spi.operations import Answer, Call
from connectors.stripe.answers import answer_of
from connectors.stripe.answers_payments import API_VERSION
from connectors.stripe.asking import Ask
from connectors.stripe.refusals import Reply
from connectors.stripe.repeating import NoAnswer, Sending
from connectors.stripe.requests import ASKS, FIRST, operation_of
from connectors.stripe.requests_other import uploads
from connectors.stripe.requests_payments import Found
from connectors.stripe.resolving import GRACE_HERE_S, GRACE_S, resolved
from orchestratorx_prism.errors import (
    NotSupported,
    OutcomeUnknown,
    PayloadRejected,
    ProviderUnavailable,
    SettingsRejected,
)

API_KEY: Final = "STRIPE_API_KEY"
API_BASE: Final = "STRIPE_API_BASE"

CONNECT_TIMEOUT_S: Final = 5.0
LIMITS: Final = httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=30.0)

_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_KINDS: Final = {
    Environment.ENVIRONMENT_SANDBOX: ("sk_test_", "rk_test_"),
    Environment.ENVIRONMENT_PRODUCTION: ("sk_live_", "rk_live_"),
}


def make_client(config: Mapping[str, str], environment: Environment.ValueType) -> StripeApi:
    """Stripe's API for one merchant.

    Raises:
        SettingsRejected: No key, a key of the other environment, or STRIPE_API_BASE is neither https nor this machine.
    """
    return StripeApi(config, environment)


def transport_for(config: Mapping[str, str], environment: Environment.ValueType) -> StripeTransport:
    """The transport that the configuration describes. Raises SettingsRejected as `make_client` does."""
    return StripeTransport(_key(config, environment), _base(config))


class StripeApi:
    """The client; see `operations.Client`. One per merchant; holds connections."""

    def __init__(
        self,
        config: Mapping[str, str],
        environment: Environment.ValueType,
        *,
        now_s: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        base = _base(config)
        self._transport = StripeTransport(_key(config, environment), base)
        self._grace_s = GRACE_HERE_S if urlsplit(base).hostname in _THIS_MACHINE else GRACE_S
        self._now_s = now_s
        self._jitter = jitter

    @property
    def account(self) -> str:
        """Empty: events of the merchant's own account name none."""
        return ""

    async def call(self, call: Call) -> Answer:
        """Carries out one operation; see `operations.Client.call`."""
        operation = operation_of(call)
        if operation not in ASKS:
            raise NotSupported(f"Stripe's connector has no operation {call.capability.value}")
        sending = Sending(self._transport, call.timeout_s, self._jitter)
        ask = ASKS[operation](call, await self._found(call, sending))
        return read(call, ask, await sending.definite(ask))

    async def resolve(self, call: Call) -> Answer | None:
        """What became of a call whose answer was lost; see `operations.Client.resolve`."""
        sending = Sending(self._transport, call.timeout_s, self._jitter)
        return await resolved(call, self._now_s(), sending, self.call, grace_s=self._grace_s)

    async def aclose(self) -> None:
        """Closes connections."""
        await self._transport.aclose()

    async def _found(self, call: Call, sending: Sending) -> Found:
        """What has to be asked, made or uploaded before the operation itself."""
        operation = operation_of(call)
        if operation == Capability.SUBMIT_EVIDENCE:
            files = uploads(call)
            ASKS[operation](call, {purpose: "" for purpose, _ in files})  # refused before anything is uploaded
            return {purpose: (await sending.found(ask)).get("id") for purpose, ask in files}
        first = FIRST[operation](call) if operation in FIRST else None
        return {} if first is None else await sending.found(first)


def read(call: Call, ask: Ask, reply: Reply) -> Answer:
    """The answer in our words.

    Raises:
        ProviderRefused: It is a refusal.
        OutcomeUnknown: It is a success that cannot be read.
        ProviderUnavailable: Likewise, of a question.
    """
    try:
        return answer_of(call, reply)
    except (PayloadRejected, OutcomeUnknown) as error:
        if not ask.changes:
            raise ProviderUnavailable("Stripe answered a question with what cannot be read") from error
        raise OutcomeUnknown("Stripe answered with what cannot be read") from error


@dataclass(slots=True)
class Attempt:
    """One attempt, and how far it came."""

    timeout_s: float
    sent: bool = False
    """Whether a part of the request left this machine: then it may have been carried out."""

    async def trace(self, event: str, _info: dict[str, Any]) -> None:
        """httpcore's trace hook."""
        if event.endswith("send_request_headers.started"):
            self.sent = True


_ATTEMPT: Final[contextvars.ContextVar[Attempt | None]] = contextvars.ContextVar("stripe_attempt", default=None)


def _not_ours(_record: logging.LogRecord) -> bool:
    """Drops what the SDK would log of our calls: it writes bodies, and they hold tokens and names."""
    return _ATTEMPT.get() is None


class _Connections(stripe.HTTPClient):
    """The SDK's HTTP half: one pool, limits by attempt, and errors that tell what was sent."""

    name = "httpx"

    def __init__(self) -> None:
        super().__init__()
        self._http = httpx.AsyncClient(limits=LIMITS, follow_redirects=False)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        attempt = _ATTEMPT.get()
        if attempt is None:
            raise RuntimeError("requests to Stripe go through StripeTransport.send")
        limit = attempt.timeout_s
        response = await self._http.request(
            method,
            url,
            headers=dict(headers),
            content=post_data or None,
            timeout=httpx.Timeout(limit, connect=min(CONNECT_TIMEOUT_S, limit), pool=limit),
            extensions={"trace": attempt.trace},
        )
        return response.content, response.status_code, response.headers

    async def close_async(self) -> None:
        await self._http.aclose()


class StripeTransport:
    """Exchanges with Stripe's API for one key. Every answer that Stripe gave is a `Reply`, whatever its status."""

    def __init__(self, api_key: str, base: str) -> None:
        """`base`: "https://api.stripe.com" if empty; else all of Stripe's hosts are there."""
        self._connections = _Connections()
        bases: Any = {"api": base, "files": base, "connect": base, "meter_events": base} if base else None
        self._stripe = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses=bases,
            max_network_retries=0,
            http_client=self._connections,
        )
        # The SDK would report how long calls took, under an id that it keeps in a file of the user's.
        stripe.enable_telemetry = False
        sdk_log = logging.getLogger("stripe")
        if _not_ours not in sdk_log.filters:
            sdk_log.addFilter(_not_ours)

    async def send(self, ask: Ask, timeout_s: float) -> Reply:
        """One exchange, not repeated.

        Raises:
            NoAnswer: Nobody was reached, the connection broke, time ran out, or what came is not Stripe's.
        """
        attempt = Attempt(timeout_s)
        token = _ATTEMPT.set(attempt)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(ask)
        except TimeoutError:
            raise NoAnswer("no answer in time", sent=attempt.sent) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise NoAnswer(type(error).__name__, sent=attempt.sent) from None
        except UnicodeDecodeError:
            raise NoAnswer("an answer that is no text", sent=attempt.sent) from None
        finally:
            _ATTEMPT.reset(token)

    async def _exchange(self, ask: Ask) -> Reply:
        options: dict[str, Any] = {"idempotency_key": ask.key} if ask.key else {}
        params = dict(ask.params)
        if ask.file is not None:
            name, content = ask.file
            params["file"] = _named(content, name)
            options |= {"content_type": "multipart/form-data", "base": "files"}
        try:
            answer = await self._stripe.raw_request_async(ask.method, ask.path, **params, **options)
        except stripe.StripeError as error:
            return _refusal(error)
        return Reply(answer.code, answer.body.encode(), dict(answer.headers))

    async def aclose(self) -> None:
        """Closes connections."""
        await self._connections.close_async()


def _refusal(error: stripe.StripeError) -> Reply:
    """The answer inside the SDK's exception. Without Stripe's error object it is somebody else's: a proxy's, a page."""
    status = error.http_status or 0
    body = error.json_body if isinstance(error.json_body, dict) else None
    if body is None or not isinstance(body.get("error"), dict):
        raise NoAnswer(f"HTTP {status} without Stripe's words", sent=True) from None
    return Reply(status, (error.http_body or "").encode(), dict(error.headers or {}))


def _named(content: bytes, name: str) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def _key(config: Mapping[str, str], environment: Environment.ValueType) -> str:
    key = config.get(API_KEY, "").strip()
    if not key:
        raise SettingsRejected(f"{API_KEY} is not set", fix="Stripe Dashboard > Developers > API keys > Secret key")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsRejected(f"{API_KEY} is not a key of Stripe's", fix="copy it again from Developers > API keys")
    others = [kinds for each, kinds in _KINDS.items() if each != environment and environment in _KINDS]
    if any(key.startswith(kinds) for kinds in others):
        # Failure policy: closed. A live key never serves tests, nor a test key a shop.
        raise SettingsRejected(
            f"{API_KEY} is a key of Stripe's other environment", fix="test keys begin with sk_test_, live ones sk_live_"
        )
    return key


def _base(config: Mapping[str, str]) -> str:
    given = config.get(API_BASE, "").strip().rstrip("/")
    if not given:
        return ""
    try:
        url = urlsplit(given)
        host, scheme = url.hostname, url.scheme
    except ValueError:
        host, scheme = None, ""
    # Failure policy: closed. The key does not travel in the clear.
    if not host or not (scheme == "https" or (scheme == "http" and host in _THIS_MACHINE)):
        raise SettingsRejected(
            f"{API_BASE} is neither an https address nor one of this machine",
            fix="leave it empty for Stripe's own host",
        )
    return given
