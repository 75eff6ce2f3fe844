"""The shapes of M-Pesa's bodies: only the fields used, every one optional, numbers never as floats.

One envelope holds the top-level names of every family, for nothing but the shape tells what a body is.

Source: Daraja documentation, the page of each API.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import msgspec


class Named(msgspec.Struct, gc=False, rename={"name": "Name", "value": "Value"}):
    """One item of CallbackMetadata. `Balance` comes without a Value."""

    name: str | None = None
    value: Any = None


class Metadata(msgspec.Struct, gc=False, rename={"items": "Item"}):
    """CallbackMetadata of a successful STK push."""

    items: list[Named | None] | Named | str | None = None


class StkCallback(
    msgspec.Struct,
    gc=False,
    rename={
        "merchant_request_id": "MerchantRequestID",
        "checkout_request_id": "CheckoutRequestID",
        "result_code": "ResultCode",
        "result_desc": "ResultDesc",
        "metadata": "CallbackMetadata",
    },
):
    """How an STK push ended. ResultCode is a number, or text, or absent."""

    merchant_request_id: Any = None
    checkout_request_id: Any = None
    result_code: Any = None
    result_desc: Any = None
    metadata: Metadata | list[Named | None] | str | None = None


class Body(msgspec.Struct, gc=False, rename={"stk_callback": "stkCallback"}):
    """What an STK callback is wrapped in."""

    stk_callback: StkCallback | None = None


class Keyed(msgspec.Struct, gc=False, rename={"key": "Key", "value": "Value"}):
    """One ResultParameter or ReferenceItem. `Occasion` and `TransactionReason` come without a Value."""

    key: str | None = None
    value: Any = None


KeyedList: TypeAlias = list[Keyed | None] | Keyed | str | None
"""A list; on failures a single object; where empty, sometimes empty text."""


class Parameters(msgspec.Struct, gc=False, rename={"items": "ResultParameter"}):
    """ResultParameters in its documented form."""

    items: KeyedList = None


class Swapped(msgspec.Struct, gc=False, rename={"items": "ResultParameters"}):
    """The same under swapped names, as the page "Account Balance" has it: ResultParameter{ResultParameters}."""

    items: KeyedList = None


class References(msgspec.Struct, gc=False, rename={"items": "ReferenceItem"}):
    """ReferenceData."""

    items: KeyedList = None


class Result(
    msgspec.Struct,
    gc=False,
    rename={
        "result_type": "ResultType",
        "result_code": "ResultCode",
        "result_desc": "ResultDesc",
        "originator_conversation_id": "OriginatorConversationID",
        "conversation_id": "ConversationID",
        "transaction_id": "TransactionID",
        "parameters": "ResultParameters",
        "swapped_parameters": "ResultParameter",
        "reference_data": "ReferenceData",
    },
):
    """The answer to an asynchronous request: B2C, B2B, tax, reversal, transaction status, account balance."""

    result_type: Any = None
    result_code: Any = None
    result_desc: Any = None
    originator_conversation_id: Any = None
    conversation_id: Any = None
    transaction_id: Any = None
    parameters: Parameters | list[Keyed | None] | str | None = None
    swapped_parameters: Swapped | list[Keyed | None] | str | None = None
    reference_data: References | list[Keyed | None] | str | None = None


class RatibaHeader(
    msgspec.Struct,
    gc=False,
    rename={
        "response_ref_id": "responseRefID",
        "request_ref_id": "requestRefID",
        "response_code": "responseCode",
        "response_description": "responseDescription",
    },
):
    """The head of a standing order's callback, or of the answer to its request."""

    response_ref_id: Any = None
    request_ref_id: Any = None
    response_code: Any = None
    response_description: Any = None


