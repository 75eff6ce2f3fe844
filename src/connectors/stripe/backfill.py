"""Stripe's own list of events, page by page: what its webhooks told, or should have.

Source: Stripe API reference, "List all events": going back up to 30 days, newest first, by `created` and
`starting_after`. An event has the same id there as in its webhook, so what was recorded already is not recorded again;
it is rendered in the API version of its time, which the codec reads like any other.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

import msgspec

from connectors.spi import Environment
from connectors.spi.reconciling import Page, Window
from connectors.stripe.asking import get
from connectors.stripe.client import StripeTransport, transport_for
from connectors.stripe.refusals import refused
from connectors.stripe.repeating import Sending
from orchestratorx_prism.errors import OutcomeUnknown, ProviderUnavailable

PAGE: Final = 100
"""The most that Stripe lists at once."""


class _List(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool


class _Listed(msgspec.Struct):
    id: str


_LIST: Final = msgspec.json.Decoder(_List)
_LISTED: Final = msgspec.json.Decoder(_Listed)


def make_backfill(config: Mapping[str, str], environment: Environment.ValueType) -> StripeBackfill:
    """The list of one merchant's events.

    Raises:
        SettingsRejected: No key, a key of the other environment, or STRIPE_API_BASE is neither https nor this machine.
    """
    return StripeBackfill(transport_for(config, environment))


class StripeBackfill:
    """See `reconciling.Backfill`."""

    account = ""

    def __init__(self, transport: StripeTransport) -> None:
        self._transport = transport

    async def page(self, window: Window, cursor: str, *, timeout_s: float) -> Page:
        """One page, newest first. The cursor is the id of the last event before it."""
        after = {"starting_after": cursor} if cursor else {}
        created = {"gte": window.since_s, "lt": window.until_s}
        sending = Sending(self._transport, timeout_s, random.random)
        try:
            reply = await sending.definite(get("/v1/events", created=created, limit=PAGE, **after))
        except OutcomeUnknown as error:  # never of a question
            raise ProviderUnavailable("Stripe did not answer") from error
        if not 200 <= reply.status < 300:
            raise refused(reply)
        try:
            listed = _LIST.decode(reply.body)
            last = _LISTED.decode(listed.data[-1]).id if listed.has_more and listed.data else ""
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise ProviderUnavailable("Stripe's list of events cannot be read") from error
        return Page([bytes(one) for one in listed.data], last)

    async def aclose(self) -> None:
        """Closes connections."""
        await self._transport.aclose()
