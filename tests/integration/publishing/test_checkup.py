"""What doctor says of a real NATS, and the command as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, open_broker
from orchestratorx_prism.brokers.checkup import checkup

pytestmark = pytest.mark.nats


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
