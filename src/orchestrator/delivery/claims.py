"""Claims: takes what is due out of the queue, for one process, until a lease ends.

First, by reading alone: which endpoints have something due. Then, in one transaction: their rows locked, so that their
limits count over all processes (a row that somebody else holds is skipped); how much of each; the rows. Nothing is
waited for, and nothing is scanned: each endpoint's due rows are the beginning of an index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.delivery.sharing import Pace, Slots, allowed_by_rate, share
from orchestrator.ledger.tables import Plain, Row, Work

POSTGRES_NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
SQLITE_NOW: Final = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"
LONGEST_BLOCK_US: Final = 60_000_000
"""So long at most a delivery waits unlooked-at for the one before it; that one's end wakes it sooner."""
_BLOCKED_LOOK: Final = 4
"""How many candidates an ordered endpoint is asked for, for each that may go."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A claimed delivery."""

    n: int
    claim: bytes
    key: bytes
    endpoint: int
    version: int
    """Of the endpoint when it was claimed."""
    event_type: str
    failures: int
    created_us: int
    again: bool
    event: bytes = field(repr=False)
    """The recorded event, serialized."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What came of a claim."""

    owed: list[Owed]
    next_look_s: float | None
    """When an endpoint's pause or pace lets something go that is due; None: nothing is known."""


@dataclass(slots=True)
class _Candidate:
    """An endpoint that something is due for."""

    n: int
    version: int
    most: int
    per_second: int
    ordered: bool
    strikes: int
    paced_until: int
    slowed_until: int
    has_first: bool
    has_again: bool
    quota: int = 0
    slow: bool = False


_DUE: Final = "EXISTS (SELECT 1 FROM delivery_queue q WHERE q.endpoint = e.n AND q.again = {} AND q.due_at <= t.now)"
_CANDIDATES: Final = (
    "SELECT t.now, e.n, e.version, e.max_in_flight, e.per_second, e.ordered, s.strikes, s.paced_until, "  # noqa: S608
    f"s.slowed_until, {_DUE.format(0)}, {_DUE.format(1)} "
    "FROM (SELECT {now} AS now{materialized}) t CROSS JOIN endpoints e JOIN endpoint_states s ON s.endpoint = e.n "
    f"WHERE e.state = 1 AND ({_DUE.format(0)} OR {_DUE.format(1)})"
)
# OFFSET 0 keeps PostgreSQL from asking for the time once a row.
FIND: Final = Plain(
    _CANDIDATES.format(now=SQLITE_NOW, materialized=""), _CANDIDATES.format(now=POSTGRES_NOW, materialized=" OFFSET 0")
)


ANY_ENABLED: Final = Plain(*["SELECT n FROM endpoints WHERE state = 1 LIMIT 1"] * 2)
"""Whether there is an endpoint at all: without one, nothing need be looked for."""


def claim(
    rows: Sequence[Row],
    claim_id: bytes,
    lease_us: int,
    slots: Slots,
    paces: Mapping[int, Pace],
    shuffle: Callable[[list[Any]], None],
) -> Work[Claimed]:
    """Claims as much as the slots allow, a fair part for every endpoint.

    Args:
        rows: Of `FIND`, read just before, outside of the transaction: mostly there are none, and no transaction is
            needed. What matters of them is read again under lock.
        paces: What this process knows of endpoints; none of it: a new endpoint.
        shuffle: Puts a list into another order: who comes first is chance.
    """
    if not rows:
        return Claimed([], None)
    now_us = int(rows[0][0])
    found = [_candidate(row) for row in rows]
    shuffle(found)
    awake, wake_us = _split_by_pause(found, now_us)
    locked = yield from _locked(awake)
    wake_us = _give_quotas(locked, now_us, slots, paces, wake_us)
    chosen = [one for one in locked if one.quota > 0]
    picked = (yield from _pick(chosen, now_us)) if chosen else []
    owed = (yield from _take(claim_id, now_us + lease_us, picked, {one.n: one for one in chosen})) if picked else []
    yield from _note_pace(chosen, owed, now_us)
    soonest = None if wake_us is None else max(0.0, (wake_us - now_us) / 1_000_000)
    return Claimed(owed, soonest)


def _candidate(row: Row) -> _Candidate:
    n, version, most, per_second, ordered, strikes, paced_until, slowed_until, has_first, has_again = row[1:]
    limits = (n, version, most, per_second, bool(ordered), strikes, paced_until, slowed_until)
    return _Candidate(*limits, bool(has_first), bool(has_again))


