"""The simulator's list of events: all that happened, whether or not a webhook told it.

Source: Stripe API reference, "List all events", "Retrieve an event".
"""

from __future__ import annotations

from typing import Final

from connectors.stripe.sample_objects import Json
from connectors.stripe.simulator_forms import Form, Refused, no_such
from connectors.stripe.simulator_store import Store

KEPT_S: Final = 30 * 86_400


def list_events(store: Store, values: Json) -> Json:
    """GET /v1/events, newest first."""
    form = Form(values, ["created", "limit", "starting_after", "type", "delivery_success"])
    kind = form.text("type", "")
    if form.text("delivery_success", ""):
        raise Refused(400, "The simulator does not keep whether webhooks were delivered.", param="delivery_success")
    kept_from = store.now_s - KEPT_S
    found = [
        event
        for event in reversed(store.events)
        if event["created"] >= kept_from and (not kind or event["type"] == kind)
    ]
    return store.page(form, found, "/v1/events")


def show_event(store: Store, given: str) -> Json:
    """GET /v1/events/{id}."""
    for event in store.events:
        if event["id"] == given:
            return event
    raise no_such("event", given, "id", 404)
