"""Which connector gets a payment, and when the next one may try."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.services.payments import PaymentService
from orchestrator.services.routing import by_rules, chosen, router_of
from orchestrator.settings_loading import settings_from
from orchestrator.settings_routing import RoutingSettings
from orchestratorx_prism.errors import (
    OutcomeUnknown,
    PrismError,
    ProviderUnavailable,
    RequestRejected,
    SettingsRejected,
)
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceAuthorizeRequest, PaymentServiceAuthorizeResponse


def request_for(currency: str = "USD", minor: int = 1099, **fields: Any) -> PaymentServiceAuthorizeRequest:
    fields.setdefault("instrument", Instrument(token="tok"))
    return PaymentServiceAuthorizeRequest(
        request_id="r-1", amount=Money(minor_units=minor, currency=currency), **fields
    )


RULES = settings_from(
    {
        "routing": {
            "rules": [
                {"connectors": ["mpesa"], "currencies": ["KES"], "instruments": ["phone"]},
                {"connectors": ["adyen", "stripe"], "countries": ["NL", "DE"], "minor_units_from": 10_000},
                {"connectors": ["paypal"], "merchants": ["books"], "minor_units_until": 500},
                {"connectors": ["stripe", "adyen"]},
            ]
        }
    }
).routing.rules


@pytest.mark.parametrize(
    ("request_", "first"),
    [
        (request_for("KES", instrument=Instrument(phone="254708374149")), "mpesa"),
        (request_for("KES"), "stripe"),
        (request_for("EUR", 10_000, country="NL"), "adyen"),
        (request_for("EUR", 9_999, country="NL"), "stripe"),
        (request_for("EUR", 10_000, country="FR"), "stripe"),
        (request_for(minor=499, merchant_id="books"), "paypal"),
        (request_for(minor=500, merchant_id="books"), "stripe"),
        (request_for(minor=499), "stripe"),
    ],
)
def test_the_first_rule_that_fits_decides(request_: PaymentServiceAuthorizeRequest, first: str) -> None:
    assert by_rules(RULES, request_)[0] == first


def test_a_provider_that_is_left_alone_comes_last() -> None:
    router = router_of(RoutingSettings(rules=RULES))
    assert chosen(router, request_for(), lambda name: False) == ["stripe", "adyen"]
    assert chosen(router, request_for(), lambda name: name == "stripe") == ["adyen", "stripe"]


def test_without_a_rule_that_fits_the_caller_is_told_what_to_do() -> None:
    with pytest.raises(RequestRejected) as refused:
        chosen(router_of(RoutingSettings()), request_for(), lambda name: False)
    assert refused.value.reason == "NO_ROUTE"


def test_a_function_of_ones_own_takes_the_place_of_rules() -> None:
    router = router_of(RoutingSettings(function=f"{__name__}:to_paypal"))
    assert chosen(router, request_for(), lambda name: False) == ["paypal"]


def to_paypal(request: PaymentServiceAuthorizeRequest) -> list[str]:
    return ["paypal"]


@pytest.mark.parametrize("function", ["no.such.module:name", f"{__name__}:no_such", f"{__name__}:RULES", "x"])
def test_a_function_that_is_none_is_refused_at_start(function: str) -> None:
    with pytest.raises(SettingsRejected):
        router_of(RoutingSettings(function=function))


class Operator:
    """Notes who was called; fails as told."""

    def __init__(self, **errors: PrismError) -> None:
        self.errors, self.called = errors, list[str]()

    def leaves_alone(self, connector: str, merchant_id: str) -> bool:
        return False

    async def run(self, capability: Any, request: Any, *, connector: str) -> PaymentServiceAuthorizeResponse:
        self.called.append(connector)
        if connector in self.errors:
            raise self.errors[connector]
        return PaymentServiceAuthorizeResponse()


def service(operator: Operator) -> PaymentService:
    return PaymentService(None, operator, router_of(RoutingSettings(rules=RULES)))  # type: ignore[arg-type]


async def test_the_next_one_tries_after_one_that_certainly_did_nothing() -> None:
    operator = Operator(stripe=ProviderUnavailable("down"))
    await service(operator).authorize(request_for())
    assert operator.called == ["stripe", "adyen"]


@pytest.mark.parametrize("error", [OutcomeUnknown("lost"), RequestRejected("wrong")])
async def test_nobody_else_tries_what_may_have_been_done(error: PrismError) -> None:
    operator = Operator(stripe=error)
    with pytest.raises(type(error)):
        await service(operator).authorize(request_for())
    assert operator.called == ["stripe"]


async def test_a_connector_that_the_caller_names_is_not_replaced() -> None:
    operator = Operator(stripe=ProviderUnavailable("down"))
    with pytest.raises(ProviderUnavailable):
        await service(operator).authorize(request_for(connector="stripe"))
    assert operator.called == ["stripe"]
