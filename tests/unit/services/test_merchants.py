"""What is configured for a merchant, and what a call may ask for beside it."""

from __future__ import annotations

import pytest

from connectors.spi import Environment
from orchestrator.services.merchants import Merchants
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest

PRODUCTION = {"environment": "PRODUCTION"}


@pytest.mark.parametrize("asked", [Environment.ENVIRONMENT_SANDBOX, 3, 99, -1])
def test_a_production_merchant_is_not_turned_into_anything_else_by_a_call(asked: int) -> None:
    request = HandleEventRequest(connector="stripe", environment=asked)  # type: ignore[arg-type]  # any number comes
    with pytest.raises(RequestRejected) as refused:
        Merchants(settings_from(PRODUCTION)).desk(request)
    assert refused.value.metadata == {"field": "environment"}


def test_a_call_that_asks_for_nothing_gets_the_configured_environment() -> None:
    desk = Merchants(settings_from(PRODUCTION)).desk(HandleEventRequest(connector="stripe"))
    assert desk.environment == Environment.ENVIRONMENT_PRODUCTION


def test_what_a_call_brings_is_kept_only_while_it_is_small() -> None:
    merchants = Merchants(settings_from({}))
    small = HandleEventRequest(connector="stripe", webhook_secret="whsec_a", webhook_secrets=["whsec_b"])
    assert merchants.desk(small) is merchants.desk(small)
    for large in (
        HandleEventRequest(connector="paypal", certificates=[b"x" * 40_000] * 2),
        HandleEventRequest(connector="stripe", webhook_secrets=["x" * 100_000]),
        HandleEventRequest(connector="stripe", webhook_secrets=["x"] * 2_000),
    ):
        assert merchants.desk(large) is not merchants.desk(large)
