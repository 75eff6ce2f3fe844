"""What every request to Stripe is made of: the ask itself, amounts, metadata, instruments. Pure.

Which endpoint an operation asks is in `requests.py` and its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from connectors.spi.operations import METADATA_KEY, Call
from connectors.stripe.amounts import money, stripe_amount
from orchestratorx_prism.errors import PayloadRejected, RequestRejected
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money

Params = dict[str, Any]
Method = Literal["get", "post", "delete"]

# Source: Stripe docs, "Metadata": limits.
MOST_KEYS: Final = 50
LONGEST_KEY: Final = 40
LONGEST_VALUE: Final = 500

THREE_DECIMALS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Source: Stripe docs, "Three-decimal currencies": the last digit has to be 0."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One HTTP request. `repr` shows nothing of what is sent."""

    method: Method
    path: str
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Nested; the SDK writes them as forms with brackets."""
    key: str = field(default="", repr=False)
    """Idempotency-Key of a POST; others need none."""
    file: tuple[str, bytes] | None = field(default=None, repr=False)
    """A file's name and bytes: sent as multipart/form-data to the host for files."""

    @property
    def changes(self) -> bool:
        """Whether it may change something at Stripe."""
        return self.method != "get"


def get(path: str, **params: Any) -> Ask:
    return Ask("get", path, params)


def post(call: Call, path: str, params: Params, step: str = "") -> Ask:
    """A POST under the call's key; `step` tells apart several POSTs of one call."""
    return Ask("post", path, params, key=f"{call.key}:{step}" if step else call.key)


def rejected(field: str, message: str, *, reason: str | None = None, fix: str = "") -> RequestRejected:
    """The refusal of a request that Stripe cannot take; nothing was sent."""
    return RequestRejected(
        message, reason=reason, fix=fix or f"mend {field}; nothing was sent", metadata={"field": field}
    )


def path_id(value: str, field: str, *prefixes: str) -> str:
    """An id of Stripe's as a part of a path.

    Raises:
        RequestRejected: Empty, of another kind, or with characters that no id has.
    """
    if not value.isascii() or not value.replace("_", "").isalnum():
        raise rejected(field, f"{field} is not an id of Stripe's")
    if prefixes and not value.startswith(prefixes):
        raise rejected(field, f"{field} does not begin with {' or '.join(prefixes)}")
    return value


def amount(given: Money, field: str = "amount") -> int:
    """Stripe's minor units of a positive amount. 5 with ISK is 500.

    Raises:
        RequestRejected: Not positive, an unknown currency, or a fraction that Stripe does not take.
    """
    if given.minor_units <= 0:
        raise rejected(field, "the amount is not positive")
    try:
        theirs = stripe_amount(given.minor_units, given.currency)
        exact = money(theirs, given.currency)
    except PayloadRejected as error:
        raise rejected(field, "the amount's currency is not known to Stripe", reason=error.reason) from None
    if exact is None or exact.minor_units != given.minor_units:
        raise rejected(
            field, f"Stripe takes no fractions of {given.currency.upper()}", reason="AMOUNT_NOT_REPRESENTABLE"
        )
    if given.currency.upper() in THREE_DECIMALS and theirs % 10:
        raise rejected(
            field,
            f"Stripe takes amounts of {given.currency.upper()} with two decimals only",
            reason="AMOUNT_NOT_REPRESENTABLE",
            fix="round the amount so that its last digit is 0",
        )
    return theirs


def currency(given: Money) -> str:
    return given.currency.lower()


def metadata(call: Call, own: Mapping[str, str], named: Mapping[str, str]) -> dict[str, str]:
    """The merchant's own data with our names in it; `named` that are empty are left out.

    Raises:
        RequestRejected: More or longer than Stripe keeps, or under a name that is ours.
    """
    ours = {name: value for name, value in {**named, METADATA_KEY: call.key}.items() if value}
    if taken := sorted(ours.keys() & own.keys()):
        raise rejected("metadata", f'metadata holds "{taken[0]}", which is set by the request itself')
    made = {**own, **ours}
    if len(made) > MOST_KEYS:
        raise rejected("metadata", f"Stripe keeps at most {MOST_KEYS} metadata keys, {len(ours)} of them ours")
    for name, value in made.items():
        if not name or len(name) > LONGEST_KEY or "[" in name or "]" in name:
            raise rejected("metadata", f"a metadata key is empty, longer than {LONGEST_KEY} characters or has brackets")
        if len(value) > LONGEST_VALUE:
            raise rejected("metadata", f"a metadata value is longer than {LONGEST_VALUE} characters")
    return made


def reference(call: Call) -> dict[str, str]:
    """The merchant's reference under the merchant's own metadata key."""
    return {call.context.merchant_reference_key: call.request.merchant_transaction_id}


def customer(connector_customer_id: str) -> Params:
    """Whose it is: `cus_…`, or a v2 Account `acct_…`; nothing for an empty id."""
    if not connector_customer_id:
        return {}
    checked = path_id(connector_customer_id, "connector_customer_id", "cus_", "acct_")
    return {"customer_account" if checked.startswith("acct_") else "customer": checked}


def instrument(given: Instrument, details: Params, made: str = "") -> Params:
    """How a PaymentIntent or SetupIntent is paid.

    Args:
        details: Billing details for a method that is made on the way.
        made: The PaymentMethod that a card token became; see `token_to_method`.

    Raises:
        RequestRejected: A raw card (RAW_CARD_REFUSED), or what Stripe does not take.
    """
    kind = given.WhichOneof("instrument")
    if kind == "card":
        raise raw_card()
    if kind == "connector_payment_method_id":
        return {"payment_method": path_id(given.connector_payment_method_id, "instrument.connector_payment_method_id")}
    if kind == "token":
        return _token(given.token, made)
    if kind == "redirect_method":
        name = path_id(given.redirect_method, "instrument.redirect_method")
        return {"allowed_payment_method_types": [name], "payment_method_data": {"type": name, **details}}
    if kind == "phone":
        raise rejected("instrument", "Stripe charges no phone numbers", fix="give a token or a saved payment method")
    raise rejected("instrument", "the request says not what to pay with", fix="give a token or a saved payment method")


def raw_card() -> RequestRejected:
    return rejected(
        "instrument.card",
        "card numbers are not sent to Stripe",
        reason="RAW_CARD_REFUSED",
        fix="let the payer enter the card in Stripe's own fields, and pass the token, pm_… or tok_…",
    )


def token_to_method(call: Call, details: Params | None = None) -> Ask | None:
    """A card token has to become a PaymentMethod before it is used: POST /v1/payment_methods. None for all others."""
    given = call.request.instrument
    if given.WhichOneof("instrument") != "token" or not given.token.startswith("tok_"):
        return None
    params: Params = {"type": "card", "card": {"token": path_id(given.token, "instrument.token")}, **(details or {})}
    return post(call, "/v1/payment_methods", params, "method")


def _token(token: str, made: str) -> Params:
    checked = path_id(token, "instrument.token")
    if checked.startswith("ctoken_"):
        return {"confirmation_token": checked}
    if checked.startswith("tok_"):
        return {"payment_method": made}
    if checked.startswith(("pm_", "card_", "src_")):
        return {"payment_method": checked}
    raise rejected("instrument.token", "the token is none of Stripe's", fix="pass pm_…, tok_… or ctoken_…")


def billing_details(email: str, country: str) -> Params:
    """What some payment methods need to know of the payer."""
    details: Params = {}
    if email:
        details["email"] = email
    if country:
        details["address"] = {"country": country.upper()}
    return {"billing_details": details} if details else {}
