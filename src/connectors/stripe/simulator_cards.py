"""The simulator's customers and saved payment methods, and what charging them brings: refunds and disputes later on.

Source: Stripe API reference, "Customers", "PaymentMethods", "SetupIntents", "Mandates".
"""

from __future__ import annotations

import copy
from typing import Any, Final

from connectors.stripe import sample_billing as billing
from connectors.stripe import sample_objects as objects
from connectors.stripe.sample_objects import Json
from connectors.stripe.simulator_forms import Form, Refused, missing, no_such
from connectors.stripe.simulator_methods import REDIRECTING, Behaviour, behaviour_of, card_error, card_of, numbered
from connectors.stripe.simulator_store import Store

PROFILE: Final = "name email phone metadata description address shipping".split()
SETUP: Final = (
    "allowed_payment_method_types "
    "automatic_payment_methods confirm customer customer_account description mandate_data metadata payment_method "
    "payment_method_data payment_method_options return_url usage use_stripe_sdk"
).split()
PLAIN: Final = Behaviour()


class Cards:
    def __init__(self, store: Store, *, raw_cards: bool = False) -> None:
        """`raw_cards`: whether the account may send card numbers."""
        self._store = store
        self._raw_cards = raw_cards
        self._behaviours: dict[str, Behaviour] = {}
        self.set_up: set[str] = set()
        """Payment methods that may be charged without the payer."""
        self._detached: set[str] = set()

    def behaviour(self, method: str) -> Behaviour:
        return self._behaviours.get(method, PLAIN)

    def given(self, form: Form, customer: str = "") -> str:
        """The id of the PaymentMethod that a request names or describes; empty if none."""
        if data := form.inner("payment_method_data"):
            if "card" in data:
                text = "Received unknown parameter: payment_method_data[card]"
                raise Refused(400, text, code="parameter_unknown", param="payment_method_data[card]", begun=False)
            return self._described(data)["id"]  # type: ignore[no-any-return]
        named = form.text("payment_method", "")
        if not named:
            return ""
        return self.named(named, customer)["id"]  # type: ignore[no-any-return]

    def named(self, given: str, customer: str = "", param: str = "payment_method") -> Json:
        """A kept PaymentMethod, or a new one for a test name such as pm_card_visa."""
        if given in self._store.objects:
            found = self._store.find(given, "pm", param, in_path=False)
            if found["customer"] and customer and found["customer"] != customer:
                text = "The provided PaymentMethod does not belong to the Customer."
                raise Refused(400, text, param=param)
            if given in self._detached:
                text = "The provided PaymentMethod was previously used or was detached and may not be used again."
                raise Refused(400, text, code="payment_method_unexpected_state", param=param)
            return found
        behaviour = behaviour_of(given) if given.startswith("pm_card_") else None
        if behaviour is None:
            raise no_such("PaymentMethod", given, param)
        return self._new("card", behaviour)

    def _described(self, data: Json) -> Json:
        kind = data.get("type")
        if not isinstance(kind, str):
            raise missing("payment_method_data[type]")
        if kind in REDIRECTING:
            return self._new(kind, PLAIN)
        card = data.get("card")
        if kind != "card" or not isinstance(card, dict):
            raise missing("payment_method_data[card]")
        if "number" in card and self._raw_cards:
            return self._new("card", numbered(str(card["number"])))
        if "number" in card:
            raise Refused(
                402,
                "Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test "
                "tokens that map to the test card you are using.",
                type="card_error",
            )
        behaviour = behaviour_of(str(card.get("token", "")))
        if behaviour is None:
            raise no_such("token", str(card.get("token", "")), "payment_method_data[card][token]")
        return self._new("card", behaviour)

    def _new(self, kind: str, behaviour: Behaviour) -> Json:
        store = self._store
        made = billing.payment_method(
            store.maker(), id=store.new_id("pm"), created=store.now_s, customer=None, type=kind
        )
        made["metadata"] = {}
        made["billing_details"] = {"address": None, "email": None, "name": None, "phone": None}
        made["card"] = card_of(behaviour)
        if kind != "card":
            del made["card"]
            made[kind] = {}
        self._behaviours[made["id"]] = behaviour
        return store.keep(made)

    def used(self, intent: Json) -> None:
        """A payment that is to be repeated saves its method."""
        method = self._store.objects[intent["payment_method"]]
        if intent["setup_future_usage"]:
            self.set_up.add(method["id"])
            if intent["customer"] and not method["customer"]:
                method["customer"] = intent["customer"]
                self._store.tell("payment_method.attached", method)

    def create_method(self, values: Json) -> Json:
        """POST /v1/payment_methods"""
        form = Form(values, ["type", "card", "billing_details", "metadata"])
        return self._described({"type": form.text("type"), "card": form.inner("card")})

    def attach(self, given: str, values: Json) -> Json:
        """POST /v1/payment_methods/{id}/attach"""
        form = Form(values, ["customer", "customer_account"])
        customer = self._store.find(form.text("customer"), "cus", "customer", in_path=False)
        method = self.named(given, customer["id"])
        behaviour = self.behaviour(method["id"])
        # Attaching validates the card, as Stripe does: one that declines every charge cannot be saved.
        if behaviour.decline is not None and behaviour.last4 != "0341" and not behaviour.authenticates:
            error = card_error(behaviour.decline)
            kept = {name: error[name] for name in error if name not in {"type", "code", "message", "doc_url"}}
            raise Refused(402, error["message"], type="card_error", code=error["code"], **kept)
        method["customer"] = customer["id"]
        self._store.tell("payment_method.attached", method)
        return method

    def method(self, given: str) -> Json:
        return self._store.find(given, "pm", "payment_method")

    def detach(self, given: str) -> Json:
        """POST /v1/payment_methods/{id}/detach"""
        method = self._store.find(given, "pm", "payment_method")
        if not method["customer"]:
            text = "The payment method you provided is not attached to a customer so detachment is impossible."
            raise Refused(400, text, code="resource_missing", param="payment_method")
        before = method["customer"]
        method["customer"] = None
        self._detached.add(given)
        self._store.tell("payment_method.detached", method, customer=before)
        for mandate in self._store.of_kind("mandate"):
            if mandate["payment_method"] == given:
                mandate["status"] = "inactive"
                self._store.tell("mandate.updated", mandate, status="active")
        return method

    def methods_of(self, customer: str, values: Json) -> Json:
        """GET /v1/customers/{id}/payment_methods"""
        form = Form(values, ["limit", "starting_after", "type", "allow_redisplay", "ending_before"])
        self._store.find(customer, "cus", "customer")
        found = [one for one in self._store.of_kind("payment_method") if one["customer"] == customer]
        return self._store.page(form, found, f"/v1/customers/{customer}/payment_methods")

    def create_customer(self, values: Json) -> Json:
        form = Form(values, [*PROFILE, "payment_method"])
        _check_email(form)
        store = self._store
        made = billing.customer(store.maker(), id=store.new_id("cus"), created=store.now_s, currency=None)
        made |= {name: form.text(name, "") or None for name in ("name", "email", "phone", "description")}
        made["metadata"] = form.metadata()
        store.keep(made)
        store.tell("customer.created", made)
        return made

    def customer(self, given: str) -> Json:
        return self._store.find(given, "cus", "id")

    def update_customer(self, given: str, values: Json) -> Json:
        form = Form(values, PROFILE)
        _check_email(form)
        customer = self._living(given)
        before = {name: customer[name] for name in ("name", "email", "phone") if name in values}
        customer |= {name: form.text(name, "") or None for name in before}
        customer["metadata"] |= form.metadata()
        self._store.tell("customer.updated", customer, **before)
        return customer

    def delete_customer(self, given: str) -> Json:
        customer = self._living(given)
        self._store.tell("customer.deleted", customer)
        gone = {"id": given, "object": "customer", "deleted": True}
        self._store.objects[given] = {**gone, "created": customer["created"]}
        return gone

    def _living(self, given: str) -> Json:
        customer = self._store.find(given, "cus", "id")
        if customer.get("deleted"):
            raise no_such("customer", given, "id", 404)
        return customer

    def setup(self, values: Json, base: str) -> Json:
        """POST /v1/setup_intents"""
        form = Form(values, SETUP)
        store = self._store
        customer = form.text("customer", "")
        if customer:
            store.find(customer, "cus", "customer", in_path=False)
        method_id = self.given(form, customer)
        if not method_id:
            raise missing("payment_method")
        made = billing.setup_intent(store.maker(), id=store.new_id("seti"), created=store.now_s)
        made |= {
            "customer": customer or None,
            "metadata": form.metadata(),
            "payment_method": method_id,
            "status": "succeeded",
            "next_action": None,
            "usage": form.text("usage", "off_session"),
            "client_secret": f"{made['id']}_secret_{store.new_id('s')[2:]}",
        }
        behaviour, method = self.behaviour(method_id), store.objects[method_id]
        store.keep(made)
        store.tell("setup_intent.created", {**made, "status": "requires_payment_method", "payment_method": None})
        if behaviour.authenticates or method["type"] in REDIRECTING:
            url = f"{base}/simulator/authenticate/{made['id']}"
            made |= {"status": "requires_action", "return_url": form.text("return_url", "")}
            made["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"url": url}}
            store.tell("setup_intent.requires_action", made)
        elif behaviour.decline is not None and behaviour.last4 != "0341":
            self._setup_failed(made, behaviour)
        else:
            self._set_up(made)
        return made

    def _setup_failed(self, made: Json, behaviour: Behaviour) -> None:
        error = card_error(behaviour.decline or ("card_declined", None, "Your card was declined.", None))
        made |= {"status": "requires_payment_method", "payment_method": None, "last_setup_error": error}
        self._store.tell("setup_intent.setup_failed", made)
        kept = {name: error[name] for name in error if name not in {"type", "code", "message", "doc_url"}}
        raise Refused(
            402, error["message"], type="card_error", code=error["code"], setup_intent=copy.deepcopy(made), **kept
        )

    def _set_up(self, made: Json) -> None:
        method = self._store.objects[made["payment_method"]]
        self.set_up.add(method["id"])
        made |= {"status": "succeeded", "next_action": None}
        if made["customer"] and not method["customer"]:
            method["customer"] = made["customer"]
            self._store.tell("payment_method.attached", method)
        self._store.tell("setup_intent.succeeded", made)

    def authenticate_setup(self, given: str, passed: bool) -> str:
        made = self._store.find(given, "seti", "intent")
        if made["status"] == "requires_action":
            if passed:
                self._set_up(made)
            else:
                made |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
                self._store.tell("setup_intent.setup_failed", made)
        return str(made.get("return_url") or "")

    def dispute(self, charge: Json, status: str) -> None:
        """A dispute that a test card brings at once."""
        store = self._store
        moves = 0 if status.startswith("warning_") else 1
        made = objects.dispute(store.maker(), moves=moves, id=store.new_id("du"), created=store.now_s, status=status)
        more: dict[str, Any] = {name: charge[name] for name in ("amount", "currency", "payment_intent", "metadata")}
        made |= {**more, "charge": charge["id"], "evidence": {}, "metadata": {}}
        for move in made["balance_transactions"]:
            move |= {"amount": -charge["amount"], "currency": charge["currency"]}
        charge["disputed"] = True
        store.keep(made)
        store.tell("charge.dispute.created", made)


def _check_email(form: Form) -> None:
    email = form.text("email", "")
    if email and "@" not in email:
        raise Refused(400, f"Invalid email address: {email}", code="email_invalid", param="email", begun=False)
