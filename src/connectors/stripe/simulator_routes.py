"""Which of the simulator's parts carries out which request: a table."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from connectors.stripe.sample_objects import Json
from connectors.stripe.simulator_cards import Cards
from connectors.stripe.simulator_events import list_events, show_event
from connectors.stripe.simulator_forms import Form
from connectors.stripe.simulator_money import Money
from connectors.stripe.simulator_payments import Payments
from connectors.stripe.simulator_store import Store

ID: Final = r"([A-Za-z0-9_]+)"
Route = tuple[str, re.Pattern[str], Callable[..., Json]]


def routes(store: Store, cards: Cards, pay: Payments, out: Money) -> list[Route]:
    """(method, path, what carries it out with the path's ids, the parameters, and this server's address)."""

    def listed(kind: str, *filters: str) -> Callable[..., Json]:
        def page(values: Json, _base: str) -> Json:
            form = Form(values, ["created", "limit", "starting_after", *filters])
            found = [one for one in store.of_kind(kind) if all(_fits(one, form, name) for name in filters)]
            return store.page(form, found, f"/v1/{kind}s")

        return page

    def read(prefix: str, param: str) -> Callable[..., Json]:
        return lambda given, _values, _base: store.find(given, prefix, param)

    table: dict[str, Callable[..., Json]] = {
        "POST payment_intents": pay.create,
        "GET payment_intents": listed("payment_intent", "customer"),
        "GET payment_intents/*": read("pi", "intent"),
        "POST payment_intents/*/capture": lambda given, values, _: pay.capture(given, values),
        "POST payment_intents/*/cancel": lambda given, values, _: pay.cancel(given, values),
        "POST payment_intents/*/increment_authorization": lambda given, values, _: pay.increment(given, values),
        "GET charges/*": read("ch", "id"),
        "POST refunds": lambda values, _: out.refund(values),
        "GET refunds": listed("refund", "payment_intent", "charge"),
        "GET refunds/*": read("re", "id"),
        "GET disputes/*": lambda given, _values, _base: out.dispute(given),
        "POST disputes/*": lambda given, values, _: out.update_dispute(given, values),
        "POST disputes/*/close": lambda given, values, _: out.close_dispute(given, values),
        "POST files": lambda values, _: out.file(values),
        "POST payouts": lambda values, _: out.payout(values),
        "GET payouts": listed("payout"),
        "GET payouts/*": read("po", "payout"),
        "POST transfers": lambda values, _: out.transfer(values),
        "GET transfers": listed("transfer", "destination"),
        "POST customers": lambda values, _: cards.create_customer(values),
        "GET customers/*": lambda given, _values, _base: cards.customer(given),
        "POST customers/*": lambda given, values, _: cards.update_customer(given, values),
        "DELETE customers/*": lambda given, _values, _base: cards.delete_customer(given),
        "GET customers/*/payment_methods": lambda given, values, _: cards.methods_of(given, values),
        "POST payment_methods": lambda values, _: cards.create_method(values),
        "GET payment_methods/*": lambda given, _values, _base: cards.method(given),
        "POST payment_methods/*/attach": lambda given, values, _: cards.attach(given, values),
        "POST payment_methods/*/detach": lambda given, _values, _base: cards.detach(given),
        "POST setup_intents": cards.setup,
        "GET setup_intents/*": read("seti", "intent"),
        "GET mandates/*": read("mandate", "mandate"),
        "POST subscriptions": lambda values, _: out.subscribe(values),
        "GET subscriptions/*": lambda given, _values, _base: out.subscription(given),
        "POST subscriptions/*": lambda given, values, _: out.update_subscription(given, values),
        "DELETE subscriptions/*": lambda given, values, _: out.cancel_subscription(given, values),
        "GET events": lambda values, _: list_events(store, values),
        "GET events/*": lambda given, _values, _base: show_event(store, given),
        "POST billing/meter_events": lambda values, _: out.meter_event(values),
    }
    return [
        (name.split(" ")[0], re.compile("/v1/" + name.split(" ")[1].replace("*", ID)), handle)
        for name, handle in table.items()
    ]


def _fits(one: Json, form: Form, name: str) -> bool:
    wanted = form.text(name, "")
    return not wanted or one.get(name) == wanted
