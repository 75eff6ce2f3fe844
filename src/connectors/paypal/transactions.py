"""Captures, sales, authorizations and v1 payments: from PayPal's resource to `payment.*`."""

from __future__ import annotations

import msgspec

from connectors.paypal.amounts import Amount, money, total
from connectors.paypal.delivery import Delivery
from connectors.paypal.failures import ProcessorResponse, StatusDetails, failure
from connectors.paypal.mapping import PAYMENT_STATUSES, TRANSACTIONS, V1_PAYMENTS, meaning
from connectors.paypal.payment_source import Payer, PaymentSource, method_details, payer_id
from connectors.paypal.references import (
    Link,
    Names,
    SupplementaryData,
    foreign_invoice,
    main_name,
    name_of,
    names_from_invoice,
    names_from_links,
    names_from_related,
    own_kind,
)
from connectors.paypal.times import moment
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentData

_KINDS = {
    "CAPTURE": "capture",
    "SALE": "sale",
    "AUTHORIZATION": "authorization",
    "ORDER": "order",
    "ALTERNATIVE-PAYMENT": "payment",
}
"""Second word of the event type → what its resource is, where no self link says so."""


_OPERATIONS = frozenset(
    ("payment.pending", "payment.captured", "payment.partially_captured", "payment.failed", "payment.capture_failed")
)
"""What is told of a capture or sale rather than of the payment."""


class Transaction(msgspec.Struct):
    """A capture, sale, authorization or v1 order, of any API version; also one inside an order."""

    id: str | None = None
    status: str | None = None
    state: str | None = None
    amount: Amount | None = None
    final_capture: bool | None = None
    is_final_capture: bool | str | None = None
    custom_id: str | None = None
    invoice_id: str | None = None
    custom: str | None = None
    invoice_number: str | None = None
    create_time: str | None = None
    update_time: str | None = None
    expiration_time: str | None = None
    valid_until: str | None = None
    parent_payment: str | None = None
    billing_agreement_id: str | None = None
    reason_code: str | None = None
    status_details: StatusDetails | None = None
    processor_response: ProcessorResponse | None = None
    supplementary_data: SupplementaryData | None = None
    payment_source: dict[str, PaymentSource | None] | None = None
    links: list[Link] | None = None

    @property
    def merchant_reference(self) -> str:
        """The merchant's own reference. Source: PayPal docs, "Orders v2", `custom_id`; "Payments v1", `custom`."""
        return self.custom_id or self.custom or foreign_invoice(self.invoice_id) or self.invoice_number or ""

    @property
    def is_final(self) -> bool | None:
        """Whether no more can be captured; None: it does not say."""
        said = self.is_final_capture if self.final_capture is None else self.final_capture
        return said.lower() == "true" if isinstance(said, str) else said


class V1Transaction(msgspec.Struct):
    """One of a v1 payment's `transactions`."""

    amount: Amount | None = None
    custom: str | None = None
    invoice_number: str | None = None
    related_resources: list[dict[str, Transaction]] | None = None


class V1Payment(msgspec.Struct):
    """A v1 payment."""

    id: str | None = None
    state: str | None = None
    create_time: str | None = None
    update_time: str | None = None
    payer: Payer | None = None
    transactions: list[V1Transaction] | None = None
    failure_reason: str | None = None
    links: list[Link] | None = None


TRANSACTION = msgspec.json.Decoder(Transaction)
_V1_PAYMENT = msgspec.json.Decoder(V1Payment)


def transaction_events(delivery: Delivery) -> list[Event]:
    """One event for a capture, sale, authorization or v1 order."""
    resource = delivery.decode(TRANSACTION)
    kind = own_kind(resource.links) or _KINDS.get(delivery.type.split(".")[1], "")
    names = transaction_names(resource, kind)
    our_type = meaning(TRANSACTIONS[delivery.type], resource.status or resource.state)
    return [transaction_event(delivery, our_type, resource, kind, names, resource.merchant_reference)]


def transaction_names(resource: Transaction, kind: str) -> Names:
    """Every name of the payment in the resource, its own first."""
    names: Names = {resource.id: kind} if resource.id and kind else {}
    names_from_related(names, resource.supplementary_data)
    if resource.parent_payment:
        names.setdefault(resource.parent_payment, "payment")
    names_from_links(names, resource.links)
    names_from_invoice(names, resource.invoice_id)
    return names


