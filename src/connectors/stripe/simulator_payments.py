"""The simulator's PaymentIntents: created, confirmed, authenticated, captured, canceled, incremented.

Source: Stripe API reference, "PaymentIntents", "Charges"; Stripe docs, "How PaymentIntents work", "Capture a payment
multiple times", "Increment an authorization", "3D Secure authentication".
"""

from __future__ import annotations

import copy
from typing import Any, Final
from urllib.parse import urlencode

from connectors.stripe import sample_objects as objects
from connectors.stripe.amounts import money
from connectors.stripe.sample_objects import Json
from connectors.stripe.simulator_cards import Cards
from connectors.stripe.simulator_charges import AUTHENTICATION_FAILED, NOT_THERE, Charges
from connectors.stripe.simulator_forms import Form, Refused, missing
from connectors.stripe.simulator_methods import REDIRECTING, Behaviour
from connectors.stripe.simulator_store import Store
from orchestratorx_prism.errors import PayloadRejected

CREATE: Final = (
    "allowed_payment_method_types "
    "amount currency automatic_payment_methods capture_method confirm confirmation_method confirmation_token customer "
    "customer_account description error_on_requires_action excluded_payment_method_types mandate mandate_data metadata "
    "off_session on_behalf_of payment_method payment_method_data payment_method_options "
    "receipt_email return_url setup_future_usage shipping statement_descriptor statement_descriptor_suffix "
    "transfer_data transfer_group use_stripe_sdk"
).split()
CAPTURE: Final = "amount_to_capture application_fee_amount final_capture metadata statement_descriptor".split()
CANCEL: Final = ["cancellation_reason"]
INCREMENT: Final = "amount application_fee_amount description metadata statement_descriptor transfer_data".split()
CANCELABLE: Final = frozenset(
    {"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture", "processing"}
)


