"""Subscriptions and billing agreements: to `subscription.*`, `mandate.*`, and `invoice.payment_failed`."""

from __future__ import annotations

import msgspec

from connectors.paypal.amounts import Amount, money
from connectors.paypal.delivery import Delivery
from connectors.paypal.failures import failure
from connectors.paypal.mapping import MANDATES, SUBSCRIPTION_STATUSES, SUBSCRIPTIONS
from connectors.paypal.payment_source import Payer, payer_id
from connectors.paypal.times import first_moment
from orchestratorx_prism.v1.event_data_pb2 import InvoiceData, MandateData, SubscriptionData, SubscriptionStatus
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money


class PricingScheme(msgspec.Struct):
    """v2 `pricing_scheme`."""

    fixed_price: Amount | None = None


class BillingCycle(msgspec.Struct):
    """One of v2's `plan.billing_cycles`, or of v1's `plan.payment_definitions`."""

    tenure_type: str | None = None
    pricing_scheme: PricingScheme | None = None
    type: str | None = None
    amount: Amount | None = None


class Plan(msgspec.Struct):
    """The plan, where the subscription carries its own copy."""

    id: str | None = None
    curr_code: str | None = None
    billing_cycles: list[BillingCycle] | None = None
    payment_definitions: list[BillingCycle] | None = None


class FailedPayment(msgspec.Struct):
    """v2 `billing_info.last_failed_payment`."""

    amount: Amount | None = None
    reason_code: str | None = None


class BillingInfo(msgspec.Struct):
    """v2 `billing_info`, and v1 `agreement_details`."""

    next_billing_time: str | None = None
    next_billing_date: str | None = None
    last_failed_payment: FailedPayment | None = None
    failed_payments_count: int | str | None = None
    failed_payment_count: int | str | None = None
    outstanding_balance: Amount | None = None


class Subscription(msgspec.Struct):
    """A subscription (v2), a billing agreement with a plan (v1), or one without (a mandate)."""

    id: str | None = None
    status: str | None = None
    state: str | None = None
    plan_id: str | None = None
    plan: Plan | None = None
    subscriber: Payer | None = None
    payer: Payer | None = None
    custom_id: str | None = None
    billing_info: BillingInfo | None = None
    agreement_details: BillingInfo | None = None
    create_time: str | None = None
    update_time: str | None = None
    status_update_time: str | None = None

    @property
    def provider_status(self) -> str:
        """The status as sent."""
        return self.status or self.state or ""

    @property
    def customer_id(self) -> str:
        """PayPal's id of the payer."""
        return payer_id(self.subscriber) or payer_id(self.payer)

    @property
    def billing(self) -> BillingInfo:
        """What is said of bills, in either version."""
        return self.billing_info or self.agreement_details or BillingInfo()

    @property
    def times(self) -> tuple[str | None, ...]:
        """The resource's own times, best first."""
        return self.status_update_time, self.update_time, self.create_time


SUBSCRIPTION = msgspec.json.Decoder(Subscription)


def subscription_events(delivery: Delivery) -> list[Event]:
    """One event for a subscription."""
    resource = delivery.decode(SUBSCRIPTION)
    our_type = SUBSCRIPTIONS[delivery.type]
    if our_type == "invoice.payment_failed":
        event = delivery.event(
            our_type, merchant_transaction_id=resource.custom_id or "", resource_times=resource.times
        )
        event.invoice.CopyFrom(_unpaid_bill(resource))
        return [event]
    return [subscription_event(delivery, our_type, resource)]


def subscription_event(delivery: Delivery, our_type: str, resource: Subscription) -> Event:
    """The event for a subscription itself."""
    event = delivery.event(our_type, merchant_transaction_id=resource.custom_id or "", resource_times=resource.times)
    event.subscription.CopyFrom(subscription_data(resource))
    return event


def subscription_data(resource: Subscription) -> SubscriptionData:
    """What is known of a subscription."""
    reference = resource.custom_id or ""
    plan = resource.plan or Plan()
    status = SUBSCRIPTION_STATUSES.get(resource.provider_status.upper())
    return SubscriptionData(
        connector_subscription_id=resource.id or "",
        connector_customer_id=resource.customer_id,
        merchant_subscription_id=reference,
        connector_plan_id=resource.plan_id or plan.id or "",
        status=SubscriptionStatus.SUBSCRIPTION_STATUS_UNSPECIFIED if status is None else status,
        provider_status=resource.provider_status,
        amount=_price(plan),
        current_period_end=first_moment(resource.billing.next_billing_time, resource.billing.next_billing_date),
        merchant_transaction_id=reference,
    )


def mandate_events(delivery: Delivery) -> list[Event]:
    """One event for a billing agreement without a plan."""
    resource = delivery.decode(SUBSCRIPTION)
    reference = resource.custom_id or ""
    event = delivery.event(MANDATES[delivery.type], merchant_transaction_id=reference, resource_times=resource.times)
    event.mandate.CopyFrom(
        MandateData(
            connector_mandate_id=resource.id or "",
            connector_customer_id=resource.customer_id,
            provider_status=resource.provider_status,
            merchant_transaction_id=reference,
        )
    )
    return [event]


def _unpaid_bill(resource: Subscription) -> InvoiceData:
    """The bill that was not paid; PayPal has no object, and no id, for it."""
    billing = resource.billing
    failed = billing.last_failed_payment or FailedPayment()
    currency = (resource.plan.curr_code if resource.plan else None) or ""
    return InvoiceData(
        connector_subscription_id=resource.id or "",
        connector_customer_id=resource.customer_id,
        merchant_transaction_id=resource.custom_id or "",
        amount_due=money(failed.amount, currency) or _stated(billing.outstanding_balance, currency),
        provider_status=resource.provider_status,
        failure=failure("declined", reason=failed.reason_code),
        attempt_count=_count(billing.failed_payments_count) or _count(billing.failed_payment_count),
    )


def _price(plan: Plan) -> Money | None:
    """The price of one regular period, where the subscription carries its own copy of the plan."""
    for cycle in plan.billing_cycles or ():
        if cycle.tenure_type == "REGULAR" and cycle.pricing_scheme:
            return money(cycle.pricing_scheme.fixed_price)
    for cycle in plan.payment_definitions or ():
        if cycle.type == "REGULAR":
            return _stated(cycle.amount, plan.curr_code or "")
    return None


def _stated(amount: Amount | None, currency: str) -> Money | None:
    """An amount that v1 may leave without a currency; then it says nothing."""
    if amount is None or not (amount.currency_code or amount.currency or currency):
        return None
    return money(amount, currency)


def _count(value: int | str | None) -> int:
    """A count that v1 sends as text. What is no count of 32 bits is left out."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
    return value if value is not None and 0 <= value < 2**32 else 0
