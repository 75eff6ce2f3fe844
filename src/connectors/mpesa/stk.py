"""STK push: its callback, the answer to a query, the answer to the push itself, and B2B Express CheckOut, its like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.mpesa import codes as c
from connectors.mpesa.amounts import shillings
from connectors.mpesa.notices import Notice
from connectors.mpesa.shapes import Envelope, Metadata, Named, StkCallback
from connectors.mpesa.values import identifier, last4, moment, required, text, typed_by_payer

_ACCEPTED_CODE = "0"
_EXPRESS_SUCCESS = frozenset({"SUCCESS", ""})
"""`status` of a B2B Express CheckOut that went well; some do not send it."""


def read_callback(callback: StkCallback) -> Notice:
    """How a push ended. CallbackMetadata comes with success only; its items are found by name, never by position.

    Raises:
        PayloadRejected: No CheckoutRequestID, or a field that is read is not of its kind.
    """
    checkout = required(callback.checkout_request_id, "CheckoutRequestID")
    merchant_request = identifier(callback.merchant_request_id, "MerchantRequestID")
    code = text(callback.result_code, "ResultCode")
    sentence = text(callback.result_desc, "ResultDesc")
    meaning = c.stk_meaning(code, sentence)
    items = _items(callback.metadata)
    receipt = identifier(items.get("MpesaReceiptNumber"), "MpesaReceiptNumber")
    return Notice(
        provider_type=f"stk.{meaning.variant}",
        dedup_key=f"stk:{checkout}:{code}:{receipt}",
        ids=(checkout, merchant_request),
        references=_names(checkout, merchant_request, receipt),
        payment_name=checkout,
        receipt=receipt,
        amount=shillings(items.get("Amount")),
        occurred_at=moment(items.get("TransactionDate"), "TransactionDate"),
        payer_last4=last4(items.get("PhoneNumber")),
        status_word=code,
        sentence=sentence,
        decline=meaning.decline,
    )


def read_answer(envelope: Envelope) -> Notice:
    """The answer to a push (no ResultCode: it was sent to the phone) or to a query (ResultCode: how it ended).

    A query's answer states neither amount nor receipt.
    """
    checkout = required(envelope.checkout_request_id, "CheckoutRequestID")
    merchant_request = identifier(envelope.merchant_request_id, "MerchantRequestID")
    queried = envelope.result_code is not None
    if queried:
        code = text(envelope.result_code, "ResultCode")
        sentence = text(envelope.result_desc, "ResultDesc")
        meaning = c.stk_meaning(code, sentence)
        provider_type = f"stk_query.{meaning.variant}"
    else:
        code = text(envelope.response_code, "ResponseCode")
        meaning = c.NOT_KNOWN
        provider_type = "stk_push.accepted" if code == _ACCEPTED_CODE else "stk_push.unknown"
        sentence = text(envelope.response_description, "ResponseDescription")
    return Notice(
        provider_type=provider_type,
        dedup_key=f"{'stk_query' if queried else 'stk_push'}:{checkout}:{code}",
        ids=(checkout, merchant_request),
        references=_names(checkout, merchant_request, ""),
        payment_name=checkout,
        status_word=code,
        sentence=sentence,
        decline=meaning.decline,
    )


def read_express(envelope: Envelope) -> Notice:
    """How a B2B Express CheckOut ended: another merchant paid us from its till.

    Raises:
        PayloadRejected: No requestId.
    """
    request = required(envelope.request_id, "requestId")
    code = text(envelope.express_result_code, "resultCode")
    meaning = c.meaning_of(c.EXPRESS_CODES, code)
    if meaning is c.OK and text(envelope.express_status, "status").upper() not in _EXPRESS_SUCCESS:
        meaning = c.NOT_KNOWN  # the code says yes and the status says no
    receipt = identifier(envelope.transaction_id, "transactionId")
    conversation = identifier(envelope.express_conversation_id, "conversationID")
    names = (("request", request), ("conversation", conversation), ("receipt", receipt))
    return Notice(
        provider_type=f"b2b_express.{meaning.variant}",
        dedup_key=f"b2b_express:{request}:{code}:{receipt}",
        ids=(request, conversation),
        references=tuple(name for name in names if name[1]),
        payment_name=request,
        receipt=receipt,
        amount=shillings(envelope.amount),
        merchant_reference=typed_by_payer(envelope.payment_reference, "paymentReference"),
        status_word=code,
        sentence=text(envelope.express_result_desc, "resultDesc"),
        decline=meaning.decline,
    )


def _names(checkout: str, merchant_request: str, receipt: str) -> tuple[tuple[str, str], ...]:
    names = (("checkout_request", checkout), ("merchant_request", merchant_request), ("receipt", receipt))
    return tuple(name for name in names if name[1])


def _items(metadata: Metadata | list[Named | None] | str | None) -> Mapping[str, Any]:
    found = metadata.items if isinstance(metadata, Metadata) else metadata
    if isinstance(found, Named):
        found = [found]
    if not isinstance(found, list):
        return {}
    return {item.name: item.value for item in found if item is not None and item.name is not None}
