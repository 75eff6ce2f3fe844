"""What Stripe's answers about customers, saved methods, mandates and subscriptions mean. Pure.

The ledger does not keep these: the answer is handed back, and what changed is told as an event, as its webhook would.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from connectors.spi.building import raw_of
from connectors.spi.decoding import decode
from connectors.spi.operations import Call
from connectors.stripe import billing, saved_methods
from connectors.stripe.answers_payments import API_VERSION, THING, Said, event_of
from connectors.stripe.envelope import Arrival, Envelope
from connectors.stripe.mapping_billing import MERCHANT_CUSTOMER_KEY
from connectors.stripe.payments import next_action_of
from connectors.stripe.refusals import Reply
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1 import customer_service_pb2 as customer_rpc
from orchestratorx_prism.v1 import mandate_service_pb2 as mandate_rpc
from orchestratorx_prism.v1 import payment_method_service_pb2 as method_rpc
from orchestratorx_prism.v1 import subscription_service_pb2 as subscription_rpc
from orchestratorx_prism.v1.event_data_pb2 import MandateData, UsageData


class Known(msgspec.Struct, gc=False):
    """A customer, as much as a profile shows."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    metadata: dict[str, str] | None = None


class Page(msgspec.Struct, gc=False):
    data: list[msgspec.Raw] = []
    has_more: bool = False


class Setup(msgspec.Struct, gc=False):
    next_action: Any = None


class Counted(msgspec.Struct, gc=False):
    """A meter event."""

    identifier: str = ""
    created: int | None = None
    livemode: bool | None = None
    payload: dict[str, str] = {}


_KNOWN: Final = msgspec.json.Decoder(Known)
_PAGE: Final = msgspec.json.Decoder(Page)
_SETUP: Final = msgspec.json.Decoder(Setup)
_COUNTED: Final = msgspec.json.Decoder(Counted)

# Source: Stripe docs, "The Setup Intents API": statuses, and which event tells of each.
SETUP_AS: Final[dict[str | None, str]] = {
    "requires_payment_method": "setup_intent.setup_failed",
    "requires_confirmation": "setup_intent.created",
    "requires_action": "setup_intent.requires_action",
    "processing": "setup_intent.created",
    "succeeded": "setup_intent.succeeded",
    "canceled": "setup_intent.canceled",
}


def customer_created(call: Call, reply: Reply, key: str) -> Said:
    event = event_of(call, reply, billing.customer, "customer.created", key)
    return {"events": (event,), "resource": customer_rpc.CustomerServiceCreateResponse(customer=event.customer)}


def customer_updated(call: Call, reply: Reply, key: str) -> Said:
    event = event_of(call, reply, billing.customer, "customer.updated", key)
    return {"events": (event,), "resource": customer_rpc.CustomerServiceUpdateResponse(customer=event.customer)}


def customer_deleted(call: Call, reply: Reply, key: str) -> Said:
    event = event_of(call, reply, billing.customer, "customer.deleted", key)
    return {"events": (event,), "resource": customer_rpc.CustomerServiceDeleteResponse(customer=event.customer)}


def customer_read(call: Call, reply: Reply, key: str) -> Said:
    """What Stripe knows; of a deleted customer, its id alone."""
    event = event_of(call, reply, billing.customer, "customer.updated", key)
    known = decode(_KNOWN, reply.body)
    metadata = dict(known.metadata or {})
    profile = customer_rpc.CustomerProfile(
        name=known.name or "",
        email=known.email or "",
        phone=known.phone or "",
        merchant_customer_id=metadata.pop(MERCHANT_CUSTOMER_KEY, ""),
        metadata=metadata,
    )
    return {"resource": customer_rpc.CustomerServiceGetResponse(customer=event.customer, profile=profile)}


def method_attached(call: Call, reply: Reply, key: str) -> Said:
    event = event_of(call, reply, saved_methods.payment_method, "payment_method.attached", key)
    return {
        "events": (event,),
        "resource": method_rpc.PaymentMethodServiceAttachResponse(payment_method=event.payment_method),
    }


def method_detached(call: Call, reply: Reply, key: str) -> Said:
    event = event_of(call, reply, saved_methods.payment_method, "payment_method.detached", key)
    return {
        "events": (event,),
        "resource": method_rpc.PaymentMethodServiceDetachResponse(payment_method=event.payment_method),
    }


def method_read(call: Call, reply: Reply, key: str) -> Said:
    event = event_of(call, reply, saved_methods.payment_method, "payment_method.updated", key)
    return {"resource": method_rpc.PaymentMethodServiceGetResponse(payment_method=event.payment_method)}


