"""Sample bodies of asynchronous results and of the answers before them. Written from the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from connectors.mpesa import codes as c
from connectors.mpesa.sample_ids import SHORTCODE, Fields, Made

_QUEUE: Final = "https://internalapi.safaricom.co.ke/mpesa/{}results/v1/submit"
_QUEUE_WORDS: Final = {"b2c": "b2c", "b2b": "b2b", "reversal": "reversal", "balance": "ab"}

API_ENDINGS: Final[Mapping[str, tuple[int, str]]] = {
    c.SUCCESS: (0, "The service request is processed successfully."),
    c.FAILED: (2001, "The initiator information is invalid."),
    c.TIMEOUT: (1, "The service request timed out."),
    c.PROCESSING: (4999, "The transaction is still under processing"),
    c.UNKNOWN: (17, "Internal failure"),
}
STATUS_WORDS: Final[Mapping[str, str]] = {
    c.SUCCESS: "Completed",
    c.FAILED: "Declined",
    c.EXPIRED: "Expired",
    c.PROCESSING: "Authorized",
    c.UNKNOWN: "Bewildered",
}


def accepted(made: Made, _variant: str) -> Fields:
    return {
        "OriginatorConversationID": made.originator,
        "ConversationID": made.conversation,
        "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }


def result(made: Made, kind: str, variant: str, parameters: Fields) -> Fields:
    """A Result of any kind; parameters come with success only, as M-Pesa sends them."""
    code, sentence = API_ENDINGS[variant]
    body: Fields = {
        "ResultType": 1 if variant == c.TIMEOUT else 0,
        "ResultCode": code,
        "ResultDesc": sentence,
        "OriginatorConversationID": made.originator,
        "ConversationID": made.conversation,
        "TransactionID": made.own_receipt if variant == c.SUCCESS else f"{made.own_receipt[:3]}0000000",
    }
    if parameters and variant == c.SUCCESS:
        items = [{"Key": key, "Value": value} for key, value in parameters.items()]
        body["ResultParameters"] = {"ResultParameter": items}
    if kind in _QUEUE_WORDS:
        url = _QUEUE.format(_QUEUE_WORDS[kind])
        body["ReferenceData"] = {"ReferenceItem": {"Key": "QueueTimeoutURL", "Value": url}}
    return {"Result": body}


def b2c(made: Made, variant: str) -> Fields:
    parameters: Fields = {
        "TransactionAmount": made.amount,
        "TransactionReceipt": made.own_receipt,
        "ReceiverPartyPublicName": f"{made.phone} - JANE DOE",
        "TransactionCompletedDateTime": made.stamp("%d.%m.%Y %H:%M:%S"),
        "B2CUtilityAccountAvailableFunds": Decimal("50000.00"),
        "B2CWorkingAccountAvailableFunds": Decimal("120000.00"),
        "B2CRecipientIsRegisteredCustomer": "Y",
        "B2CChargesPaidAccountAvailableFunds": Decimal("-45.00"),
    }
    return result(made, "b2c", variant, parameters)


def b2b(made: Made, variant: str) -> Fields:
    parameters: Fields = {
        "DebitAccountBalance": "{Amount={CurrencyCode=KES, MinimumAmount=5000000, BasicAmount=50000.00}}",
        "Amount": f"{made.amount:f}",
        "TransCompletedTime": made.stamp(),
        "DebitPartyCharges": "Business Pay Bill Charge|KES|23.00",
        "ReceiverPartyPublicName": "700000 - Sample Supplier",
        "Currency": "KES",
    }
    return result(made, "b2b", variant, parameters)


def reversal(made: Made, variant: str) -> Fields:
    parameters: Fields = {
        "DebitAccountBalance": "Utility Account|KES|50000.00|50000.00|0.00|0.00",
        "Amount": made.amount,
        "TransCompletedTime": int(made.stamp()),
        "OriginalTransactionID": made.receipt,
        "Charge": Decimal("0.00"),
        "CreditPartyPublicName": f"{made.phone} - JANE DOE",
        "DebitPartyPublicName": f"{SHORTCODE} - Sample Shop",
    }
    return result(made, "reversal", variant, parameters)


def status(made: Made, family: str, variant: str) -> Fields:
    """The state of a payment, a payout or a reversal of the same seed and step."""
    shop, payer = f"{SHORTCODE} - Sample Shop", f"{made.phone} - JANE DOE"
    incoming = family == "status"
    reasons = {
        "status": "Pay Bill Online",
        "payout_status": "Business Payment to Customer via API",
        "reversal_status": "Transaction Reversal via API",
    }
    parameters: Fields = {
        "DebitPartyName": payer if incoming else shop,
        "CreditPartyName": shop if incoming else payer,
        "OriginatorConversationID": made.originator,
        "ConversationID": made.conversation,
        "InitiatedTime": made.stamp(),
        "DebitPartyCharges": "",
        "TransactionReason": None,
        "ReasonType": reasons[family],
        "TransactionStatus": STATUS_WORDS[variant],
        "FinalisedTime": made.stamp(),
        "Amount": f"{made.amount:f}",
        "ReceiptNo": made.receipt if incoming else made.own_receipt,
    }
    body = result(made, "", c.SUCCESS, parameters)
    body["Result"] |= {"ConversationID": made.asking, "TransactionID": "UAA0000000"}
    body["Result"]["ReferenceData"] = {"ReferenceItem": {"Key": "Occasion"}}
    return body


def balance(made: Made, _variant: str) -> Fields:
    accounts = "Working Account|KES|700.00|700.00|0.00|0.00&Utility Account|KES|228.00|228.00|0.00|0.00"
    return result(made, "balance", c.SUCCESS, {"AccountBalance": accounts, "BOCompletedTime": int(made.stamp())})
