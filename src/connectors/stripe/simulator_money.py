"""The simulator's refunds, disputes, files, payouts, transfers, subscriptions and meter events.

Source: Stripe API reference, one page an object; Stripe docs, "Refunds" and "Disputes" under "Testing".
"""

from __future__ import annotations

from typing import Any, Final

from connectors.stripe import sample_billing as billing
from connectors.stripe import sample_objects as objects
from connectors.stripe.sample_objects import Json
from connectors.stripe.simulator_cards import Cards
from connectors.stripe.simulator_forms import Form, Refused, missing
from connectors.stripe.simulator_store import Store

REFUND: Final = "amount charge payment_intent metadata reason refund_application_fee reverse_transfer".split()
REASONS: Final = frozenset({"", "duplicate", "fraudulent", "requested_by_customer"})
FILES: Final = frozenset(
    (
        "cancellation_policy customer_communication customer_signature duplicate_charge_documentation receipt "
        "refund_policy service_documentation shipping_documentation uncategorized_file"
    ).split()
)
OPEN: Final = frozenset({"needs_response", "warning_needs_response"})
BALANCE: Final = 100_000_000
"""What the account holds of each currency. Stripe's minor units."""
SUBSCRIPTION: Final = (
    "customer items metadata trial_period_days default_payment_method cancel_at_period_end cancellation_details "
    "payment_behavior proration_behavior"
).split()


