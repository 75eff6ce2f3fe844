"""Writes down what came of attempts: many in one transaction, each only if its claim still holds (fencing).

In one transaction: the queue (done and gone, or due again), the delivery, the attempt, the next of its line, how the
endpoint is doing, and whether it is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import insert

from orchestrator.delivery.claims import POSTGRES_NOW, SQLITE_NOW, Owed
from orchestrator.delivery.schedule import next_attempt_s, pause_s
from orchestrator.delivery.verdicts import Answer, Judged, Verdict
from orchestrator.ledger.schema_delivery import endpoint_failures
from orchestrator.ledger.tables import Plain, Row, Work, now_us

DELIVERED: Final = 2
FAILED: Final = 3
CANCELED: Final = 4
"""States of a delivery, as in the API."""
ENDPOINT_FAILED: Final = 3
"""An endpoint's, likewise."""

Dice = Callable[[], float]
Note = Callable[[str, str, str, Mapping[str, str]], Work[None]]
"""Writes a row into the audit log: action, target, merchant_id, details."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt."""

    owed: Owed
    answer: Answer
    judged: Judged
    started_us: int
    duration_ms: int
    url: str
    request_headers: str
    """JSON, masked."""
    response_headers: str
    """JSON."""

    @property
    def well(self) -> bool:
        return self.judged.verdict is Verdict.DELIVERED


@dataclass(frozen=True, slots=True)
class GivenUp:
    """An endpoint that gets nothing any more until its merchant switches it on."""

    endpoint: int
    merchant_id: str
    url: str
    reason: str


@dataclass(slots=True)
class _Fate:
    outcome: Outcome
    wait_us: int | None
    """Until the next attempt; None: none follows."""
    state: int


def complete(
    outcomes: Sequence[Outcome],
    dice: Dice,
    *,
    disable_after_us: int,
    note: Note,
    name_of: Callable[[int], str],
) -> Work[list[GivenUp]]:
    """All of them.

    Args:
        disable_after_us: An endpoint whose every attempt has failed for so long is given up.
        name_of: An endpoint's id, for the audit log.
    """
    fates = [_fate(outcome, dice()) for outcome in outcomes]
    held = yield from _leave_or_stay(fates)
    fates = [fate for fate in fates if fate.outcome.owed.n in held]
    if not fates:
        return []
    yield from _write(fates)
    yield from _wake_next([row for row in held.values() if row[2] is not None], fates)
    return (yield from _judge_endpoints(fates, dice, disable_after_us, note, name_of))


def _fate(outcome: Outcome, dice: float) -> _Fate:
    verdict = outcome.judged.verdict
    if verdict is Verdict.DELIVERED:
        return _Fate(outcome, None, DELIVERED)
    wait_s = next_attempt_s(outcome.owed.failures + 1, dice, outcome.judged.retry_after_s)
    if verdict is Verdict.GONE or wait_s is None:
        return _Fate(outcome, None, FAILED)
    return _Fate(outcome, int(wait_s * 1_000_000), 1)


def _leave_or_stay(fates: Sequence[_Fate]) -> Work[dict[int, Row]]:
    """(n, endpoint, line) of those whose claim still held, by number."""
    done = [(fate.outcome.owed.n, fate.outcome.owed.claim) for fate in fates if fate.wait_us is None]
    again = [(f.outcome.owed.n, f.outcome.owed.claim, f.wait_us) for f in fates if f.wait_us is not None]
    held: list[Row] = []
    if done:
        held += yield Plain(
            "DELETE FROM delivery_queue WHERE n = ? AND claim = ? RETURNING n, endpoint, line",
            "DELETE FROM delivery_queue q USING unnest($1::bigint[], $2::bytea[]) AS w(n, claim) "
            "WHERE q.n = w.n AND q.claim = w.claim RETURNING q.n, q.endpoint, q.line",
            _columns(done),
            done,
        )
    if again:
        # No line: whoever waits behind it still does.
        held += yield Plain(
            f"UPDATE delivery_queue SET claim = NULL, again = 1, due_at = {SQLITE_NOW} + ?3 "  # noqa: S608
            "WHERE n = ?1 AND claim = ?2 RETURNING n, endpoint, NULL",
            f"UPDATE delivery_queue q SET claim = NULL, again = 1, due_at = {POSTGRES_NOW} + w.wait "  # noqa: S608
            "FROM unnest($1::bigint[], $2::bytea[], $3::bigint[]) AS w(n, claim, wait) "
            "WHERE q.n = w.n AND q.claim = w.claim RETURNING q.n, q.endpoint, NULL::bigint",
            _columns(again),
            again,
        )
    return {row[0]: row for row in held}


