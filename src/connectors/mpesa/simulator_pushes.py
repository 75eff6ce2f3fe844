"""The simulator's STK pushes: the prompt on a phone, what its owner does, and what Daraja says of it when asked.

Magic phones, all as 2547…:

| phone | what happens |
|---|---|
| any other | paid, when the callback is due |
| 254700000001 | 1: insufficient funds |
| 254700001001 | the push is refused: another transaction has the subscriber's lock (HTTP 500, 500.001.1001) |
| 254700001019 | 1019: expired |
| 254700001032 | 1032: cancelled by the payer |
| 254700001037 | 1037: no response; nothing is ever paid |
| 254700002001 | 2001: wrong PIN |
| 254700011037 | 1037, and ten minutes later paid after all |
| 254700004999 | never ends: no callback, and the query says "being processed" for ever |
| 254700000408 | paid; the answer to the push comes late (`late_answer_s`) |
| 254700000500 | paid; the answer to the push is HTTP 500 without a body |
| 254700000503 | the push is refused: the system is busy (HTTP 500, 500.003.02) |

Source: Daraja documentation, "M-Pesa Express", request, response, error and result codes. The phones are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.mpesa import codes as c
from connectors.mpesa import samples
from connectors.mpesa.account import stk_password
from connectors.mpesa.amounts import CURRENCY
from connectors.mpesa.sample_ids import Fields
from connectors.mpesa.simulator_books import (
    Books,
    Paid,
    Refused,
    Simulated,
    checked_amount,
    checked_phone,
    checked_text,
    checked_url,
)
from connectors.spi.simulating import Truth

PAID: Final = "0"
NO_RESPONSE: Final = "1037"

ENDINGS: Final[Mapping[str, str]] = {
    "254700000001": "1",
    "254700001019": "1019",
    "254700001032": "1032",
    "254700001037": NO_RESPONSE,
    "254700002001": "2001",
    "254700011037": NO_RESPONSE,
}
"""Phone → the result code its push ends with; others pay."""
LATE_PAYER: Final = "254700011037"
NEVER_ENDS: Final = "254700004999"
LOCKED: Final = "254700001001"
BUSY: Final = "254700000503"
ANSWERS_LATE: Final = "254700000408"
ANSWERS_500: Final = "254700000500"

LATE_PAYMENT_S: Final = 600.0

_VARIANTS: Final[Mapping[str, str]] = {
    str(code): variant for variant, (code, _) in samples.STK_ENDINGS.items() if variant != c.UNKNOWN
}
_STAMP: Final = re.compile(r"20\d{12}", re.ASCII)


@dataclass(slots=True)
class Push:
    """One prompt, and what comes of it: known from the beginning, told when its time has come."""

    made: Simulated
    phone: str
    endings: list[tuple[float, str]] = field(default_factory=list)
    """(when, result code), in order of time. The last that has come stands."""
    paid: Paid | None = None

    def code(self, now_s: float) -> str | None:
        """How it has ended so far; None while it is being processed."""
        codes = [code for at_s, code in self.endings if at_s <= now_s]
        return codes[-1] if codes else None


class Pushes:
    """Every push by its CheckoutRequestID."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._pushes: dict[str, Push] = {}

    def push(self, asked: Mapping[str, Any]) -> Fields:
        """POST /mpesa/stkpush/v1/processrequest. The same request twice makes two pushes: there is no idempotency."""
        self._check_password(asked)
        phone, amount_minor = checked_phone(asked, "PhoneNumber"), checked_amount(asked)
        if asked.get("TransactionType") not in {"CustomerPayBillOnline", "CustomerBuyGoodsOnline"}:
            raise Refused(400, "400.002.02", "Bad Request - Invalid TransactionType")
        checked_phone(asked, "PartyA")
        checked_text(asked, "PartyB", 10)
        reference = checked_text(asked, "AccountReference", 12)
        checked_text(asked, "TransactionDesc", 13)
        url = checked_url(asked, "CallBackURL")
        if phone == LOCKED:
            sentence = "Unable to lock subscriber, a transaction is already in process for the current subscriber"
            raise Refused(500, "500.001.1001", sentence)
        if phone == BUSY:
            raise Refused(500, "500.003.02", "System is busy. Please try again in few minutes.")
        made = self._books.make(phone, amount_minor, reference)
        self._begin(Push(made, phone), url)
        return samples.stk_push(made, c.ACCEPTED)

    def query(self, asked: Mapping[str, Any]) -> Fields:
        """POST /mpesa/stkpushquery/v1/query."""
        self._check_password(asked)
        push = self._pushes.get(str(asked.get("CheckoutRequestID", "")))
        code = push.code(self._books.now_s) if push is not None else None
        if push is None or code is None:
            raise Refused(500, "500.001.1001", "The transaction is being processed")
        return samples.stk_query(push.made, _VARIANTS[code])

    def truths(self) -> list[Truth]:
        """Every push, as M-Pesa knows it now."""
        return [self._truth(push) for push in self._pushes.values()]

    def _begin(self, push: Push, url: str) -> None:
        made, books = push.made, self._books
        self._pushes[made.checkout] = push
        if push.phone == NEVER_ENDS:
            return
        ends_s = books.now_s + books.options.callback_delay_s
        push.endings.append((ends_s, ENDINGS.get(push.phone, PAID)))
        if push.phone == LATE_PAYER:
            push.endings.append((ends_s + LATE_PAYMENT_S, PAID))
        for at_s, code in push.endings:
            if code == PAID:
                push.paid = books.pay_in(made, at_s)
            told = push.paid.made if push.paid is not None and code == PAID else made
            books.call_back(url, samples.stk(told, _VARIANTS[code]), at_s, f"{made.checkout} {code}")

    def _truth(self, push: Push) -> Truth:
        code = push.code(self._books.now_s)
        paid = push.paid if code == PAID else None
        return Truth(
            merchant_transaction_id=push.made.request.merchant_transaction_id,
            connector_transaction_id=push.made.checkout,
            key="",
            status="CAPTURED" if paid else "ACTION_REQUIRED" if code is None else "FAILED",
            currency=CURRENCY,
            authorized_minor=0,
            captured_minor=paid.amount_minor if paid else 0,
            refunded_minor=paid.reversed_minor if paid else 0,
        )

    def _check_password(self, asked: Mapping[str, Any]) -> None:
        credentials = self._books.credentials
        if asked.get("BusinessShortCode") != credentials.shortcode:
            raise Refused(500, "500.001.1001", "Merchant does not exist")
        stamp = str(asked.get("Timestamp", ""))
        if not _STAMP.fullmatch(stamp):
            raise Refused(400, "400.002.02", "Bad Request - Invalid Timestamp")
        if asked.get("Password") != stk_password(credentials.shortcode, credentials.passkey, stamp):
            raise Refused(500, "500.001.1001", "Wrong credentials")
