"""Adyen's answers to disputes, payouts, saved payment methods and mandates → events and answers of rpcs. Pure.

Source: Adyen API Explorer, "Disputes" v30, "Transfers" v4, "Checkout" v71.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from connectors.adyen.answers import (
    ACTION,
    AUTHORIZED,
    FAILED,
    RESULTS,
    answered_at,
    decoded,
    payment_event,
    reason_code,
)
from connectors.adyen.endpoints import Endpoints
from connectors.adyen.failures import answered_refusal
from connectors.adyen.origin import Origin
from connectors.adyen.parts import CONNECTOR, DISPUTE_STATUS, fill_details, reference
from connectors.adyen.replies import Reply, lost, refusal_in_words
from connectors.adyen.requests_other import page_of
from connectors.adyen.shapes import TRANSFER, AdditionalData, Envelope, Message, text
from connectors.adyen.shapes_answers import DISPUTE, PAYMENT, STORED_METHOD, STORED_METHODS, PaymentAnswer, StoredMethod
from connectors.adyen.transfers import moved_event, moved_of
from connectors.spi import Capability
from connectors.spi.building import new_event, raw_of
from connectors.spi.operations import REQUEST, Answer, Call
from orchestratorx_prism.v1.event_data_pb2 import MandateData, PaymentMethodData
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.mandate_service_pb2 import MandateServiceRevokeResponse, MandateServiceSetupResponse
from orchestratorx_prism.v1.payment_method_service_pb2 import (
    PaymentMethodServiceAttachResponse,
    PaymentMethodServiceDetachResponse,
    PaymentMethodServiceGetResponse,
    PaymentMethodServiceListResponse,
)
from orchestratorx_prism.v1.reference_pb2 import Reference

DISPUTE_TYPES: Final[dict[Capability, str]] = {
    Capability.ACCEPT_DISPUTE: "dispute.accepted",
    Capability.DEFEND_DISPUTE: "dispute.evidence_submitted",
}
"""What a success says. Of documents nothing: they wait for the defence."""


def dispute_answer(call: Call, reply: Reply, endpoints: Endpoints) -> Answer:
    """Of the Disputes API.

    Raises:
        ProviderRefused: Adyen says no, in a sentence.
        OutcomeUnknown: It cannot be read.
    """
    result = decoded(DISPUTE, reply).dispute_service_result
    if not result.success:
        raise refusal_in_words("dispute_refused", text(result.error_message))
    name = DISPUTE_TYPES.get(call.capability)
    if name is None or call.dispute is None:
        return Answer((), reply.body)
    payment = call.payment.connector_transaction_id if call.payment is not None else ""
    event = _new(
        call,
        reply,
        endpoints,
        name,
        references=[reference("psp_reference", payment)] if payment else [],
        merchant=call.dispute.merchant_transaction_id,
        connector_transaction_id=payment,
    )
    found = event.dispute
    found.connector_dispute_id = call.dispute.connector_dispute_id
    found.merchant_transaction_id = call.dispute.merchant_transaction_id
    found.connector_transaction_id = payment
    found.status = DISPUTE_STATUS[name]
    return Answer([event], reply.body)


def payout_answer(call: Call, reply: Reply, _endpoints: Endpoints) -> Answer:
    """Of POST /transfers: read as a transfer webhook is, which tells the same transfer later.

    Raises:
        OutcomeUnknown: It cannot be read, or its status is not known.
        PayloadRejected: Its amount or time cannot be read.
    """
    data = decoded(TRANSFER, reply)
    # An answer is of the transfer that we sent, whatever it leaves out.
    data.direction = data.direction or "outgoing"
    origin = Origin(call.context, raw_of(reply.body, call.context), Message("transfers", Envelope()), None)
    moved = moved_of(origin, data)
    if moved is None:
        raise lost("Adyen's answer has a status that is not known")
    occurred_at = moved.occurred_at or answered_at(call)
    event = moved_event(origin, replace(moved, dedup_key=f"api:{call.key}", occurred_at=occurred_at))
    return Answer([event], reply.body)


def list_answer(call: Call, reply: Reply, _endpoints: Endpoints) -> Answer:
    """Of GET /storedPaymentMethods, for List.

    Raises:
        OutcomeUnknown: It cannot be read.
    """
    stored = decoded(STORED_METHODS, reply).stored_payment_methods
    first, last = page_of(call)
    page = PaymentMethodServiceListResponse(
        payment_methods=[_method(each, call.request.connector_customer_id) for each in stored[first:last]],
        next_page_token=str(last) if last < len(stored) else "",
    )
    return Answer((), reply.body, resource=page)


def get_answer(call: Call, reply: Reply, _endpoints: Endpoints) -> Answer:
    """Of GET /storedPaymentMethods, for Get: Adyen has no address of one.

    Raises:
        ProviderRefused: The shopper has no such payment method.
        OutcomeUnknown: It cannot be read.
    """
    wanted = call.request.connector_payment_method_id
    for each in decoded(STORED_METHODS, reply).stored_payment_methods:
        if each.id == wanted:
            found = _method(each, call.request.connector_customer_id)
            return Answer((), reply.body, resource=PaymentMethodServiceGetResponse(payment_method=found))
    raise refusal_in_words("payment_method_not_found", "the shopper has no such payment method")


def attach_answer(call: Call, reply: Reply, endpoints: Endpoints) -> Answer:
    """Of POST /storedPaymentMethods.

    Raises:
        OutcomeUnknown: It cannot be read.
    """
    found = _method(decoded(STORED_METHOD, reply), call.request.connector_customer_id)
    event = _new(call, reply, endpoints, "payment_method.attached")
    event.payment_method.CopyFrom(found)
    return Answer([event], reply.body, resource=PaymentMethodServiceAttachResponse(payment_method=found))


def detach_answer(call: Call, reply: Reply, endpoints: Endpoints) -> Answer:
    """Of DELETE /storedPaymentMethods/{id}, for Detach."""
    request = call.request
    found = PaymentMethodData(
        connector_payment_method_id=request.connector_payment_method_id,
        connector_customer_id=request.connector_customer_id,
        merchant_customer_id=request.connector_customer_id,
    )
    event = _new(call, reply, endpoints, "payment_method.detached")
    event.payment_method.CopyFrom(found)
    return Answer([event], reply.body, resource=PaymentMethodServiceDetachResponse(payment_method=found))


def revoke_answer(call: Call, reply: Reply, endpoints: Endpoints) -> Answer:
    """Of DELETE /storedPaymentMethods/{id}, for Revoke."""
    request = call.request
    found = MandateData(
        connector_mandate_id=request.connector_mandate_id,
        connector_payment_method_id=request.connector_mandate_id,
        connector_customer_id=request.connector_customer_id,
    )
    event = _new(call, reply, endpoints, "mandate.revoked")
    event.mandate.CopyFrom(found)
    return Answer([event], reply.body, resource=MandateServiceRevokeResponse(mandate=found))


def setup_answer(call: Call, reply: Reply, endpoints: Endpoints) -> Answer:
    """Of a payment of nothing. While the payer has to do something it is a payment, so that it can be confirmed.

    Raises:
        OutcomeUnknown: It cannot be read, or its resultCode is not known.
        PayloadRejected: Its amount cannot be read.
    """
    answer = decoded(PAYMENT, reply)
    name = RESULTS.get(answer.result_code)
    if name is None:
        raise lost("Adyen's answer has a resultCode that is not known")
    mandate = _mandate(call, answer, name)
    if name not in {AUTHORIZED, FAILED}:
        event = payment_event(call, reply, endpoints, answer, name)
        action = event.payment.next_action if name == ACTION else None
        resource = MandateServiceSetupResponse(mandate=mandate, next_action=action)
        return Answer([event], reply.body, next_action=action, resource=resource)
    resource = MandateServiceSetupResponse(mandate=mandate)
    if name == AUTHORIZED and not mandate.connector_mandate_id:
        return Answer((), reply.body, resource=resource)  # its webhook (recurring.token.created) brings the id
    psp = text(answer.psp_reference)
    event = _new(
        call,
        reply,
        endpoints,
        "mandate.active" if name == AUTHORIZED else "mandate.failed",
        references=[reference("psp_reference", psp), reference(REQUEST, call.key)] if psp else [],
        merchant=mandate.merchant_transaction_id,
        connector_transaction_id=psp,
    )
    event.mandate.CopyFrom(mandate)
    return Answer([event], reply.body, resource=resource)


def _mandate(call: Call, answer: PaymentAnswer, name: str) -> MandateData:
    data = answer.additional_data or AdditionalData()
    saved = text(data.token) or text(data.recurring_detail)
    found = MandateData(
        connector_mandate_id=saved,
        connector_payment_method_id=saved,
        connector_customer_id=call.request.connector_customer_id,
        provider_status=answer.result_code,
        merchant_transaction_id=text(answer.merchant_reference) or call.request.merchant_transaction_id or call.key,
    )
    if name == FAILED:
        found.failure.CopyFrom(
            answered_refusal(
                answer.result_code, text(answer.refusal_reason), reason_code(answer), text(data.refusal_raw)
            )
        )
    return found


def _method(stored: StoredMethod, shopper: str) -> PaymentMethodData:
    found = PaymentMethodData(
        connector_payment_method_id=stored.id, connector_customer_id=shopper, merchant_customer_id=shopper
    )
    expiry = f"{text(stored.expiry_month)}/{text(stored.expiry_year)}"
    fill_details(found.details, text(stored.brand) or text(stored.type), text(stored.last_four), expiry, stored.id)
    return found


def _new(
    call: Call,
    reply: Reply,
    endpoints: Endpoints,
    name: str,
    *,
    references: list[Reference] | None = None,
    merchant: str = "",
    connector_transaction_id: str = "",
) -> Event:
    return new_event(
        call.context,
        raw_of(reply.body, call.context),
        connector=CONNECTOR,
        type=name,
        dedup_key=f"api:{call.key}",
        account=endpoints.merchant_account,
        occurred_at=answered_at(call),
        references=references or (),
        merchant_transaction_id=merchant,
        connector_transaction_id=connector_transaction_id,
    )
