"""One request to Adyen, blocking: the SDK builds it, our pool of connections sends it. Only `client.py` uses this.

The SDK's own HTTP half is replaced: it opens a connection a call, has one timeout for all, takes no other address, and
its errors hold the whole request in their `args`, so that a `repr` would show tokens. It logs nothing. So it is given
an empty success for every answer, and the answer is read by us.

Source: adyen-python-api-library 16.0.0, client.py, httpclient.py, exceptions.py, util.py (it does not quote queries).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from enum import Enum, auto
from operator import attrgetter
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from connectors.adyen.endpoints import Endpoints
from connectors.adyen.prepared import Endpoint, Prepared
from connectors.adyen.replies import Reply

CHECKOUT_VERSION: Final = 71
CONNECT_TIMEOUT_S: Final = 5.0
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
_SECONDS: Final = 60.0
_ANY_PREFIX: Final = "0"
"""Stands in for the live prefix until the SDK is done with the address, in which it makes every "-test" a "-live"."""
_EMPTY_SUCCESS: Final[tuple[str, None, int, dict[str, str]]] = ("{}", None, 200, {})
"""What the SDK is told of every answer."""


class Trouble(Enum):
    """Why there is no answer."""

    NOT_SENT = auto()
    """Adyen certainly has not seen the request."""
    LOST = auto()
    """It may have."""


class Pool:
    """Connections to Adyen, shared by threads; made when first used."""

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None

    def http(self) -> httpx.Client:
        """The pooled client. Neither proxies nor netrc from the environment; redirects are not followed."""
        with self._lock:
            if self._http is None:
                context = httpx.create_ssl_context(trust_env=False)
                context.load_default_certs()
                limits = httpx.Limits(max_connections=self._connections, max_keepalive_connections=self._connections)
                self._http = httpx.Client(verify=context, trust_env=False, follow_redirects=False, limits=limits)
            return self._http

    def close(self) -> None:
        """Closes connections."""
        with self._lock:
            if self._http is not None:
                self._http.close()
                self._http = None


class Exchange:
    """One request and what came of it. `run` belongs to a worker thread; everything else to the caller."""

    def __init__(self, pool: Pool, endpoints: Endpoints, prepared: Prepared, *, key: str, deadline_s: float) -> None:
        """`deadline_s` is a time of `time.monotonic`."""
        self._pool = pool
        self._endpoints = endpoints
        self._prepared = prepared
        self._key = key
        self._deadline_s = deadline_s
        self.user_agent = ""
        self.started = False
        self.abandoned = False
        self.outcome: Reply | Trouble = Trouble.NOT_SENT

    def run(self) -> None:
        """Sends the request, unless its time is over already. Raises nothing of httpx's or the SDK's."""
        self.started = True
        if self.abandoned or time.monotonic() >= self._deadline_s:
            return
        prepared = self._prepared
        arguments = ([] if prepared.body is None else [prepared.body]) + list(prepared.path)
        extras: dict[str, Any] = {"idempotency_key": self._key} if prepared.body is not None else {}
        if prepared.query:
            extras["query_parameters"] = {name: quote(value, safe="") for name, value in prepared.query.items()}
        self._method()(*arguments, **extras)

    def _method(self) -> Any:
        """The SDK's method of the endpoint, with this exchange as its HTTP half."""
        import Adyen  # at the first call: what only receives webhooks does without it
        from Adyen import services

        own = self._endpoints
        payout = self._prepared.endpoint is Endpoint.TRANSFERS
        sdk = Adyen.AdyenClient(
            xapikey=own.transfers_api_key if payout else own.api_key,
            platform="live" if own.live else "test",
            live_endpoint_prefix=_ANY_PREFIX,
            api_checkout_version=CHECKOUT_VERSION,
        )
        self.user_agent = f"{sdk.USER_AGENT_SUFFIX}{sdk.LIB_VERSION}"
        sdk.http_client = self
        sdk.http_init = True
        apis = {
            "checkout": services.AdyenCheckoutApi,
            "disputes": services.AdyenDisputesApi,
            "transfers": services.AdyenTransfersApi,
        }
        api, _, method = self._prepared.endpoint.partition(".")
        return attrgetter(method)(apis[api](client=sdk))

    def request(
        self,
        method: str,
        url: str,
        *,
        json: Mapping[str, Any] | None = None,
        xapikey: str = "",
        headers: Mapping[str, str],
    ) -> tuple[str, None, int, dict[str, str]]:
        """What the SDK calls to send a request."""
        sent = {**headers, "x-api-key": xapikey, "accept-encoding": "identity"}
        content = None
        if json is not None:
            sent["content-type"] = "application/json"
            content = msgspec.json.encode(json)
        self.outcome = self._send(method, self._address(url), sent, content)
        return _EMPTY_SUCCESS

    def _address(self, url: str) -> str:
        if not self._endpoints.api_base:
            stand_in, prefix = f"https://{_ANY_PREFIX}-", f"https://{self._endpoints.live_prefix}-"
            return prefix + url.removeprefix(stand_in) if url.startswith(stand_in) else url
        parts = urlsplit(url)
        return f"{self._endpoints.api_base}{parts.path}{'?' if parts.query else ''}{parts.query}"

    def _send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Reply | Trouble:
        left_s = max(self._deadline_s - time.monotonic(), 0.001)
        connect_s = min(CONNECT_TIMEOUT_S, left_s)
        timeout = httpx.Timeout(left_s, connect=connect_s, pool=connect_s)
        try:
            with self._pool.http().stream(method, url, headers=headers, content=content, timeout=timeout) as response:
                body = self._read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return Trouble.NOT_SENT
        except httpx.HTTPError:
            return Trouble.LOST
        if body is None:
            return Trouble.LOST
        return Reply(
            response.status_code,
            body,
            transient=response.headers.get("transient-error", "").lower() == "true",
            retry_after_s=_seconds(response.headers.get("retry-after", "")),
        )

    def _read(self, response: httpx.Response) -> bytes | None:
        """The body; None if it is larger than it can be, or does not end in time."""
        body = bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > MAX_ANSWER_BYTES or time.monotonic() > self._deadline_s:
                return None
        return bytes(body)


def _seconds(text: str) -> float | None:
    """`Retry-After` in seconds, a minute at most; None for a date or nothing."""
    return min(float(text), _SECONDS) if text.isascii() and text.isdigit() and len(text) < 7 else None
