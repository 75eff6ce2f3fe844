"""The simulator's asynchronous requests: B2C, reversal, transaction status. Taken at once, told by callback later.

Magic phones of B2C, besides those of `simulator_pushes` that answer late or with 500:

| phone | what happens |
|---|---|
| any other | the money arrives |
| 254700000001 | 1: the utility account has too little |
| 254700002040 | 2040: the receiver is not registered |
| 254700001037 | the queue times out: a callback to QueueTimeOutURL, and ten minutes later the money arrives after all |
| 254700004999 | no result is ever told; a transaction status says "Authorized" |

A wrong initiator or security credential ends every request with 2001, by callback. A reversal of a receipt that is
unknown ends with R000002, of one that has gone back with R000001.

Source: Daraja documentation, "Business To Customer" version 3, "Reversals", "Transaction Status". The phones are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from connectors.mpesa import codes as c
from connectors.mpesa import sample_results as results
from connectors.mpesa.sample_ids import Fields
from connectors.mpesa.simulator_books import (
    Books,
    Refused,
    Simulated,
    bad_request,
    checked_amount,
    checked_phone,
    checked_text,
    checked_url,
)
from connectors.mpesa.simulator_pushes import NEVER_ENDS

LATE_ARRIVAL_S: Final = 600.0
QUEUE_TIMES_OUT: Final = "254700001037"

_FAILURES: Final[Mapping[str, tuple[str, str]]] = {
    "254700000001": ("1", "The balance is insufficient for the transaction."),
    "254700002040": ("2040", "The receiver is not a registered M-PESA customer."),
}
_BAD_INITIATOR: Final = ("2001", "The initiator information is invalid.")
_UNKNOWN_RECEIPT: Final = ("R000002", "The OriginalTransactionID is invalid.")
_REVERSED_ALREADY: Final = ("R000001", "The transaction has already been reversed.")
_COMMANDS: Final = frozenset({"BusinessPayment", "SalaryPayment", "PromotionPayment"})


@dataclass(slots=True)
class Payout:
    """One B2C request."""

    made: Simulated
    phone: str
    ends_s: float
    """When the money has arrived, or was refused."""
    failure: tuple[str, str] | None

    def variant(self, now_s: float) -> str:
        """What a transaction status says of it."""
        if self.phone == NEVER_ENDS or now_s < self.ends_s:
            return c.PROCESSING
        return c.FAILED if self.failure else c.SUCCESS


class Transfers:
    """Payouts by OriginatorConversationID; reversals act on the money that came in."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.payouts: dict[str, Payout] = {}

    def b2c(self, asked: Mapping[str, Any]) -> Fields:
        """POST /mpesa/b2c/v3/paymentrequest. An OriginatorConversationID is taken once."""
        originator = checked_text(asked, "OriginatorConversationID", 100)
        phone, amount_minor = checked_phone(asked, "PartyB"), checked_amount(asked)
        if asked.get("CommandID") not in _COMMANDS:
            raise bad_request("CommandID")
        checked_text(asked, "Remarks", 100)
        result_url, queue_url = _urls(asked)
        if originator in self.payouts:
            raise Refused(500, "500.002.1001", "Duplicate OriginatorConversationID.")
        books = self._books
        made = books.make(phone, amount_minor, given_originator=originator)
        failure = self._bad_initiator(asked, "InitiatorName") or _FAILURES.get(phone)
        due_s = books.now_s + books.options.callback_delay_s
        late_s = LATE_ARRIVAL_S if phone == QUEUE_TIMES_OUT and failure is None else 0.0
        payout = Payout(made, phone, due_s + late_s, failure)
        self.payouts[originator] = payout
        if phone != NEVER_ENDS:
            if late_s:
                books.call_back(queue_url, results.b2c(made, c.TIMEOUT), due_s, f"{made.conversation} queue")
            done = replace(made, request=replace(made.request, now_s=int(payout.ends_s)))
            body = _failed(made, "b2c", failure) if failure else results.b2c(done, c.SUCCESS)
            books.call_back(result_url, body, payout.ends_s, made.conversation)
        return results.accepted(made, c.ACCEPTED)

    def reverse(self, asked: Mapping[str, Any]) -> Fields:
        """POST /mpesa/reversal/v1/request."""
        receipt, amount_minor = checked_text(asked, "TransactionID", 20), checked_amount(asked)
        if asked.get("CommandID") != "TransactionReversal":
            raise bad_request("CommandID")
        checked_text(asked, "ReceiverParty", 10)
        if str(asked.get("RecieverIdentifierType")) not in {"4", "11"}:
            raise bad_request("RecieverIdentifierType")
        checked_text(asked, "Remarks", 100)
        result_url, _ = _urls(asked)
        books = self._books
        paid = books.paid.get(receipt)
        phone = paid.made.payer if paid is not None else "254700000000"
        made = books.make(phone, amount_minor, original_receipt=receipt)
        due_s = books.now_s + books.options.callback_delay_s
        failure = self._bad_initiator(asked, "Initiator")
        if failure is None:
            if paid is None or paid.made.request.now_s > books.now_s or amount_minor > paid.amount_minor:
                failure = _UNKNOWN_RECEIPT
            elif paid.reversed_minor:
                failure = _REVERSED_ALREADY
            else:
                paid.reversed_minor = amount_minor
        done = replace(made, request=replace(made.request, now_s=int(due_s)))
        body = _failed(made, "reversal", failure) if failure else results.reversal(done, c.SUCCESS)
        books.call_back(result_url, body, due_s, made.conversation)
        return results.accepted(made, c.ACCEPTED)

    def status(self, asked: Mapping[str, Any]) -> Fields:
        """POST /mpesa/transactionstatus/v1/query: about a receipt, or about an OriginatorConversationID."""
        if asked.get("CommandID") != "TransactionStatusQuery":
            raise bad_request("CommandID")
        result_url, _ = _urls(asked)
        books = self._books
        question = books.make("254700000000", 0)
        body = self._status(asked)
        if body is None or self._bad_initiator(asked, "Initiator"):
            body = results.result(question, "", c.FAILED, {})
            body["Result"]["ReferenceData"] = {"ReferenceItem": {"Key": "Occasion"}}
        body["Result"] |= {"OriginatorConversationID": question.originator, "ConversationID": question.conversation}
        due_s = books.now_s + books.options.callback_delay_s
        books.call_back(result_url, body, due_s, question.conversation)
        return results.accepted(question, c.ACCEPTED)

    def _status(self, asked: Mapping[str, Any]) -> Fields | None:
        receipt, now_s = str(asked.get("TransactionID") or ""), self._books.now_s
        paid = self._books.paid.get(receipt)
        if paid is not None and paid.made.request.now_s <= now_s:
            return results.status(paid.made, "status", c.SUCCESS)
        originator = asked.get("OriginatorConversationID") or asked.get("OriginalConversationID")
        payout = self.payouts.get(str(originator or ""))
        return results.status(payout.made, "payout_status", payout.variant(now_s)) if payout is not None else None

    def _bad_initiator(self, asked: Mapping[str, Any], name: str) -> tuple[str, str] | None:
        credentials = self._books.credentials
        given = (asked.get(name), asked.get("SecurityCredential"))
        return None if given == (credentials.initiator, credentials.security_credential) else _BAD_INITIATOR


def _urls(asked: Mapping[str, Any]) -> tuple[str, str]:
    return checked_url(asked, "ResultURL"), checked_url(asked, "QueueTimeOutURL")


def _failed(made: Simulated, kind: str, failure: tuple[str, str]) -> Fields:
    body = results.result(made, kind, c.FAILED, {})
    body["Result"]["ResultCode"], body["Result"]["ResultDesc"] = failure
    return body
