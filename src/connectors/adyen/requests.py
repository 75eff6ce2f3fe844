"""Our payments and refunds as Adyen's endpoints take them. Pure; `requests_other.py` has the rest.

Source: Adyen API Explorer, "Checkout" v71; Adyen docs, "Capture", "Cancel", "Refund", "Authorisation adjustment",
"Tokenization".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from connectors.adyen.amounts import amount_object
from connectors.adyen.endpoints import Endpoints
from connectors.adyen.prepared import (
    Endpoint,
    Prepared,
    identifier,
    known_payment,
    own_reference,
    positive,
    psp_reference,
    rejected,
    shopper,
)
from connectors.adyen.shapes import METADATA_NAME
from connectors.spi import Capability
from connectors.spi.operations import Call
from orchestratorx_prism.v1.instrument_pb2 import Card, Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment, PaymentStatus
from orchestratorx_prism.v1.payment_service_pb2 import CAPTURE_MODE_MANUAL

MERCHANT_INITIATED: Final = {"shopperInteraction": "ContAuth", "recurringProcessingModel": "UnscheduledCardOnFile"}
"""The payer is not there, and the amount follows no schedule."""
PAYER_WITH_SAVED: Final = {"shopperInteraction": "ContAuth", "recurringProcessingModel": "CardOnFile"}
PAYER: Final = {"shopperInteraction": "Ecommerce"}

NOBODY_KNOWS: Final = frozenset({PaymentStatus.PAYMENT_STATUS_UNKNOWN, PaymentStatus.PAYMENT_STATUS_PENDING})
"""Statuses of payments that may have been captured. Of no other is a reversal asked for: it would refund."""

_METADATA_PAIRS: Final = 20
_METADATA_NAME_LENGTH: Final = 20
_METADATA_VALUE_LENGTH: Final = 80
_TOKEN_SIZE: Final = 64 * 1024
_RAW_CARD: Final = frozenset({"number", "cvc"})
_STATEMENT: Final = re.compile(r"[^0-9A-Za-z .,'_\-?+*/]")
_STATEMENT_LENGTH: Final = 22
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


def authorize(call: Call, endpoints: Endpoints) -> Prepared:
    """POST /payments.

    Raises:
        RequestRejected: A raw card, a phone, or what Adyen needs is missing.
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    request = call.request
    if not request.return_url and not request.off_session:
        raise rejected("return_url", "Adyen sends payers back after 3-D Secure and redirects", fix="set return_url")
    method = payment_method(request.instrument)
    saved = "storedPaymentMethodId" in method
    body: dict[str, Any] = {
        "merchantAccount": endpoints.merchant_account,
        "amount": positive(request.amount),
        "reference": own_reference(request.merchant_transaction_id, "merchant_transaction_id") or call.key,
        "channel": "Web",
        "paymentMethod": method,
        "metadata": metadata(request.metadata, call.key),
        **_interaction(saved, request.off_session),
        **_capturing(request.capture_mode == CAPTURE_MODE_MANUAL),
    }
    if saved or request.save_instrument or request.connector_customer_id:
        body["shopperReference"] = shopper(request.connector_customer_id)
    if request.save_instrument and not saved:
        body |= {"storePaymentMethod": True, "recurringProcessingModel": "CardOnFile"}
    optional = {
        "returnUrl": request.return_url,
        "countryCode": request.country,
        "shopperEmail": request.payer_email,
        "shopperStatement": statement(request.description),
    }
    return Prepared(Endpoint.PAYMENTS, body | {name: text for name, text in optional.items() if text})


def _interaction(saved: bool, off_session: bool) -> Mapping[str, str]:
    if off_session:
        if not saved:
            raise rejected("instrument", "a payer who is not there can only be charged by a saved payment method")
        return MERCHANT_INITIATED
    return PAYER_WITH_SAVED if saved else PAYER


def _capturing(manual: bool) -> dict[str, Any]:
    """How the account's own setting is overridden. Only a pre-authorization may be adjusted later."""
    if manual:
        return {"additionalData": {"manualCapture": "true", "authorisationType": "PreAuth"}}
    return {"captureDelayHours": 0}


