"""Refunds and reversals: from PayPal's resource to `refund.*`. They point at their payment."""

from __future__ import annotations

import msgspec

from connectors.paypal.amounts import Amount, magnitude
from connectors.paypal.delivery import Delivery, missing
from connectors.paypal.failures import StatusDetails, failure
from connectors.paypal.mapping import REFUNDS, meaning
from connectors.paypal.references import (
    Link,
    Names,
    SupplementaryData,
    foreign_invoice,
    name_of,
    names_from_invoice,
    names_from_links,
    names_from_related,
    own_kind,
)
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.refund_pb2 import RefundData, RefundStatus

_STATUSES = {
    "refund.pending": RefundStatus.REFUND_STATUS_PENDING,
    "refund.succeeded": RefundStatus.REFUND_STATUS_SUCCEEDED,
    "refund.failed": RefundStatus.REFUND_STATUS_FAILED,
}


_OF_A_CAPTURE = {"REFUNDED", "PARTIALLY_REFUNDED", "REVERSED"}
"""Statuses that only captures and sales have: the resource is what was given back, not the refund."""


class Breakdown(msgspec.Struct):
    """v2 `seller_payable_breakdown`."""

    total_refunded_amount: Amount | None = None


class Refund(msgspec.Struct):
    """A refund of any API version; in some messages the capture or sale that was refunded."""

    id: str | None = None
    status: str | None = None
    state: str | None = None
    amount: Amount | None = None
    custom_id: str | None = None
    invoice_id: str | None = None
    custom: str | None = None
    invoice_number: str | None = None
    sale_id: str | None = None
    capture_id: str | None = None
    parent_payment: str | None = None
    reason: str | None = None
    reason_code: str | None = None
    note_to_payer: str | None = None
    status_details: StatusDetails | None = None
    seller_payable_breakdown: Breakdown | None = None
    total_refunded_amount: Amount | None = None
    supplementary_data: SupplementaryData | None = None
    create_time: str | None = None
    update_time: str | None = None
    links: list[Link] | None = None

    @property
    def merchant_reference(self) -> str:
        """The merchant's own reference of the payment."""
        return self.custom_id or self.custom or foreign_invoice(self.invoice_id) or self.invoice_number or ""


REFUND = msgspec.json.Decoder(Refund)


def refund_events(delivery: Delivery) -> list[Event]:
    """One event for a refund or a reversal.

    Raises:
        PayloadRejected: PAYLOAD_FIELD_MISSING for one without an id: it could not be told from another.
    """
    return [refund_event(delivery, delivery.decode(REFUND), REFUNDS[delivery.type])]


def refund_event(delivery: Delivery, resource: Refund, table: dict[str, str]) -> Event:
    """The event for a refund.

    Args:
        table: Status → our type.

    Raises:
        PayloadRejected: PAYLOAD_FIELD_MISSING for one without an id.
    """
    if not resource.id:
        raise missing("resource.id")
    status = resource.status or resource.state or ""
    reference = resource.merchant_reference
    names = _names(delivery, resource)
    our_type = meaning(table, status)
    if our_type is None:
        return delivery.unmapped(
            "unknown_status", object_id=resource.id, status=status, names=names, merchant_id=reference
        )
    event = delivery.event(
        our_type,
        names=names,
        merchant_transaction_id=reference,
        resource_times=(resource.update_time, resource.create_time),
    )
    event.refund.CopyFrom(_data(delivery, our_type, resource, names, reference))
    event.refund.connector_transaction_id = event.connector_transaction_id
    return event


def _data(delivery: Delivery, our_type: str, resource: Refund, names: Names, reference: str) -> RefundData:
    status = resource.status or resource.state or ""
    breakdown = resource.seller_payable_breakdown
    data = RefundData(
        connector_refund_id=resource.id or "",
        merchant_transaction_id=reference,
        status=_STATUSES[our_type],
        # Of a capture that was refunded in part the amount is the capture's, not the refund's.
        amount=None if status.upper() == "PARTIALLY_REFUNDED" else magnitude(resource.amount),
        refunded=magnitude(breakdown.total_refunded_amount if breakdown else None)
        or magnitude(resource.total_refunded_amount),
        refund_reason=_reason(delivery, resource),
        provider_status=status,
        operation_id=name_of(names, "capture") or name_of(names, "sale"),
    )
    if our_type == "refund.failed":
        details = resource.status_details
        data.failure.CopyFrom(failure("refund_failed", reason=details.reason if details else None))
    return data


def _reason(delivery: Delivery, resource: Refund) -> str:
    said = resource.reason or resource.reason_code or resource.note_to_payer
    if said or not delivery.type.endswith(".REVERSED"):
        return said or ""
    return (resource.status_details.reason if resource.status_details else None) or "reversed"


def _names(delivery: Delivery, resource: Refund) -> Names:
    """The names of the payment. The refund's own only where there is no other: then it is all that can be linked by."""
    names: Names = {}
    if resource.capture_id:
        names[resource.capture_id] = "capture"
    if resource.sale_id:
        names.setdefault(resource.sale_id, "sale")
    names_from_related(names, resource.supplementary_data)
    names_from_links(names, resource.links)
    if resource.parent_payment:
        names.setdefault(resource.parent_payment, "payment")
    kind = own_kind(resource.links) or _kind_by_status(delivery.type, resource)
    if resource.id and kind in {"capture", "sale"}:
        names.setdefault(resource.id, kind)
    if not names and resource.id:
        names[resource.id] = "refund"
    names_from_invoice(names, resource.invoice_id)
    return names


def _kind_by_status(event_type: str, resource: Refund) -> str:
    """What the resource is, where no self link says so; empty if its status does not tell it from a refund."""
    if (resource.status or resource.state or "").upper() not in _OF_A_CAPTURE:
        return ""
    return "sale" if event_type.startswith("PAYMENT.SALE.") else "capture"
