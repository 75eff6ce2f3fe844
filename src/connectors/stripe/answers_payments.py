"""What Stripe's answers about payments, refunds, payouts and disputes mean. Pure.

An answer is read as the webhook that would tell the same, by the same code: so both say the same of one fact, and who
hears of it twice counts it once. `answers_other.py` has what the ledger does not keep; `answers.py` the table of both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from connectors.spi import Capability
from connectors.spi.building import raw_of
from connectors.spi.decoding import decode
from connectors.spi.operations import Answer, Call
from connectors.stripe import charges, disputes, payments, payouts, refunds
from connectors.stripe.amounts import stripe_amount
from connectors.stripe.envelope import Arrival, Data, Envelope
from connectors.stripe.refusals import Reply, error_of, failure_in, refused, safe
from connectors.stripe.requests import operation_of
from orchestratorx_prism.errors import OutcomeUnknown
from orchestratorx_prism.event_types import UNMAPPED
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money

C = Capability
API_VERSION: Final = "2026-10-28.endive"
"""The version that requests name, and that this mapping is written for."""


class Charged(msgspec.Struct, gc=False):
    """An expanded `latest_charge`, or a charge itself."""

    id: str = ""
    created: int | None = None
    refunds: Any = None


class Thing(msgspec.Struct, gc=False):
    """Any object of Stripe's: what decides how it is read."""

    id: str = ""
    object: str = ""
    created: int | None = None
    livemode: bool | None = None
    status: str | None = None
    amount: int | None = None
    amount_capturable: int | None = None
    amount_received: int | None = None
    amount_captured: int | None = None
    amount_refunded: int | None = None
    canceled_at: int | None = None
    latest_charge: Charged | str | None = None
    last_payment_error: Any = None
    refunds: Any = None


THING: Final = msgspec.json.Decoder(Thing)

# Source: Stripe docs, "How PaymentIntents work": statuses, and which event tells of each.
INTENT_AS: Final[dict[str, str]] = {
    "requires_payment_method": "payment_intent.created",
    "requires_confirmation": "payment_intent.created",
    "requires_action": "payment_intent.requires_action",
    "processing": "payment_intent.processing",
    "requires_capture": "payment_intent.amount_capturable_updated",
    "succeeded": "payment_intent.succeeded",
    "canceled": "payment_intent.canceled",
}
"""A PaymentIntent's status → the webhook that tells it. After a failed attempt the first is a failure."""
PAYMENT_FAILED: Final = "payment_intent.payment_failed"


def api_key(call: Call) -> str:
    """What the events of a call's answer are unique by."""
    return f"api:{call.key}"


def event_of(
    call: Call,
    reply: Reply,
    build: Callable[[Arrival], Event],
    provider_type: str,
    key: str,
    *,
    part: bytes = b"",
    occurred_s: int | None = None,
    previous: dict[str, Any] | None = None,
) -> Event:
    """Reads the answer, or `part` of it, as the webhook `provider_type`.

    Args:
        occurred_s: When it happened, says Stripe; None: when the answer came.
        previous: As `previous_attributes`: what the payment was before the call, as far as we know.
    """
    data = Data(msgspec.Raw(part or reply.body))
    if previous is not None:
        data.previous_attributes = msgspec.Raw(msgspec.json.encode(previous))
    thing = decode(THING, part or reply.body)
    envelope = Envelope(
        id=key,
        api_version=API_VERSION,
        created=occurred_s,
        data=data,
        livemode=thing.livemode,
        type=provider_type,
    )
    event = build(Arrival(envelope, call.context, raw_of(reply.body, call.context)))
    if event.type == UNMAPPED:
        raise OutcomeUnknown(f"Stripe answered with a status that is not known: {safe(thing.status)[:40]}")
    # There is no event of Stripe's behind it.
    event.provider_event_id = ""
    event.provider_event_type = ""
    event.idempotency_key = call.key
    return event


def _intent(call: Call, reply: Reply, key: str, part: bytes = b"") -> Event:
    """A PaymentIntent, as it is after the call."""
    thing = decode(THING, part or reply.body)
    if thing.status not in INTENT_AS:
        raise OutcomeUnknown(f"Stripe answered with a status that is not known: {safe(thing.status)[:40]}")
    provider_type = INTENT_AS[thing.status]
    if thing.status == "requires_payment_method" and thing.last_payment_error is not None:
        provider_type = PAYMENT_FAILED
    return event_of(
        call,
        reply,
        payments.payment_intent,
        provider_type,
        key,
        part=part,
        occurred_s=_occurred(operation_of(call), thing),
        previous=_previous(call, thing),
    )