def _split_by_pause(found: Sequence[_Candidate], now_us: int) -> tuple[list[_Candidate], int | None]:
    awake, wake_us = [], None
    for one in found:
        if one.slowed_until > now_us:
            wake_us = min(wake_us or one.slowed_until, one.slowed_until)
        else:
            awake.append(one)
    return awake, wake_us


def _locked(awake: Sequence[_Candidate]) -> Work[list[_Candidate]]:
    """Those whose row nobody else holds, with what stands there now, and `most` less what is under way."""
    if not awake:
        return []
    by_n = {one.n: one for one in awake}
    rows = yield Plain(
        "SELECT endpoint, paced_until, slowed_until FROM endpoint_states WHERE endpoint = ?",
        "SELECT endpoint, paced_until, slowed_until FROM endpoint_states WHERE endpoint = ANY($1::bigint[]) "
        "ORDER BY endpoint FOR UPDATE SKIP LOCKED",
        (list(by_n),),
        [(n,) for n in by_n],
    )
    held: list[_Candidate] = []
    for n, paced_until, slowed_until in rows:
        one = by_n[n]
        one.paced_until, one.slowed_until = paced_until, slowed_until
        held.append(one)
    if not held:
        return []
    numbers = [one.n for one in held]
    under_way = yield Plain(
        "SELECT endpoint, count(*) FROM delivery_queue WHERE claim IS NOT NULL "  # noqa: S608 - constants
        f"AND endpoint = ? AND due_at > {SQLITE_NOW} GROUP BY endpoint",
        "SELECT endpoint, count(*) FROM delivery_queue WHERE claim IS NOT NULL "  # noqa: S608 - constants
        f"AND endpoint = ANY($1::bigint[]) AND due_at > {POSTGRES_NOW} GROUP BY endpoint",
        (numbers,),
        [(n,) for n in numbers],
    )
    for n, count in under_way:
        by_n[n].most -= count
    order = {one.n: place for place, one in enumerate(awake)}
    return sorted(held, key=lambda one: order[one.n])


def _give_quotas(
    held: Sequence[_Candidate], now_us: int, slots: Slots, paces: Mapping[int, Pace], wake_us: int | None
) -> int | None:
    """First the endpoints that are well, then the others with what their half of the slots has left."""
    well: list[tuple[_Candidate, int]] = []
    slow: list[tuple[_Candidate, int]] = []
    for one in held:
        pace = paces.get(one.n)
        window = 1 if pace is None and one.strikes else (pace or Pace()).window
        used = pace.in_flight if pace is not None else 0
        rate, interval = allowed_by_rate(one.per_second, one.paced_until, now_us)
        if rate == 0:
            at_us = one.paced_until - 100_000 + interval
            wake_us = min(wake_us or at_us, at_us)
        want = max(0, min(one.most, window - used, rate)) if one.slowed_until <= now_us else 0
        suspect = one.strikes > 0 or (pace is not None and pace.suspect) or not one.has_first
        one.slow = suspect
        (slow if suspect else well).append((one, want))
    left = slots.any
    for group, most in ((well, left), (slow, slots.slow)):
        for (one, _), given in zip(group, share([want for _, want in group], min(most, left)), strict=True):
            one.quota = given
            left -= given
    return wake_us


def _pick(chosen: Sequence[_Candidate], now_us: int) -> Work[list[int]]:
    """Numbers of the rows to take: first attempts before repeats, and of a repeat's kind at most half if both wait."""
    asks = [
        (one.n, again, one.quota * (_BLOCKED_LOOK if one.ordered else 1))
        for one in chosen
        for again, has in ((0, one.has_first), (1, one.has_again))
        if has
    ]
    endpoints, again, most = ([*column] for column in zip(*asks, strict=True))
    rows = yield Plain(
        "SELECT n, endpoint, again, line, due_at FROM delivery_queue WHERE endpoint = ? AND again = ? AND due_at <= ? "
        "ORDER BY due_at, n LIMIT ?",
        "SELECT q.n, q.endpoint, q.again, q.line, q.due_at FROM unnest($1::bigint[], $2::int[], $3::int[]) "
        "AS w(endpoint, again, most), LATERAL (SELECT * FROM delivery_queue d WHERE d.endpoint = w.endpoint "
        "AND d.again = w.again AND d.due_at <= $4 ORDER BY d.due_at, d.n LIMIT w.most FOR UPDATE SKIP LOCKED) q",
        (endpoints, again, most, now_us),
        [(n, kind, now_us, limit) for n, kind, limit in asks],
    )
    ordered = {one.n for one in chosen if one.ordered}
    blocked = yield from _blocked([row for row in rows if row[3] is not None and row[1] in ordered], now_us)
    by_endpoint: dict[int, tuple[list[int], list[int]]] = {one.n: ([], []) for one in chosen}
    for n, endpoint, kind, *_ in rows:
        if n not in blocked:
            by_endpoint[endpoint][kind].append(n)
    return [n for one in chosen for n in mixed(*by_endpoint[one.n], one.quota)]


