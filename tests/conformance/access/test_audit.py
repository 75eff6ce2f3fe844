"""The audit log: its chain, writers that come together, and what somebody with the database's password may try."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from orchestrator.access.audit import COLUMNS, FIRST, append, entry_of
from orchestrator.access.principal import INSTALLATION, Acting, acting
from orchestrator.bootstrap import Application
from orchestrator.ledger.schema_access import audit_head, audit_log
from orchestrator.ledger.tables import Work
from orchestratorx_prism.errors import PrismError, RequestRejected
from orchestratorx_prism.v1 import audit_service_pb2 as pb

ODD = "a\0b\ud800\n'\"\\ü\N{GRINNING FACE}" + "x" * 5_000


def one(number: int = 0) -> Work[None]:
    yield from append("key.created", f"key_{number}", "acme", {"name": f"n{number}"})


async def verified(replica: Application, known_head: bytes = b"") -> pb.AuditServiceVerifyResponse:
    return await replica.services.audit.verify(pb.AuditServiceVerifyRequest(known_head=known_head))


async def written(replica: Application, count: int) -> None:
    for number in range(1, count + 1):
        await replica.ledger.tables.transact(lambda number=number: one(number))  # type: ignore[misc]


async def test_an_empty_log_is_intact(replica: Application) -> None:
    found = await verified(replica)
    assert (found.entries, found.intact, found.head) == (0, True, FIRST)


async def test_each_entry_seals_itself_and_all_before_it(replica: Application) -> None:
    acting.set(Acting("key_9", "192.0.2.7", INSTALLATION))
    await written(replica, 5)
    rows = await replica.ledger.tables.read(select(*COLUMNS).order_by(audit_log.c.n))
    before = FIRST
    for place, row in enumerate(rows, start=1):
        entry, seal = entry_of(row)
        assert (entry.number, entry.actor, entry.remote_address) == (place, "key_9", "192.0.2.7")
        assert entry.seal(before) == seal
        before = seal
    found = await verified(replica)
    assert (found.entries, found.intact, found.head, found.broken_at) == (5, True, before, 0)


async def test_odd_text_is_kept_as_far_as_a_database_can_and_verified(replica: Application) -> None:
    def work() -> Work[None]:
        yield from append(ODD, ODD, ODD, {ODD: ODD})

    await replica.ledger.tables.transact(work)
    assert (await verified(replica)).intact
    page = await replica.services.audit.list(pb.AuditServiceListRequest(merchant_id="*"))
    assert page.entries[0].target.startswith("a\N{REPLACEMENT CHARACTER}b?")
    assert len(page.entries[0].target) == 1_000


async def test_no_two_entries_read_alike_wherever_their_texts_are_cut(replica: Application) -> None:
    def work() -> Work[None]:
        yield from append("ab", "c", "m")
        yield from append("a", "bc", "m")

    await replica.ledger.tables.transact(work)
    entries = [entry_of(row)[0] for row in await replica.ledger.tables.read(select(*COLUMNS).order_by(audit_log.c.n))]
    same = {(entry.number * 0, entry.action + entry.target) for entry in entries}
    assert len(same) == 1
    assert entries[0].seal(FIRST) != entries[1].seal(FIRST)


async def test_writers_on_several_replicas_take_turns(open_replica: Callable[[], Awaitable[Application]]) -> None:
    replicas = [await open_replica() for _ in range(3)]
    await asyncio.gather(
        *(
            replica.ledger.tables.transact(lambda number=number: one(number))  # type: ignore[misc]
            for number in range(40)
            for replica in replicas
        )
    )
    found = await verified(replicas[0])
    assert (found.entries, found.intact) == (120, True)


async def test_what_is_undone_leaves_no_gap(replica: Application) -> None:
    def fails() -> Work[None]:
        yield from one()
        raise RequestRejected("no")

    await written(replica, 1)
    with pytest.raises(RequestRejected):
        await replica.ledger.tables.transact(fails)
    await written(replica, 1)
    assert ((await verified(replica)).entries, (await verified(replica)).intact) == (2, True)


@pytest.mark.parametrize("change", ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log WHERE n = 2"])
async def test_the_database_itself_refuses_to_change_the_log(replica: Application, change: str) -> None:
    def work() -> Work[None]:
        yield text(change)

    await written(replica, 3)
    with pytest.raises(PrismError):
        await replica.ledger.tables.transact(work)
    assert (await verified(replica)).intact


async def unguarded(replica: Application, url: str) -> None:
    """Takes the triggers away, as somebody with all rights can."""

    def work() -> Work[None]:
        if url.startswith("sqlite"):
            yield text("DROP TRIGGER audit_log_no_update")
            yield text("DROP TRIGGER audit_log_no_delete")
        else:
            yield text("DROP TRIGGER audit_log_unchanged ON audit_log")

    await replica.ledger.tables.transact(work)


FIELDS = [("actor", "nobody"), ("action", "x"), ("target", "x"), ("merchant_id", "x"), ("remote_address", "x")]
FIELDS += [("details", '{"name":"other"}'), ("at", 1), ("hash", bytes(32))]


@pytest.mark.parametrize(("column", "value"), FIELDS)
async def test_a_changed_field_is_found_at_its_entry(
    replica: Application, url: str, column: str, value: object
) -> None:
    def work() -> Work[None]:
        yield update(audit_log).where(audit_log.c.n == 3).values({column: value})

    await written(replica, 5)
    await unguarded(replica, url)
    await replica.ledger.tables.transact(work)
    found = await verified(replica)
    assert (found.intact, found.broken_at, found.entries) == (False, 3, 2)


@pytest.mark.parametrize(("gone", "place"), [([1], 1), ([3], 3), ([5], 5), ([4, 5], 4), ([1, 2, 3, 4, 5], 1)])
async def test_missing_entries_are_found_also_at_the_end(
    replica: Application, url: str, gone: list[int], place: int
) -> None:
    def work() -> Work[None]:
        yield delete(audit_log).where(audit_log.c.n.in_(gone))

    await written(replica, 5)
    await unguarded(replica, url)
    await replica.ledger.tables.transact(work)
    found = await verified(replica)
    assert (found.intact, found.broken_at) == (False, place)


async def test_entries_that_changed_places_are_found(replica: Application, url: str) -> None:
    def work() -> Work[None]:
        for old, new in ((2, 900), (3, 2), (900, 3)):
            yield update(audit_log).where(audit_log.c.n == old).values(n=new)

    await written(replica, 5)
    await unguarded(replica, url)
    await replica.ledger.tables.transact(work)
    found = await verified(replica)
    assert (found.intact, found.broken_at) == (False, 2)


async def test_an_entry_behind_the_heads_back_is_found(replica: Application) -> None:
    def work() -> Work[None]:
        number, *others = audit_log.c
        copied = select(number + 1, *others).where(number == 3)
        yield insert(audit_log).from_select([column.name for column in audit_log.c], copied)

    await written(replica, 3)
    await replica.ledger.tables.transact(work)
    found = await verified(replica)
    assert (found.intact, found.broken_at) == (False, 4)


async def test_a_log_that_was_written_anew_lacks_the_head_that_was_kept_elsewhere(
    replica: Application, url: str
) -> None:
    def forge() -> Work[None]:
        yield delete(audit_log)
        yield update(audit_head).values(n=0, hash=None)

    await written(replica, 3)
    kept = (await verified(replica)).head
    await written(replica, 2)
    assert (await verified(replica, kept)).intact
    await unguarded(replica, url)
    await replica.ledger.tables.transact(forge)
    await written(replica, 5)
    assert (await verified(replica)).intact
    found = await verified(replica, kept)
    assert (found.intact, found.broken_at) == (False, 1)


async def test_a_missing_head_is_found(replica: Application) -> None:
    def work() -> Work[None]:
        yield delete(audit_head)

    await written(replica, 1)
    await replica.ledger.tables.transact(work)
    assert not (await verified(replica)).intact


async def test_times_go_forward_with_numbers(open_replica: Callable[[], Awaitable[Application]]) -> None:
    replicas = [await open_replica() for _ in range(2)]
    await asyncio.gather(*(r.ledger.tables.transact(one) for r in replicas * 20))
    rows = await replicas[0].ledger.tables.read(select(audit_log.c.at).order_by(audit_log.c.n))
    times = [row[0] for row in rows]
    assert times == sorted(times)


async def test_entries_are_listed_by_what_they_are(replica: Application) -> None:
    def work() -> Work[None]:
        yield from append("auth.failed", "", "*")
        yield from append("authx", "", "acme")
        yield from append("auth.success", "key_1", "acme", by=Acting("key_1"))
        yield from append("key.created", "key_2", "globex")

    await replica.ledger.tables.transact(work)

    async def numbers(**wanted: object) -> list[int]:
        page = await replica.services.audit.list(pb.AuditServiceListRequest(**wanted))  # type: ignore[arg-type]
        return [entry.number for entry in page.entries]

    assert await numbers(merchant_id="*") == [4, 3, 2, 1]
    assert await numbers(merchant_id="acme", oldest_first=True) == [2, 3]
    assert await numbers(merchant_id="*", actions=["auth.*"]) == [3, 1]
    assert await numbers(merchant_id="*", actions=["auth.*", "authx"]) == [3, 2, 1]
    assert await numbers(merchant_id="*", actor="key_1") == [3]
    assert await numbers(merchant_id="*", actions=["%"]) == []
    assert await numbers() == []


async def test_pages_hold_each_entry_once_in_both_directions(replica: Application) -> None:
    await written(replica, 7)
    for oldest_first, expected in ((True, list(range(1, 8))), (False, list(range(7, 0, -1)))):
        request = pb.AuditServiceListRequest(merchant_id="acme", page_size=3, oldest_first=oldest_first)
        seen = []
        while True:
            page = await replica.services.audit.list(request)
            seen += [entry.number for entry in page.entries]
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
        assert seen == expected
    request.page_token = "x"
    with pytest.raises(RequestRejected):
        await replica.services.audit.list(request)


@pytest.mark.parametrize("field", ["merchant_id", "actor", "actions"])
async def test_text_that_no_database_takes_is_refused(replica: Application, field: str) -> None:
    wanted = {"merchant_id": "*", field: ["a\0"] if field == "actions" else "a\0"}
    with pytest.raises(RequestRejected):
        await replica.services.audit.list(pb.AuditServiceListRequest(**wanted))  # type: ignore[arg-type]


async def test_a_head_that_is_no_hash_is_refused(replica: Application) -> None:
    with pytest.raises(RequestRejected):
        await verified(replica, b"short")
    assert (await replica.ledger.tables.read(select(func.count()).select_from(audit_log)))[0][0] == 0
