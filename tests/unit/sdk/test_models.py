"""The betterproto2 dataclasses read and write the same bytes as the messages."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from orchestratorx_prism import models
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED, PaymentData
from orchestratorx_prism.v1.reference_pb2 import Reference

EVENT = Event(
    id="id-1",
    type="payment.captured",
    occurred_at=Timestamp(seconds=1_769_860_800),
    references=[Reference(kind="charge", value="ch_1")],
    sequence=2**40,
    payment=PaymentData(status=PAYMENT_STATUS_CAPTURED, amount=Money(minor_units=-5, currency="USD")),
)


def test_a_messages_bytes_parse_as_a_dataclass() -> None:
    event = models.Event.parse(EVENT.SerializeToString())
    assert (event.id, event.sequence) == ("id-1", 2**40)
    assert event.payment is not None
    assert event.payment.amount == models.Money(minor_units=-5, currency="USD")
    assert event.payment.status == models.PaymentStatus.CAPTURED
    assert event.refund is None
    assert event.references[0].value == "ch_1"
    assert event.occurred_at == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_dataclass_s_bytes_parse_as_the_message() -> None:
    assert Event.FromString(bytes(models.Event.parse(EVENT.SerializeToString()))) == EVENT


def test_every_message_has_its_dataclass() -> None:
    from orchestratorx_prism.v1 import event_service_pb2, payment_service_pb2

    for module in (event_service_pb2, payment_service_pb2):
        for name in module.DESCRIPTOR.message_types_by_name:
            assert hasattr(models, name)
