"""What PayPal's simulator knows: orders, authorizations, captures, refunds and the rest, as PayPal's own JSON objects.

Magic values ask for what the sandbox's negative testing asks for. Documented by PayPal:

- header `PayPal-Mock-Response: {"mock_application_codes": "INSTRUMENT_DECLINED"}` on orders and payments: that issue;
- a payout item's `note` "ERRPYO005" and its kin (`simulator_payouts`);
- the card names that are rejected, "CCREJECT-IF" and its kin (`REJECTIONS`). Cards do not come here by their numbers:
  a `vault_id` or `single_use_token` with such a word stands for a card with that name.

The simulator's own:

- saved methods `card-visa` and `paypal-wallet`, and any single-use token; `SCA_ALWAYS`: the issuer asks for the payer;
- amounts, after PayPal's classic negative testing where an amount of 104.86 asks for error 10486: `AMOUNTS`;
- 504.04 is carried out and answered with 504, three times for one PayPal-Request-Id; 503.03 is not carried out and
  answered with 503 as often; 105.05 is answered five seconds late;
- 107.01 leaves a capture or refund PENDING; a capture of 113.10 is disputed.

Source: PayPal docs, "Simulate negative responses with request headers", "Test values", "Card testing".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from orchestratorx_prism.currencies import exponent
from orchestratorx_prism.errors import PayloadRejected

Object = dict[str, Any]
Emit = Callable[[str, str, str, Object], None]
"""(event type, resource type, resource version, resource): sends a webhook."""

REJECTIONS: Final[Mapping[str, str]] = {
    "CCREJECT-REFUSED": "0500",
    "CCREJECT-SF": "9500",
    "CCREJECT-EC": "5400",
    "CCREJECT-IRC": "5180",
    "CCREJECT-IF": "5120",
    "CCREJECT-LS": "9520",
    "CCREJECT-IA": "1330",
    "CCREJECT-BANK_ERROR": "5100",
    "CCREJECT-CVV_F": "00N7",
}
"""Name on the card → the processor's code. Source: PayPal docs, "Card testing", rejection triggers."""
CHALLENGE: Final = "SCA_ALWAYS"
AMOUNTS: Final[Mapping[str, Mapping[str, str]]] = {
    "order": {"104.86": "INSTRUMENT_DECLINED", "104.17": "PAYER_CANNOT_PAY"},
    "capture": {"106.02": "AUTHORIZATION_ALREADY_CAPTURED", "106.10": "MAX_CAPTURE_AMOUNT_EXCEEDED"},
    "void": {"106.00": "PREVIOUSLY_VOIDED"},
    "refund": {"100.09": "TRANSACTION_REFUSED"},
}
"""Operation → amount → issue. A release looks at the amount of its authorization."""
DONE_BUT_504: Final = "504.04"
NOT_DONE_503: Final = "503.03"
UNSURE: Final = 3
LATE: Final = "105.05"
LATE_S: Final = 5.0
PENDING: Final = "107.01"
DISPUTED: Final = "113.10"
SAVED: Final[Mapping[str, Object]] = {
    "card-visa": {"card": {"brand": "VISA", "last_digits": "1881", "expiry": "2031-11"}},
    "paypal-wallet": {"paypal": {"payer_id": "SIMPAYER00001", "email_address": "payer@example.com"}},
    **{word: {"card": {"name": word, "brand": "VISA", "last_digits": "1881"}} for word in (*REJECTIONS, CHALLENGE)},
}
"""Saved methods that are always there, by id."""

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_WHOLE: Final = frozenset({"HUF", "JPY", "TWD"})
PAYER: Final = "SIMPAYER00001"


class Refusal(Exception):
    """An error answer of PayPal's."""

    def __init__(
        self, status: int, name: str, issue: str = "", field: str = "", links: list[Object] | None = None
    ) -> None:
        super().__init__(issue or name)
        self.status, self.name, self.issue, self.field = status, name, issue, field
        self.links = links or []


