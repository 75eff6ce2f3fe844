"""The messages that people and programs read: Payment, Refund, Dispute, from a payment's state. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from orchestrator.ledger.projection.money import Standing, standing
from orchestrator.ledger.projection.state import NEVER, DisputeState, PaymentState, RefundState
from orchestratorx_prism.v1 import dispute_pb2
from orchestratorx_prism.v1 import payment_pb2 as pb
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.refund_pb2 import REFUND_STATUS_FAILED, Refund

CLOSED = frozenset(
    {
        dispute_pb2.DISPUTE_STATUS_WON,
        dispute_pb2.DISPUTE_STATUS_LOST,
        dispute_pb2.DISPUTE_STATUS_ACCEPTED,
        dispute_pb2.DISPUTE_STATUS_EXPIRED,
    }
)
"""A dispute that ended so is not open any more. Money that came back for now (reversed) is no end."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose payment it is: what its state does not hold, for it is no fact."""

    payment_id: str
    merchant_id: str
    connector: str
    environment: Environment.ValueType


def payment_of(state: PaymentState, identity: Identity, sequence: int, known: Standing | None = None) -> Payment:
    """The payment's current state. `known`: its standing, where that was computed already."""
    stands = known or standing(state)
    payment = Payment(
        id=identity.payment_id,
        merchant_id=identity.merchant_id,
        connector=identity.connector,
        environment=identity.environment,
        account=state.account,
        merchant_transaction_id=_third(state.merchant_transaction_id),
        connector_transaction_id=_third(state.connector_transaction_id),
        status=stands.status,  # type: ignore[arg-type]  # always one of the enum's
        amount=_money(amount_of(state, stands), stands.currency),
        authorized=_money(stands.authorized, stands.currency),
        captured=_money(stands.captured, stands.currency),
        refunded=_money(stands.refunded, stands.currency),
        anomalies=stands.anomalies,
        shadow=not state.known,
        sequence=sequence,
        created_at=_time(state.created[1]),
        updated_at=_time(state.updated_us),
        disputed=any(dispute.status is None or dispute.status[2] not in CLOSED for dispute in state.disputes.values()),
    )
    for value, kind in sorted(state.references.items(), key=lambda pair: (pair[1], pair[0])):
        payment.references.add(kind=kind, value=value)
    if stands.status == pb.PAYMENT_STATUS_FAILED and state.waiting is not None and state.waiting[3]:
        payment.failure.MergeFromString(state.waiting[3])
    if state.method is not None:
        payment.payment_method.MergeFromString(state.method[3])
    return payment


def refund_of(state: PaymentState, connector_refund_id: str, refund_id: str, identity: Identity) -> Refund:
    """One refund's current state."""
    found: RefundState = state.refunds[connector_refund_id]
    refund = Refund(
        id=refund_id,
        connector_refund_id=connector_refund_id,
        payment_id=identity.payment_id,
        merchant_id=identity.merchant_id,
        connector=identity.connector,
        environment=identity.environment,
        status=found.status,  # type: ignore[arg-type]
        amount=_register_money(found.amount),
        refund_reason=found.reason[1] if found.reason is not None else "",
        created_at=_time(found.created_us),
        updated_at=_time(found.updated_us),
        merchant_transaction_id=_third(state.merchant_transaction_id),
    )
    if found.status >= REFUND_STATUS_FAILED and found.failure is not None:
        refund.failure.MergeFromString(found.failure[1])
    return refund


def dispute_of(state: PaymentState, key: str, dispute_id: str, identity: Identity) -> Dispute:
    """One dispute's current state. `key` as `children.dispute_key` makes it."""
    found: DisputeState = state.disputes[key]
    return Dispute(
        id=dispute_id,
        connector_dispute_id="" if key.startswith("event:") else key,
        payment_id=identity.payment_id,
        merchant_id=identity.merchant_id,
        connector=identity.connector,
        environment=identity.environment,
        status=found.status[2] if found.status is not None else 0,  # type: ignore[arg-type]
        amount=_register_money(found.amount),
        dispute_reason=found.reason[1] if found.reason is not None else "",
        network_reason_code=found.network_code[1] if found.network_code is not None else "",
        evidence_due_at=_time(found.due[1]) if found.due is not None else None,
        created_at=_time(found.created_us),
        updated_at=_time(found.status[0]) if found.status is not None else None,
        merchant_transaction_id=_third(state.merchant_transaction_id),
    )


def amount_of(state: PaymentState, stands: Standing) -> int | None:
    """What the payment is of, in the currency of its totals: what was asked for, else authorized, else captured."""
    asked = state.asked.get(stands.currency)
    if asked is not None:
        return asked
    return stands.authorized if stands.authorized is not None else stands.captured


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None or not currency else Money(minor_units=minor, currency=currency)


def _register_money(register: tuple[int, str, int] | None) -> Money | None:
    return None if register is None else Money(minor_units=register[2], currency=register[1])


def _third(register: tuple[int, int, str] | None) -> str:
    return "" if register is None else register[2]


def _time(us: int) -> Timestamp | None:
    if abs(us) >= NEVER:
        return None
    seconds, rest = divmod(us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=rest * 1000)
