"""Daraja's answers to our requests as events. Pure.

An answer is read by the same readers as a callback, and built by the same builder, so that what a callback tells later
of the same fact has the same names, operation and words, and changes no total.
"""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.mpesa import codes as c
from connectors.mpesa.account import Account
from connectors.mpesa.events import build
from connectors.mpesa.notices import Notice
from connectors.mpesa.refusals import unknown
from connectors.mpesa.requests import normalized_phone, receipt_of, refund_amount
from connectors.mpesa.results import read_accepted
from connectors.mpesa.shapes import DECODER, Envelope
from connectors.mpesa.stk import read_answer
from connectors.spi import Capability, Context, KnownRequest, PayloadRejected
from connectors.spi.building import raw_of
from connectors.spi.decoding import decode
from connectors.spi.operations import REQUEST, Answer, Call
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_ACTION_REQUIRED, NextAction, Payment
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceAuthorizeRequest
from orchestratorx_prism.v1.payout_service_pb2 import PayoutServiceCreateRequest

PROMPT_S = 120
"""How long the prompt stays on the phone: about a minute, and as much until M-Pesa gives it up. Seconds; M-Pesa states
no figure. What comes later still counts."""

_NS = 1_000_000_000


def pushed(call: Call, body: bytes, account: Account) -> Answer:
    """The answer to a push: the payer has a prompt on the phone.

    Raises:
        OutcomeUnknown: The answer names no push.
    """
    request: PaymentServiceAuthorizeRequest = call.request
    notice = _push_of(body)
    notice.dedup_key = f"api:{call.key}"
    notice.amount = request.amount
    notice.account = account.shortcode
    notice.merchant_reference = request.merchant_transaction_id
    notice.payer_last4 = normalized_phone(request.instrument.phone, "instrument.phone")[-4:]
    event = build(notice, call.context, raw_of(body, call.context))
    event.references.add(kind=REQUEST, value=call.key)
    known = KnownRequest(
        connector_request_id=notice.payment_name,
        amount=request.amount,
        account=account.shortcode,
        merchant_transaction_id=request.merchant_transaction_id,
    )
    if notice.provider_type != "stk_push.accepted":
        return Answer(events=(event,), body=body, known_request=known)
    action = NextAction(type="stk_push", expires_at=_after(call.context, PROMPT_S))
    event.type = "payment.action_required"
    event.payment.status = PAYMENT_STATUS_ACTION_REQUIRED
    event.payment.next_action.CopyFrom(action)
    return Answer(events=(event,), body=body, next_action=action, known_request=known)


def queried(call: Call, checkout: str, body: bytes, account: Account) -> Event:
    """The answer to an STK query: how the push ended.

    It states no amount. A success is taken for the amount that was asked for: M-Pesa lets payers change nothing.

    Raises:
        PayloadRejected: The answer cannot be read, or is about another push.
    """
    notice = read_answer(decode(DECODER, body))
    if notice.payment_name != checkout:
        raise PayloadRejected("the answer is about another push", reason="PAYLOAD_FIELD_INVALID")
    payment = call.payment or Payment()
    if notice.provider_type == f"stk_query.{c.SUCCESS}":
        notice.amount = _asked(call, payment)
    amount = f"{notice.amount.minor_units}{notice.amount.currency}" if notice.amount is not None else ""
    notice.dedup_key = f"poll:{checkout}:{notice.status_word}:{amount}"
    notice.account = account.shortcode
    notice.merchant_reference = payment.merchant_transaction_id
    return build(notice, call.context, raw_of(body, call.context))


def payout_accepted(call: Call, body: bytes, account: Account) -> Answer:
    """The answer to a B2C request: it was taken, and the result will come by callback.

    Raises:
        OutcomeUnknown: The answer names no conversation.
    """
    request: PayoutServiceCreateRequest = call.request
    notice = _accepted(body, "b2c")
    notice.amount = request.amount
    notice.account = account.b2c_shortcode
    notice.merchant_reference = request.merchant_payout_id
    return _asynchronous(call, body, notice)


def reversal_accepted(call: Call, body: bytes, account: Account) -> Answer:
    """The answer to a reversal request: it was taken, and the result will come by callback.

    Raises:
        OutcomeUnknown: The answer names no conversation.
    """
    payment = call.payment or Payment()
    notice = _accepted(body, "reversal")
    notice.amount = refund_amount(call)
    notice.account = account.shortcode
    notice.merchant_reference = payment.merchant_transaction_id
    notice.receipt = notice.payment_name = receipt_of(payment)
    notice.references = (("receipt", notice.receipt),)
    answer = _asynchronous(call, body, notice)
    refund = answer.events[0].refund
    refund.refund_reason = call.request.refund_reason
    refund.merchant_refund_id = call.request.merchant_refund_id
    return answer


def _asked(call: Call, payment: Payment) -> Money | None:
    if payment.HasField("amount"):
        return payment.amount
    return call.request.amount if call.capability == Capability.AUTHORIZE else None


def _asynchronous(call: Call, body: bytes, notice: Notice) -> Answer:
    notice.dedup_key = f"api:{call.key}"
    known = KnownRequest(
        connector_request_id=notice.own_id,
        amount=notice.amount,
        account=notice.account,
        merchant_transaction_id=notice.merchant_reference,
    )
    event = build(notice, call.context, raw_of(body, call.context))
    return Answer(events=(event,), body=body, known_request=known)


def _push_of(body: bytes) -> Notice:
    envelope = _envelope(body)
    try:
        return read_answer(envelope)
    except PayloadRejected as error:
        raise unknown("M-Pesa's answer names no push") from error


def _accepted(body: bytes, purpose: str) -> Notice:
    envelope = _envelope(body)
    try:
        notice = read_accepted(envelope, purpose, body)
    except PayloadRejected as error:
        raise unknown("M-Pesa's answer names no conversation") from error
    if notice.own_id == notice.originator_id:
        # What the result will be found by; without it the payout would become another one.
        raise unknown("M-Pesa's answer has no ConversationID")
    return notice


def _envelope(body: bytes) -> Envelope:
    try:
        return decode(DECODER, body)
    except PayloadRejected as error:
        raise unknown("M-Pesa's answer cannot be read") from error


def _after(context: Context, seconds: int) -> Timestamp:
    whole, nanos = divmod(context.received_at_ns, _NS)
    return Timestamp(seconds=whole + seconds, nanos=nanos)
