"""`orchestrator consumers` and `orchestrator dead-letters`, over a real broker."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest

from orchestrator.cli import run
from orchestratorx_prism import DoNotRetry, PaymentEventConsumer, PaymentEventPublisher
from orchestratorx_prism.brokers import BrokerSettings
from orchestratorx_prism.consuming.groups import default_group


@pytest.fixture(
    params=[
        pytest.param("nats", marks=pytest.mark.nats),
        pytest.param("redis", marks=pytest.mark.redis),
        pytest.param("rabbitmq", marks=pytest.mark.rabbitmq),
        pytest.param("kafka", marks=pytest.mark.kafka),
    ]
)
def messaging(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> BrokerSettings:
    """The settings of a broker with a server, in the environment, where the commands find them."""
    kind = request.param
    if kind == "rabbitmq":
        node = request.getfixturevalue("rabbit_server")
        url = node.url(node.virtual_host)
    else:
        url = request.getfixturevalue(f"{kind}_server").url
    settings = {"broker_type": kind, "url": url, "topic_prefix": f"test-{uuid.uuid4().hex}"}
    for key, value in settings.items():
        monkeypatch.setenv(f"ORCHESTRATOR_MESSAGING__{key.upper()}", value)
    return BrokerSettings(**settings)


async def _park_two(messaging: BrokerSettings) -> list[str]:
    """Publishes two events to a handler that wants neither; returns their ids."""

    def refuse(event: Any) -> None:
        raise DoNotRetry(f"no order {event.data['order']}")

    async with PaymentEventConsumer(messaging) as consumer, PaymentEventPublisher(messaging) as publisher:
        await consumer.register_handler("payment.custom.*", refuse)
        await consumer.start()
        ids = [
            await publisher.publish_event(event_type="payment.custom.event", data={"order": n}, key="k") for n in (1, 2)
        ]
        async with asyncio.timeout(20):
            while consumer.counters.ended_by_outcome["dead_letter"] < 2:  # noqa: ASYNC110 - there is no event of it
                await asyncio.sleep(0.01)
    return ids


def test_dead_letters_are_listed_shown_and_redriven(
    messaging: BrokerSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: str, status: int = 0) -> str:
        assert run(list(arguments)) == status
        return capsys.readouterr().out

    assert said("consumers") == ""
    assert said("dead-letters", "list") == ""
    first, second = asyncio.run(_park_two(messaging))
    listed = said("dead-letters", "list").splitlines()
    assert [line.split()[0] for line in listed] == [first, second]
    assert "HANDLER_FAILED refuse: DoNotRetry: no order 1" in listed[0]
    assert [json.loads(line)["id"] for line in said("dead-letters", "list", "--json").splitlines()] == [first, second]

    shown = json.loads(said("dead-letters", "show", second))
    assert (shown["id"], shown["type"], shown["key"]) == (second, "payment.custom.event", "k")
    assert [(one["number"], one["error"]) for one in shown["attempts"]] == [(1, "DoNotRetry: no order 2")]
    assert json.loads(shown["body"])["data"] == {"order": 2}
    assert said("dead-letters", "show", "unknown", status=1) == ""

    (told,) = (json.loads(line) for line in said("consumers", "--json").splitlines())
    group = default_group(messaging)
    assert (told["group"], told["waiting"], told["unfinished"], told["dead_letters"]) == (group, 0, 0, 2)

    assert said("dead-letters", "redrive", first) == f"1 dead letters went back to {group}\n"
    assert group in said("consumers")
    assert json.loads(said("consumers", "--json"))["waiting"] == 1
    assert json.loads(said("dead-letters", "redrive", "--all", "--json")) == {"redriven": 1}
    assert said("dead-letters", "redrive", "--all", status=1).startswith("0 ")
    assert said("dead-letters", "redrive", status=2) == ""


def test_the_memory_broker_cannot_be_seen_from_another_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_MESSAGING__BROKER_TYPE", "memory")
    assert run(["consumers"]) == 1
    assert "BROKER_IN_PROCESS" in capsys.readouterr().err


def test_a_broker_that_is_away_is_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ORCHESTRATOR_MESSAGING__BROKER_TYPE", "nats")
    monkeypatch.setenv("ORCHESTRATOR_MESSAGING__URL", "nats://127.0.0.1:1")
    monkeypatch.setenv("ORCHESTRATOR_MESSAGING__PUBLISH_TIMEOUT_S", "0.5")
    assert run(["consumers"]) == 3
    assert "BROKER_UNAVAILABLE" in capsys.readouterr().err
