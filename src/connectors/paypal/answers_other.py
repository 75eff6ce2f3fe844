"""PayPal's answers to calls besides payments as our events and answers, by the readers that the webhooks use. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.paypal import states
from connectors.paypal.answers import answered
from connectors.paypal.billing import SUBSCRIPTION, Subscription, subscription_data, subscription_event
from connectors.paypal.delivery import Delivery
from connectors.paypal.disputes import DISPUTE, dispute_event
from connectors.paypal.issues import Problem, unknown
from connectors.paypal.mapping import PAYOUT_STATUSES, meaning
from connectors.paypal.payment_methods import TOKEN, Token, payment_method_data, payment_method_event
from connectors.paypal.payouts import BatchHeader, Payout, payout_event
from connectors.paypal.references import Link
from connectors.paypal.requests_other import payout_name
from connectors.spi.decoding import decode
from connectors.spi.operations import Answer, Call
from orchestratorx_prism.v1.event_data_pb2 import MandateData, PayoutData
from orchestratorx_prism.v1.mandate_service_pb2 import MandateServiceRevokeResponse, MandateServiceSetupResponse
from orchestratorx_prism.v1.payment_method_service_pb2 import (
    PaymentMethodServiceAttachResponse,
    PaymentMethodServiceDetachResponse,
    PaymentMethodServiceGetResponse,
    PaymentMethodServiceListResponse,
)
from orchestratorx_prism.v1.payment_pb2 import NextAction
from orchestratorx_prism.v1.subscription_service_pb2 import (
    SubscriptionServiceCancelResponse,
    SubscriptionServiceCreateResponse,
    SubscriptionServiceGetResponse,
    SubscriptionServiceUpdateResponse,
)


class PayoutBatch(msgspec.Struct):
    """A batch with its items."""

    batch_header: BatchHeader | None = None
    items: list[Payout] | None = None


class TokenPage(msgspec.Struct):
    """A page of a customer's saved methods."""

    payment_tokens: list[Token] | None = None
    total_pages: int | None = None


class _Linked(msgspec.Struct):
    links: list[Link] | None = None


class _Counted(msgspec.Struct):
    plan_id: str | None = None
    quantity: str | None = None


PAYOUT_BATCH = msgspec.json.Decoder(PayoutBatch)
_TOKEN_PAGE = msgspec.json.Decoder(TokenPage)
_LINKED = msgspec.json.Decoder(_Linked)
_COUNTED = msgspec.json.Decoder(_Counted)


def payout_answer(call: Call, body: bytes, batch: PayoutBatch) -> Answer | None:
    """The batch's one payout; None while PayPal does not list it.

    The payout is named by its item, as its webhooks name it; the batch alone would be another payout to the ledger.
    """
    item = next(iter(batch.items or ()), None)
    if item is None or not item.payout_item_id:
        return None
    our_type = meaning(states.PAYOUT_ITEMS, item.provider_status)
    if our_type is None:
        raise unknown(f"PayPal answered with a status that no table knows: {item.provider_status}")
    return Answer([payout_event(_nameless(call, body), our_type, item)], body)


def payout_declined(call: Call, problem: Problem, body: bytes) -> Answer:
    """A payout that PayPal did not take for want of money."""
    event = _nameless(call, body).event("payout.failed")
    event.payout.CopyFrom(
        PayoutData(
            merchant_payout_id=payout_name(call),
            status=PAYOUT_STATUSES["payout.failed"],
            amount=call.request.amount,
            failure=problem.failure(),
        )
    )
    return Answer([event], body)


def dispute_answer(call: Call, body: bytes, our_type: str) -> Answer:
    """The dispute after what we did with it."""
    delivery = answered(call, body)
    return Answer([dispute_event(delivery, our_type, delivery.decode(DISPUTE))], body)


def saved_answer(call: Call, body: bytes) -> Answer:
    """A method that was saved."""
    delivery = _nameless(call, body)
    event = payment_method_event(delivery, "payment_method.attached", delivery.decode(TOKEN))
    return Answer([event], body, resource=PaymentMethodServiceAttachResponse(payment_method=event.payment_method))


def forgotten_answer(call: Call) -> Answer:
    """A saved method that is no more."""
    token = Token(id=call.request.connector_payment_method_id)
    event = payment_method_event(_nameless(call, b""), "payment_method.detached", token)
    event.payment_method.connector_customer_id = call.request.connector_customer_id
    return Answer([event], resource=PaymentMethodServiceDetachResponse(payment_method=event.payment_method))


