"""PayPal over HTTP, for one merchant: pooled connections, one token for all. Both halves of the connector's I/O use it.

What is said here of an answer that did not come is what matters to money: `NotSent` (PayPal has nothing of it) or
`AnswerLost` (PayPal may have done it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import httpx
import msgspec

from connectors.paypal.endpoints import Endpoints
from connectors.paypal.single_flight import Expiring, SingleFlight
from connectors.spi import PayloadRejected, ProviderUnavailable
from connectors.spi.decoding import decode

MAX_ANSWER_BYTES = 256 * 1024
TIMEOUT_S = 10.0
"""For one question with its answer, connection included, where the caller says no other."""
CONNECT_TIMEOUT_S = 5.0
CONNECTIONS = 100
TOKEN_MARGIN_S = 60.0
"""A token is taken for expired that long before it is."""

UNAUTHORIZED = 401
_CREDENTIALS = {400, 401, 403}
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class NotSent(ProviderUnavailable):
    """The request did not leave: no connection, or no token."""


class AnswerLost(ProviderUnavailable):
    """The request may have arrived; there is no whole answer to it."""


class TooLarge(AnswerLost):
    """An answer is larger than it can be."""


class CredentialsRefused(NotSent):
    """PayPal refused the client id and secret, or the token that it gave for them."""

    retryable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, of any status."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By name in lower case."""


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int | float | str


_TOKEN = msgspec.json.Decoder(_Token)


class Session:
    """Connections and the token. Belongs to one event loop."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._client: httpx.AsyncClient | None = None
        self._tokens: SingleFlight[str] = SingleFlight(1)

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes,
        *,
        timeout_s: float | None = None,
    ) -> Reply:
        """Sends a request with the token; with a new one if PayPal says that the token is none.

        Raises:
            NotSent: Nobody is there, or gives a token.
            CredentialsRefused: Twice 401, or no token for the configured credentials.
            AnswerLost: It may have arrived.
        """
        url = f"{self._endpoints.api_base}{path}"
        token = await self._token()
        reply = await self.send(method, url, {**headers, "authorization": f"Bearer {token}"}, content, timeout_s)
        if reply.status != UNAUTHORIZED:
            return reply
        self._tokens.forget("token", token)  # a token may end before its time
        token = await self._token()
        reply = await self.send(method, url, {**headers, "authorization": f"Bearer {token}"}, content, timeout_s)
        if reply.status == UNAUTHORIZED:
            raise _credentials_refused(reply.status)
        return reply

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes,
        timeout_s: float | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Reply:
        """One request as it is. Redirects are not followed; the body's size is capped; `timeout_s` is for all of it.

        Raises:
            NotSent: There was no connection.
            AnswerLost: It may have arrived. TooLarge: there is more of an answer than can be.
        """
        if self._client is None:
            self._client = _make_client()
        limit_s = TIMEOUT_S if timeout_s is None else timeout_s
        timeout = httpx.Timeout(limit_s, connect=min(CONNECT_TIMEOUT_S, limit_s))
        # Unpacking could make much of little; PayPal honours the wish.
        request = self._client.build_request(
            method, url, headers={**headers, "accept-encoding": "identity"}, content=content, timeout=timeout
        )
        try:
            async with asyncio.timeout(limit_s):
                response = await self._client.send(request, stream=True)
                try:
                    body = await _read(response, max_bytes)
                    return Reply(response.status_code, body, response.headers)
                finally:
                    await response.aclose()
        except _NEVER_SENT as error:
            raise NotSent(f"PayPal was not reached ({type(error).__name__})") from error
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            raise AnswerLost(f"PayPal did not answer ({type(error).__name__})") from error

    async def aclose(self) -> None:
        """Closes connections."""
        await self._tokens.aclose()
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _token(self) -> str:
        return await self._tokens.get("token", self._fetch_token)

    async def _fetch_token(self) -> Expiring[str]:
        headers = {
            "authorization": self._endpoints.basic_authorization,
            "content-type": "application/x-www-form-urlencoded",
        }
        url = f"{self._endpoints.api_base}/v1/oauth2/token"
        try:
            reply = await self.send("POST", url, headers, b"grant_type=client_credentials")
        except AnswerLost as error:
            # A token that nobody uses changes nothing: the request that needs it was not sent.
            raise NotSent("PayPal did not answer the request for a token") from error
        if reply.status in _CREDENTIALS:
            raise _credentials_refused(reply.status)
        if reply.status != httpx.codes.OK:
            raise NotSent(f"PayPal answered {reply.status} to the request for a token")
        try:
            token = decode(_TOKEN, reply.body)
            lifetime_s = float(token.expires_in)
        except (PayloadRejected, ValueError):
            raise NotSent("PayPal's token cannot be read") from None
        return Expiring(token.access_token, max(lifetime_s - TOKEN_MARGIN_S, 0.0))


def _make_client() -> httpx.AsyncClient:
    # Neither proxies nor netrc from the environment; the system's roots beside certifi's.
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    return httpx.AsyncClient(follow_redirects=False, trust_env=False, limits=limits, verify=context)


async def _read(response: httpx.Response, max_bytes: int) -> bytes:
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > max_bytes:
            raise TooLarge("PayPal's answer is larger than it can be")
    return bytes(body)


def _credentials_refused(status: int) -> CredentialsRefused:
    return CredentialsRefused(
        f"PayPal refused the API credentials (HTTP {status})",
        fix="set PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET of the app, for the right environment",
    )
