"""An installation with REST, and somebody who calls it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from rest_desk import ALL_KEY, RestDesk, caller_of, rest_desk


@pytest.fixture
async def rest() -> AsyncIterator[RestDesk]:
    """Real services over the Stripe simulator, fakes for services that there are none of."""
    async with rest_desk() as desk:
        yield desk


@pytest.fixture
async def caller(rest: RestDesk) -> AsyncIterator[httpx.AsyncClient]:
    """With a key of every scope."""
    async with caller_of(rest, {"X-API-Key": ALL_KEY}) as client:
        yield client


@pytest.fixture
def pay(caller: httpx.AsyncClient) -> Any:
    """Makes a payment: `await pay("key", capture_mode="MANUAL")`. The answer's JSON."""

    async def make(key: str, **fields: Any) -> dict[str, Any]:
        body = {
            "connector": "stripe",
            "amount": {"minor_units": 1099, "currency": "USD"},
            "merchant_transaction_id": f"order-{key}",
            "instrument": {"token": "pm_card_visa"},
            **fields,
        }
        answer = await caller.post("/v1/payments", json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    return make
