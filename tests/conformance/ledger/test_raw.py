"""Raw bodies: kept encrypted, one of a body and merchant, read back, forgotten in time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ledger_events import make

from orchestrator.ledger.base import Recording
from orchestratorx_prism.errors import SettingsRejected
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter

BODY = b'{"a": "webhook with something to hide"}'
KEYS = {"one": b"1" * 32}
durable = pytest.mark.parametrize(
    "kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


def event(key: str, body: bytes = BODY, **more: Any) -> Event:
    made = make("payment.captured", key, **more)
    made.raw.sha256 = hashlib.sha256(body).digest()
    return made


@durable
async def test_a_body_comes_back_for_each_of_its_events_and_to_its_merchant_only(opened: Any) -> None:
    ledger = await opened(raw_keys=KEYS)
    assert ledger.keeps_raw
    first, second = event("1"), event("2")
    await ledger.record(Recording([first, second], BODY))
    assert await ledger.get_raw("default", first.id) == await ledger.get_raw("default", second.id) == BODY
    assert await ledger.get_raw("m2", first.id) is None
    await ledger.record(Recording([event("3")], BODY))
    other = event("4", merchant="m2")
    await ledger.record(Recording([other], BODY))
    assert await ledger.get_raw("m2", other.id) == BODY
    assert await ledger.purge_raw(older_than_s=0, limit=10) == 2, "one of each merchant"
    assert await ledger.get_raw("default", first.id) is None


@durable
async def test_an_anomaly_leads_to_the_body_that_brought_it_out(opened: Any) -> None:
    ledger = await opened(raw_keys=KEYS)
    await ledger.record(Recording([make("payment.voided", "v", at=1)]))
    await ledger.record(Recording([event("c", at=2, operation_id="x")], BODY))
    (anomaly,), _ = await ledger.list_events(EventFilter(types=["payment.anomaly"]), page_size=10, page_token="")
    assert anomaly.raw.sha256 == hashlib.sha256(BODY).digest()
    assert await ledger.get_raw("default", anomaly.id) == BODY


@durable
async def test_a_duplicate_does_not_bring_a_purged_body_back(opened: Any) -> None:
    ledger = await opened(raw_keys=KEYS)
    await ledger.record(Recording([event("1")], BODY))
    assert await ledger.purge_raw(older_than_s=3600, limit=10) == 0
    assert await ledger.purge_raw(older_than_s=0, limit=10) == 1
    await ledger.record(Recording([event("1")], BODY))
    assert await ledger.get_raw("default", event("1").id) is None


@durable
async def test_after_a_rotation_old_bodies_are_read_with_the_old_key(opened: Any) -> None:
    ledger = await opened(raw_keys=KEYS)
    await ledger.record(Recording([event("1")], BODY))
    await ledger.close()
    rotated = await opened(raw_keys={**KEYS, "two": b"2" * 32})
    newer = event("2", b"newer", refs=("pi_2",))
    await rotated.record(Recording([newer], b"newer"))
    assert await rotated.get_raw("default", event("1").id) == BODY
    await rotated.close()
    forgetful = await opened(raw_keys={"two": b"2" * 32})
    assert await forgetful.get_raw("default", newer.id) == b"newer"
    with pytest.raises(SettingsRejected) as refused:
        await forgetful.get_raw("default", event("1").id)
    assert refused.value.reason == "RAW_KEY_MISSING"


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
async def test_no_body_is_readable_on_the_disk(opened: Any, tmp_path: Path) -> None:
    ledger = await opened(raw_keys=KEYS)
    await ledger.record(Recording([event("1")], BODY))
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())  # noqa: ASYNC240 - small, and the test's own
    assert event("1").connector.encode() in written
    assert b"something to hide" not in written


async def test_without_keys_no_body_is_kept(opened: Any, fresh_key: Callable[[], str]) -> None:
    ledger = await opened()
    assert not ledger.keeps_raw
    await ledger.record(Recording([event("1")], BODY))
    assert await ledger.get_raw("default", event("1").id) is None
    assert await ledger.purge_raw(older_than_s=0, limit=10) == 0