def consent_asked(call: Call, body: bytes) -> Answer:
    """A consent that the payer is asked for. It is none yet, so nothing has happened.

    The id is the setup token's. Approved, it is attached as a payment method, whose id then stands for the mandate.
    """
    token = decode(TOKEN, body)
    data = MandateData(
        connector_mandate_id=token.id or "",
        connector_customer_id=(token.customer.id if token.customer else None) or "",
        provider_status=token.status or "",
        merchant_transaction_id=call.request.merchant_transaction_id,
    )
    action = approval(body)
    return Answer([], body, action, resource=MandateServiceSetupResponse(mandate=data, next_action=action))


def consent_revoked(call: Call) -> Answer:
    """A mandate that is no more."""
    asked = call.request
    event = _nameless(call, b"").event("mandate.revoked")
    event.mandate.CopyFrom(
        MandateData(
            connector_mandate_id=asked.connector_mandate_id,
            connector_payment_method_id=asked.connector_mandate_id,
            connector_customer_id=asked.connector_customer_id,
        )
    )
    return Answer([event], resource=MandateServiceRevokeResponse(mandate=event.mandate))


def method_answer(body: bytes) -> Answer:
    """One saved method."""
    data = payment_method_data(decode(TOKEN, body))
    return Answer(body=body, resource=PaymentMethodServiceGetResponse(payment_method=data))


def methods_answer(body: bytes, page: int) -> Answer:
    """A page of saved methods."""
    found = decode(_TOKEN_PAGE, body)
    more = page < (found.total_pages or 0)
    listed = [payment_method_data(token) for token in found.payment_tokens or ()]
    resource = PaymentMethodServiceListResponse(payment_methods=listed, next_page_token=str(page + 1) if more else "")
    return Answer(body=body, resource=resource)


def subscription_made(call: Call, body: bytes) -> Answer:
    """A subscription, with the page where the payer approves it."""
    delivery = _nameless(call, body)
    event = subscription_event(delivery, "subscription.created", delivery.decode(SUBSCRIPTION))
    action = approval(body)
    resource = SubscriptionServiceCreateResponse(subscription=event.subscription, next_action=action)
    return Answer([event], body, action, resource=resource)


def subscription_answer(body: bytes) -> Answer:
    """A subscription as it is."""
    data = subscription_data(decode(SUBSCRIPTION, body))
    return Answer(body=body, resource=SubscriptionServiceGetResponse(subscription=data))


def subscription_revised(call: Call, body: bytes, action: NextAction | None) -> Answer:
    """A subscription that was changed; while the payer has to approve the change it is none yet."""
    delivery = _nameless(call, body)
    found: Subscription = delivery.decode(SUBSCRIPTION)
    events = [] if action is not None else [subscription_event(delivery, "subscription.updated", found)]
    resource = SubscriptionServiceUpdateResponse(subscription=subscription_data(found), next_action=action)
    return Answer(events, body, action, resource=resource)


def is_as_asked(call: Call, body: bytes) -> bool:
    """Whether a subscription has the plan and the quantity that an Update asked for."""
    found, asked = decode(_COUNTED, body), call.request
    plan_fits = not asked.connector_plan_id or found.plan_id == asked.connector_plan_id
    return plan_fits and (not asked.quantity or found.quantity == str(asked.quantity))


def subscription_ended(call: Call, body: bytes) -> Answer:
    """A subscription that is over."""
    delivery = _nameless(call, body)
    event = subscription_event(delivery, "subscription.canceled", delivery.decode(SUBSCRIPTION))
    return Answer([event], body, resource=SubscriptionServiceCancelResponse(subscription=event.subscription))


def approval(body: bytes) -> NextAction | None:
    """Where the payer approves; None if they need not."""
    links: Any = decode(_LINKED, body).links
    where = next((link.href for link in links or () if link.rel == "approve" and link.href), "")
    return NextAction(type="redirect", redirect_url=where) if where else None


def _nameless(call: Call, body: bytes) -> Delivery:
    """An answer about what belongs to no payment: a reference would make it one's."""
    delivery = answered(call, body)
    delivery.names = {}
    return delivery
