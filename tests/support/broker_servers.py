"""Every broker's server as tests of fates see it: stopped as in a crash, started again, and settings to reach it by."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any, Protocol

import pytest

from orchestratorx_prism.brokers import BrokerSettings
from orchestratorx_prism.brokers.memory import MemoryBroker

REAL = [
    pytest.param("redis", marks=pytest.mark.redis),
    pytest.param("nats", marks=pytest.mark.nats),
    pytest.param("rabbitmq", marks=pytest.mark.rabbitmq),
    pytest.param("kafka", marks=pytest.mark.kafka),
]
"""Brokers with a server of their own, as parameters."""


class Process(Protocol):
    """A server's process, of conftest.py."""

    def start(self) -> None: ...

    def kill(self) -> None: ...


class BrokerServer:
    """One broker's server, and the settings of whoever talks to it."""

    def __init__(self, settings: BrokerSettings, process: Process) -> None:
        self.name = settings.broker_type
        self._settings = settings
        self._process = process

    def settings(self, **more: Any) -> BrokerSettings:
        """`more`: fields of `BrokerSettings`."""
        return replace(self._settings, **more)

    def stop(self) -> None:
        """kill -9. What it had acknowledged is on its disk."""
        self._process.kill()

    def start(self) -> None:
        """Returns once it answers."""
        self._process.start()


class _MemoryProcess:
    """A server of this process: it keeps what it has while it is stopped, as a durable one does."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._server = MemoryBroker.shared(settings).server

    def start(self) -> None:
        self._server.start()

    def kill(self) -> None:
        self._server.stop()


def broker_server(name: str, request: pytest.FixtureRequest) -> BrokerServer:
    """The server of that broker, running, with nothing of other tests in it."""
    if name == "memory":
        settings = BrokerSettings("memory", url=f"memory://{uuid.uuid4().hex}")
        return BrokerServer(settings, _MemoryProcess(settings))
    if name == "rabbitmq":
        node = request.getfixturevalue("rabbit_server")
        return BrokerServer(BrokerSettings("rabbitmq", url=node.url(node.virtual_host)), node)
    process = request.getfixturevalue(f"{name}_server")
    own: dict[str, Any] = {}
    if name == "kafka":
        own = {"topic_prefix": f"test-{uuid.uuid4().hex}", "partitions": 4, "session_timeout_s": 1.0}
    return BrokerServer(BrokerSettings(name, url=process.url, **own), process)