def payment_method(instrument: Instrument) -> dict[str, Any]:
    """Adyen's `paymentMethod` object.

    Raises:
        RequestRejected: RAW_CARD_REFUSED for a card in a token; no instrument, or one that Adyen does not know.
    """
    match instrument.WhichOneof("instrument"):
        case "token":
            return _token(instrument.token)
        case "connector_payment_method_id":
            saved = identifier(instrument.connector_payment_method_id, "instrument.connector_payment_method_id")
            return {"type": "scheme", "storedPaymentMethodId": saved}
        case "redirect_method":
            return {"type": instrument.redirect_method}
        case "card":
            return _card(instrument.card)
        case "phone":
            raise rejected("instrument.phone", "Adyen takes phone numbers inside its own paymentMethod object only")
        case _:
            raise rejected("instrument", "the instrument is missing")


def _token(token: str) -> dict[str, Any]:
    found: dict[str, Any] | None = None
    if len(token) <= _TOKEN_SIZE:
        try:
            found = _OBJECT.decode(token)
        except (msgspec.MsgspecError, RecursionError):
            found = None  # refused below, outside the handler: the decoder's error holds a piece of the token
    if found is None or not isinstance(found.get("type"), str):
        raise rejected(
            "instrument.token",
            "the token is not Adyen's paymentMethod object as JSON with a `type`",
            fix="pass state.data.paymentMethod of Drop-in or Components unchanged",
        )
    if _RAW_CARD & found.keys():
        raise _raw_card("instrument.token")
    return found


def _card(card: Card) -> dict[str, Any]:
    """Card data that is not encrypted in the browser. Source: Adyen docs, "Raw card data" (needs their consent)."""
    if not card.number:
        raise rejected("instrument.card", "the card is not there any more", fix="repeat the request with the card")
    made = {
        "type": "scheme",
        "number": card.number,
        "expiryMonth": f"{card.expiry_month:02}",
        "expiryYear": str(card.expiry_year),
        "cvc": card.cvc,
        "holderName": card.holder,
    }
    return {name: value for name, value in made.items() if value}


def _raw_card(field: str) -> Exception:
    return rejected(
        field,
        "a card's own data is not passed on to Adyen",
        reason="RAW_CARD_REFUSED",
        fix="take Adyen's encrypted fields as instrument.token",
    )


def metadata(own: Mapping[str, str], key: str) -> dict[str, str]:
    """The merchant's data and our key.

    Raises:
        RequestRejected: More than Adyen keeps.
    """
    if len(own) >= _METADATA_PAIRS or METADATA_NAME in own:
        raise rejected("metadata", f"at most {_METADATA_PAIRS - 1} entries, and none named {METADATA_NAME}")
    for name, value in own.items():
        if not 0 < len(name) <= _METADATA_NAME_LENGTH or len(value) > _METADATA_VALUE_LENGTH:
            raise rejected(
                "metadata",
                f"Adyen's names have at most {_METADATA_NAME_LENGTH} characters, values {_METADATA_VALUE_LENGTH}",
            )
    return {**own, METADATA_NAME: key}


def statement(description: str) -> str:
    """What fits a bank statement: its characters only, 22 of them."""
    return _STATEMENT.sub("", description)[:_STATEMENT_LENGTH].strip()


def confirm_redirect(call: Call, _endpoints: Endpoints) -> Prepared:
    """POST /payments/details.

    Raises:
        RequestRejected: The parameters are not those of a return from Adyen.
    """
    parameters = call.request.parameters
    for name in ("redirectResult", "payload"):
        if parameters.get(name):
            return Prepared(Endpoint.DETAILS, {"details": {name: parameters[name]}})
    raise rejected(
        "parameters",
        "neither redirectResult nor payload is among the parameters",
        fix="pass all query parameters of the return URL as they came",
    )