class Envelope(
    msgspec.Struct,
    gc=False,
    rename={
        "body": "Body",
        "result": "Result",
        # What belongs inside Body or Result, where something between M-Pesa and us has unwrapped it
        "bare_callback": "stkCallback",
        "bare_metadata": "CallbackMetadata",
        "bare_result_type": "ResultType",
        # C2B confirmation and validation
        "trans_id": "TransID",
        "trans_time": "TransTime",
        "trans_amount": "TransAmount",
        "business_short_code": "BusinessShortCode",
        "bill_ref_number": "BillRefNumber",
        "msisdn": "MSISDN",
        # Answers to our own calls
        "merchant_request_id": "MerchantRequestID",
        "checkout_request_id": "CheckoutRequestID",
        "response_code": "ResponseCode",
        "response_description": "ResponseDescription",
        "customer_message": "CustomerMessage",
        "result_code": "ResultCode",
        "result_desc": "ResultDesc",
        "conversation_id": "ConversationID",
        "originator_conversation_id": "OriginatorConversationID",
        "originator_coversation_id": "OriginatorCoversationID",
        "error_code": "errorCode",
        "error_message": "errorMessage",
        # B2B Express CheckOut
        "express_result_code": "resultCode",
        "express_result_desc": "resultDesc",
        "request_id": "requestId",
        "express_conversation_id": "conversationID",
        "express_status": "status",
        "express_code": "code",
        "payment_reference": "paymentReference",
        # Pull transactions and Bill Manager; transactionId and amount are B2B Express CheckOut's too
        "transaction_id": "transactionId",
        "amount": "amount",
        "trx_date": "trxDate",
        "pulled_msisdn": "msisdn",
        "transaction_type": "transactiontype",
        "bill_reference": "billreference",
        "pulled": "Response",
        "pull_ref_id": "ResponseRefID",
        "paid_amount": "paidAmount",
        "date_created": "dateCreated",
        "account_reference": "accountReference",
        "short_code": "shortCode",
        # Ratiba
        "ratiba_callback": "responseHeader",
        "ratiba_callback_body": "responseBody",
        "ratiba_answer": "ResponseHeader",
        "ratiba_answer_body": "ResponseBody",
    },
):
    """Every top-level name that tells what a body is, or that is read."""

    body: Body | None = None
    result: Result | None = None
    bare_callback: StkCallback | None = None
    bare_metadata: Any = None
    bare_result_type: Any = None
    trans_id: Any = None
    trans_time: Any = None
    trans_amount: Any = None
    business_short_code: Any = None
    bill_ref_number: Any = None
    msisdn: Any = None
    merchant_request_id: Any = None
    checkout_request_id: Any = None
    response_code: Any = None
    response_description: Any = None
    customer_message: Any = None
    result_code: Any = None
    result_desc: Any = None
    conversation_id: Any = None
    originator_conversation_id: Any = None
    originator_coversation_id: Any = None
    error_code: Any = None
    error_message: Any = None
    express_result_code: Any = None
    express_result_desc: Any = None
    request_id: Any = None
    express_conversation_id: Any = None
    express_status: Any = None
    express_code: Any = None
    payment_reference: Any = None
    transaction_id: Any = None
    amount: Any = None
    trx_date: Any = None
    pulled_msisdn: Any = None
    transaction_type: Any = None
    bill_reference: Any = None
    pulled: Any = None
    pull_ref_id: Any = None
    paid_amount: Any = None
    date_created: Any = None
    account_reference: Any = None
    short_code: Any = None
    ratiba_callback: RatibaHeader | None = None
    ratiba_callback_body: Any = None
    ratiba_answer: RatibaHeader | None = None
    ratiba_answer_body: Any = None


def exact(digits: str) -> Decimal:
    """A JSON number with a point or an exponent, exactly. ValueError where no decimal can hold it."""
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise ValueError("a number is out of range") from None


DECODER = msgspec.json.Decoder(Envelope, float_hook=exact)
BARE_CALLBACK_DECODER = msgspec.json.Decoder(StkCallback, float_hook=exact)
BARE_RESULT_DECODER = msgspec.json.Decoder(Result, float_hook=exact)