def transaction_event(
    delivery: Delivery, our_type: str | None, resource: Transaction, kind: str, names: Names, merchant_reference: str
) -> Event:
    """The event for one transaction.

    Args:
        our_type: By the tables; None: they do not know its status.
        kind: What the transaction is: "capture", "sale", "authorization", "order".
    """
    status = resource.status or resource.state or ""
    if our_type is None:
        return delivery.unmapped(
            "unknown_status", object_id=resource.id or "", status=status, names=names, merchant_id=merchant_reference
        )
    if kind == "capture" and name_of(names, "authorization"):
        our_type = _of_authorization(our_type, resource)
    event = delivery.event(
        our_type,
        names=names,
        merchant_transaction_id=merchant_reference,
        resource_times=(resource.update_time, resource.create_time),
    )
    data = PaymentData(
        merchant_transaction_id=merchant_reference,
        connector_transaction_id=event.connector_transaction_id,
        status=PAYMENT_STATUSES[our_type],
        amount=money(resource.amount),
        operation_id=resource.id if resource.id and kind in {"capture", "sale"} and our_type in _OPERATIONS else "",
        provider_status=status,
        payment_method=method_details(resource.payment_source),
        final_capture=bool(resource.is_final) or kind == "sale",
        authorization_expires_at=moment(resource.expiration_time or resource.valid_until),
        connector_subscription_id=_subscription(resource),
    )
    if our_type in {"payment.failed", "payment.capture_failed"}:
        data.failure.CopyFrom(_failure(resource))
    if our_type not in {"payment.captured", "payment.partially_captured"}:
        data.final_capture = False
    event.payment.CopyFrom(data)
    return event


def v1_payment_events(delivery: Delivery) -> list[Event]:
    """One event for a v1 payment with its transactions."""
    resource = delivery.decode(_V1_PAYMENT)
    our_type = meaning(V1_PAYMENTS[delivery.type], resource.state)
    if our_type is None:
        return [delivery.unmapped("unknown_status", object_id=resource.id or "", status=resource.state or "")]
    return [v1_payment_event(delivery, our_type, resource)]


def read_v1_payment(delivery: Delivery) -> V1Payment | None:
    """The resource as a v1 payment; None if it is something else, for it has no transactions."""
    resource = delivery.decode(_V1_PAYMENT)
    return resource if resource.transactions else None


def v1_payment_event(delivery: Delivery, our_type: str, resource: V1Payment) -> Event:
    """The event for a v1 payment."""
    transactions = resource.transactions or []
    names: Names = {resource.id: "payment"} if resource.id else {}
    names_from_links(names, resource.links)
    for transaction in transactions:
        for related in transaction.related_resources or []:
            for kind, part in related.items():
                if part.id and kind in {"sale", "authorization", "capture", "order"}:
                    names.setdefault(part.id, kind)
    merchant_reference = next((t.custom or t.invoice_number or "" for t in transactions), "")
    event = delivery.event(
        our_type,
        names=names,
        merchant_transaction_id=merchant_reference,
        resource_times=(resource.update_time, resource.create_time),
    )
    event.payment.CopyFrom(
        PaymentData(
            merchant_transaction_id=merchant_reference,
            connector_transaction_id=main_name(names),
            status=PAYMENT_STATUSES[our_type],
            amount=total(money(transaction.amount) for transaction in transactions),
            provider_status=resource.state or "",
            connector_customer_id=payer_id(resource.payer),
        )
    )
    if our_type == "payment.failed":
        event.payment.failure.CopyFrom(failure("declined", reason=resource.failure_reason))
    return event


def _of_authorization(our_type: str, resource: Transaction) -> str:
    if our_type == "payment.captured" and resource.is_final is False:
        return "payment.partially_captured"
    return "payment.capture_failed" if our_type == "payment.failed" else our_type


def _failure(resource: Transaction) -> Failure:
    response, details = resource.processor_response, resource.status_details
    return failure(
        "declined",
        processor_code=response.response_code if response else None,
        reason=(details.reason if details else None) or resource.reason_code,
    )


def _subscription(resource: Transaction) -> str:
    agreement = resource.billing_agreement_id or ""
    return agreement if agreement.startswith("I-") else ""  # B-… is a billing agreement without a plan
