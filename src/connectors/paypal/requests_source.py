"""How the payer pays, as PayPal's `payment_source`: its own page, a saved method, a one-time token of a card. Pure.

Source: PayPal docs, "Orders v2", `payment_source`.
"""

from __future__ import annotations

from typing import Any, Final

from connectors.paypal.request import identifier, rejected
from orchestratorx_prism.v1.instrument_pb2 import Instrument

_WALLETS: Final = frozenset({"paypal", "venmo"})
"""Kinds of saved methods besides cards that can be charged by their id."""


def payment_source(asked: Any, saved_kind: str) -> dict[str, Any]:
    """PayPal's `payment_source` for an Authorize. See `requests.create_order`.

    Raises:
        RequestRejected: `metadata["field"]` names what PayPal cannot take.
    """
    instrument: Instrument = asked.instrument
    match instrument.WhichOneof("instrument"):
        case "redirect_method":
            if instrument.redirect_method != "paypal":
                raise rejected("instrument.redirect_method", 'PayPal\'s own page is the one that works: "paypal"')
            return {"paypal": _wallet(asked)}
        case "connector_payment_method_id":
            if saved_kind != "card" and saved_kind not in _WALLETS:
                raise rejected("instrument.connector_payment_method_id", "this kind of saved method cannot be charged")
            return {saved_kind: _saved(asked, saved_kind)}
        case "token":
            return {"card": _card_token(asked)}
        case "card":
            return {"card": _card(asked)}
        case "phone":
            raise rejected("instrument.phone", "PayPal does not charge phone numbers")
    raise rejected("instrument", "say how the payer pays: PayPal's page, a saved method, or a token")


def _wallet(asked: Any) -> dict[str, Any]:
    """The payer approves at PayPal's own page, and comes back whether they did or not."""
    source: dict[str, Any] = {"experience_context": {**_return_urls(asked), "user_action": "PAY_NOW"}}
    if asked.payer_email:
        source["email_address"] = asked.payer_email
    if asked.save_instrument:
        vault = {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}
        source["attributes"] = {"vault": vault} | _customer(asked)
    return source


def _saved(asked: Any, kind: str) -> dict[str, Any]:
    initiator = "MERCHANT" if asked.off_session else "CUSTOMER"
    credential = {"payment_initiator": initiator, "usage": "SUBSEQUENT"}
    if kind == "card":
        credential["payment_type"] = "UNSCHEDULED" if asked.off_session else "ONE_TIME"
    source: dict[str, Any] = {
        "vault_id": asked.instrument.connector_payment_method_id,
        "stored_credential": credential,
    }
    if asked.return_url:
        source["experience_context"] = _return_urls(asked)
    return source


def _card(asked: Any) -> dict[str, Any]:
    """Source: PayPal docs, "Orders v2", `payment_source.card` (needs PayPal's consent)."""
    card = asked.instrument.card
    if not card.number:
        raise rejected("instrument.card", "the card is not there any more; repeat the request with the card")
    made = {
        "number": card.number,
        "expiry": f"{card.expiry_year}-{card.expiry_month:02}",
        "security_code": card.cvc,
        "name": card.holder,
    }
    return _with_vault(asked, {name: value for name, value in made.items() if value})


def _card_token(asked: Any) -> dict[str, Any]:
    return _with_vault(asked, {"single_use_token": identifier(asked.instrument.token, "instrument.token")})


def _with_vault(asked: Any, source: dict[str, Any]) -> dict[str, Any]:
    attributes = _customer(asked) if asked.save_instrument else {}
    if asked.save_instrument:
        attributes["vault"] = {"store_in_vault": "ON_SUCCESS"}
    if attributes:
        source["attributes"] = attributes
    if asked.return_url:
        source["experience_context"] = _return_urls(asked)
    return source


def _customer(asked: Any) -> dict[str, Any]:
    if not asked.connector_customer_id:
        return {}
    return {"customer": {"id": identifier(asked.connector_customer_id, "connector_customer_id")}}


def _return_urls(asked: Any) -> dict[str, str]:
    if not asked.return_url:
        raise rejected("return_url", "PayPal sends the payer back to it after they have approved")
    return {"return_url": asked.return_url, "cancel_url": asked.return_url}