def _write(fates: Sequence[_Fate]) -> Work[None]:
    states = [
        (f.outcome.owed.n, f.state, 0 if f.outcome.well else 1, f.outcome.answer.status, int(f.state == DELIVERED))
        for f in fates
    ]
    yield Plain(
        "UPDATE deliveries SET state = ?2, tries = tries + 1, failures = failures + ?3, last_status = ?4, "  # noqa: S608
        f"delivered_at = CASE WHEN ?5 = 1 THEN coalesce(delivered_at, {SQLITE_NOW}) ELSE delivered_at END WHERE n = ?1",
        "UPDATE deliveries d SET state = w.state, tries = tries + 1, failures = failures + w.failed, "  # noqa: S608
        f"last_status = w.status, delivered_at = CASE WHEN w.good = 1 THEN coalesce(delivered_at, {POSTGRES_NOW}) "
        "ELSE delivered_at END FROM unnest($1::bigint[], $2::int[], $3::int[], $4::int[], $5::int[]) "
        "AS w(n, state, failed, status, good) WHERE d.n = w.n",
        _columns(states),
        states,
    )
    tried = [
        (
            one.owed.n,
            one.started_us,
            one.duration_ms,
            one.url,
            one.request_headers,
            one.answer.status,
            one.response_headers,
            one.answer.body,
            one.judged.error,
        )
        for one in (fate.outcome for fate in fates)
    ]
    columns = "delivery, number, started_at, duration_ms, url, request_headers, status, response_headers"
    yield Plain(
        f"INSERT INTO attempts ({columns}, response_body, error) "  # noqa: S608 - constants
        "SELECT ?1, tries, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM deliveries WHERE n = ?1",
        f"INSERT INTO attempts ({columns}, response_body, error) "  # noqa: S608 - constants
        "SELECT w.n, d.tries, w.a, w.b, w.c, w.d, w.e, w.f, w.g, w.h FROM unnest($1::bigint[], $2::bigint[], "
        "$3::int[], $4::text[], $5::text[], $6::int[], $7::text[], $8::bytea[], $9::text[]) "
        "AS w(n, a, b, c, d, e, f, g, h) JOIN deliveries d ON d.n = w.n",
        _columns(tried),
        tried,
    )


def _wake_next(lined: Sequence[Row], fates: Sequence[_Fate]) -> Work[None]:
    """The next of a line whose first is done."""
    done = {fate.outcome.owed.n for fate in fates if fate.wait_us is None}
    lines = sorted({(endpoint, line) for n, endpoint, line in lined if n in done})
    if lines:
        yield Plain(
            f"UPDATE delivery_queue SET due_at = {SQLITE_NOW} WHERE claim IS NULL AND n = "  # noqa: S608 - constants
            "(SELECT min(n) FROM delivery_queue WHERE endpoint = ? AND line = ?)",
            f"UPDATE delivery_queue SET due_at = {POSTGRES_NOW} WHERE claim IS NULL AND n IN "  # noqa: S608 - constants
            "(SELECT (SELECT min(n) FROM delivery_queue q WHERE q.endpoint = w.endpoint AND q.line = w.line) "
            "FROM unnest($1::bigint[], $2::bigint[]) AS w(endpoint, line))",
            _columns(lines),
            lines,
        )


