"""Adyen's answers to payments and refunds → events. Pure; `answers_other.py` has the rest.

An answer and the webhook that follows tell the same fact with the same references and amounts, so the second changes no
total. Captures, cancellations and adjustments are only received here: their webhooks decide, and nothing is recorded.

Source: Adyen docs, "Result codes"; "Refusal reasons"; API Explorer, "Checkout" v71.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from connectors.adyen.amounts import money
from connectors.adyen.endpoints import Endpoints
from connectors.adyen.failures import answered_refusal
from connectors.adyen.parts import CONNECTOR, PAYMENT_STATUS, REFUND_STATUS, fill_details, optional_time, reference
from connectors.adyen.prepared import known_payment
from connectors.adyen.replies import Reply, lost
from connectors.adyen.shapes import AdditionalData, text
from connectors.adyen.shapes_answers import MODIFICATION, PAYMENT, Action, ModificationAnswer, PaymentAnswer
from connectors.spi import Capability
from connectors.spi.building import new_event, raw_of, unix_time
from connectors.spi.operations import REQUEST, Answer, Call
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import NextAction, PaymentStatus
from orchestratorx_prism.v1.payment_service_pb2 import CAPTURE_MODE_MANUAL
from orchestratorx_prism.v1.reference_pb2 import Reference

T = TypeVar("T")

AUTHORIZED: Final = "payment.authorized"
FAILED: Final = "payment.failed"
ACTION: Final = "payment.action_required"
PENDING: Final = "payment.pending"

# resultCode → our type. A code that is not here is not guessed: the outcome stays unknown.
RESULTS: Final[dict[str, str]] = {
    "Authorised": AUTHORIZED,
    "PartiallyAuthorised": AUTHORIZED,
    "Refused": FAILED,
    "Cancelled": FAILED,
    "Error": FAILED,
    "RedirectShopper": ACTION,
    "IdentifyShopper": ACTION,
    "ChallengeShopper": ACTION,
    "PresentToShopper": ACTION,
    "Pending": PENDING,
    "Received": PENDING,
    # 3-D Secure alone: nothing is authorized yet.
    "AuthenticationFinished": PENDING,
    "AuthenticationNotRequired": PENDING,
}
ACTIONS: Final[dict[str, str]] = {
    "IdentifyShopper": "three_d_secure",
    "ChallengeShopper": "three_d_secure",
    "PresentToShopper": "display_details",
}
"""resultCode → what the payer does; of RedirectShopper the action itself says it."""
CAPTURES_ITSELF: Final = "captures_itself"
"""Kind of the reference by which a payment whose payer was sent away is known, on return, to be captured by Adyen."""
PAYMENT_STATUS_ACTION: Final = PaymentStatus.PAYMENT_STATUS_ACTION_REQUIRED


def decoded(decoder: msgspec.json.Decoder[T], reply: Reply) -> T:
    """An answer's body.

    Raises:
        OutcomeUnknown: It cannot be read. What it answered may have been carried out.
    """
    try:
        return decoder.decode(reply.body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        found = None
    if found is None:  # outside the handler: the decoder's error is no part of ours
        raise lost("Adyen's answer cannot be read")
    return found


def answered_at(call: Call) -> Timestamp:
    """Answers carry no time: ours, in Adyen's whole seconds, so that a webhook of the same second is not the older."""
    return unix_time(call.context.received_at_ns // 1_000_000_000)


def payment_answer(call: Call, reply: Reply, endpoints: Endpoints) -> Answer:
    """Of /payments and /payments/details.

    Raises:
        OutcomeUnknown: It cannot be read, or its resultCode is not known.
        PayloadRejected: Its amount cannot be read.
    """
    answer = decoded(PAYMENT, reply)
    name = RESULTS.get(answer.result_code)
    if name is None:
        raise lost("Adyen's answer has a resultCode that is not known")
    events = [payment_event(call, reply, endpoints, answer, name)]
    if name == AUTHORIZED and captures_itself(call):
        events.append(_captured(call, reply, endpoints, answer, events[0]))
    action = events[0].payment.next_action if name == ACTION else None
    return Answer(events, reply.body, next_action=action)


def payment_event(call: Call, reply: Reply, endpoints: Endpoints, answer: PaymentAnswer, name: str) -> Event:
    """The event of a payment's answer."""
    event = _new(call, reply, endpoints, answer, name)
    found = event.payment
    found.status = PAYMENT_STATUS_ACTION if name == ACTION else PAYMENT_STATUS[name]
    _fill(event, call, answer)
    data = answer.additional_data or AdditionalData()
    if name == FAILED:
        found.failure.CopyFrom(
            answered_refusal(
                answer.result_code,
                text(answer.refusal_reason),
                reason_code(answer),
                text(data.refusal_raw),
            )
        )
    if name == ACTION:
        found.next_action.CopyFrom(next_action(answer))
    return event


def _captured(call: Call, reply: Reply, endpoints: Endpoints, answer: PaymentAnswer, authorized: Event) -> Event:
    """Adyen captures at once what was asked for with captureDelayHours 0, and sends no webhook of it."""
    event = _new(call, reply, endpoints, answer, "payment.captured", index=1)
    event.payment.CopyFrom(authorized.payment)
    event.payment.status = PAYMENT_STATUS["payment.captured"]
    return event


def _new(call: Call, reply: Reply, endpoints: Endpoints, answer: PaymentAnswer, name: str, index: int = 0) -> Event:
    psp = text(answer.psp_reference) or (call.payment.connector_transaction_id if call.payment is not None else "")
    return new_event(
        call.context,
        raw_of(reply.body, call.context),
        connector=CONNECTOR,
        type=name,
        dedup_key=f"api:{call.key}",
        item_index=index,
        account=endpoints.merchant_account,
        provider_event_type=answer.result_code,
        occurred_at=answered_at(call),
        references=_references(call, psp, name),
        merchant_transaction_id=text(answer.merchant_reference) or _merchant_reference(call),
        connector_transaction_id=psp,
    )


def _references(call: Call, psp: str, name: str) -> Iterable[Reference]:
    if psp:
        yield reference("psp_reference", psp)
    if call.payment is not None:  # a payment that goes on: what named it before Adyen did
        yield from (each for each in call.payment.references if each.kind == REQUEST)
        return
    yield reference(REQUEST, call.key)
    if name == ACTION and captures_itself(call):
        yield reference(CAPTURES_ITSELF, f"{CAPTURES_ITSELF}:{call.key}")


def captures_itself(call: Call) -> bool:
    """Whether Adyen was asked to capture as soon as it has authorized."""
    if call.payment is not None:
        return any(each.kind == CAPTURES_ITSELF for each in call.payment.references)
    if call.capability is Capability.CHARGE_MANDATE:
        return True
    return call.capability is Capability.AUTHORIZE and call.request.capture_mode != CAPTURE_MODE_MANUAL


def _merchant_reference(call: Call) -> str:
    if call.payment is not None:
        return call.payment.merchant_transaction_id
    return call.request.merchant_transaction_id or call.key


def _fill(event: Event, call: Call, answer: PaymentAnswer) -> None:
    found = event.payment
    data = answer.additional_data or AdditionalData()
    found.merchant_transaction_id = event.merchant_transaction_id
    found.connector_transaction_id = event.connector_transaction_id
    found.provider_status = answer.result_code
    amount = money(answer.amount) or _asked(call)
    if amount is not None:
        found.amount.CopyFrom(amount)
    shopper = text(data.shopper) or text(data.recurring_shopper) or text(data.token_shopper)
    if shopper:
        found.connector_customer_id = shopper
    method = answer.payment_method
    fill_details(
        found.payment_method,
        (text(method.brand) or text(method.type)) if method is not None else "",
        text(data.card_summary),
        text(data.expiry_date),
        text(data.recurring_detail) or text(data.token),
    )
    if text(data.auth_code):
        found.authorization_code = text(data.auth_code)


def _asked(call: Call) -> Money | None:
    holder: Any = call.payment if call.payment is not None else call.request
    if call.capability is Capability.SETUP_MANDATE:
        return Money(minor_units=0, currency=call.request.currency.upper())
    return holder.amount if holder.HasField("amount") else None


def next_action(answer: PaymentAnswer) -> NextAction:
    """What the payer has to do."""
    action = answer.action or Action()
    posts = text(action.method).upper() == "POST"
    redirect = "redirect_post" if posts else "redirect"
    found = NextAction(
        type=ACTIONS.get(answer.result_code, redirect),
        redirect_url=text(action.url) or text(action.download_url),
    )
    expires = optional_time(action.expires_at)
    if expires is not None:
        found.expires_at.CopyFrom(expires)
    return found


def reason_code(answer: PaymentAnswer) -> str:
    """refusalReasonCode: text, though some answers have a number."""
    code = answer.refusal_reason_code
    return str(code) if type(code) is int else text(code)


def refund_answer(call: Call, reply: Reply, endpoints: Endpoints) -> Answer:
    """Of /payments/{psp}/refunds: received, and decided by a webhook.

    Raises:
        OutcomeUnknown: It cannot be read.
        PayloadRejected: Its amount cannot be read.
    """
    answer = _received(reply)
    payment = known_payment(call)
    event = new_event(
        call.context,
        raw_of(reply.body, call.context),
        connector=CONNECTOR,
        type="refund.pending",
        dedup_key=f"api:{call.key}",
        account=endpoints.merchant_account,
        provider_event_type=answer.status,
        occurred_at=answered_at(call),
        references=[reference("psp_reference", payment.connector_transaction_id)],
        merchant_transaction_id=payment.merchant_transaction_id,
        connector_transaction_id=payment.connector_transaction_id,
    )
    found = event.refund
    found.connector_refund_id = answer.psp_reference
    found.merchant_refund_id = text(answer.reference) or payment.merchant_transaction_id
    found.merchant_transaction_id = payment.merchant_transaction_id
    found.connector_transaction_id = payment.connector_transaction_id
    found.status = REFUND_STATUS["refund.pending"]
    found.provider_status = answer.status
    found.refund_reason = call.request.refund_reason
    amount = money(answer.amount)
    if amount is not None:
        found.amount.CopyFrom(amount)
    return Answer([event], reply.body)


def modification_answer(_call: Call, reply: Reply, _endpoints: Endpoints) -> Answer:
    """Of captures, cancels, reversals and amountUpdates: received, and decided by a webhook.

    Raises:
        OutcomeUnknown: It cannot be read.
    """
    _received(reply)
    return Answer((), reply.body)


def _received(reply: Reply) -> ModificationAnswer:
    answer = decoded(MODIFICATION, reply)
    if answer.status != "received":
        raise lost("Adyen's answer is neither a refusal nor `received`")
    return answer