class Money:
    def __init__(self, store: Store, cards: Cards) -> None:
        self._store = store
        self._cards = cards

    def refund(self, values: Json) -> Json:
        """POST /v1/refunds"""
        form = Form(values, REFUND)
        charge = self._charge_of(form)
        if form.text("reason", "") not in REASONS:
            text = "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer"
            raise Refused(400, text, param="reason", begun=False)
        if not charge["captured"] and not charge["amount_captured"]:
            raise Refused(400, f"Charge {charge['id']} is not captured: cancel its PaymentIntent instead.")
        left = charge["amount_captured"] - charge["amount_refunded"]
        if left <= 0:
            text = f"Charge {charge['id']} has already been refunded."
            raise Refused(400, text, code="charge_already_refunded")
        amount = form.positive("amount", left)
        if amount > left:
            text = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            raise Refused(400, text, param="amount")
        return self._refunded(form, charge, amount)

    def _charge_of(self, form: Form) -> Json:
        if intent_id := form.text("payment_intent", ""):
            intent = self._store.find(intent_id, "pi", "payment_intent", in_path=False)
            if not intent["latest_charge"]:
                text = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
                raise Refused(400, text, code="payment_intent_unexpected_state", param="payment_intent")
            found = self._store.objects[intent["latest_charge"]]
        elif charge_id := form.text("charge", ""):
            found = self._store.find(charge_id, "ch", "charge", in_path=False)
        else:
            raise Refused(400, "One of the following params should be provided: charge or payment_intent", begun=False)
        if found["status"] != "succeeded":
            raise Refused(400, f"Charge {found['id']} did not succeed and cannot be refunded.")
        return found

    def _refunded(self, form: Form, charge: Json, amount: int) -> Json:
        store = self._store
        becomes = self._cards.behaviour(charge["payment_method"]).refund
        made = objects.refund(
            store.maker(),
            id=store.new_id("re"),
            amount=amount,
            balance_transaction=store.new_id("txn"),
            charge=charge["id"],
            created=store.now_s,
            currency=charge["currency"],
            metadata=form.metadata(),
            payment_intent=charge["payment_intent"],
            reason=form.text("reason", "") or None,
            status="pending" if becomes == "pending" else "succeeded",
        )
        store.keep(made)
        before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        store.tell("refund.created", made)
        store.tell("charge.refunded", charge, **before)
        return made

    def settle_refund(self, refund_id: str) -> Json:
        """What test cards do some time later: a pending refund succeeds, one of pm_card_refundFail fails."""
        made = self._store.find(refund_id, "re", "refund")
        charge = self._store.objects[made["charge"]]
        if self._cards.behaviour(charge["payment_method"]).refund == "failed":
            before = made["status"]
            made |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
            charge |= {"amount_refunded": charge["amount_refunded"] - made["amount"], "refunded": False}
            self._store.tell("refund.failed", made, status=before)
        elif made["status"] == "pending":
            made["status"] = "succeeded"
            self._store.tell("refund.updated", made, status="pending")
        return made

    def dispute(self, given: str) -> Json:
        return self._store.find(given, "du", "dispute")

    def update_dispute(self, given: str, values: Json) -> Json:
        """POST /v1/disputes/{id}: stages evidence, or sends it to the bank."""
        form = Form(values, ["evidence", "metadata", "submit"])
        dispute = self._open(given, "updated")
        evidence = form.inner("evidence")
        for field in sorted(evidence.keys() & FILES):
            self._store.find(evidence[field], "file", f"evidence[{field}]", in_path=False)
        dispute["evidence"] |= evidence
        details = dispute["evidence_details"]
        details["has_evidence"] = bool(dispute["evidence"])
        before = dispute["status"]
        if form.flag("submit", True):
            dispute["status"] = "warning_under_review" if before.startswith("warning_") else "under_review"
            details["submission_count"] += 1
        self._store.tell("charge.dispute.updated", dispute, status=before)
        return dispute

    def close_dispute(self, given: str, values: Json) -> Json:
        """POST /v1/disputes/{id}/close: the merchant accepts it, which cannot be taken back."""
        Form(values, [])
        dispute = self._open(given, "closed")
        before = dispute["status"]
        dispute["status"] = "warning_closed" if before.startswith("warning_") else "lost"
        self._store.tell("charge.dispute.closed", dispute, status=before)
        return dispute

    def _open(self, given: str, done: str) -> Json:
        dispute = self._store.find(given, "du", "dispute")
        if dispute["status"] not in OPEN:
            raise Refused(400, f"This dispute is {dispute['status']} and can no longer be {done}.")
        return dispute

    def file(self, values: Json) -> Json:
        """POST /v1/files"""
        form = Form(values, ["purpose", "file"])
        file = values.get("file")
        if not isinstance(file, dict):
            raise missing("file")
        if form.text("purpose") != "dispute_evidence":
            raise Refused(400, "Invalid purpose", param="purpose", begun=False)
        return self._store.keep(
            {
                "id": self._store.new_id("file"),
                "object": "file",
                "created": self._store.now_s,
                "filename": file["filename"],
                "purpose": "dispute_evidence",
                "size": len(file["bytes"]),
                "type": file["filename"].rpartition(".")[2],
            }
        )

    def payout(self, values: Json) -> Json:
        """POST /v1/payouts"""
        form = Form(values, "amount currency description destination metadata method statement_descriptor".split())
        return self._out(form, billing.payout, "po", "payout.created", destination=form.text("destination", "") or None)

    def transfer(self, values: Json) -> Json:
        """POST /v1/transfers"""
        form = Form(values, "amount currency description destination metadata transfer_group".split())
        destination = form.text("destination")
        if not destination.startswith("acct_"):
            text = f"No such destination: '{destination}'"
            raise Refused(400, text, code="resource_missing", param="destination")
        return self._out(form, billing.transfer, "tr", "transfer.created", destination=destination)

    def _out(self, form: Form, make: Any, prefix: str, told: str, **more: Any) -> Json:
        store = self._store
        amount, currency = form.positive("amount"), form.text("currency").lower()
        sent = sum(
            one["amount"]
            for kind in ("payout", "transfer")
            for one in store.of_kind(kind)
            if one["currency"] == currency
        )
        if amount > BALANCE - sent:
            text = "You have insufficient funds in your Stripe account for this transfer."
            raise Refused(400, text, code="balance_insufficient")
        made: Json = make(store.maker(), id=store.new_id(prefix), amount=amount, currency=currency)
        made |= {
            "created": store.now_s,
            "metadata": form.metadata(),
            "description": form.text("description", "") or None,
        }
        made |= more
        store.keep(made)
        store.tell(told, made)
        return made

    def subscribe(self, values: Json) -> Json:
        """POST /v1/subscriptions. Any price whose id begins with price_ is one of 10.00 USD a month."""
        form = Form(values, SUBSCRIPTION)
        store = self._store
        customer = store.find(form.text("customer"), "cus", "customer", in_path=False)
        item = _item(form)
        if "price" not in item:
            raise missing("items[0][price]")
        if default := form.text("default_payment_method", ""):
            self._cards.named(default, customer["id"], "default_payment_method")
        made = billing.subscription(store.maker(), id=store.new_id("sub"), created=store.now_s)
        made |= {"customer": customer["id"], "metadata": form.metadata(), "latest_invoice": store.new_id("in")}
        made["items"]["data"][0]["id"] = store.new_id("si")
        _change(made, item)
        if form.integer("trial_period_days", 0):
            made["status"] = "trialing"
        store.keep(made)
        store.tell("customer.subscription.created", made)
        return made

    def subscription(self, given: str) -> Json:
        return self._store.find(given, "sub", "id")

    def update_subscription(self, given: str, values: Json) -> Json:
        form = Form(values, SUBSCRIPTION)
        found = self._running(given)
        if form.values.get("items"):
            item = _item(form)
            if item.get("id") != found["items"]["data"][0]["id"]:
                raise Refused(400, "Subscription item not found.", param="items[0][id]")
            _change(found, item)
        found["cancel_at_period_end"] = form.flag("cancel_at_period_end", found["cancel_at_period_end"])
        self._store.tell("customer.subscription.updated", found)
        return found

    def cancel_subscription(self, given: str, values: Json) -> Json:
        """DELETE /v1/subscriptions/{id}"""
        Form(values, ["cancellation_details", "invoice_now", "prorate"])
        found = self._running(given)
        found |= {"status": "canceled", "canceled_at": self._store.now_s, "ended_at": self._store.now_s}
        self._store.tell("customer.subscription.deleted", found)
        return found

    def _running(self, given: str) -> Json:
        found = self._store.find(given, "sub", "id")
        if found["status"] == "canceled":
            raise Refused(404, f"No such subscription: '{given}'", code="resource_missing", param="id", begun=False)
        return found

    def meter_event(self, values: Json) -> Json:
        """POST /v1/billing/meter_events. An identifier counts once."""
        form = Form(values, ["event_name", "identifier", "payload", "timestamp"])
        payload = form.inner("payload")
        if "stripe_customer_id" not in payload or "value" not in payload:
            text = "Missing required payload: stripe_customer_id and value."
            raise Refused(400, text, code="parameter_missing", param="payload", begun=False)
        timestamp = form.integer("timestamp", self._store.now_s)
        if not self._store.now_s - 35 * 86_400 <= timestamp <= self._store.now_s + 300:
            text = "Timestamp must be within the past 35 calendar days or up to 5 minutes in the future."
            raise Refused(400, text, code="timestamp_too_far_in_past", param="timestamp", begun=False)
        identifier = form.text("identifier", self._store.new_id("mevt"))
        if f"meter/{identifier}" in self._store.objects:
            text = f"An event already exists with identifier {identifier}."
            raise Refused(400, text, param="identifier")
        made: Json = {
            "object": "billing.meter_event",
            "created": self._store.now_s,
            "event_name": form.text("event_name"),
            "identifier": identifier,
            "livemode": False,
            "payload": payload,
            "timestamp": timestamp,
        }
        self._store.objects[f"meter/{identifier}"] = made
        return made


def _item(form: Form) -> Json:
    items = form.values.get("items")
    if not isinstance(items, list) or not items or not isinstance(items[0], dict):
        raise missing("items")
    return items[0]


def _change(made: Json, item: Json) -> None:
    kept = made["items"]["data"][0]
    if price := item.get("price"):
        if not price.startswith("price_"):
            raise Refused(400, f"No such price: '{price}'", code="resource_missing", param="items[0][price]")
        kept["price"] = {**kept["price"], "id": price, "unit_amount": 1000, "currency": "usd"}
    kept["quantity"] = int(item.get("quantity", kept["quantity"]))
