"""What a request to PayPal is, and the checks that all of them share. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from connectors.paypal.amounts import decimal_text
from orchestratorx_prism.errors import PayloadRejected, RequestRejected
from orchestratorx_prism.v1.money_pb2 import Money

HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S

# Source: PayPal docs, "Currency codes".
CURRENCIES = frozenset(
    ("AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN RUB SEK SGD THB TWD USD").split()
)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent."""

    method: str
    path: str
    content: bytes = field(default=b"", repr=False)
    key: str = ""
    """PayPal-Request-Id; empty: PayPal takes none here, and a repeat would be another request."""
    content_type: str = "application/json"

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does what sending it once does."""
        return self.method == "GET" or bool(self.key)

    @property
    def headers(self) -> dict[str, str]:
        """All but the authorization."""
        headers = {"accept": "application/json"}
        if self.method != "GET":
            headers |= {"content-type": self.content_type, "prefer": "return=representation"}
        if self.key:
            headers["paypal-request-id"] = self.key
        return headers


def get(path: str) -> Request:
    """A question: it changes nothing."""
    return Request("GET", path)


def post(path: str, body: Mapping[str, Any] | None, key: str) -> Request:
    """A request that changes something."""
    return Request("POST", path, msgspec.json.encode(body or {}), key)


def amount(money: Money, named: str) -> dict[str, str]:
    """v2's form of an amount: 1099 USD → 10.99; 500 JPY → 500.

    Raises:
        RequestRejected: Zero or less, a currency that PayPal does not take, or a fraction of one without decimals.
    """
    if money.currency not in CURRENCIES:
        raise rejected(f"{named}.currency", "PayPal does not take this currency")
    if money.minor_units <= 0:
        raise rejected(f"{named}.minor_units", "the amount must be more than zero")
    try:
        text = decimal_text(money.minor_units, money.currency)
    except (ValueError, PayloadRejected):
        raise rejected(f"{named}.minor_units", f"PayPal takes no decimals in {money.currency}") from None
    return {"currency_code": money.currency, "value": text}


def identifier(text: str, named: str) -> str:
    """The id, if it is one: ids go into paths.

    Raises:
        RequestRejected: It is something else.
    """
    if not _ID.fullmatch(text):
        raise rejected(named, "this is not an id of PayPal's")
    return text


def rejected(named: str, message: str, reason: str = "REQUEST_INVALID") -> RequestRejected:
    """The refusal of a request that PayPal would not take. Nothing was sent."""
    return RequestRejected(message, reason=reason, fix=f"mend {named}; nothing was sent", metadata={"field": named})
