"""What Stripe's tests share: a context, and the way from a body to its events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from connectors.spi import Context, Environment
from connectors.stripe import connector
from orchestratorx_prism.v1.event_pb2 import Event

NOW_S = 1_773_480_500


@pytest.fixture
def context() -> Context:
    return Context("default", Environment.ENVIRONMENT_SANDBOX, NOW_S * 1_000_000_000)


@pytest.fixture
def normalized(context: Context) -> Callable[[Any], list[Event]]:
    """body (bytes, or anything that becomes JSON) → events, without any signature."""

    def run(body: Any) -> list[Event]:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return connector.normalize(connector.parse(text), context, text)

    return run