def unprocessable(issue: str, links: list[Object] | None = None) -> Refusal:
    """422 with one issue."""
    return Refusal(422, "UNPROCESSABLE_ENTITY", issue, links=links)


def invalid(issue: str, field: str) -> Refusal:
    """400 with one issue and the field it is about."""
    return Refusal(400, "INVALID_REQUEST", issue, field)


def not_found() -> Refusal:
    """404."""
    return Refusal(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")


@dataclass(slots=True)
class Ask:
    """One request, decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Object
    headers: Mapping[str, str]
    base: str
    """Where the simulator was reached: "http://127.0.0.1:4711"."""
    mock: str = ""
    """The issue that PayPal-Mock-Response asks for."""

    @property
    def request_id(self) -> str:
        return self.headers.get("paypal-request-id", "")

    def link(self, rel: str, path: str, method: str = "GET") -> Object:
        """One of an object's links."""
        return {"href": f"{self.base}{path}", "rel": rel, "method": method}


@dataclass(slots=True)
class World:
    """All objects by id."""

    seed: int
    now_s: Callable[[], float]
    emit: Emit
    orders: dict[str, Object] = field(default_factory=dict)
    order_keys: dict[str, str] = field(default_factory=dict)
    """Order → the PayPal-Request-Id that it was made with."""
    authorizations: dict[str, Object] = field(default_factory=dict)
    captures: dict[str, Object] = field(default_factory=dict)
    refunds: dict[str, Object] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    """Authorization, capture or refund → its order."""
    batches: dict[str, Object] = field(default_factory=dict)
    tokens: dict[str, Object] = field(default_factory=dict)
    setup_tokens: dict[str, Object] = field(default_factory=dict)
    subscriptions: dict[str, Object] = field(default_factory=dict)
    disputes: dict[str, Object] = field(default_factory=dict)
    events: list[Object] = field(default_factory=list)
    """Every webhook event, in order, sent or lost."""
    raw_cards: bool = False
    """Whether the account may send card numbers."""
    _made: int = 0

    def id(self, length: int = 17) -> str:
        """A new id like PayPal's."""
        self._made += 1
        number = int.from_bytes(hashlib.sha256(f"{self.seed}:{self._made}".encode()).digest())
        letters = []
        for _ in range(length):
            number, digit = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[digit])
        return "".join(letters)

    def time(self, offset_s: float = 0.0) -> str:
        """Now, as v2 writes it."""
        return datetime.fromtimestamp(self.now_s() + offset_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def times(self) -> Object:
        now = self.time()
        return {"create_time": now, "update_time": now}

    def order_of(self, object_id: str) -> Object:
        """The order that an authorization, capture or refund belongs to."""
        return self.orders[self.owners[object_id]]


def found(table: dict[str, Object], object_id: str) -> Object:
    """The object; 404 if there is none."""
    if object_id not in table:
        raise not_found()
    return table[object_id]


def checked_amount(value: object, field: str) -> Object:
    """An amount as v2 takes it, or PayPal's error."""
    if not isinstance(value, dict) or not isinstance(value.get("value"), str):
        raise invalid("MISSING_REQUIRED_PARAMETER", field)
    currency, text = value.get("currency_code", ""), value["value"]
    try:
        places, number = exponent(currency), Decimal(text)
    except (ArithmeticError, PayloadRejected):
        raise invalid("INVALID_PARAMETER_VALUE", f"{field}/value") from None
    if number <= 0:
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE")
    decimals = len(text.partition(".")[2])
    if currency in _WHOLE and decimals:
        raise unprocessable("DECIMALS_NOT_SUPPORTED")
    if decimals > places:
        raise unprocessable("DECIMAL_PRECISION")
    return {"currency_code": currency, "value": text}


def minor(amount: Object) -> int:
    """An amount in ISO 4217 minor units."""
    return int(Decimal(amount["value"]).scaleb(exponent(amount["currency_code"])))