class Payments:
    def __init__(self, store: Store, cards: Cards) -> None:
        self._store = store
        self._cards = cards
        self._charges = Charges(store, cards)

    def create(self, values: Json, base: str) -> Json:
        """POST /v1/payment_intents"""
        form = Form(values, CREATE)
        amount, currency = form.positive("amount"), form.text("currency").lower()
        _checked(amount, currency)
        customer = form.text("customer", "")
        if customer:
            self._store.find(customer, "cus", "customer", in_path=False)
        method = self._cards.given(form, customer)
        intent = self._new(form, amount, currency, customer)
        if not form.flag("confirm"):
            intent["payment_method"] = method
            intent["status"] = "requires_confirmation" if method else "requires_payment_method"
            return self._created(intent)
        if not method:
            raise missing("payment_method")
        self._check_redirects(form)
        self._created(intent)
        self._confirm(intent, method, off_session=form.text("off_session", "false") != "false", base=base)
        return intent

    def _new(self, form: Form, amount: int, currency: str, customer: str) -> Json:
        store = self._store
        intent_id = store.new_id("pi")
        return objects.payment_intent(
            store.maker(),
            id=intent_id,
            amount=amount,
            currency=currency,
            created=store.now_s,
            customer=customer or None,
            description=form.text("description", "") or None,
            metadata=form.metadata(),
            capture_method=form.text("capture_method", "automatic_async"),
            client_secret=f"{intent_id}_secret_{store.new_id('s')[2:]}",
            latest_charge=None,
            payment_method=None,
            payment_method_options=form.inner("payment_method_options"),
            return_url=form.text("return_url", "") or None,
            setup_future_usage=form.text("setup_future_usage", "") or None,
            status="requires_payment_method",
        )

    def _created(self, intent: Json) -> Json:
        self._store.keep(intent)
        self._store.made_by[intent["id"]] = self._store.request[1] or ""
        self._store.tell("payment_intent.created", {**intent, "payment_method": None, "latest_charge": None})
        return intent

    def _check_redirects(self, form: Form) -> None:
        automatic, allowed = form.inner("automatic_payment_methods"), form.words("allowed_payment_method_types")
        if automatic and allowed:
            text = (
                "You may only specify one of these parameters: automatic_payment_methods, allowed_payment_method_types."
            )
            raise Refused(400, text, code="parameters_exclusive", begun=False)
        may_redirect = automatic.get("allow_redirects", "always") == "always" and not allowed
        if (may_redirect or set(allowed) & REDIRECTING) and not form.text("return_url", ""):
            raise Refused(
                400,
                "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
                "these payment methods might redirect your customer off of your page, you must provide a `return_url`. "
                "If you don't want to accept redirect-based payment methods, set "
                "`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to "
                "`never` when creating Setup Intents and Payment Intents.",
                begun=False,
            )

    def _confirm(self, intent: Json, method: str, *, off_session: bool, base: str) -> None:
        intent["payment_method"] = method
        kept = self._store.objects[method]
        behaviour = self._cards.behaviour(method)
        if kept["type"] in REDIRECTING:
            self._ask_payer(intent, base)
        elif self._must_authenticate(behaviour, kept):
            if off_session:
                self._charges.decline(intent, NOT_THERE)
            self._ask_payer(intent, base)
        else:
            self._charges.charge(intent)

    def _must_authenticate(self, behaviour: Behaviour, method: Json) -> bool:
        first_time = behaviour.authenticates == "first" and method["id"] not in self._cards.set_up
        return behaviour.authenticates == "always" or first_time

    def _ask_payer(self, intent: Json, base: str) -> None:
        url = f"{base}/simulator/authenticate/{intent['id']}"
        if intent["return_url"]:
            action: Json = {
                "type": "redirect_to_url",
                "redirect_to_url": {"return_url": intent["return_url"], "url": url},
            }
        else:
            source = intent["id"].replace("pi_", "src_")
            inner = {"type": "three_d_secure_redirect", "stripe_js": url, "source": source}
            action = {"type": "use_stripe_sdk", "use_stripe_sdk": inner}
        intent |= {"status": "requires_action", "next_action": action}
        self._store.tell("payment_intent.requires_action", intent)

    def authenticate(self, intent_id: str, passed: bool) -> str:
        """The payer at the issuer's page. Returns where they are sent back to; empty: nowhere."""
        intent = self._store.find(intent_id, "pi")
        if intent["status"] == "requires_action":
            intent["next_action"] = None
            try:
                if not passed:
                    self._charges.decline(intent, AUTHENTICATION_FAILED)
                self._charges.charge(intent)
            except Refused:
                passed = False  # the refusal is in the PaymentIntent, and in a webhook
        if not intent["return_url"]:
            return ""
        names = {
            "payment_intent": intent["id"],
            "payment_intent_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if passed else "failed",
        }
        return f"{intent['return_url']}{'&' if '?' in intent['return_url'] else '?'}{urlencode(names)}"

    def capture(self, intent_id: str, values: Json) -> Json:
        """POST /v1/payment_intents/{id}/capture"""
        form = Form(values, CAPTURE)
        intent = self._expect(intent_id, {"requires_capture"}, "captured")
        amount = form.positive("amount_to_capture", intent["amount_capturable"])
        final = form.flag("final_capture", True)
        if amount > intent["amount_capturable"]:
            text = "The amount to capture is greater than the amount that can be captured."
            raise Refused(400, text, code="amount_too_large", param="amount_to_capture")
        if not final and not _asked_for(intent, "request_multicapture"):
            text = "This PaymentIntent does not support multicapture: `final_capture` cannot be false."
            raise Refused(400, text, param="final_capture")
        charge = self._store.objects[intent["latest_charge"]]
        before = {"amount_capturable": intent["amount_capturable"], "amount_received": intent["amount_received"]}
        charge_before = {"amount_captured": charge["amount_captured"], "captured": charge["captured"]}
        intent["amount_received"] += amount
        intent["amount_capturable"] -= amount
        charge["amount_captured"] += amount
        done = final or intent["amount_capturable"] == 0
        if done:
            intent |= {"status": "succeeded", "amount_capturable": 0}
            charge["captured"] = True  # what is released is no refund since 2025-03-31
        self._store.tell("charge.captured" if done else "charge.updated", charge, **charge_before)
        told = "payment_intent.succeeded" if done else "payment_intent.amount_capturable_updated"
        self._store.tell(told, intent, **({} if done else before))
        return intent

    def cancel(self, intent_id: str, values: Json) -> Json:
        """POST /v1/payment_intents/{id}/cancel"""
        form = Form(values, CANCEL)
        intent = self._expect(intent_id, CANCELABLE, "canceled")
        intent |= {
            "status": "canceled",
            "canceled_at": self._store.now_s,
            "cancellation_reason": form.text("cancellation_reason", "") or None,
            "amount_capturable": 0,
            "next_action": None,
        }
        self._store.tell("payment_intent.canceled", intent)
        return intent

    def increment(self, intent_id: str, values: Json) -> Json:
        """POST /v1/payment_intents/{id}/increment_authorization"""
        form = Form(values, INCREMENT)
        intent = self._expect(intent_id, {"requires_capture"}, "incremented")
        amount = form.positive("amount")
        if not _asked_for(intent, "request_incremental_authorization") or intent["amount_received"]:
            raise Refused(400, "This PaymentIntent is not eligible for incremental authorization.")
        if amount <= intent["amount"]:
            text = "The amount must be greater than the currently authorized amount."
            raise Refused(400, text, param="amount")
        before = {"amount": intent["amount"], "amount_capturable": intent["amount_capturable"]}
        intent |= {"amount": amount, "amount_capturable": amount}
        charge = self._store.objects[intent["latest_charge"]]
        charge["amount"] = charge["payment_method_details"]["card"]["amount_authorized"] = amount
        self._store.tell("payment_intent.amount_capturable_updated", intent, **before)
        return intent

    def _expect(self, intent_id: str, statuses: Any, done: str) -> Json:
        intent = self._store.find(intent_id, "pi", "intent")
        if intent["status"] not in statuses:
            raise Refused(
                400,
                f"This PaymentIntent could not be {done} because it has a status of {intent['status']}. Only a "
                f"PaymentIntent with one of the following statuses may be {done}: {', '.join(sorted(statuses))}.",
                code="payment_intent_unexpected_state",
                payment_intent=copy.deepcopy(intent),
            )
        return intent


def _checked(amount: int, currency: str) -> None:
    try:
        money(amount, currency)
    except PayloadRejected:
        text = f"Invalid currency or amount: {currency}."
        raise Refused(400, text, param="currency", begun=False) from None
    if amount > 99_999_999:
        raise Refused(400, "Amount must be no more than 999,999.99", code="amount_too_large", param="amount")


def _asked_for(intent: Json, option: str) -> bool:
    return bool(intent["payment_method_options"].get("card", {}).get(option) == "if_available")
