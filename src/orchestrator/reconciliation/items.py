"""From a fetched body to events: the webhook's own codec, and what only reconciliation knows. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from connectors.spi import Context, Environment, Label
from connectors.spi.building import new_event, raw_of
from orchestrator.services.intake import MAX_UNMAPPED_BODY
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.event_types import UNMAPPED
from orchestratorx_prism.v1.event_pb2 import CAUSE_RECONCILIATION, VERIFICATION_METHOD_OWN_CALL, Event, Verification
from orchestratorx_prism.v1.payment_pb2 import Payment

LISTED: Final = Verification(
    method=VERIFICATION_METHOD_OWN_CALL, detail="fetched by us from the provider's own list of what it sent or booked"
)


@dataclass(frozen=True, slots=True)
class Item:
    """One of the list, read."""

    body: bytes = field(repr=False)
    events: list[Event]

    @property
    def happened(self) -> tuple[int, int]:
        """Seconds and nanoseconds."""
        first = self.events[0].occurred_at
        return first.seconds, first.nanos


def read_item(label: Label, context: Context, account: str, body: bytes) -> Item:
    """The events of one body, with the ids that its webhook's have.

    Args:
        account: Whose list it is. It is no part of the ids, for a body that does not name it has none in them.

    Raises:
        PayloadRejected: It cannot be read.
        RequestRejected: Test money in production.
    """
    events = label.normalize(label.parse(body), context, body)
    for event in events:
        if context.environment == Environment.ENVIRONMENT_PRODUCTION != event.environment:
            # Failure policy: closed. Test money must never look real.
            raise RequestRejected("an item of the test environment in production's list", reason="ENVIRONMENT_MISMATCH")
        event.cause = CAUSE_RECONCILIATION
        event.verification.CopyFrom(LISTED)
        if account and not event.account:
            event.account = account
        if event.type == UNMAPPED and not context.keep_raw and len(body) <= MAX_UNMAPPED_BODY:
            event.unmapped.body = body
    return Item(body, events)


def belongs_to(event: Event, payment: Payment) -> None:
    """Gives the event, in place, the names of the payment that it turned out to be of."""
    for reference in payment.references:
        event.references.add(kind=reference.kind, value=reference.value)
    event.connector_transaction_id = event.payment.connector_transaction_id = payment.connector_transaction_id
    event.merchant_transaction_id = event.payment.merchant_transaction_id = payment.merchant_transaction_id


def anomaly(context: Context, payment: Payment, word: str, about: str) -> Event:
    """`payment.anomaly`: the same event however often it is found. `about`: what of the payment it is about."""
    event = new_event(
        context,
        raw_of(b"", context),
        connector=payment.connector,
        type="payment.anomaly",
        dedup_key=f"reconciliation:{word}:{about}",
        account=payment.account,
        references=payment.references,
        merchant_transaction_id=payment.merchant_transaction_id,
        connector_transaction_id=payment.connector_transaction_id,
    )
    event.payment.anomaly = word
    event.payment.merchant_transaction_id = payment.merchant_transaction_id
    event.payment.connector_transaction_id = payment.connector_transaction_id
    event.cause = CAUSE_RECONCILIATION
    event.verification.CopyFrom(LISTED)
    return event
