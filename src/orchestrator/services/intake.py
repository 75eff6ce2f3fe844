"""From a raw webhook to verified, normalized events: which connector, which secrets, how much to believe.

Nothing is recorded here; `EventService` does that with what comes out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from connectors.spi import Context, Environment, Label, Material, Opened, Outside, Trust, Webhook
from orchestrator.plugins import connector_named
from orchestrator.services.holding import hold_unconfirmed
from orchestrator.services.merchants import Merchants
from orchestratorx_prism.errors import PayloadRejected, ProviderUnavailable, RequestRejected
from orchestratorx_prism.event_types import UNMAPPED
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_NONE, Event, Verification
from orchestratorx_prism.v1.event_service_pb2 import Acknowledgement, HandleEventRequest

MAX_UNMAPPED_BODY = 64 * 1024
"""Largest body carried in `UnmappedData.body`. Bytes."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A webhook that passed: what to record, and what to answer once it is recorded."""

    events: list[Event]
    verification: Verification
    acknowledgement: Acknowledgement


class Intake:
    """Verifies and normalizes. Holds per-merchant material and the connectors' outside halves; no ledger."""

    def __init__(
        self,
        merchants: Merchants,
        *,
        keeps_raw: bool,
        max_body_bytes: int,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._merchants = merchants
        self._keeps_raw = keeps_raw
        self._max_body_bytes = max_body_bytes
        self._now_ns = now_ns

    def needs_outside(self, request: HandleEventRequest) -> bool:
        """Whether accepting this webhook may have to ask the provider."""
        return connector_named(request.connector).make_outside is not None

    def accept_here(self, request: HandleEventRequest) -> Accepted:
        """Like `accept`, for connectors that need nothing from outside."""
        label, webhook, material, context = self._read(request)
        opened = label.open(webhook, material, context.received_at_ns // 1_000_000_000)
        return self._finish(label, webhook, context, opened, opened.verification)

    async def accept(self, request: HandleEventRequest) -> Accepted:
        """Verifies and normalizes one webhook.

        Raises:
            SignatureRejected: Not verified.
            PayloadRejected: Not readable.
            RequestRejected: Test money in production, an unknown merchant, or an empty field.
            ProviderUnavailable: Verification needs the provider, and it did not answer.
        """
        label, webhook, material, context = self._read(request)
        outside = self._merchants.outside(label, context.merchant_id)
        if outside is not None:
            material = await outside.gather(webhook, material)
        opened = label.open(webhook, material, context.received_at_ns // 1_000_000_000)
        verification = opened.verification
        if outside is not None:
            verification = await self._confirmed(label, outside, webhook, opened, material) or verification
        return self._finish(label, webhook, context, opened, verification)

    def accept_unverified(self, request: HandleEventRequest) -> Accepted:
        """Normalizes without any verification, and says so in each event. For tools; no rpc leads here."""
        label, webhook, _, context = self._read(request)
        verification = Verification(method=VERIFICATION_METHOD_NONE, detail="verification was skipped; believe nothing")
        opened = Opened(label.parse(webhook.body), verification)
        return self._finish(label, webhook, context, opened, verification)

    async def _confirmed(
        self, label: Label, outside: Outside, webhook: Webhook, opened: Opened, material: Material
    ) -> Verification | None:
        """The provider's own word, if it gives one.

        Failure policy: closed. A signed webhook whose check cannot be made is refused, for the provider sends it again.
        An unsigned one may never come again: it is kept, and held back as unconfirmed.
        """
        try:
            return await outside.confirm(webhook, opened, material)
        except ProviderUnavailable:
            if label.trust == Trust.TRUST_QUERY_BACK:
                return None
            raise

    def _read(self, request: HandleEventRequest) -> tuple[Label, Webhook, Material, Context]:
        label = connector_named(request.connector)
        body = request.payload
        if not body:
            raise PayloadRejected("the body is empty", reason="PAYLOAD_EMPTY", fix="pass the raw request body")
        self._merchants.check_size(len(body), self._max_body_bytes)
        desk = self._merchants.desk(label, request)
        webhook = Webhook(
            body,
            {name.lower(): value for name, value in request.headers.items()},
            request.url_token,
            request.remote_address,
            request.purpose,
        )
        context = Context(
            merchant_id=desk.merchant_id,
            environment=desk.environment,
            received_at_ns=self._now_ns(),
            merchant_reference_key=desk.merchant_reference_key,
            correlation_id=request.correlation_id,
            traceparent=request.traceparent,
            keep_raw=self._keeps_raw,
            purpose=request.purpose,
            known_request=desk.material.known_request,
        )
        return label, webhook, desk.material, context

    def _finish(
        self, label: Label, webhook: Webhook, context: Context, opened: Opened, verification: Verification
    ) -> Accepted:
        events = label.normalize(opened.parsed, context, webhook.body)
        for event in events:
            event.verification.CopyFrom(verification)
            if event.environment != context.environment:
                _check_environment(event, context)
            if event.type == UNMAPPED and not self._keeps_raw and len(webhook.body) <= MAX_UNMAPPED_BODY:
                event.unmapped.body = webhook.body
        if self._merchants.requires_confirmation(label, context.merchant_id):
            hold_unconfirmed(events, verification)
        reply = label.acknowledge(opened.parsed, context)
        acknowledgement = Acknowledgement(status=reply.status, headers=reply.headers, body=reply.body)
        return Accepted(events, verification, acknowledgement)


def _check_environment(event: Event, context: Context) -> None:
    # Failure policy: closed. Test money must never look real.
    if context.environment == Environment.ENVIRONMENT_PRODUCTION:
        raise RequestRejected(
            "the webhook is of the provider's test environment, and this merchant's environment is PRODUCTION",
            reason="ENVIRONMENT_MISMATCH",
            fix="send test webhooks to a merchant or client whose environment is SANDBOX",
        )
