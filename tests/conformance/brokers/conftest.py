"""Every broker, each with a server that a test may stop and start again. A new broker is one more entry."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from orchestratorx_prism.brokers import Broker, BrokerSettings, Message, open_broker
from orchestratorx_prism.brokers.memory import MemoryBroker

ADDRESS = "payments.events"


class MemoryHarness:
    """A server in this process; stopping it keeps what it has, as a restart of a durable server does."""

    drops_repeated_ids = True
    limits_each_consumer = False
    """Whether `max_unacked` is what one consumer of a group may hold, or all of them together."""

    def __init__(self) -> None:
        self._broker: MemoryBroker | None = None

    def open(self, settings: BrokerSettings) -> Broker:
        server = None if self._broker is None else self._broker.server
        self._broker = MemoryBroker(settings, server=server)
        return self._broker

    def stop(self) -> None:
        assert self._broker is not None
        self._broker.server.stop()

    def start(self) -> None:
        assert self._broker is not None
        self._broker.server.start()


class NatsHarness:
    """A nats-server of the test's own; stopping it is a kill -9."""

    drops_repeated_ids = True
    limits_each_consumer = False

    def __init__(self, server: Any) -> None:
        self._server = server

    def open(self, settings: BrokerSettings) -> Broker:
        return open_broker(replace(settings, broker_type="nats", url=self._server.url))

    def stop(self) -> None:
        self._server.kill()

    def start(self) -> None:
        self._server.start()


class KafkaHarness:
    """A Kafka server that tests take turns with; stopping it is a kill -9. Topics have the test's own prefix.

    One partition, so that messages of different keys come in the order they were published, as these tests expect.
    """

    drops_repeated_ids = False
    limits_each_consumer = True

    def __init__(self, server: Any) -> None:
        self._server = server
        self._prefix = f"test-{uuid.uuid4().hex}"

    def open(self, settings: BrokerSettings) -> Broker:
        own = {"broker_type": "kafka", "url": self._server.url, "topic_prefix": self._prefix, "partitions": 1}
        return open_broker(replace(settings, **own, session_timeout_s=1.0))  # type: ignore[arg-type]

    def stop(self) -> None:
        self._server.kill()

    def start(self) -> None:
        self._server.start()


class RedisHarness:
    """A redis-server of the test's own; stopping it is a kill -9."""

    drops_repeated_ids = True
    limits_each_consumer = False

    def __init__(self, server: Any) -> None:
        self._server = server

    def open(self, settings: BrokerSettings) -> Broker:
        return open_broker(replace(settings, broker_type="redis", url=self._server.url))

    def stop(self) -> None:
        self._server.kill()

    def start(self) -> None:
        self._server.start()


class RabbitHarness:
    """The session's RabbitMQ node, a virtual host of the test's own; stopping it is a kill -9."""

    drops_repeated_ids = True
    """Of one publisher, or on the way to one consumer."""
    limits_each_consumer = True

    def __init__(self, node: Any) -> None:
        self._node = node

    def open(self, settings: BrokerSettings) -> Broker:
        return open_broker(replace(settings, broker_type="rabbitmq", url=self._node.url(self._node.virtual_host)))

    def stop(self) -> None:
        self._node.kill()

    def start(self) -> None:
        self._node.start()


@pytest.fixture(
    params=[
        "memory",
        pytest.param("nats", marks=pytest.mark.nats),
        pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.timeout(180)]),
        pytest.param("redis", marks=pytest.mark.redis),
        pytest.param("rabbitmq", marks=pytest.mark.rabbitmq),
    ]
)
def server(request: pytest.FixtureRequest) -> Any:
    """One broker's server: `stop()`, `start()`."""
    if request.param == "rabbitmq":
        return RabbitHarness(request.getfixturevalue("rabbit_server"))
    if request.param == "redis":
        return RedisHarness(request.getfixturevalue("redis_server"))
    if request.param == "memory":
        return MemoryHarness()
    if request.param == "kafka":
        return KafkaHarness(request.getfixturevalue("kafka_server"))
    return NatsHarness(request.getfixturevalue("nats_server"))


@pytest.fixture
async def opened(server: Any) -> AsyncIterator[Callable[..., Broker]]:
    """Opens a client of the server; all are closed at the end. Keywords are settings."""
    clients: list[Broker] = []

    def open_one(**settings: Any) -> Broker:
        client = server.open(BrokerSettings(**{"publish_timeout_s": 2.0, "ack_wait_s": 30.0} | settings))
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        await client.close()


@pytest.fixture
def message() -> Callable[..., Message]:
    """Makes messages: `message("key", 7)` has the body b"7" and an id of its own."""

    def make(key: str, number: int, **fields: Any) -> Message:
        body = str(number).encode()
        defaults: dict[str, Any] = {"id": str(uuid.uuid4()), "address": ADDRESS, "routing_key": "payment.captured"}
        return Message(**(defaults | {"key": key, "body": body} | fields))

    return make
