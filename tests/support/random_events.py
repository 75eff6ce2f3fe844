"""Events with random content of every type, as the relay could publish them. Seeded: a seed makes the same event."""

from __future__ import annotations

import random
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from connectors.spi.building import SCHEMA_VERSION
from orchestratorx_prism.envelopes.payment_requests import TRANSITIONS
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1 import event_data_pb2 as pb
from orchestratorx_prism.v1.event_data_pb2 import PayoutData
from orchestratorx_prism.v1.event_pb2 import Event

_WORDS = [
    "",
    "a",
    "order-1",
    "ein Wort",
    "«ünïcödé»",
    "日本語",
    '"quoted" \\ back',
    "{brace} <tag> %25",
    "x" * 300,
    "\t\n",
]
_CURRENCIES = ["USD", "JPY", "KWD", "KES", "EUR", "ISK"]
_INTEGERS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799
"""0001-01-01 and 9999-12-31."""


def random_event(type_: str, seed: int) -> Event:
    """An event of the type: what is needed for publishing is there, everything else is random, also in being there."""
    dice = random.Random(f"{type_}/{seed}")
    event = Event()
    members = {field.name for field in Event.DESCRIPTOR.oneofs_by_name["data"].fields}
    _fill(event, dice, leave_out=members)
    data = getattr(event, DATA_MEMBER[type_])
    data.SetInParent()
    _fill(data, dice, leave_out=set())
    event.id = event.id or "event-1"
    event.type = type_
    event.schema_version = SCHEMA_VERSION
    event.connector = dice.choice(["stripe", "adyen", "paypal", "mpesa", "acme & söhne"])
    event.merchant_id = dice.choice(["default", "café / 1"])
    event.payment_id = dice.choice(["", "pay_1"]) if type_.partition(".")[0] not in _OF_PAYMENTS else "pay_1"
    if type_.startswith("payout."):
        _settle_request(event.payout, dice)
    event.sequence = abs(event.sequence) if event.sequence > -(2**63) else 1
    return event


_OF_PAYMENTS = {"payment", "refund", "dispute"}


def _settle_request(payout: PayoutData, dice: random.Random) -> None:
    """As the ledger settles what is told of a payment request: by the transitions only, of payouts that it knows."""
    before = dice.choice([pb.PAYMENT_REQUEST_STATUS_UNSPECIFIED, *TRANSITIONS])
    first = [pb.PAYMENT_REQUEST_STATUS_SUBMISSION_FAILED, pb.PAYMENT_REQUEST_STATUS_SUBMITTED]
    following = [before, *TRANSITIONS[before]] if before else [*first, *TRANSITIONS[first[1]]]
    payout.payout_id = "pyo_1"
    payout.request_status_before, payout.request_status = before, dice.choice(following)  # type: ignore[assignment]


def _fill(message: Message, dice: random.Random, *, leave_out: set[str]) -> None:
    descriptor: Descriptor = message.DESCRIPTOR  # type: ignore[assignment]
    for field in descriptor.fields:
        if field.name in leave_out:
            continue
        if field.is_repeated:
            for _ in range(dice.randrange(3)):
                _fill(getattr(message, field.name).add(), dice, leave_out=set())
        elif field.message_type is not None:
            if dice.random() < 0.6:
                _fill_one(getattr(message, field.name), dice)
        else:
            setattr(message, field.name, _value(field, dice))


def _fill_one(inner: Any, dice: random.Random) -> None:
    inner.SetInParent()
    if inner.DESCRIPTOR.full_name == "google.protobuf.Timestamp":
        inner.seconds = dice.choice([_FIRST_S, _LAST_S, dice.randint(_FIRST_S, _LAST_S)])
        inner.nanos = dice.choice([0, 250_000_000, 250_001_000, 1, 999_999_999])
    else:
        _fill(inner, dice, leave_out=set())


def _value(field: FieldDescriptor, dice: random.Random) -> Any:
    name = f"{field.containing_type.name}.{field.name}"  # type: ignore[union-attr]
    special = {
        "Money.currency": lambda: dice.choice(_CURRENCIES),
        "PaymentMethodDetails.last4": lambda: dice.choice(["", "4242"]),
        "PaymentMethodDetails.expiry_month": lambda: dice.randrange(13),
        "PaymentMethodDetails.expiry_year": lambda: dice.choice([0, 2030]),
        "Raw.sha256": lambda: dice.randbytes(32),
    }.get(name)
    if special is not None:
        return special()
    if field.enum_type is not None:
        return dice.choice([value.number for value in field.enum_type.values])
    if field.type in _INTEGERS:
        least, most = _INTEGERS[field.type]
        return dice.choice([0, least, most, dice.randint(least, most)])
    if field.type == FieldDescriptor.TYPE_BOOL:
        return dice.random() < 0.5
    if field.type == FieldDescriptor.TYPE_BYTES:
        return dice.randbytes(dice.randrange(50))
    return dice.choice(_WORDS)
