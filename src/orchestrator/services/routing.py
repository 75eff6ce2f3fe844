"""Which connector gets a payment whose caller names none. A pure function, and users may bring their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from orchestrator.settings_routing import RouteRule, RoutingSettings
from orchestratorx_prism.errors import RequestRejected, SettingsRejected
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceAuthorizeRequest

Router = Callable[[PaymentServiceAuthorizeRequest], Sequence[str]]
"""(request) → connectors, the best first. Pure, and quick: it is called in the event loop.

The next one is tried only if the one before is being left alone for its failures, or certainly did nothing with this
request. What may have reached a provider stays with it.
"""


def by_rules(rules: Sequence[RouteRule], request: PaymentServiceAuthorizeRequest) -> Sequence[str]:
    """The connectors of the first rule that fits; none if no rule does."""
    return next((rule.connectors for rule in rules if _fits(rule, request)), ())


def router_of(settings: RoutingSettings) -> Router:
    """The router that the settings ask for.

    Raises:
        SettingsRejected: There is no such function.
    """
    if not settings.function:
        return partial(by_rules, settings.rules)
    module, _, name = settings.function.partition(":")
    try:
        function: Any = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsRejected(
            f"routing.function: {settings.function} cannot be imported ({type(error).__name__})",
            fix='write it as "package.module:name", of a package that is installed here',
        ) from error
    if not callable(function):
        raise SettingsRejected(f"routing.function: {settings.function} is no function", fix="name a function")
    router: Router = function
    return router


def chosen(router: Router, request: PaymentServiceAuthorizeRequest, is_open: Callable[[str], bool]) -> list[str]:
    """Those to try, in order: providers that are being left alone come last.

    Raises:
        RequestRejected: No rule fits.
    """
    names = list(dict.fromkeys(router(request)))
    if not names:
        raise RequestRejected(
            "connector: is empty, and no rule of routing fits this payment",
            reason="NO_ROUTE",
            fix='name the connector: "stripe"; or add a rule under `routing` in the settings',
            metadata={"field": "connector"},
        )
    return sorted(names, key=is_open)


def _fits(rule: RouteRule, request: PaymentServiceAuthorizeRequest) -> bool:
    amount = request.amount
    return (
        (not rule.merchants or (request.merchant_id or "default") in rule.merchants)
        and (not rule.currencies or amount.currency in rule.currencies)
        and (not rule.countries or request.country in rule.countries)
        and (not rule.instruments or request.instrument.WhichOneof("instrument") in rule.instruments)
        and amount.minor_units >= rule.minor_units_from
        and (rule.minor_units_until is None or amount.minor_units < rule.minor_units_until)
    )
