"""What the simulator's parts share: its settings, its clock, its ids, and the money that moved."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from connectors.mpesa import mapping as m
from connectors.mpesa.sample_ids import SHORTCODE, Fields, Made
from connectors.mpesa.simulator_callbacks import Callbacks
from connectors.spi import SampleRequest, SampleWebhook
from connectors.spi.simulating import SimulatorOptions

ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_PHONE: Final = re.compile(r"254[17]\d{8}", re.ASCII)
_WEBHOOK_PARTS: Final = 4
"""`/webhooks/{connector}/{merchant}/{token}` before a purpose."""
_KES_UNIT: Final = 100


class Refused(Exception):
    """The answer is an error: HTTP status, errorCode, errorMessage."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.fields: Fields = {"requestId": "10000-10000000-1", "errorCode": code, "errorMessage": message}


def bad_request(name: str) -> Refused:
    """A field is missing or wrong."""
    return Refused(400, "400.002.02", f"Bad Request - Invalid {name}")


@dataclass(frozen=True)
class Simulated(Made):
    """Ids of one thing, with the names that the request or another thing gives it."""

    payer: str = ""
    given_originator: str = ""
    original_receipt: str = ""

    @property
    def phone(self) -> int:
        return int(self.payer)

    @property
    def originator(self) -> str:
        return self.given_originator or super().originator

    @property
    def receipt(self) -> str:
        return self.original_receipt or super().receipt


@dataclass(slots=True)
class Paid:
    """One movement of money into the shortcode."""

    made: Simulated
    """Its request's `now_s` is when the money moved."""
    amount_minor: int
    reference: str
    reversed_minor: int = 0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What requests must carry. Made up; the same for every simulator."""

    consumer_key: str = "simulated-consumer-key"
    consumer_secret: str = field(default="simulated-consumer-secret", repr=False)
    passkey: str = field(default="simulated-passkey", repr=False)
    initiator: str = "simulated-operator"
    security_credential: str = field(default="c2ltdWxhdGVkLWNyZWRlbnRpYWw=", repr=False)
    shortcode: str = SHORTCODE


class Books:
    """The simulator's memory."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self.credentials = Credentials()
        self.callbacks = Callbacks(options)
        self.paid: dict[str, Paid] = {}
        """Receipt → what came in. In the order in which it came."""
        self._count = itertools.count(1)

    @property
    def now_s(self) -> float:
        return self.options.now_s()

    def make(self, phone: str, amount_minor: int, reference: str = "", **names: str) -> Simulated:
        """Ids of a new thing, that happens now."""
        request = SampleRequest(
            "",
            seed=self.options.seed * 1_000_000_007 + next(self._count),
            now_s=int(self.now_s),
            amount_minor=amount_minor,
            merchant_transaction_id=reference,
        )
        return Simulated(request, payer=phone, **names)

    def pay_in(self, made: Simulated, at_s: float) -> Paid:
        """Money comes in, under the thing's receipt."""
        made = replace(made, request=replace(made.request, now_s=int(at_s)))
        paid = Paid(made, made.request.amount_minor, made.request.merchant_transaction_id)
        self.paid[made.receipt] = paid
        return paid

    def call_back(self, url: str, fields: Fields, due_s: float, name: str) -> None:
        """Posts the body to the URL at that time, unless chance loses it."""
        parts = urlsplit(url).path.split("/")[1:]
        webhook = SampleWebhook(
            body=ENCODER.encode(fields),
            headers={"Content-Type": "application/json"},
            url_token=parts[3] if len(parts) >= _WEBHOOK_PARTS else "",
            purpose=parts[4] if len(parts) > _WEBHOOK_PARTS else "",
        )
        self.callbacks.schedule(due_s, webhook, name)


def checked_phone(asked: Mapping[str, Any], name: str) -> str:
    """A phone number as Daraja takes it, text or number."""
    phone = str(asked.get(name, ""))
    if not _PHONE.fullmatch(phone):
        raise bad_request(name)
    return phone


def checked_amount(asked: Mapping[str, Any]) -> int:
    """Minor units of a whole number of shillings, text or number."""
    amount = asked.get("Amount")
    digits = str(amount) if isinstance(amount, int | str) and not isinstance(amount, bool) else ""
    if not digits.isascii() or not digits.isdigit() or not 0 < int(digits) < 10**9:
        raise bad_request("Amount")
    return int(digits) * _KES_UNIT


def checked_text(asked: Mapping[str, Any], name: str, longest: int) -> str:
    """Text that must be there."""
    text = asked.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= longest:
        raise bad_request(name)
    return text


def checked_url(asked: Mapping[str, Any], name: str) -> str:
    """A callback's URL: absolute, and without the words that Safaricom refuses."""
    text = asked.get(name)
    if not isinstance(text, str) or any(word in text.lower() for word in m.REFUSED_IN_URLS):
        raise bad_request(name)
    try:
        url = urlsplit(text)
    except ValueError:
        raise bad_request(name) from None
    if url.scheme not in {"https", "http"} or not url.netloc:
        raise bad_request(name)
    return text
