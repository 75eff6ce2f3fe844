"""Events for tests of the ledger, built in one line each; and stories: facts of one payment, in true order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.spi.building import event_id
from orchestrator.ledger.projection.payment_axis import MEANINGS
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.event_pb2 import CAUSE_POLL, CAUSE_WEBHOOK, Event
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PaymentStatus

NOON_S = 1_767_268_800
"""2026-01-01T12:00:00Z."""


def money(minor: int, currency: str = "USD") -> Money:
    return Money(minor_units=minor, currency=currency)


def make(
    type: str,
    key: str,
    *,
    at: float = 0,
    refs: tuple[str, ...] = ("pi_1",),
    connector: str = "stripe",
    merchant: str = "default",
    account: str = "",
    reference: str = "",
    transaction: str = "",
    environment: Environment.ValueType = Environment.ENVIRONMENT_SANDBOX,
    cause: int = CAUSE_WEBHOOK,
    received: float | None = None,
    **data: Any,
) -> Event:
    """One event. `key` makes its id, `at` is in seconds after noon, `data` fills the type's own message."""
    happened = Timestamp()
    happened.FromMicroseconds(int((NOON_S + at) * 1_000_000))
    arrived = Timestamp()
    arrived.FromMicroseconds(int((NOON_S + (at if received is None else received)) * 1_000_000))
    event = Event(
        id=event_id(connector, merchant, account, environment, key),
        type=type,
        schema_version=1,
        connector=connector,
        environment=environment,
        merchant_id=merchant,
        account=account,
        provider_event_id=key,
        provider_event_type=type,
        occurred_at=happened,
        received_at=arrived,
        merchant_transaction_id=reference,
        connector_transaction_id=transaction,
        cause=cause,
    )
    for value in refs:
        event.references.add(kind=value.partition("_")[0], value=value)
    member = getattr(event, DATA_MEMBER[type])
    member.SetInParent()
    for name, value in data.items():
        if isinstance(value, Money | Timestamp) or hasattr(value, "DESCRIPTOR"):
            getattr(member, name).CopyFrom(value)
        elif isinstance(value, dict):
            submessage = getattr(member, name)
            for field, content in value.items():
                setattr(submessage, field, content)
        else:
            setattr(member, name, value)
    return event


@dataclass(frozen=True)
class Story:
    """What happened to one payment, and where it must stand in the end, in whatever order that is told."""

    name: str
    facts: Callable[[str], list[Event]]
    """Given a text that makes all ids its own."""
    status: str
    captured: int | None = None
    refunded: int | None = None
    authorized: int | None = None
    anomalies: tuple[str, ...] = ()
    disputed: bool = False
    meets_late: bool = False
    """Whether some order makes two payments of it first."""


def _pay(p: str) -> tuple[str, ...]:
    return (f"pi_{p}",)


