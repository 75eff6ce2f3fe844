"""What the tests of M-Pesa share: a context, a token, and the way from bytes to events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from connectors.mpesa import connector
from connectors.spi import Context, Environment, KnownRequest, SampleRequest, SampleWebhook
from orchestratorx_prism.v1.event_pb2 import Event

TOKEN = "a-made-up-token-of-enough-length"
NOW_S = 1_773_472_600


@pytest.fixture(scope="session")
def token() -> str:
    return TOKEN


@pytest.fixture(scope="session")
def now_s() -> int:
    return NOW_S


@pytest.fixture(scope="session")
def normalized() -> Callable[..., list[Event]]:
    """Bytes, or an object to be made JSON, to events, without verification."""

    def run(body: Any, purpose: str = "", known_request: KnownRequest | None = None) -> list[Event]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        context = Context(
            "default",
            Environment.ENVIRONMENT_SANDBOX,
            NOW_S * 1_000_000_000,
            purpose=purpose,
            known_request=known_request,
        )
        return connector.normalize(connector.parse(raw), context, raw)

    return run


@pytest.fixture(scope="session")
def sampled() -> Callable[..., SampleWebhook]:
    """A sample webhook of a type, by keywords of `SampleRequest`."""

    def run(event_type: str, **more: Any) -> SampleWebhook:
        assert connector.sample is not None
        return connector.sample(SampleRequest(event_type, **{"secret": TOKEN, "now_s": NOW_S, **more}))

    return run