def _occurred(operation: Capability, thing: Thing) -> int | None:
    if thing.canceled_at is not None:
        return thing.canceled_at
    charge = thing.latest_charge
    charged_s = charge.created if isinstance(charge, Charged) else None
    if operation in {C.AUTHORIZE, C.CHARGE_MANDATE}:
        return charged_s or thing.created
    return charged_s if operation != C.INCREMENT_AUTHORIZATION and thing.status == "succeeded" else None


def _previous(call: Call, thing: Thing) -> dict[str, Any] | None:
    """What is known of the payment before a capture or an increment: the answer states totals only."""
    payment, operation = call.payment, operation_of(call)
    if payment is None or thing.status != "requires_capture":
        return None
    if operation == C.CAPTURE:
        return {"amount_received": _theirs(payment.captured)}
    if operation == C.INCREMENT_AUTHORIZATION:
        return {"amount_capturable": _theirs(payment.authorized) - _theirs(payment.captured)}
    return None


def _theirs(given: Money) -> int:
    return stripe_amount(given.minor_units, given.currency) if given.currency else 0


def declined(call: Call, reply: Reply) -> Answer:
    """A refusal by the issuer: the PaymentIntent inside the error says what failed."""
    error = error_of(reply)
    part = bytes(error.payment_intent)
    if not part or part == b"null":
        raise refused(reply)
    thing = decode(THING, part)
    key = api_key(call)
    event = event_of(
        call, reply, payments.payment_intent, PAYMENT_FAILED, key, part=part, occurred_s=_occurred(C.AUTHORIZE, thing)
    )
    if not event.payment.HasField("failure"):
        event.payment.failure.CopyFrom(failure_in(reply, error))
    return Answer(events=(event,), body=reply.body)


Said = dict[str, Any]
"""Fields of an Answer."""


def payment(call: Call, reply: Reply, key: str) -> Said:
    """A PaymentIntent."""
    event = _intent(call, reply, key)
    action = event.payment.next_action if event.payment.HasField("next_action") else None
    return {"events": (event,), "next_action": action}


def refreshed(call: Call, reply: Reply, _key: str) -> Said:
    """A PaymentIntent or a charge as it stands now, and its refunds. The same state asked twice is one event."""
    thing = decode(THING, reply.body)
    charge = thing.latest_charge
    state = (
        thing.id,
        thing.status,
        thing.amount,
        thing.amount_capturable,
        thing.amount_received,
        thing.amount_captured,
        thing.amount_refunded,
        charge.id if isinstance(charge, Charged) else charge,
    )
    key = "poll:" + ":".join("" if one is None else str(one) for one in state)
    if thing.object == "charge":
        event = event_of(call, reply, charges.charge, "charge.updated", key, occurred_s=thing.created)
        listed = thing.refunds
    else:
        event = _intent(call, reply, key)
        listed = charge.refunds if isinstance(charge, Charged) else None
    action = event.payment.next_action if event.payment.HasField("next_action") else None
    return {"events": (event, *_refunds(call, reply, listed)), "next_action": action}


def _refunds(call: Call, reply: Reply, listed: Any) -> list[Event]:
    """The refunds that the charge lists: the newest ten."""
    found = listed.get("data") if isinstance(listed, dict) else None
    events = []
    for one in found if isinstance(found, list) else []:
        part = msgspec.json.encode(one)
        thing = decode(THING, part)
        key = f"poll:{thing.id}:{thing.status}:{thing.amount}"
        events.append(event_of(call, reply, refunds.refund, "refund.updated", key, part=part, occurred_s=thing.created))
    # A failed refund of an authorization that ran out tells of the payment, which the PaymentIntent has told already.
    return [event for event in events if event.WhichOneof("data") == "refund"]


def refund(call: Call, reply: Reply, key: str) -> Said:
    thing = decode(THING, reply.body)
    event = event_of(call, reply, refunds.refund, "refund.updated", key, occurred_s=thing.created)
    return {"events": (event,)}


def payout(call: Call, reply: Reply, key: str) -> Said:
    """A payout to the bank, or a transfer to a connected account."""
    thing = decode(THING, reply.body)
    if thing.object == "transfer":
        event = event_of(call, reply, payouts.transfer, "transfer.created", key, occurred_s=thing.created)
    else:
        told = "payout.created" if thing.status == "pending" else "payout.updated"
        event = event_of(call, reply, payouts.payout, told, key, occurred_s=thing.created)
    return {"events": (event,)}


def dispute(call: Call, reply: Reply, key: str) -> Said:
    return {"events": (event_of(call, reply, disputes.dispute, "charge.dispute.updated", key),)}