def mixed(first: list[int], again: list[int], quota: int) -> list[int]:
    """Of both kinds; where there is too much of both, half of each, and the odd one is a first attempt."""
    repeats = min(len(again), max(quota // 2, quota - len(first)))
    return first[: quota - repeats] + again[:repeats]


def _blocked(lined: Sequence[Row], now_us: int) -> Work[set[int]]:
    """Those that an earlier one of their line holds up: they are put off until that one is due."""
    if not lined:
        return set()
    numbers = [row[0] for row in lined]
    found = yield Plain(
        "SELECT q.n, p.n, p.due_at FROM delivery_queue q JOIN delivery_queue p ON p.n = (SELECT min(b.n) "
        "FROM delivery_queue b WHERE b.endpoint = q.endpoint AND b.line = q.line) WHERE q.n = ? AND p.n <> q.n",
        "SELECT q.n, p.n, p.due_at FROM delivery_queue q, LATERAL (SELECT b.n, b.due_at FROM delivery_queue b "
        "WHERE b.endpoint = q.endpoint AND b.line = q.line ORDER BY b.n LIMIT 1) p "
        "WHERE q.n = ANY($1::bigint[]) AND p.n <> q.n",
        (numbers,),
        [(n,) for n in numbers],
    )
    if not found:
        return set()
    puts = [(n, min(max(due_at, now_us + 1), now_us + LONGEST_BLOCK_US)) for n, _, due_at in found]
    yield Plain(
        "UPDATE delivery_queue SET due_at = ?2 WHERE n = ?1",
        "UPDATE delivery_queue q SET due_at = w.due_at FROM unnest($1::bigint[], $2::bigint[]) AS w(n, due_at) "
        "WHERE q.n = w.n",
        ([n for n, _ in puts], [due_at for _, due_at in puts]),
        puts,
    )
    return {n for n, _ in puts}


def _take(claim_id: bytes, until_us: int, picked: Sequence[int], chosen: Mapping[int, _Candidate]) -> Work[list[Owed]]:
    yield Plain(
        "UPDATE delivery_queue SET claim = ?, due_at = ? WHERE n = ?",
        "UPDATE delivery_queue SET claim = $1, due_at = $2 WHERE n = ANY($3::bigint[])",
        (claim_id, until_us, list(picked)),
        [(claim_id, until_us, n) for n in picked],
    )
    columns = "d.n, d.key, d.endpoint, d.type, d.failures, d.created_at, q.again, e.message"
    tables = "delivery_queue q JOIN deliveries d ON d.n = q.n JOIN events e ON e.n = d.event"
    rows = yield Plain(
        f"SELECT {columns} FROM {tables} WHERE q.n = ?",  # noqa: S608 - constants
        f"SELECT {columns} FROM {tables} WHERE q.n = ANY($1::bigint[])",  # noqa: S608 - constants
        (list(picked),),
        [(n,) for n in picked],
    )
    return [
        Owed(n, claim_id, key, endpoint, chosen[endpoint].version, kind, failures, created_us, bool(again), event)
        for n, key, endpoint, kind, failures, created_us, again, event in rows
    ]


def _note_pace(chosen: Sequence[_Candidate], owed: Sequence[Owed], now_us: int) -> Work[None]:
    """Writes down what a limited endpoint's rate has used up."""
    taken: dict[int, int] = {}
    for one in owed:
        taken[one.endpoint] = taken.get(one.endpoint, 0) + 1
    notes = []
    for candidate in chosen:
        if candidate.per_second and (count := taken.get(candidate.n)):
            interval = 1_000_000 // candidate.per_second
            begins = max(candidate.paced_until, now_us - interval)
            notes.append((candidate.n, begins + count * interval))
    if notes:
        yield Plain(
            "UPDATE endpoint_states SET paced_until = ?2 WHERE endpoint = ?1",
            "UPDATE endpoint_states s SET paced_until = w.until FROM unnest($1::bigint[], $2::bigint[]) "
            "AS w(endpoint, until) WHERE s.endpoint = w.endpoint",
            ([n for n, _ in notes], [until for _, until in notes]),
            notes,
        )
