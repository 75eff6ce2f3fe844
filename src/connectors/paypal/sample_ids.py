"""Ids for sample webhooks: made from a seed, so that the samples of one seed are about one payment."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.paypal.amounts import decimal_text
from connectors.spi import SampleRequest

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
API = "https://api.sandbox.paypal.com"


@dataclass(frozen=True, slots=True)
class Draft:
    """A sample in the making: what was asked for, and the ids that follow from its seed."""

    request: SampleRequest

    def id(self, kind: str, *, by_step: bool = False, length: int = 17) -> str:
        """An id like PayPal's: 17 letters and digits. `by_step` makes one of several: the second capture."""
        step = self.request.step if by_step else 0
        number = int.from_bytes(hashlib.sha256(f"{kind}:{self.request.seed}:{step}".encode()).digest())
        letters = []
        for _ in range(length):
            number, digit = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[digit])
        return "".join(letters)

    @property
    def order(self) -> str:
        return self.id("order")

    @property
    def authorization(self) -> str:
        return self.id("authorization")

    @property
    def capture(self) -> str:
        return self.id("capture", by_step=True)

    @property
    def sale(self) -> str:
        return self.id("sale")

    @property
    def refund(self) -> str:
        return self.id("refund", by_step=True)

    @property
    def payment(self) -> str:
        return f"PAYID-{self.id('payment', length=24)}"

    @property
    def subscription(self) -> str:
        return f"I-{self.id('subscription', length=12)}"

    @property
    def plan(self) -> str:
        return f"P-{self.id('plan', length=24)}"

    @property
    def payer(self) -> str:
        return self.id("payer", length=13)

    @property
    def event(self) -> str:
        return f"WH-{self.id(self.request.event_type, by_step=True)}-{self.id('event', by_step=True)}"

    @property
    def total_minor(self) -> int:
        return self.request.amount_minor if self.request.total_minor is None else self.request.total_minor

    @property
    def is_whole(self) -> bool:
        """Whether this event's amount is the payment's whole amount."""
        return self.request.amount_minor >= self.total_minor

    @property
    def reference(self) -> str:
        return self.request.merchant_transaction_id

    def time(self, offset_s: int = 0) -> str:
        """The time it happens, as v2 writes it."""
        return datetime.fromtimestamp(self.request.now_s + offset_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def v2(self, minor: int | None = None) -> dict[str, str]:
        """This event's amount, or another one, in v2's form."""
        value = self.request.amount_minor if minor is None else minor
        return {"currency_code": self.request.currency, "value": decimal_text(value, self.request.currency)}

    def v1(self, *, negative: bool = False) -> dict[str, str]:
        """This event's amount in v1's form; v1 refunds are negative."""
        text = decimal_text(self.request.amount_minor, self.request.currency)
        return {"total": f"-{text}" if negative else text, "currency": self.request.currency}

    def simple(self, minor: int | None = None) -> dict[str, str]:
        """This event's amount as v1 payouts and disputes write it."""
        value = self.request.amount_minor if minor is None else minor
        return {"currency": self.request.currency, "value": decimal_text(value, self.request.currency)}

    @property
    def times(self) -> dict[str, str]:
        return {"create_time": self.time(-2), "update_time": self.time(-1)}


def link(rel: str, path: str, method: str = "GET") -> dict[str, str]:
    """One of an object's links."""
    return {"href": f"{API}{path}", "rel": rel, "method": method}
