"""The ledger's small parts: names, ids, page tokens, filters, the choice of rows, the bell, the vault, the factory."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_events import make

from orchestrator.ledger import references as r
from orchestrator.ledger.factory import open_ledger
from orchestrator.ledger.filters import like_pattern, wanted
from orchestrator.ledger.hints import Bell
from orchestrator.ledger.memory import MemoryLedger
from orchestrator.ledger.outbox_choice import Choice
from orchestrator.ledger.paging import fingerprint, position_of, token_after
from orchestrator.ledger.postgres import PostgresLedger, numbered
from orchestrator.ledger.raw import RawVault
from orchestrator.ledger.schema import HEAD
from orchestrator.ledger.sqlite import SqliteLedger
from orchestratorx_prism.errors import Internal, RequestRejected, SettingsRejected
from orchestratorx_prism.v1.event_service_pb2 import EventFilter

NAMES = st.tuples(st.text(max_size=4), st.text(max_size=4), st.text(max_size=4), st.text(max_size=4))


@given(NAMES, NAMES)
def test_two_names_are_alike_only_if_every_part_is(a: tuple[str, ...], b: tuple[str, ...]) -> None:
    def name(parts: tuple[str, ...]) -> r.Name:
        merchant, connector, account, value = parts
        event = make("payment.created", "k", refs=(), merchant=merchant, connector=connector, account=account)
        event.references.add(kind="x", value=f"v{value}")
        (found,) = r.named(event, frozenset()).names
        return found

    assert (name(a) == name(b)) is (a == b)


def test_an_id_holds_the_key_that_finds_it() -> None:
    name = r.name_of(r.REFERENCE, "default", "stripe", r.scope_of(1, ""), "pi_1")
    payment_id = r.stable_id(r.PAYMENT_ID, name)
    assert r.key_of_id(r.PAYMENT_ID, payment_id) == name
    assert len(name) == r.KEY_BYTES
    assert r.key_of_id(r.REFUND_ID, payment_id) is None
    assert name.startswith(r.base_key(r.reference_base("default", "stripe", "pi_1")))


def test_ids_do_not_change_between_releases() -> None:
    """Whoever stored one must find it again."""
    event = make("payment.created", "k", refs=("pi_1",))
    first = r.named(event, frozenset()).first
    assert first is not None
    assert r.stable_id(r.PAYMENT_ID, first) == "pay_c05fbe27c64dea407cfee13bacd9262c72c273de85904255"


@given(st.text())
def test_a_column_text_is_short_and_has_no_nul(text: str) -> None:
    found = r.column_text(text)
    assert len(found) <= 200
    assert "\x00" not in found
    assert r.column_text(text + "\x00") != found


@given(st.uuids(), st.text(max_size=40))
def test_event_keys_are_16_bytes_whatever_the_id(identifier: object, text: str) -> None:
    assert len(r.event_key(str(identifier))) == len(r.event_key(text)) == 16


def test_page_tokens_come_back_only_with_their_own_mark() -> None:
    mark = fingerprint("events", EventFilter(types=["a"]))
    assert position_of(token_after(mark, (5, -7)), mark) == (5, -7)
    assert position_of("", mark) is None
    with pytest.raises(RequestRejected):
        position_of(token_after(fingerprint("payments", EventFilter(types=["a"])), (5, 7)), mark)


def test_patterns_mean_only_their_stars() -> None:
    event = make("payment_method.attached", "k", refs=())
    assert wanted(EventFilter(types=["payment_method.*"])).takes(event)
    assert wanted(EventFilter(types=["*"])).takes(event)
    assert wanted(EventFilter(types=["payment.method.attached"])).takes(event), "an older name"
    assert not wanted(EventFilter(types=["payment?method.*"])).takes(event)
    assert not wanted(EventFilter(types=["payment.*"])).takes(event)
    assert like_pattern("payment_method.*%\\") == "payment\\_method.%\\%\\\\"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60), st.integers(0, 20), st.integers(1, 9))
def test_a_claim_takes_no_row_behind_one_of_its_key_that_is_kept_back(
    told: list[tuple[str, bool]], limit: int, width: int
) -> None:
    rows = [(number, key, 0 if free else 99) for number, (key, free) in enumerate(told, start=1)]
    choice = Choice(limit, now_us=50)
    while choice.wants_more:
        begin = choice.after
        choice.look_at([row for row in rows if row[0] > begin][: choice.next_slice])
        assert choice.after > begin or not choice.wants_more
    kept_back: set[str] = set()
    expected = []
    for number, key, available in rows:
        if available > 50:
            kept_back.add(key)
        elif key not in kept_back:
            expected.append(number)
    assert choice.chosen == expected[:limit]


async def test_a_bell_that_rings_between_reading_and_waiting_is_heard() -> None:
    bell = Bell()
    await bell.wait(0)
    bell.ring()
    began = time.monotonic()
    await bell.wait(30)
    assert time.monotonic() - began < 25
    began = time.monotonic()
    await bell.wait(0.05)
    assert time.monotonic() - began >= 0.04


async def test_a_bell_wakes_waiters_of_other_threads() -> None:
    bell = Bell()

    def elsewhere() -> None:
        async def wait() -> None:
            await bell.wait(0)
            await bell.wait(600)

        asyncio.run(wait())

    waiting = asyncio.create_task(asyncio.to_thread(elsewhere))
    async with asyncio.timeout(30):
        while not waiting.done():
            await asyncio.sleep(0.01)
            bell.ring()


def test_a_sealed_body_opens_only_unchanged_and_only_for_its_merchant() -> None:
    vault = RawVault({"k": b"k" * 32})
    sealed = vault.seal("m", b"hash", b"body")
    assert vault.open("m", b"hash", sealed) == b"body"
    assert vault.seal("m", b"hash", b"body") != sealed
    dice = random.Random(1)
    for _ in range(50):
        place = dice.randrange(15, len(sealed))
        changed = bytearray(sealed)
        changed[place] ^= 1 << dice.randrange(8)
        with pytest.raises(Internal):
            vault.open("m", b"hash", bytes(changed))
    for merchant, digest in (("other", b"hash"), ("m", b"other")):
        with pytest.raises(Internal):
            vault.open(merchant, digest, sealed)
    for length in range(len(sealed)):
        with pytest.raises((Internal, SettingsRejected)):
            vault.open("m", b"hash", sealed[:length])
    with pytest.raises(SettingsRejected):
        RawVault({"k": b"short"})


def test_a_url_names_its_ledger(tmp_path: Path) -> None:
    assert isinstance(open_ledger("memory:", spanning=()), MemoryLedger)
    assert isinstance(open_ledger("postgresql://u@h/d", spanning=()), PostgresLedger)
    relative = open_ledger("sqlite:///with%20space.db", spanning=())
    absolute = open_ledger(f"sqlite:///{tmp_path}/x.db", spanning=())
    assert isinstance(relative, SqliteLedger)
    assert isinstance(absolute, SqliteLedger)
    assert relative._path == Path.cwd() / "with space.db"
    assert absolute._path == tmp_path / "x.db"


@pytest.mark.parametrize(
    "url", ["", "mysql://root:hunter2@h/d", "sqlite://", "sqlite:///", "sqlite::memory:", "/tmp/x.db", "memory://x"]
)
def test_a_url_that_names_none_is_refused_with_the_fix_and_without_its_password(url: str) -> None:
    with pytest.raises(SettingsRejected) as refused:
        open_ledger(url, spanning=())
    assert "postgresql://" in refused.value.fix
    assert "hunter2" not in str(refused.value)


def test_marks_become_numbers() -> None:
    assert numbered("a = ? AND b IN (?,?)") == "a = $1 AND b IN ($2,$3)"


def test_the_newest_migration_is_the_one_that_the_schema_names() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "orchestrator.ledger:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_memory_forgets_the_oldest_and_stays_bounded() -> None:
    from orchestrator.ledger.base import ChannelRule, Recording

    ledger = MemoryLedger(window=10, channels=[ChannelRule("events", lambda event: True)])
    for n in range(50):
        refund = make("refund.created", f"r{n}", refs=(f"pi_{n}",), connector_refund_id=f"re_{n}")
        await ledger.record(Recording([refund]))
    window = ledger._window
    assert len(window.events) == len(window.payments) == len(window.refunds) == 10
    assert len(window.names) == 20
    assert (await ledger.outbox.backlog("events")).unsent == 10
    assert (await ledger.record(Recording([make("refund.created", "r49", refs=("pi_49",))]))).duplicate_ids != []
    forgotten = make("refund.created", "r0", refs=("pi_0",), connector_refund_id="re_0")
    assert (await ledger.record(Recording([forgotten]))).duplicate_ids == []


async def test_memory_keeps_a_payment_as_long_as_it_changes() -> None:
    from orchestrator.ledger.base import Recording

    ledger = MemoryLedger(window=5)
    for n in range(40):
        await ledger.record(Recording([make("payment.pending", f"often{n}", at=n, refs=("pi_often",))]))
        await ledger.record(Recording([make("payment.pending", f"once{n}", refs=(f"pi_{n}",))]))
    payment = await ledger.find_payment("default", "stripe", "pi_often")
    assert payment is not None
    assert payment.sequence == 40
