"""Stripe's objects around payments, as far as they are read: orders, setups, subscriptions, invoices, payouts.

Source: Stripe API reference, one page an object; older fields: its changelog. All API versions, as in `shapes.py`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from connectors.stripe.shapes import Id, MethodDetails, PaymentError, Small


class SetupIntent(msgspec.Struct, gc=False):
    id: str = ""
    status: str | None = None
    customer: Id = None
    customer_account: str | None = None
    payment_method: MethodDetails | str | None = None
    payment_method_types: list[str] | None = None
    mandate: Id = None
    single_use_mandate: Id = None
    last_setup_error: PaymentError | None = None
    cancellation_reason: str | None = None
    metadata: Any = None


class Order(msgspec.Struct, gc=False):
    """The order of 2015 to 2022, before Checkout: goods, and the charge that paid them."""

    id: str = ""
    amount: int | None = None
    currency: str | None = None
    status: str | None = None
    charge: Id = None
    customer: Id = None
    metadata: Any = None


class Mandate(msgspec.Struct, gc=False):
    id: str = ""
    status: str | None = None
    payment_method: Id = None


class Customer(msgspec.Struct, gc=False):
    id: str = ""
    metadata: Any = None


class CustomerPart(msgspec.Struct, gc=False):
    """What belongs to a customer: a discount, a tax id, a movement of the cash balance."""

    id: str | None = None
    customer: Id = None
    customer_account: str | None = None
    subscription: Id = None


class Plan(msgspec.Struct, gc=False):
    """A plan or a price: the older and the newer name of one thing."""

    id: str = ""
    amount: int | None = None
    unit_amount: int | None = None
    currency: str | None = None


class SubscriptionItem(msgspec.Struct, gc=False):
    plan: Plan | str | None = None
    price: Plan | str | None = None
    quantity: int | None = None
    current_period_start: int | None = None
    current_period_end: int | None = None


class SubscriptionItems(msgspec.Struct, gc=False):
    data: list[SubscriptionItem] = []


class Subscription(msgspec.Struct, gc=False):
    id: str = ""
    status: str | None = None
    customer: Id = None
    customer_account: str | None = None
    cancel_at_period_end: bool | None = None
    current_period_start: int | None = None
    """Of the subscription until 2025-03-31; of its items since."""
    current_period_end: int | None = None
    items: SubscriptionItems | None = None
    plan: Plan | str | None = None
    quantity: int | None = None
    latest_invoice: Id = None
    metadata: Any = None


class Schedule(msgspec.Struct, gc=False):
    """A subscription schedule: what its subscription will become."""

    id: str = ""
    status: str | None = None
    customer: Id = None
    customer_account: str | None = None
    subscription: Id = None
    released_subscription: Id = None
    metadata: Any = None


class PaidBy(msgspec.Struct, gc=False):
    """The payment of an InvoicePayment."""

    payment_intent: Id = None
    charge: Id = None


class InvoicePayment(msgspec.Struct, gc=False):
    id: str = ""
    invoice: Id = None
    payment: PaidBy | None = None
    is_default: bool | None = None
    status: str | None = None
    amount_paid: int | None = None
    amount_requested: int | None = None
    currency: str | None = None


class InvoicePayments(msgspec.Struct, gc=False):
    data: list[InvoicePayment] = []


class SubscriptionDetails(msgspec.Struct, gc=False):
    subscription: Id = None
    metadata: Any = None


class InvoiceParent(msgspec.Struct, gc=False):
    """Where an invoice came from, since 2025-03-31."""

    subscription_details: SubscriptionDetails | None = None


class Invoice(msgspec.Struct, gc=False):
    id: str | None = None
    """Absent from upcoming invoices: there is none yet."""
    number: str | None = None
    status: str | None = None
    paid: bool | None = None
    customer: Id = None
    customer_account: str | None = None
    subscription: Id = None
    subscription_details: SubscriptionDetails | None = None
    parent: InvoiceParent | None = None
    payment_intent: Id = None
    charge: Id = None
    payments: InvoicePayments | None = None
    amount_due: int | None = None
    amount_paid: int | None = None
    currency: str | None = None
    due_date: int | None = None
    attempt_count: Small | None = None
    last_finalization_error: PaymentError | None = None
    metadata: Any = None


class InvoiceDetails(msgspec.Struct, gc=False):
    invoice: Id = None


class CollectsOn(msgspec.Struct, gc=False):
    """What a payment plan splits into installments."""

    invoice_details: InvoiceDetails | None = None


class InvoicePart(msgspec.Struct, gc=False):
    """An invoice item, a credit note or a payment plan."""

    id: str = ""
    invoice: Id = None
    customer: Id = None
    customer_account: str | None = None
    subscription: Id = None
    parent: InvoiceParent | None = None
    collects_on: CollectsOn | None = None
    status: str | None = None
    metadata: Any = None


class Payout(msgspec.Struct, gc=False):
    id: str = ""
    amount: int | None = None
    currency: str | None = None
    status: str | None = None
    arrival_date: int | None = None
    date: int | None = None
    """What `arrival_date` was called while payouts were transfers; older versions show them so."""
    reversed_by: Id = None
    failure_code: str | None = None
    failure_message: str | None = None
    metadata: Any = None


class Transfer(msgspec.Struct, gc=False):
    id: str = ""
    amount: int | None = None
    amount_reversed: int | None = None
    currency: str | None = None
    reversed: bool | None = None
    source_transaction: Id = None
    """The charge whose money it passes on, where it is bound to one."""
    status: str | None = None
    """Until 2017-04-06, when payouts were transfers."""
    date: int | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    metadata: Any = None


class ReturnedDetails(msgspec.Struct, gc=False):
    code: str | None = None


class Outbound(msgspec.Struct, gc=False):
    """treasury.outbound_payment and treasury.outbound_transfer."""

    id: str = ""
    amount: int | None = None
    currency: str | None = None
    status: str | None = None
    expected_arrival_date: int | None = None
    returned_details: ReturnedDetails | None = None
    metadata: Any = None


class Threshold(msgspec.Struct, gc=False):
    meter: Id = None


class Alert(msgspec.Struct, gc=False):
    id: str | None = None
    usage_threshold: Threshold | None = None


class AlertTriggered(msgspec.Struct, gc=False):
    customer: Id = None
    alert: Alert | None = None
    value: Decimal | None = None


SETUP_INTENT: Final = msgspec.json.Decoder(SetupIntent)
ORDER: Final = msgspec.json.Decoder(Order)
MANDATE: Final = msgspec.json.Decoder(Mandate)
CUSTOMER: Final = msgspec.json.Decoder(Customer)
CUSTOMER_PART: Final = msgspec.json.Decoder(CustomerPart)
SUBSCRIPTION: Final = msgspec.json.Decoder(Subscription)
SCHEDULE: Final = msgspec.json.Decoder(Schedule)
INVOICE: Final = msgspec.json.Decoder(Invoice)
INVOICE_PAYMENT: Final = msgspec.json.Decoder(InvoicePayment)
INVOICE_PART: Final = msgspec.json.Decoder(InvoicePart)
PAYOUT: Final = msgspec.json.Decoder(Payout)
TRANSFER: Final = msgspec.json.Decoder(Transfer)
OUTBOUND: Final = msgspec.json.Decoder(Outbound)
ALERT_TRIGGERED: Final = msgspec.json.Decoder(AlertTriggered)