def methods_listed(call: Call, reply: Reply, key: str) -> Said:
    page = decode(_PAGE, reply.body)
    events = [
        event_of(call, reply, saved_methods.payment_method, "payment_method.updated", key, part=bytes(one))
        for one in page.data
    ]
    methods = [event.payment_method for event in events]
    token = methods[-1].connector_payment_method_id if page.has_more and methods else ""
    return {"resource": method_rpc.PaymentMethodServiceListResponse(payment_methods=methods, next_page_token=token)}


def mandate_set_up(call: Call, reply: Reply, key: str) -> Said:
    """A SetupIntent. Until the payer has done what is asked of them there is no mandate yet, only its SetupIntent."""
    thing = decode(THING, reply.body)
    provider_type = SETUP_AS.get(thing.status, "")
    if not provider_type:
        raise PayloadRejected("a SetupIntent has a status that is not known", reason="PAYLOAD_FIELD_INVALID")
    event = event_of(call, reply, saved_methods.setup_intent, provider_type, key, occurred_s=thing.created)
    mandate = (
        event.mandate
        if event.HasField("mandate")
        else MandateData(
            connector_mandate_id=thing.id,
            connector_payment_method_id=event.payment_method.connector_payment_method_id,
            connector_customer_id=event.payment_method.connector_customer_id,
            provider_status=thing.status or "",
            merchant_transaction_id=event.merchant_transaction_id,
        )
    )
    action = next_action_of(decode(_SETUP, reply.body).next_action)
    response = mandate_rpc.MandateServiceSetupResponse(mandate=mandate, next_action=action)
    return {"events": (event,), "next_action": action, "resource": response}


def mandate_revoked(call: Call, reply: Reply, key: str) -> Said:
    """The detached payment method. Stripe tells of it as such; that the mandate ended with it is said here."""
    detached = event_of(call, reply, saved_methods.payment_method, "payment_method.detached", key)
    mandate = MandateData(
        connector_mandate_id=call.request.connector_mandate_id,
        connector_payment_method_id=detached.payment_method.connector_payment_method_id,
        connector_customer_id=call.request.connector_customer_id,
    )
    event = type(detached)()
    event.CopyFrom(detached)
    event.type = "mandate.revoked"
    event.mandate.CopyFrom(mandate)
    return {"events": (event,), "resource": mandate_rpc.MandateServiceRevokeResponse(mandate=mandate)}


def subscription_created(call: Call, reply: Reply, key: str) -> Said:
    event = event_of(call, reply, billing.subscription, "customer.subscription.created", key)
    response = subscription_rpc.SubscriptionServiceCreateResponse(subscription=event.subscription)
    return {"events": (event,), "resource": response}


def subscription_updated(call: Call, reply: Reply, key: str) -> Said:
    event = event_of(call, reply, billing.subscription, "customer.subscription.updated", key)
    response = subscription_rpc.SubscriptionServiceUpdateResponse(subscription=event.subscription)
    return {"events": (event,), "resource": response}


def subscription_canceled(call: Call, reply: Reply, key: str) -> Said:
    """At once: it is over. At the end of the period: a change, as Stripe's webhook says."""
    event = event_of(call, reply, billing.subscription, "customer.subscription.updated", key)
    response = subscription_rpc.SubscriptionServiceCancelResponse(subscription=event.subscription)
    return {"events": (event,), "resource": response}


def subscription_read(call: Call, reply: Reply, key: str) -> Said:
    event = event_of(call, reply, billing.subscription, "customer.subscription.updated", key)
    return {"resource": subscription_rpc.SubscriptionServiceGetResponse(subscription=event.subscription)}


def usage_recorded(call: Call, reply: Reply, key: str) -> Said:
    """A meter event: it has no webhook of its own, and is known by the identifier that we gave it."""
    counted = decode(_COUNTED, reply.body)
    envelope = Envelope(id=key, api_version=API_VERSION, created=counted.created, livemode=counted.livemode)
    event = Arrival(envelope, call.context, raw_of(reply.body, call.context)).begin("usage.recorded")
    event.provider_event_id = ""
    event.idempotency_key = call.key
    event.usage.CopyFrom(
        UsageData(
            connector_usage_id=counted.identifier or call.key,
            connector_customer_id=counted.payload.get("stripe_customer_id", call.request.connector_customer_id),
            quantity=counted.payload.get("value", call.request.quantity),
        )
    )
    response = subscription_rpc.SubscriptionServiceRecordUsageResponse(usage=event.usage)
    return {"events": (event,), "resource": response}
