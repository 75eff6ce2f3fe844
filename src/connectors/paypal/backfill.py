"""PayPal's own list of webhook events, page by page: what it sent to this app's webhooks, or tried to.

Source: PayPal docs, "Webhooks Management API", "List event notifications": start_time and end_time, both included,
going back 30 days; more pages by the link "next". An event has the same id there as in its webhook.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from connectors.paypal.endpoints import read_endpoints
from connectors.paypal.exchange import Exchange, problem_of
from connectors.paypal.issues import Problem
from connectors.paypal.request import get
from connectors.paypal.session import Session
from connectors.spi import Environment
from connectors.spi.operations import details_of
from connectors.spi.reconciling import Page, Window
from orchestratorx_prism.errors import OutcomeUnknown, ProviderRefused, ProviderUnavailable, SettingsRejected
from orchestratorx_prism.v1.error_pb2 import FAILURE_CATEGORY_INVALID_REQUEST, Failure

PATH: Final = "/v1/notifications/webhooks-events"
PAGE: Final = 20
"""Events a page. With their resources they stay far below what the session takes as one answer."""


class _Link(msgspec.Struct):
    href: str = ""
    rel: str = ""


class _List(msgspec.Struct):
    events: list[msgspec.Raw] | None = None
    count: int | None = None
    links: list[_Link] = msgspec.field(default_factory=list)


_LIST: Final = msgspec.json.Decoder(_List)


def make_backfill(config: Mapping[str, str], environment: Environment.ValueType) -> PayPalBackfill:
    """The list of one app's webhook events.

    Raises:
        SettingsRejected: A credential is missing, or an address that credentials may not go to.
    """
    endpoints = read_endpoints(config, environment)
    if not endpoints.client_id:
        raise SettingsRejected(
            "PayPal's API credentials are missing",
            fix="set PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET: Developer Dashboard > Apps & Credentials > your app",
        )
    return PayPalBackfill(Session(endpoints))


class PayPalBackfill:
    """See `reconciling.Backfill`."""

    account = ""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def page(self, window: Window, cursor: str, *, timeout_s: float) -> Page:
        """One page. The cursor is the query of PayPal's own link to it."""
        first = {"page_size": PAGE, "start_time": _time(window.since_s), "end_time": _time(window.until_s)}
        query = cursor or urlencode(first)
        try:
            reply = await Exchange(self._session, timeout_s).ask(get(f"{PATH}?{query}"))
        except OutcomeUnknown as error:  # never of a question
            raise ProviderUnavailable("PayPal did not answer") from error
        if reply.status >= 400:
            raise _refused(reply.status, problem_of(reply))
        try:
            listed = _LIST.decode(reply.body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise ProviderUnavailable("PayPal's list of events cannot be read") from error
        if listed.events is None and listed.count is None:
            # Failure policy: closed. An answer that is no list must not pass for an empty one.
            raise ProviderUnavailable("PayPal answered its list of events with something else")
        events = listed.events or []
        following = next((link.href for link in listed.links if link.rel == "next"), "")
        # Only its query: where we send credentials is not for an answer to say.
        after = urlsplit(following).query if events else ""
        return Page([bytes(one) for one in events], after)

    async def aclose(self) -> None:
        """Closes connections."""
        await self._session.aclose()


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refused(status: int, problem: Problem) -> ProviderRefused:
    failure = Failure(
        code="list_refused", category=FAILURE_CATEGORY_INVALID_REQUEST, provider_code=problem.code or str(status)
    )
    return ProviderRefused(
        f"PayPal refused its list of events (HTTP {status}, {problem.code or 'no code'})",
        fix="check the app's permissions; the list goes back 30 days",
        metadata=details_of(failure),
    )