def _judge_endpoints(
    fates: Sequence[_Fate], dice: Dice, disable_after_us: int, note: Note, name_of: Callable[[int], str]
) -> Work[list[GivenUp]]:
    by_endpoint: dict[int, list[Outcome]] = {}
    for fate in fates:
        by_endpoint.setdefault(fate.outcome.owed.endpoint, []).append(fate.outcome)
    well = sorted(n for n, outcomes in by_endpoint.items() if any(one.well for one in outcomes))
    failing = {n: outcomes for n, outcomes in sorted(by_endpoint.items()) if not any(one.well for one in outcomes)}
    # In this order everywhere, so that two processes never wait for each other in a circle.
    touched = sorted(by_endpoint)
    rows = yield Plain(
        f"SELECT endpoint, strikes, failing_since, {SQLITE_NOW} FROM endpoint_states WHERE endpoint = ?",  # noqa: S608
        f"SELECT endpoint, strikes, failing_since, {POSTGRES_NOW} FROM endpoint_states "  # noqa: S608 - constants
        "WHERE endpoint = ANY($1::bigint[]) ORDER BY endpoint FOR UPDATE",
        (touched,),
        [(n,) for n in touched],
    )
    known = {row[0]: row for row in rows}
    better = [n for n in well if n in known and (known[n][1] or known[n][2] is not None)]
    if better:
        yield Plain(
            "UPDATE endpoint_states SET strikes = 0, failing_since = NULL, slowed_until = 0 WHERE endpoint = ?",
            "UPDATE endpoint_states SET strikes = 0, failing_since = NULL, slowed_until = 0 "
            "WHERE endpoint = ANY($1::bigint[])",
            (better,),
            [(n,) for n in better],
        )
    return (yield from _strike(failing, known, dice, disable_after_us, note, name_of))


def _strike(
    failing: Mapping[int, Sequence[Outcome]],
    known: Mapping[int, Row],
    dice: Dice,
    disable_after_us: int,
    note: Note,
    name_of: Callable[[int], str],
) -> Work[list[GivenUp]]:
    marks: list[tuple[int, int, int, int]] = []
    ends: list[tuple[int, str]] = []
    for n, outcomes in failing.items():
        if n not in known:
            continue
        _, strikes, since, now_us = known[n]
        strikes = min(strikes + len(outcomes), 1_000_000)
        overloaded = any(one.judged.verdict is Verdict.OVERLOADED for one in outcomes)
        asked = [one.judged.retry_after_s for one in outcomes if one.judged.retry_after_s is not None]
        wait_s = pause_s(strikes, dice(), overloaded=overloaded, retry_after_s=max(asked) if asked else None)
        since = now_us if since is None else since
        marks.append((n, strikes, since, now_us + int(wait_s * 1_000_000)))
        if any(one.judged.verdict is Verdict.GONE for one in outcomes):
            ends.append((n, "it answered 410 Gone"))
        elif now_us - since >= disable_after_us:
            ends.append((n, f"every attempt has failed for {_days(now_us - since)}; the last: {_last(outcomes)}"))
    if marks:
        yield Plain(
            "UPDATE endpoint_states SET strikes = ?2, failing_since = ?3, slowed_until = max(slowed_until, ?4) "
            "WHERE endpoint = ?1",
            "UPDATE endpoint_states s SET strikes = w.strikes, failing_since = w.since, "
            "slowed_until = greatest(slowed_until, w.until) FROM unnest($1::bigint[], $2::int[], $3::bigint[], "
            "$4::bigint[]) AS w(endpoint, strikes, since, until) WHERE s.endpoint = w.endpoint",
            _columns(marks),
            marks,
        )
    given_up: list[GivenUp] = []
    for n, reason in ends:
        given_up += yield from _give_up(n, reason, note, name_of)
    return given_up


def _give_up(n: int, reason: str, note: Note, name_of: Callable[[int], str]) -> Work[list[GivenUp]]:
    change = "UPDATE endpoints SET state = {}, state_reason = {}, version = version + 1, updated_at = {} "
    where = "WHERE n = {} AND state = 1 RETURNING merchant_id, url"
    rows = yield Plain(
        change.format(ENDPOINT_FAILED, "?1", SQLITE_NOW) + where.format("?2"),
        change.format(ENDPOINT_FAILED, "$1", POSTGRES_NOW) + where.format("$2"),
        (reason, n),
    )
    given_up = [GivenUp(n, merchant_id, url, reason) for merchant_id, url in rows]
    for one in given_up:
        yield insert(endpoint_failures).values(
            endpoint=n, failed_at=now_us(), merchant_id=one.merchant_id, url=one.url, reason=reason
        )
        yield from note("endpoint.failed", name_of(n), one.merchant_id, {"reason": reason})
    return given_up


def _last(outcomes: Sequence[Outcome]) -> str:
    return outcomes[-1].judged.error.partition(":")[0]


def _days(span_us: int) -> str:
    hours = span_us // 3_600_000_000
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
