"""Thin events: what is known of an object that is named and not brought along."""

from __future__ import annotations

from typing import Final

from connectors.stripe.envelope import Arrival
from connectors.stripe.families import MEANINGS, NO_COUNTERPART
from connectors.stripe.mapping import DISPUTE_STATUS, PAYMENT_STATUS, REFUND_STATUS
from connectors.stripe.mapping_billing import PAYOUT_STATUS
from connectors.stripe.mapping_thin import ALONE, ONLY, ONLY_WITHOUT_WORD, PREFIX, V2, V2_OPEN, V2_WITHOUT_WORD
from connectors.stripe.parts import NO_WORD, PAYMENT_KINDS, UNKNOWN_STATUS, UNKNOWN_TYPE, unmapped
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.dispute_pb2 import DisputeData
from orchestratorx_prism.v1.event_data_pb2 import (
    CustomerData,
    InvoiceData,
    MandateData,
    PaymentMethodData,
    PayoutData,
    SubscriptionData,
    UsageData,
)
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentData
from orchestratorx_prism.v1.refund_pb2 import RefundData

_SAID_BY_TYPE = {name: meaning for name, meaning in MEANINGS.items() if isinstance(meaning, str)}
_ALONE: Final[dict[str, str]] = {**_SAID_BY_TYPE, **ALONE, **ONLY, **V2}
_WITHOUT_WORD: Final = NO_COUNTERPART | ONLY_WITHOUT_WORD | V2_WITHOUT_WORD


def thin_event(arrival: Arrival) -> Event:
    """Any event with `object: "v2.core.event"`. Amounts and states are unset: it has none."""
    our_type, reason = thin_meaning(arrival.envelope.type)
    if our_type is None:
        return unmapped(arrival, reason)
    related = arrival.envelope.related_object
    object_id = related.id or "" if related is not None else ""
    kind = related.type or "" if related is not None else ""
    transaction = object_id if kind in PAYMENT_KINDS else ""
    event = arrival.begin(our_type, connector_transaction_id=transaction)
    if transaction:
        event.references.add(kind=PAYMENT_KINDS[kind], value=transaction)
    _fill(event, our_type, kind, object_id, transaction)
    return event


def thin_meaning(provider_type: str) -> tuple[str | None, str]:
    """Our type for a thin event's type; or None, and why there is none."""
    name = provider_type.removeprefix(PREFIX)
    if name in _ALONE:
        return _ALONE[name], ""
    if name in _WITHOUT_WORD:
        return None, NO_WORD
    return None, UNKNOWN_STATUS if name in MEANINGS or name in V2_OPEN else UNKNOWN_TYPE


def _fill(event: Event, our_type: str, kind: str, object_id: str, transaction: str) -> None:
    member = DATA_MEMBER[our_type]
    if member == "payment":
        charge_id = object_id if kind == "charge" else ""
        event.payment.CopyFrom(
            PaymentData(connector_transaction_id=transaction, status=PAYMENT_STATUS[our_type], operation_id=charge_id)
        )
    elif member == "refund":
        refund_id = object_id if kind == "refund" else ""
        event.refund.CopyFrom(
            RefundData(
                connector_refund_id=refund_id, connector_transaction_id=transaction, status=REFUND_STATUS[our_type]
            )
        )
    elif member == "dispute":
        event.dispute.CopyFrom(DisputeData(connector_dispute_id=object_id, status=DISPUTE_STATUS[our_type]))
    elif member == "payout":
        event.payout.CopyFrom(PayoutData(connector_payout_id=object_id, status=PAYOUT_STATUS[our_type]))
    else:
        _fill_other(event, member, kind, object_id)


def _fill_other(event: Event, member: str, kind: str, object_id: str) -> None:
    """Data whose only field is the object's own id; a part of it (a tax id, an invoice item) does not name it."""
    if member == "customer":
        event.customer.CopyFrom(CustomerData(connector_customer_id=object_id if kind == "customer" else ""))
    elif member == "subscription":
        whole = kind == "subscription" or kind.endswith("_subscription")
        event.subscription.CopyFrom(SubscriptionData(connector_subscription_id=object_id if whole else ""))
    elif member == "invoice":
        event.invoice.CopyFrom(InvoiceData(connector_invoice_id=object_id if kind == "invoice" else ""))
    elif member == "payment_method":
        whole = kind in {"payment_method", "source", "card", "bank_account"}
        event.payment_method.CopyFrom(PaymentMethodData(connector_payment_method_id=object_id if whole else ""))
    elif member == "mandate":
        event.mandate.CopyFrom(MandateData(connector_mandate_id=object_id))
    elif member == "usage":
        event.usage.CopyFrom(UsageData(connector_usage_id=object_id))
