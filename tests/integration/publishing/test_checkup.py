"""What doctor says of real brokers, and the command as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aio_pika
import nats
import pytest
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, Message, open_broker
from orchestratorx_prism.brokers.checkup import checkup
from orchestratorx_prism.errors import DriverMissing

pytestmark = [pytest.mark.nats, pytest.mark.redis, pytest.mark.rabbitmq]


async def test_a_redis_that_writes_too_late_is_unsafe(redis_server: Any) -> None:
    settings = BrokerSettings("redis", url=redis_server.url)
    assert [finding.level for finding in await checkup(settings)] == ["advice"]
    redis_server.kill()
    redis_server.options = ["--appendonly", "yes", "--appendfsync", "everysec"]
    redis_server.start()
    unsafe = [finding.what for finding in await checkup(settings) if finding.level == "unsafe"]
    assert unsafe == ["appendfsync is everysec: a crash of the machine loses messages"]


async def test_a_rabbitmq_without_its_history_is_unsafe(rabbit_server: Any) -> None:
    settings = BrokerSettings("rabbitmq", url=rabbit_server.url(rabbit_server.virtual_host))
    assert {finding.level for finding in await checkup(settings)} == {"advice"}, "nothing is made yet"
    broker = open_broker(settings)
    await broker.connect()
    assert await broker.publish([Message("1", "payments.events", "k", b"{}")]) == [None]
    await broker.close()
    assert all(finding.level == "advice" for finding in await checkup(settings))
    connection = await aio_pika.connect(settings.url)
    async with connection:
        await (await connection.channel()).queue_delete("orchestratorx.history")
    (unsafe,) = [finding for finding in await checkup(settings) if finding.level == "unsafe"]
    assert unsafe.where == "rabbitmq: stream orchestratorx.history"


@pytest.mark.parametrize("name", ["nats", "redis", "rabbitmq", "kafka"])
async def test_a_missing_driver_is_told_with_the_install_command(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drivers = {"nats": "nats", "redis": "redis", "rabbitmq": "aio_pika", "kafka": "aiokafka"}
    for loaded in [n for n in sys.modules if n.startswith(f"orchestratorx_prism.brokers.{name}")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, drivers[name], None)
    schemes = {"rabbitmq": "amqp"}
    with pytest.raises(DriverMissing) as missing:
        await checkup(BrokerSettings(name, url=f"{schemes.get(name, name)}://127.0.0.1:1"))
    assert name in missing.value.fix


async def test_the_stream_that_we_make_is_safe(nats_server: Any) -> None:
    settings = BrokerSettings("nats", url=nats_server.url)
    broker = open_broker(settings)
    await broker.connect()
    await broker.close()
    found = await checkup(settings)
    assert [finding for finding in found if finding.level == "unsafe"] == []
    assert any("1 replica" in finding.what for finding in found)


async def test_every_way_in_which_a_stream_loses_messages_is_found(nats_server: Any) -> None:
    client = await nats.connect(nats_server.url)
    await client.jetstream().add_stream(
        StreamConfig(
            name="PAYMENTS",
            subjects=["payments.>"],
            storage=StorageType.MEMORY,
            retention=RetentionPolicy.INTEREST,
            discard=DiscardPolicy.OLD,
            max_age=60,
            max_msgs_per_subject=5,
        )
    )
    await client.close()
    found = await checkup(BrokerSettings("nats", url=nats_server.url))
    unsafe = " | ".join(finding.what for finding in found if finding.level == "unsafe")
    for said in ("in memory", "one group acknowledged", "drops the oldest", "after 60 s", "max_msgs_per_subject is 5"):
        assert said in unsafe
    assert all(finding.fix for finding in found)


async def test_a_server_that_is_away_cannot_be_asked() -> None:
    with pytest.raises(BrokerUnavailable):
        await checkup(BrokerSettings("nats", url="nats://127.0.0.1:1", publish_timeout_s=0.5))


@pytest.mark.parametrize("as_json", [True, False])
def test_doctor_tells_what_is_unsafe_and_how_to_mend_it(nats_server: Any, tmp_path: Path, *, as_json: bool) -> None:
    environment = {
        "ORCHESTRATOR_DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "ORCHESTRATOR_MESSAGING__BROKER_TYPE": "nats",
        "ORCHESTRATOR_MESSAGING__URL": nats_server.url,
        "STRIPE_WEBHOOK_SECRET": "whsec_secret",
    }
    command = [str(Path(sys.executable).parent / "orchestrator")]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    before = run("doctor")
    assert (before.returncode, "no tables yet" in before.stdout) == (1, True)
    assert run("migrate").returncode == 0
    after = run("doctor", *(["--json"] if as_json else []))
    assert after.returncode == 0, after.stderr
    if as_json:
        findings = json.loads(after.stdout)
        assert {"level", "where", "what", "fix"} == set(findings[0])
        assert {finding["level"] for finding in findings} == {"advice"}
    else:
        assert "0 unsafe" in after.stdout
        assert "  fix: " in after.stdout
    assert "whsec_secret" not in after.stdout