def capture(call: Call, endpoints: Endpoints) -> Prepared:
    """POST /payments/{psp}/captures. Without an amount: what is authorized and not captured.

    Raises:
        RequestRejected: Nothing is left, another currency, or no payment that Adyen has named.
    """
    payment = known_payment(call)
    left = payment.authorized.minor_units - payment.captured.minor_units
    amount = _part(call.request.amount if call.request.HasField("amount") else None, left, payment.authorized)
    return _modification(Endpoint.CAPTURES, call, endpoints, amount)


def void(call: Call, endpoints: Endpoints) -> Prepared:
    """POST /payments/{psp}/cancels; /reversals where it is not known whether money was taken, as Adyen advises.

    Raises:
        RequestRejected: No payment that Adyen has named.
    """
    reversal = known_payment(call).status in NOBODY_KNOWS
    return _modification(Endpoint.REVERSALS if reversal else Endpoint.CANCELS, call, endpoints, None)


def increment(call: Call, endpoints: Endpoints) -> Prepared:
    """POST /payments/{psp}/amountUpdates with the new total.

    Raises:
        RequestRejected: Nothing is authorized, another currency, or no payment that Adyen has named.
    """
    payment, more = known_payment(call), call.request.amount
    positive(more)
    if not payment.HasField("authorized"):
        raise rejected("payment_id", "nothing is authorized that could be increased")
    if more.currency.upper() != payment.authorized.currency:
        raise rejected("amount", "the amount is in another currency than the payment")
    total = amount_object(more.minor_units + payment.authorized.minor_units, more.currency, field="amount")
    return _modification(Endpoint.AMOUNT_UPDATES, call, endpoints, total)


def refund(call: Call, endpoints: Endpoints) -> Prepared:
    """POST /payments/{psp}/refunds. Without an amount: what is captured and not refunded.

    Raises:
        RequestRejected: Nothing is left, another currency, or no payment that Adyen has named.
    """
    payment, request = known_payment(call), call.request
    left = payment.captured.minor_units - payment.refunded.minor_units
    amount = _part(request.amount if request.HasField("amount") else None, left, payment.captured)
    prepared = _modification(Endpoint.REFUNDS, call, endpoints, amount)
    if not request.merchant_refund_id:
        return prepared
    reference = own_reference(request.merchant_refund_id, "merchant_refund_id")
    return Prepared(prepared.endpoint, {**(prepared.body or {}), "reference": reference}, prepared.path)


def as_before(call: Call) -> Call | None:
    """The same call about the payment as it stood before the call, if its request was made of the payment's totals.

    A repeat has to be the same request, and what the call did is in the totals by now, if it was carried out. If it was
    not, Adyen refuses to take or return what was taken or returned otherwise, and sets no new total.
    """
    if call.payment is None:
        return None
    then = Payment()
    then.CopyFrom(call.payment)
    if call.capability is Capability.INCREMENT_AUTHORIZATION:
        then.authorized.minor_units -= call.request.amount.minor_units
    elif call.capability is Capability.CAPTURE and not call.request.HasField("amount"):
        then.ClearField("captured")
    elif call.capability is Capability.REFUND and not call.request.HasField("amount"):
        then.ClearField("refunded")
    else:
        return None
    return replace(call, payment=then)


def _part(wanted: Money | None, left: int, whole: Money) -> dict[str, Any]:
    if wanted is None:
        if left <= 0 or not whole.currency:
            raise rejected("amount", "nothing is known to be left", fix="set the amount")
        return amount_object(left, whole.currency, field="amount")
    if whole.currency and wanted.currency.upper() != whole.currency:
        raise rejected("amount", "the amount is in another currency than the payment")
    return positive(wanted)


def _modification(endpoint: Endpoint, call: Call, endpoints: Endpoints, amount: dict[str, Any] | None) -> Prepared:
    body: dict[str, Any] = {"merchantAccount": endpoints.merchant_account}
    if amount is not None:
        body["amount"] = amount
    reference = known_payment(call).merchant_transaction_id
    if reference:
        body["reference"] = own_reference(reference, "merchant_transaction_id")
    return Prepared(endpoint, body, (psp_reference(call.payment),))
