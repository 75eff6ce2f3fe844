"""A broker that is away for a while holds up no webhook: all are accepted, and published when it is back.

`--broker-away` says for how many seconds; a hundred webhooks are posted in each. 60 is full scale.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import time
from collections.abc import Sequence
from typing import Any

import pytest
from broker_servers import REAL, BrokerServer, broker_server
from free_ports import free_port
from killable_server import Connection, Server, check, ledger_events

from connectors.spi import SampleRequest, SampleWebhook
from orchestrator.plugins import connector_named
from orchestratorx_prism.brokers import Broker, BrokerSettings, BrokerUnavailable, open_broker
from orchestratorx_prism.envelopes.cloudevents import decode
from orchestratorx_prism.v1.event_pb2 import Event

SECRET = "whsec_broker_away"
STORY = ("payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.dispute.created")
POSTS_PER_S = 100
CONNECTIONS = 10
DUPLICATE_EVERY = 7
"""Webhooks: the provider sends one of so many twice."""
PUBLISHED_WITHIN_S = 120.0

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(900)]


def webhooks(count: int) -> list[list[SampleWebhook]]:
    """For each connection what it posts, one after the other: payments of their own, told in order."""
    sample = connector_named("stripe").sample
    assert sample is not None
    made: list[list[SampleWebhook]] = [[] for _ in range(CONNECTIONS)]
    number = 0
    while number < count:
        story = [
            sample(SampleRequest(event_type, secret=SECRET, now_s=int(time.time()), seed=number + 1))
            for event_type in STORY
        ]
        made[number // len(STORY) % CONNECTIONS] += story
        number += len(STORY)
    for posts in made:
        posts[:] = [one for place, post in enumerate(posts) for one in [post] * (1 + (place % DUPLICATE_EVERY == 0))]
    return made


async def post_over(seconds: float, port: int, posts: Sequence[SampleWebhook]) -> set[str]:
    """Posts them evenly over that time; returns the provider's ids of what was acknowledged."""
    acknowledged: set[str] = set()
    connection = Connection(port)
    began = time.monotonic()
    for place, webhook in enumerate(posts):
        await asyncio.sleep(began + seconds * place / len(posts) - time.monotonic())
        assert await connection.post("/webhooks/stripe/default", webhook) == 200
        acknowledged.add(json.loads(webhook.body)["id"])
    connection.close()
    return acknowledged


async def published(broker: Broker, ids: set[str]) -> list[Event]:
    """Every message in the order in which it comes, until the events with these ids are there, and no more come."""
    subscription = await broker.subscribe(["payments.events"], group="all")
    events: list[Event] = []
    missing = set(ids)
    deadline = time.monotonic() + PUBLISHED_WITHIN_S
    while True:
        assert time.monotonic() < deadline, f"{len(missing)} of {len(ids)} events were not published"
        try:
            deliveries = await subscription.fetch(limit=200, timeout_s=1.0)
        except BrokerUnavailable:
            await asyncio.sleep(0.1)
            continue
        if not deliveries and not missing:
            return events
        for delivery in deliveries:
            events.append(decode(delivery.message))
            missing.discard(events[-1].id)
        await asyncio.gather(*(delivery.ack() for delivery in deliveries))


def environment(messaging: BrokerSettings, database_url: str) -> dict[str, str]:
    """Of a server over that broker."""
    defaults = BrokerSettings()
    settings: dict[str, Any] = {
        field.name: getattr(messaging, field.name)
        for field in dataclasses.fields(messaging)
        if getattr(messaging, field.name) != getattr(defaults, field.name)
    }
    return {
        **{f"ORCHESTRATOR_MESSAGING__{name.upper()}": str(value) for name, value in settings.items()},
        "ORCHESTRATOR_DATABASE_URL": database_url,
        "ORCHESTRATOR_HTTP_PORT": str(free_port()),
        "ORCHESTRATOR_GRPC_PORT": str(free_port()),
        "ORCHESTRATOR_LOG_LEVEL": "error",
        "STRIPE_WEBHOOK_SECRET": SECRET,
    }


@pytest.fixture(params=REAL)
def server(request: pytest.FixtureRequest) -> BrokerServer:
    return broker_server(request.param, request)


async def test_every_webhook_of_the_time_without_a_broker_is_published_once_it_is_back(
    request: pytest.FixtureRequest, zygote: subprocess.Popen[str], server: BrokerServer, fresh_postgres_url: str
) -> None:
    away_s: float = request.config.getoption("--broker-away")
    variables = environment(server.settings(), fresh_postgres_url)
    ports = [int(variables[f"ORCHESTRATOR_{name}_PORT"]) for name in ("HTTP", "GRPC")]
    front = Server(zygote, variables, *ports)
    posts = webhooks(int(away_s * POSTS_PER_S))
    broker = open_broker(server.settings())
    front.start()
    try:
        await front.ready()
        await asyncio.to_thread(server.stop)
        stopped_at = time.monotonic()
        acknowledged = set[str]().union(*await asyncio.gather(*(post_over(away_s, ports[0], one) for one in posts)))
        recorded = [event async for event in ledger_events(front)]
        assert len(recorded) >= len(acknowledged)
        was_away_s = time.monotonic() - stopped_at
        await asyncio.to_thread(server.start)
        back_at = time.monotonic()
        messages = await published(broker, {event.id for event in recorded})
        print(
            f"\n{server.name}: away for {was_away_s:.0f} s, {sum(map(len, posts))} webhooks accepted meanwhile, "
            f"{len(recorded)} events recorded, {len(messages)} messages, all published and read "
            f"{time.monotonic() - back_at:.0f} s after its return"
        )
    finally:
        await broker.close()
        await asyncio.to_thread(front.kill)
    check(acknowledged, recorded, messages)
