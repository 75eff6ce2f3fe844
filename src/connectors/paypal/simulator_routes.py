"""The simulator's API by path: which function answers, and for how long PayPal stores the key of such a request."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from connectors.paypal import simulator_disputes as disputes
from connectors.paypal import simulator_events as events
from connectors.paypal import simulator_orders as orders
from connectors.paypal import simulator_payments as payments
from connectors.paypal import simulator_payouts as payouts
from connectors.paypal import simulator_vault as vault
from connectors.paypal.simulator_world import Ask, Object, World

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
Handler = Callable[..., tuple[int, Object]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API."""

    method: str
    path: re.Pattern[str]
    handler: Handler
    key_life_s: int = 0
    """How long its PayPal-Request-Id is stored; 0: the header is ignored."""


def _route(method: str, path: str, handler: Handler, key_life_s: int = 0) -> Route:
    return Route(method, re.compile(path.replace("{id}", "([A-Za-z0-9_-]+)")), handler, key_life_s)


def _finish(action: str) -> Handler:
    def handler(world: World, ask: Ask, order_id: str) -> tuple[int, Object]:
        return orders.finish(world, ask, order_id, action)

    return handler


def _change(action: str) -> Handler:
    return partial(vault.change_subscription, action=action)


# Source: PayPal docs, "PayPal-Request-Id" in the reference of each operation.
ROUTES: tuple[Route, ...] = (
    _route("POST", "/v2/checkout/orders", orders.create, 6 * HOUR_S),
    _route("GET", "/v2/checkout/orders/{id}", orders.show),
    _route("POST", "/v2/checkout/orders/{id}/authorize", _finish("authorize"), 6 * HOUR_S),
    _route("POST", "/v2/checkout/orders/{id}/capture", _finish("capture"), 6 * HOUR_S),
    _route("GET", "/v2/payments/authorizations/{id}", payments.show_authorization),
    _route("POST", "/v2/payments/authorizations/{id}/capture", payments.capture, 45 * DAY_S),
    _route("POST", "/v2/payments/authorizations/{id}/void", payments.void, 45 * DAY_S),
    _route("GET", "/v2/payments/captures/{id}", payments.show_capture),
    _route("POST", "/v2/payments/captures/{id}/refund", payments.refund, 45 * DAY_S),
    _route("GET", "/v2/payments/refunds/{id}", payments.show_refund),
    _route("POST", "/v1/payments/payouts", payouts.create, 30 * DAY_S),
    _route("GET", "/v1/payments/payouts/{id}", payouts.show),
    _route("GET", events.PATH, events.listing),
    _route("GET", events.PATH + "/{id}", events.show),
    _route("GET", "/v1/customer/disputes/{id}", disputes.show),
    _route("POST", "/v1/customer/disputes/{id}/accept-claim", disputes.accept),
    _route("POST", "/v1/customer/disputes/{id}/provide-evidence", disputes.provide_evidence),
    _route("POST", "/v3/vault/payment-tokens", vault.create_token, 3 * HOUR_S),
    _route("POST", "/v3/vault/setup-tokens", vault.create_setup_token, 3 * HOUR_S),
    _route("GET", "/v3/vault/payment-tokens", vault.list_tokens),
    _route("GET", "/v3/vault/payment-tokens/{id}", vault.show_token),
    _route("DELETE", "/v3/vault/payment-tokens/{id}", vault.delete_token),
    _route("POST", "/v1/billing/subscriptions", vault.create_subscription, 72 * HOUR_S),
    _route("GET", "/v1/billing/subscriptions/{id}", vault.show_subscription),
    _route("POST", "/v1/billing/subscriptions/{id}/revise", _change("revise")),
    _route("POST", "/v1/billing/subscriptions/{id}/suspend", _change("suspend")),
    _route("POST", "/v1/billing/subscriptions/{id}/cancel", _change("cancel")),
)

PAGES: dict[str, Callable[[World, Ask], str]] = {
    "/checkoutnow": orders.approve,
    "/agreements/approve": vault.approve_setup,
    "/webapps/billing/subscriptions": vault.approve_subscription,
}
"""Pages that a payer visits with a browser → where they are sent back to."""


def route_of(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The operation, and the ids in its path; None if there is none."""
    for route in ROUTES:
        if route.method == method and (match := route.path.fullmatch(path)):
            return route, match.groups()
    return None
