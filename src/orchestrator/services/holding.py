"""Successes that nobody but an unsigned callback has claimed: kept and published as pending until confirmed.

Source: M-Pesa callbacks are unsigned; "crediting from the callback alone" is the classic loss.
"""

from __future__ import annotations

from collections.abc import Iterable

from connectors.spi.building import event_id
from orchestratorx_prism.v1.event_data_pb2 import PAYOUT_STATUS_PENDING
from orchestratorx_prism.v1.event_pb2 import (
    VERIFICATION_METHOD_KNOWN_REQUEST,
    VERIFICATION_METHOD_OWN_CALL,
    VERIFICATION_METHOD_PROVIDER_CALL,
    VERIFICATION_METHOD_QUERY_BACK,
    Event,
    Verification,
)
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_PENDING
from orchestratorx_prism.v1.refund_pb2 import REFUND_STATUS_PENDING

HELD = "awaiting_confirmation"

CONFIRMED_BY = frozenset(
    {
        VERIFICATION_METHOD_KNOWN_REQUEST,
        VERIFICATION_METHOD_PROVIDER_CALL,
        VERIFICATION_METHOD_QUERY_BACK,
        VERIFICATION_METHOD_OWN_CALL,
    }
)

HELD_AS: dict[str, str] = {
    "payment.authorized": "payment.pending",
    "payment.partially_captured": "payment.pending",
    "payment.captured": "payment.pending",
    "refund.succeeded": "refund.pending",
    "payout.succeeded": "payout.pending",
}
"""What moves money → what it is held as."""


def hold_unconfirmed(events: Iterable[Event], verification: Verification) -> None:
    """Turns unconfirmed successes into pending, in place. Failures and everything else pass as they are.

    A held event has an id of its own, so that the confirmed one is not taken for its duplicate.
    """
    if verification.method in CONFIRMED_BY:
        return
    for event in events:
        held_type = HELD_AS.get(event.type)
        if held_type is None:
            continue
        event.id = event_id(
            event.connector, event.merchant_id, event.account, event.environment, f"{HELD}\x1f{event.id}"
        )
        event.type = held_type
        _hold_data(event)


def _hold_data(event: Event) -> None:
    match event.WhichOneof("data"):
        case "payment":
            event.payment.status = PAYMENT_STATUS_PENDING
            event.payment.held_reason = HELD
            for total in ("authorized", "captured", "refunded"):
                event.payment.ClearField(total)
        case "refund":
            event.refund.status = REFUND_STATUS_PENDING
            event.refund.ClearField("refunded")
        case "payout":
            event.payout.status = PAYOUT_STATUS_PENDING
