"""One checkout script over four providers, both transports and three ledgers ends in the same state."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from provider_desk import desk_of, reached

from orchestratorx_prism.v1.event_pb2 import CAUSE_API_RESPONSE, CAUSE_WEBHOOK
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED

EXAMPLE = Path(__file__).parents[3] / "examples" / "08_checkout.py"
CONNECTORS = ["stripe", "adyen", "paypal", "mpesa"]


def _example() -> Any:
    spec = importlib.util.spec_from_file_location("checkout_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "memory":
        return "memory:"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    fresh: str = request.getfixturevalue("fresh_postgres_url")
    return fresh


@pytest.mark.parametrize("way", ["embedded", "grpc"])
@pytest.mark.parametrize("connector", CONNECTORS)
async def test_one_checkout_ends_the_same_whatever_the_provider(connector: str, way: str, database_url: str) -> None:
    currency = "KES" if connector == "mpesa" else "EUR"
    async with desk_of(connector, database_url=database_url) as desk:
        await desk.application.start()
        async with reached(way, desk) as where:
            payment = await _example().checkout(connector, "order-1", currency, **where)
            assert payment.status == PAYMENT_STATUS_CAPTURED
            assert payment.captured.minor_units == 10_000
            assert payment.refunded.minor_units == (10_000 if connector == "mpesa" else 2_500)
            assert list(payment.anomalies) == []
            await desk.simulator.aclose()
            events, _ = await desk.application.ledger.list_events(EventFilter(), page_size=100, page_token="")
        assert desk.refused == []
        (truth,) = desk.simulator.truths()
        again = await desk.application.ledger.get_payment("default", payment.id)
        assert again is not None
        assert (truth.captured_minor, truth.refunded_minor) == (
            again.captured.minor_units,
            again.refunded.minor_units,
        )
        assert again.status == PAYMENT_STATUS_CAPTURED
        assert list(again.anomalies) == []
        assert {event.cause for event in events} >= {CAUSE_API_RESPONSE, CAUSE_WEBHOOK}
        assert {event.payment_id for event in events} == {payment.id}
