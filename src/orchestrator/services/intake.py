"""From a raw webhook to verified, normalized events: which connector, which secrets, how much to believe.

Nothing is recorded here; `EventService` does that with what comes out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from connectors.spi import PLAIN_REPLY, Context, Environment, Opened, Outside, Trust, Webhook
from orchestrator.ledger.intents import Intents
from orchestrator.services.holding import hold_unconfirmed
from orchestrator.services.merchants import Desk, Merchants
from orchestratorx_prism.errors import PayloadRejected, PayloadTooLarge, ProviderUnavailable, RequestRejected
from orchestratorx_prism.event_types import UNMAPPED
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_NONE, Event, Verification
from orchestratorx_prism.v1.event_service_pb2 import Acknowledgement, HandleEventRequest, KnownRequest

MAX_UNMAPPED_BODY: Final = 64 * 1024
"""Largest body carried in `UnmappedData.body`. Bytes."""

_ANSWER_WITHIN_S: Final = 3.0
_LOOK_AGAIN_S: Final = 0.05
_NS: Final = 1_000_000_000
_PLAIN_ACKNOWLEDGEMENT: Final = Acknowledgement(status=PLAIN_REPLY.status)


class Accepted(msgspec.Struct, frozen=True):
    """A webhook that passed: what to record, and what to answer once it is recorded."""

    events: list[Event]
    verification: Verification
    acknowledgement: Acknowledgement


class Intake:
    """Verifies and normalizes. Knows what merchants are configured with, the outside halves, and what we asked."""

    def __init__(
        self,
        merchants: Merchants,
        *,
        keeps_raw: bool,
        max_body_bytes: int,
        now_ns: Callable[[], int] = time.time_ns,
        intents: Intents | None = None,
    ) -> None:
        """`intents`: what we asked of providers. None: callers bring known requests, or nobody does."""
        self._intents = intents
        self._merchants = merchants
        self._keeps_raw = keeps_raw
        self._max_body_bytes = max_body_bytes
        self._now_ns = now_ns

    async def accept(self, request: HandleEventRequest) -> Accepted:
        """Verifies and normalizes one webhook. Suspends only where the provider has to be asked.

        Raises:
            SignatureRejected: Not verified.
            PayloadRejected: Not readable.
            RequestRejected: Test money in production, an unknown merchant, or an empty field.
            ProviderUnavailable: Verification needs the provider, and it did not answer.
        """
        desk = self._merchants.desk(request)
        outside = desk.outside
        if outside is None:
            return self._accept_at(desk, request)
        webhook, context = self._read(desk, request)
        material = await outside.gather(webhook, desk.material)
        opened = desk.label.open(webhook, material, context.received_at_ns // _NS)
        known = await self._known_request(desk, opened)
        if known is not None:
            desk = replace(desk, material=replace(material, known_request=known))
            context = msgspec.structs.replace(context, known_request=known)
            opened = desk.label.open(webhook, desk.material, context.received_at_ns // _NS)
        verification = await _confirmed(desk, outside, webhook, opened)
        return self._finish(desk, webhook, context, opened, verification or opened.verification)

    async def _known_request(self, desk: Desk, opened: Opened) -> KnownRequest | None:
        """The request of ours that a callback answers, if we made it and the caller did not bring it.

        A callback may be quicker than the answer that names it: while something is being asked of the provider, it is
        looked for again for a moment. Safaricom waits about 30 seconds for our answer.
        """
        if self._intents is None or desk.label.answers is None or desk.material.known_request is not None:
            return None
        names = desk.label.answers(opened.parsed)
        merchant, connector = desk.merchant_id, desk.label.name
        give_up = time.monotonic() + _ANSWER_WITHIN_S
        while names:
            may_follow = await self._intents.under_way(merchant, connector)  # asked first: it may end meanwhile
            for name in names:
                known = await self._intents.known_request(merchant, connector, name)
                if known is not None:
                    return known
            if not may_follow or time.monotonic() >= give_up:
                return None
            await asyncio.sleep(_LOOK_AGAIN_S)
        return None

    def accept_here(self, request: HandleEventRequest) -> Accepted:
        """Like `accept`, without asking anybody outside. For tools."""
        return self._accept_at(self._merchants.desk(request), request)

    def accept_unverified(self, request: HandleEventRequest) -> Accepted:
        """Normalizes without any verification, and says so in each event. For tools; no rpc leads here."""
        desk = self._merchants.desk(request)
        webhook, context = self._read(desk, request)
        verification = Verification(method=VERIFICATION_METHOD_NONE, detail="verification was skipped; believe nothing")
        opened = Opened(desk.label.parse(webhook.body), verification)
        return self._finish(desk, webhook, context, opened, verification)

    def _accept_at(self, desk: Desk, request: HandleEventRequest) -> Accepted:
        webhook, context = self._read(desk, request)
        opened = desk.label.open(webhook, desk.material, context.received_at_ns // _NS)
        return self._finish(desk, webhook, context, opened, opened.verification)

    def _read(self, desk: Desk, request: HandleEventRequest) -> tuple[Webhook, Context]:
        body = request.payload
        if not body:
            raise PayloadRejected("the body is empty", reason="PAYLOAD_EMPTY", fix="pass the raw request body")
        if len(body) > self._max_body_bytes:
            raise PayloadTooLarge(
                f"the body has {len(body)} bytes; the limit is {self._max_body_bytes}",
                fix="raise http_max_body_bytes if the provider really sends so much",
            )
        purpose = request.purpose
        given = request.headers
        headers = {name.lower(): given[name] for name in given}  # items() of a protobuf map costs twice as much
        webhook = Webhook(body, headers, request.url_token, request.remote_address, purpose)
        context = Context(
            desk.merchant_id,
            desk.environment,
            self._now_ns(),
            desk.merchant_reference_key,
            request.correlation_id,
            request.traceparent,
            self._keeps_raw,
            purpose,
            desk.material.known_request,
        )
        return webhook, context

    def _finish(
        self, desk: Desk, webhook: Webhook, context: Context, opened: Opened, verification: Verification
    ) -> Accepted:
        events = desk.label.normalize(opened.parsed, context, webhook.body)
        for event in events:
            event.verification.CopyFrom(verification)
            if event.environment != desk.environment:
                _check_environment(desk)
            if event.type == UNMAPPED and not self._keeps_raw and len(webhook.body) <= MAX_UNMAPPED_BODY:
                event.unmapped.body = webhook.body
        if desk.requires_confirmation:
            hold_unconfirmed(events, verification)
        reply = desk.label.acknowledge(opened.parsed, context)
        if reply is PLAIN_REPLY:
            return Accepted(events, verification, _PLAIN_ACKNOWLEDGEMENT)
        return Accepted(
            events, verification, Acknowledgement(status=reply.status, headers=reply.headers, body=reply.body)
        )


async def _confirmed(desk: Desk, outside: Outside, webhook: Webhook, opened: Opened) -> Verification | None:
    """The provider's own word, if it gives one.

    Failure policy: closed. A signed webhook whose check cannot be made is refused, for the provider sends it again. An
    unsigned one may never come again: it is kept, and held back as unconfirmed.
    """
    try:
        return await outside.confirm(webhook, opened, desk.material)
    except ProviderUnavailable:
        if desk.label.trust == Trust.TRUST_QUERY_BACK:
            return None
        raise


def _check_environment(desk: Desk) -> None:
    # Failure policy: closed. Test money must never look real.
    if desk.environment == Environment.ENVIRONMENT_PRODUCTION:
        raise RequestRejected(
            "the webhook is of the provider's test environment, and this merchant's environment is PRODUCTION",
            reason="ENVIRONMENT_MISMATCH",
            fix="send test webhooks to a merchant or client whose environment is SANDBOX",
        )
