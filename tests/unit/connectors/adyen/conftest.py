"""What the tests of Adyen share: a key, a context, and the ways from a body to events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from connectors.adyen import connector
from connectors.adyen.signatures import sign
from connectors.spi import Context, Environment, Material, Opened, SampleRequest, SampleWebhook, Webhook
from orchestratorx_prism.v1.event_pb2 import Event

KEY = "7A" * 16 + "0b" * 16
NOW_S = 1_780_000_000


def as_bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()


@pytest.fixture(scope="session")
def key() -> str:
    """An HMAC key, of no use to anybody."""
    return KEY


@pytest.fixture(scope="session")
def normalized() -> Callable[[Any], list[Event]]:
    """Bytes, or an object to be made JSON, to events, without verification."""

    def run(body: Any) -> list[Event]:
        raw = as_bytes(body)
        context = Context("default", Environment.ENVIRONMENT_SANDBOX, NOW_S * 1_000_000_000)
        return connector.normalize(connector.parse(raw), context, raw)

    return run


@pytest.fixture(scope="session")
def opened() -> Callable[..., Opened]:
    """Bytes or an object, headers, and keys, to a verified webhook."""

    def run(body: Any, headers: dict[str, str] | None = None, secrets: tuple[str, ...] = (KEY,)) -> Opened:
        return connector.open(Webhook(as_bytes(body), headers or {}), Material(secrets=secrets), NOW_S)

    return run


@pytest.fixture(scope="session")
def header() -> Callable[..., dict[str, str]]:
    """The header that signs a body."""

    def run(body: Any, secret: str = KEY) -> dict[str, str]:
        return {"hmacsignature": sign(as_bytes(body), bytes.fromhex(secret))}

    return run


@pytest.fixture(scope="session")
def sampled() -> Callable[..., SampleWebhook]:
    """A sample webhook of a type, by keywords of `SampleRequest`."""

    def run(event_type: str, **more: Any) -> SampleWebhook:
        assert connector.sample is not None
        return connector.sample(SampleRequest(event_type, **{"secret": KEY, "now_s": NOW_S, **more}))

    return run