STORIES = (
    Story(
        "paid, seen by intent and charge, half refunded, seen by charge and refund",
        lambda p: [
            make("payment.created", f"{p}1", at=0, refs=_pay(p), amount=money(1000), reference=f"order {p}"),
            make(
                "payment.captured",
                f"{p}2",
                at=1,
                refs=(f"pi_{p}", f"ch_{p}"),
                amount=money(1000),
                captured=money(1000),
                operation_id=f"ch_{p}",
                final_capture=True,
            ),
            make(
                "payment.captured",
                f"{p}3",
                at=2,
                refs=(f"ch_{p}",),
                amount=money(1000),
                captured=money(1000),
                operation_id=f"ch_{p}",
                final_capture=True,
            ),
            make("refund.succeeded", f"{p}4", at=3, refs=(f"ch_{p}",), refunded=money(500)),
            make("refund.succeeded", f"{p}5", at=3, refs=_pay(p), amount=money(500), connector_refund_id=f"re_{p}"),
        ],
        "captured",
        captured=1000,
        refunded=500,
        meets_late=True,
    ),
    Story(
        "declined, then paid with another card",
        lambda p: [
            make("payment.created", f"{p}1", at=0, refs=_pay(p), amount=money(4250)),
            make("payment.failed", f"{p}2", at=1, refs=_pay(p), amount=money(4250), failure={"code": "card_declined"}),
            make("payment.action_required", f"{p}3", at=2, refs=_pay(p), amount=money(4250)),
            make("payment.captured", f"{p}4", at=3, refs=_pay(p), amount=money(4250), operation_id="c1"),
        ],
        "captured",
        captured=4250,
    ),
    Story(
        "authorized, captured in two parts, the second failed, the refund failed too",
        lambda p: [
            make("payment.authorized", f"{p}1", at=0, refs=_pay(p), amount=money(1000)),
            make("payment.captured", f"{p}2", at=1, refs=_pay(p), amount=money(400), operation_id="c1"),
            make("payment.captured", f"{p}3", at=2, refs=_pay(p), amount=money(600), operation_id="c2"),
            make("payment.capture_failed", f"{p}4", at=3, refs=_pay(p), amount=money(600), operation_id="c2"),
            make("refund.succeeded", f"{p}5", at=4, refs=_pay(p), amount=money(100), connector_refund_id=f"r_{p}"),
            make("refund.failed", f"{p}6", at=5, refs=_pay(p), amount=money(100), connector_refund_id=f"r_{p}"),
        ],
        "partially_captured",
        authorized=1000,
        captured=400,
        refunded=0,
    ),
    Story(
        "reserved more, taken in part, the rest released",
        lambda p: [
            make("payment.authorized", f"{p}1", at=0, refs=_pay(p), amount=money(1000)),
            make("payment.authorization_adjusted", f"{p}2", at=1, refs=_pay(p), authorized=money(1500)),
            make("payment.partially_captured", f"{p}3", at=2, refs=_pay(p), amount=money(1200), operation_id="c1"),
            make("payment.voided", f"{p}4", at=3, refs=_pay(p), amount=money(300)),
        ],
        "captured",
        authorized=1500,
        captured=1200,
    ),
    Story(
        "released, and captured all the same",
        lambda p: [
            make("payment.authorized", f"{p}1", at=0, refs=_pay(p), amount=money(1000)),
            make("payment.voided", f"{p}2", at=5, refs=_pay(p), amount=money(1000)),
            make("payment.captured", f"{p}3", at=9, refs=_pay(p), amount=money(1000), operation_id="c1"),
        ],
        "captured",
        authorized=1000,
        captured=1000,
        anomalies=("CAPTURED_AFTER_VOIDED",),
    ),
    Story(
        "answer lost, then found",
        lambda p: [
            make("payment.pending", f"{p}1", at=0, refs=_pay(p), amount=money(300, "KES"), connector="mpesa"),
            make("payment.unknown", f"{p}2", at=2.4, refs=_pay(p), amount=money(300, "KES"), connector="mpesa"),
            make(
                "payment.reconciled",
                f"{p}3",
                at=60,
                refs=_pay(p),
                connector="mpesa",
                amount=money(300, "KES"),
                status=PaymentStatus.PAYMENT_STATUS_CAPTURED,
                operation_id=f"receipt{p}",
                cause=CAUSE_POLL,
            ),
        ],
        "captured",
        captured=300,
    ),
    Story(
        "disputed by names that only meet in the end",
        lambda p: [
            make("dispute.opened", f"{p}1", at=10, refs=(f"ch_{p}",), amount=money(700), connector_dispute_id=f"d_{p}"),
            make("dispute.won", f"{p}2", at=20, refs=(), amount=money(700), connector_dispute_id=f"d_{p}"),
            make("refund.pending", f"{p}3", at=9, refs=(f"or_{p}",), amount=money(50), connector_refund_id=f"r_{p}"),
            make("payment.captured", f"{p}4", at=2, refs=_pay(p), amount=money(700), operation_id="c"),
            make("payment.authorized", f"{p}5", at=1, refs=(f"pi_{p}", f"ch_{p}", f"or_{p}"), amount=money(700)),
        ],
        "captured",
        authorized=700,
        captured=700,
        refunded=0,
        meets_late=True,
    ),
)

PAYMENT_TYPES = (*MEANINGS, "payment.anomaly")


def status_name(status: int) -> str:
    """ "captured" for PAYMENT_STATUS_CAPTURED."""
    name: str = PaymentStatus.Name(status)  # type: ignore[arg-type]
    return name.removeprefix("PAYMENT_STATUS_").lower()
