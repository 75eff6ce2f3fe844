"""The simulator's charges: what a PaymentIntent's attempts come to.

Source: Stripe API reference, "Charges"; Stripe docs, "Declined payments".
"""

from __future__ import annotations

import copy
from typing import Final

from connectors.stripe import sample_objects as objects
from connectors.stripe.sample_objects import Json
from connectors.stripe.simulator_cards import Cards
from connectors.stripe.simulator_forms import Refused
from connectors.stripe.simulator_methods import card_error
from connectors.stripe.simulator_store import Store

HOLD_S: Final = 7 * 86_400
AUTHENTICATION_FAILED: Final = (
    "payment_intent_authentication_failure",
    None,
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "
    "to attempt to fulfill this PaymentIntent again.",
    None,
)
NOT_THERE: Final = (
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    None,
)


class Charges:
    def __init__(self, store: Store, cards: Cards) -> None:
        self._store = store
        self._cards = cards

    def charge(self, intent: Json) -> None:
        behaviour = self._cards.behaviour(intent["payment_method"])
        if behaviour.decline is not None:
            self.decline(intent, behaviour.decline)
        store, held = self._store, intent["capture_method"] == "manual"
        charge = store.keep(self._new(intent, held))
        intent |= {"latest_charge": charge["id"], "last_payment_error": None, "next_action": None}
        self._cards.used(intent)
        if held:
            intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        else:
            intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        store.tell("charge.succeeded", charge)
        store.tell("payment_intent.amount_capturable_updated" if held else "payment_intent.succeeded", intent)
        if behaviour.dispute:
            self._cards.dispute(charge, behaviour.dispute)

    def _new(self, intent: Json, held: bool) -> Json:
        store, method = self._store, self._store.objects[intent["payment_method"]]
        details: Json = {"type": method["type"], method["type"]: copy.deepcopy(method.get(method["type"]) or {})}
        if method["type"] == "card":
            details["card"] |= {"network": method["card"]["brand"], "amount_authorized": intent["amount"]}
            if held:
                details["card"]["capture_before"] = store.now_s + HOLD_S
        return objects.charge(
            store.maker(),
            id=store.new_id("ch"),
            amount=intent["amount"],
            amount_captured=0 if held else intent["amount"],
            balance_transaction=None if held else store.new_id("txn"),
            captured=not held,
            created=store.now_s,
            currency=intent["currency"],
            customer=intent["customer"],
            description=intent["description"],
            metadata=dict(intent["metadata"]),
            payment_intent=intent["id"],
            payment_method=method["id"],
            payment_method_details=details,
        )

    def decline(self, intent: Json, decline: tuple[str, str | None, str, str | None]) -> None:
        """Raises the 402. The PaymentIntent goes back to waiting for a payment method."""
        store = self._store
        error = card_error(decline)
        method = store.objects[intent["payment_method"]]
        if decline is not AUTHENTICATION_FAILED:
            failed = objects.charge(
                store.maker(),
                id=store.new_id("ch"),
                amount=intent["amount"],
                amount_captured=0,
                balance_transaction=None,
                captured=False,
                created=store.now_s,
                currency=intent["currency"],
                customer=intent["customer"],
                failure_code=error["code"],
                failure_message=error["message"],
                metadata=dict(intent["metadata"]),
                outcome={
                    "network_decline_code": error.get("network_decline_code"),
                    "network_status": "declined_by_network",
                    "reason": error.get("decline_code"),
                    "seller_message": "The bank did not return any further details with this decline.",
                    "type": "issuer_declined",
                },
                paid=False,
                payment_intent=intent["id"],
                payment_method=method["id"],
                status="failed",
            )
            store.keep(failed)
            intent["latest_charge"] = error["charge"] = failed["id"]
            store.tell("charge.failed", failed)
        intent |= {
            "status": "requires_payment_method",
            "payment_method": None,
            "next_action": None,
            "last_payment_error": {**error, "payment_method": copy.deepcopy(method)},
        }
        store.tell("payment_intent.payment_failed", intent)
        more = {name: value for name, value in error.items() if name not in {"type", "code", "message", "doc_url"}}
        raise Refused(
            402,
            error["message"],
            type=error["type"],
            code=error["code"],
            payment_intent=copy.deepcopy(intent),
            payment_method=copy.deepcopy(method),
            **more,
        )
