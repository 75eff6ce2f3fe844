"""Events of customers, subscriptions and metered use: `customer.*`, `subscription_schedule.*`, `billing.alert.*`."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.spi.building import unix_time
from connectors.stripe.amounts import money
from connectors.stripe.envelope import Arrival, metadata_value, missing, whole
from connectors.stripe.mapping import Meaning, type_of
from connectors.stripe.mapping_billing import (
    CUSTOMER,
    CUSTOMER_PART,
    MERCHANT_CUSTOMER_KEY,
    MERCHANT_SUBSCRIPTION_KEY,
    SCHEDULE,
    SUBSCRIPTION,
    USAGE,
    subscription_status,
)
from connectors.stripe.parts import UNKNOWN_STATUS, unmapped
from connectors.stripe.shapes import customer_of, ident
from connectors.stripe.shapes_billing import ALERT_TRIGGERED as ALERT_TRIGGERED_DECODER
from connectors.stripe.shapes_billing import CUSTOMER as CUSTOMER_DECODER
from connectors.stripe.shapes_billing import CUSTOMER_PART as CUSTOMER_PART_DECODER
from connectors.stripe.shapes_billing import SCHEDULE as SCHEDULE_DECODER
from connectors.stripe.shapes_billing import SUBSCRIPTION as SUBSCRIPTION_DECODER
from connectors.stripe.shapes_billing import Plan, Subscription, SubscriptionItem
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.event_data_pb2 import (
    SUBSCRIPTION_STATUS_CANCELED,
    SUBSCRIPTION_STATUS_UNSPECIFIED,
    CustomerData,
    SubscriptionData,
    UsageData,
)
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money

ENDED: Final = "subscription.canceled"


def customer(arrival: Arrival) -> Event:
    """`customer.{created,updated,deleted}`"""
    found = arrival.read(CUSTOMER_DECODER)
    if not found.id:
        raise missing("data.object.id")
    our_type = type_of(CUSTOMER[arrival.envelope.type], "")
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    event = arrival.begin(our_type, merchant_transaction_id=arrival.merchant_reference(found.metadata))
    event.customer.CopyFrom(
        CustomerData(
            connector_customer_id=found.id,
            merchant_customer_id=metadata_value(MERCHANT_CUSTOMER_KEY, found.metadata),
        )
    )
    return event


def customer_part(arrival: Arrival) -> Event:
    """Discounts, tax ids, cash: parts of a customer, or of one subscription."""
    found = arrival.read(CUSTOMER_PART_DECODER)
    subscription = ident(found.subscription)
    owner = customer_of(found.customer, found.customer_account)
    meaning: Meaning = CUSTOMER_PART[arrival.envelope.type]
    our_type = type_of(meaning, "subscription" if subscription else "customer")
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    event = arrival.begin(our_type)
    if our_type == "subscription.updated":
        event.subscription.CopyFrom(
            SubscriptionData(connector_subscription_id=subscription, connector_customer_id=owner)
        )
    else:
        event.customer.CopyFrom(CustomerData(connector_customer_id=owner))
    return event


def subscription(arrival: Arrival) -> Event:
    """`customer.subscription.*`"""
    found = arrival.read(SUBSCRIPTION_DECODER)
    owner = customer_of(found.customer, found.customer_account)
    # Until 2013 a subscription had no id of its own: it was its customer's only one.
    if not found.id and not owner:
        raise missing("data.object.id")
    start, end = _period(found)
    our_type = type_of(SUBSCRIPTION[arrival.envelope.type], _state(arrival, found, start))
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    reference = arrival.merchant_reference(found.metadata)
    event = arrival.begin(our_type, merchant_transaction_id=reference)
    price = _price(found)
    event.subscription.CopyFrom(
        SubscriptionData(
            connector_subscription_id=found.id,
            connector_customer_id=owner,
            merchant_subscription_id=metadata_value(MERCHANT_SUBSCRIPTION_KEY, found.metadata),
            connector_plan_id=price.id if price is not None else "",
            # The event itself says that it is over; the object of some versions still has its last status.
            status=SUBSCRIPTION_STATUS_CANCELED if our_type == ENDED else subscription_status(found.status),
            provider_status=found.status or "",
            amount=_amount(found),
            current_period_start=_time(start),
            current_period_end=_time(end),
            cancel_at_period_end=bool(found.cancel_at_period_end),
            connector_invoice_id=ident(found.latest_invoice),
            merchant_transaction_id=reference,
        )
    )
    return event


def _state(arrival: Arrival, found: Subscription, start: int | None) -> str:
    """For updates: ended, renewed, or merely updated. A renewal is a period that starts where the last one ended."""
    if found.status in {"canceled", "incomplete_expired"}:
        return found.status
    before = arrival.previous()
    ended = whole(before.get("current_period_end"))
    if ended is None:
        ended = whole(_first_item(before.get("items")).get("current_period_end"))
    return "renewed" if ended is not None and ended == start else "updated"


def _first_item(items: Any) -> dict[str, Any]:
    data = items.get("data") if isinstance(items, dict) else None
    first = data[0] if isinstance(data, list) and data else None
    return first if isinstance(first, dict) else {}


def _items(found: Subscription) -> list[SubscriptionItem]:
    return found.items.data if found.items is not None else []


def _period(found: Subscription) -> tuple[int | None, int | None]:
    """Current period in Unix seconds: the subscription's, or since it has none, its first item's."""
    items = _items(found)
    if found.current_period_end is not None or not items:
        return found.current_period_start, found.current_period_end
    return items[0].current_period_start, items[0].current_period_end


def _price(found: Subscription) -> Plan | None:
    items = _items(found)
    candidates = (items[0].price, items[0].plan, found.plan) if items else (found.plan,)
    return next((one for one in candidates if isinstance(one, Plan)), None)


def _amount(found: Subscription) -> Money | None:
    """Price of one period over all items; None where a price is tiered, metered or not stated."""
    items = _items(found) or [SubscriptionItem(plan=found.plan, quantity=found.quantity)]
    total, currency = 0, None
    for item in items:
        price = item.price if isinstance(item.price, Plan) else item.plan
        if not isinstance(price, Plan):
            return None
        unit = price.amount if price.unit_amount is None else price.unit_amount
        if unit is None or item.quantity is None or (currency is not None and price.currency != currency):
            return None
        total, currency = total + unit * item.quantity, price.currency
    return money(total, currency)


def _time(seconds: int | None) -> Timestamp | None:
    return None if seconds is None else unix_time(seconds)


def schedule(arrival: Arrival) -> Event:
    """`subscription_schedule.*`: what they tell is about the subscription, now or to come."""
    found = arrival.read(SCHEDULE_DECODER)
    if not found.id:
        raise missing("data.object.id")
    our_type = type_of(SCHEDULE[arrival.envelope.type], found.status or "")
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    reference = arrival.merchant_reference(found.metadata)
    ended = our_type == ENDED
    event = arrival.begin(our_type, merchant_transaction_id=reference)
    event.subscription.CopyFrom(
        SubscriptionData(
            connector_subscription_id=ident(found.subscription) or ident(found.released_subscription),
            connector_customer_id=customer_of(found.customer, found.customer_account),
            merchant_subscription_id=metadata_value(MERCHANT_SUBSCRIPTION_KEY, found.metadata),
            # A schedule's own status says nothing of its subscription's, unless both end.
            status=SUBSCRIPTION_STATUS_CANCELED if ended else SUBSCRIPTION_STATUS_UNSPECIFIED,
            provider_status=found.status or "",
            merchant_transaction_id=reference,
        )
    )
    return event


def alert_triggered(arrival: Arrival) -> Event:
    """`billing.alert.triggered`: a customer's use of a meter, as counted when it passed a mark."""
    found = arrival.read(ALERT_TRIGGERED_DECODER)
    if found.value is not None and not found.value.is_finite():
        raise PayloadRejected("a quantity is not a number", reason="PAYLOAD_FIELD_INVALID")
    our_type = type_of(USAGE[arrival.envelope.type], "")
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    alert = found.alert
    threshold = alert.usage_threshold if alert is not None else None
    meter = ident(threshold.meter) if threshold is not None else ""
    alert_id = alert.id or "" if alert is not None else ""
    event = arrival.begin(our_type)
    event.usage.CopyFrom(
        UsageData(
            connector_usage_id=meter or alert_id,
            connector_customer_id=ident(found.customer),
            quantity=str(found.value) if found.value is not None else "",
        )
    )
    return event
