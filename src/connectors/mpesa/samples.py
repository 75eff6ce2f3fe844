"""Sample bodies of every type in `mapping.TYPES`, by family. Written from the documentation; tables, not literals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from connectors.mpesa import codes as c
from connectors.mpesa import sample_results as results
from connectors.mpesa.sample_ids import SHORTCODE, Fields, Made

STK_ENDINGS: Final[Mapping[str, tuple[int, str]]] = {
    c.SUCCESS: (0, "The service request is processed successfully."),
    "insufficient_funds": (1, "The balance is insufficient for the transaction."),
    "canceled": (1032, "Request cancelled by user"),
    "wrong_pin": (2001, "The initiator information is invalid."),
    c.FAILED: (1001, "Unable to lock subscriber, a transaction is already in process for the current subscriber"),
    c.EXPIRED: (1019, "Transaction has expired"),
    c.TIMEOUT: (1037, "DS timeout user cannot be reached"),
    c.PROCESSING: (4999, "The transaction is still under processing"),
    c.UNKNOWN: (777, "A code that is in no table"),
}
EXPRESS_ENDINGS: Final[Mapping[str, tuple[str, str]]] = {
    c.SUCCESS: ("0", "The service request is processed successfully."),
    "canceled": ("4001", "User cancelled transaction"),
    c.FAILED: ("4102", "Merchant KYC Fail"),
    c.TIMEOUT: ("4201", "USSD Network Error"),
    c.UNKNOWN: ("4999", "A code that is in no table"),
}


def stk(made: Made, variant: str) -> Fields:
    code, sentence = STK_ENDINGS[variant]
    callback: Fields = {
        "MerchantRequestID": made.merchant_request,
        "CheckoutRequestID": made.checkout,
        "ResultCode": code,
        "ResultDesc": sentence,
    }
    if variant == c.SUCCESS:
        callback["CallbackMetadata"] = {
            "Item": [
                {"Name": "Amount", "Value": made.amount},
                {"Name": "MpesaReceiptNumber", "Value": made.receipt},
                {"Name": "Balance"},
                {"Name": "TransactionDate", "Value": int(made.stamp())},
                {"Name": "PhoneNumber", "Value": made.phone},
            ]
        }
    return {"Body": {"stkCallback": callback}}


def stk_push(made: Made, variant: str) -> Fields:
    return {
        "MerchantRequestID": made.merchant_request,
        "CheckoutRequestID": made.checkout,
        "ResponseCode": "0" if variant == c.ACCEPTED else "1",
        "ResponseDescription": "Success. Request accepted for processing" if variant == c.ACCEPTED else "Not accepted",
        "CustomerMessage": "Success. Request accepted for processing" if variant == c.ACCEPTED else "Not accepted",
    }


def stk_query(made: Made, variant: str) -> Fields:
    code, sentence = STK_ENDINGS[variant]
    answer = stk_push(made, c.ACCEPTED) | {"ResultCode": str(code), "ResultDesc": sentence}
    del answer["CustomerMessage"]
    return answer


def c2b(made: Made, variant: str) -> Fields:
    if variant == c.ACCEPTED:
        return {"OriginatorCoversationID": made.uuid, "ResponseCode": "0", "ResponseDescription": "Success"}
    return {
        "TransactionType": "Pay Bill",
        "TransID": made.receipt,
        "TransTime": made.stamp(),
        "TransAmount": f"{made.amount:f}",
        "BusinessShortCode": SHORTCODE,
        "BillRefNumber": made.request.merchant_transaction_id,
        "InvoiceNumber": "",
        "OrgAccountBalance": "" if variant == "validation" else "50000.00",
        "ThirdPartyTransID": "",
        "MSISDN": f"{str(made.phone)[:4]} ***** {str(made.phone)[-3:]}",
        "FirstName": "JANE",
        "MiddleName": "",
        "LastName": "",
    }


def pull(made: Made, variant: str) -> Fields:
    if variant == "empty":
        return {"ResponseRefID": made.originator, "ResponseCode": "1001", "ResponseMessage": "None", "Response": [[]]}
    transaction = {
        "transactionId": made.receipt,
        "trxDate": made.stamp("%Y-%m-%d %H:%M:%S"),
        "msisdn": made.phone,
        "sender": "MPESA",
        "transactiontype": "c2b-pay-bill-debit" if variant == "transaction" else "a type that is in no table",
        "billreference": made.request.merchant_transaction_id,
        "amount": f"{made.amount:f}",
        "organizationname": "Sample Shop",
    }
    head = {"ResponseRefID": made.originator, "ResponseCode": "1000", "ResponseMessage": "Success"}
    return head | {"Response": [[transaction]]}


def bill_manager(made: Made, _variant: str) -> Fields:
    return {
        "transactionId": made.receipt,
        "paidAmount": f"{made.amount:f}",
        "msisdn": str(made.phone),
        "dateCreated": made.stamp("%Y-%m-%d"),
        "accountReference": made.request.merchant_transaction_id,
        "shortCode": SHORTCODE,
    }


def b2b_express(made: Made, variant: str) -> Fields:
    if variant == c.ACCEPTED:
        return {"code": "0", "status": "USSD Initiated Successfully"}
    code, sentence = EXPRESS_ENDINGS[variant]
    answer = {"resultCode": code, "resultDesc": sentence, "requestId": made.uuid, "amount": f"{made.amount:f}"}
    if variant != c.SUCCESS:
        return answer | {"paymentReference": made.request.merchant_transaction_id}
    said = {"conversationID": made.conversation, "transactionId": made.own_receipt, "status": "SUCCESS"}
    return answer | {"resultType": "0"} | said


def ratiba(made: Made, variant: str) -> Fields:
    if variant == c.ACCEPTED:
        said = {"responseDescription": "Request accepted for processing", "responseCode": "200"}
        return {"ResponseHeader": {"responseRefID": made.uuid} | said, "ResponseBody": said}
    code, sentence = {
        c.SUCCESS: ("0", "Standing order created successfully"),
        c.FAILED: ("1032", "Request cancelled by user"),
        c.UNKNOWN: ("1037", "DS timeout user cannot be reached"),
    }[variant]
    header = {"responseRefID": made.uuid, "requestRefID": made.uuid}
    items = [{"name": "TransactionID", "value": made.own_receipt}, {"name": "Msisdn", "value": "*********123"}]
    return {
        "responseHeader": header | {"responseCode": code, "responseDescription": sentence},
        "responseBody": {"responseData": items if variant == c.SUCCESS else []},
    }


def api(made: Made, variant: str) -> Fields:
    if variant == c.PROCESSING:
        return {
            "requestId": made.originator,
            "errorCode": "500.001.1001",
            "errorMessage": "The transaction is being processed",
        }
    return {"requestId": made.originator, "errorCode": "404.001.03", "errorMessage": "Invalid Access Token"}


BY_FAMILY: Final[Mapping[str, Callable[[Made, str], Fields]]] = {
    "stk": stk,
    "stk_push": stk_push,
    "stk_query": stk_query,
    "c2b": c2b,
    "pull": pull,
    "bill_manager": bill_manager,
    "b2b_express": b2b_express,
    "b2c": results.b2c,
    "b2b": results.b2b,
    "reversal": results.reversal,
    "result": lambda made, variant: results.result(made, "", variant, {}),
    "status": lambda made, variant: results.status(made, "status", variant),
    "payout_status": lambda made, variant: results.status(made, "payout_status", variant),
    "reversal_status": lambda made, variant: results.status(made, "reversal_status", variant),
    "balance": results.balance,
    "ratiba": ratiba,
    "api": api,
}
