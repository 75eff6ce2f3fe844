"""What is written down of authentications, behind the calls' backs: rows of the audit log, and keys' last uses.

No call waits for it, and none costs a write: what happened within a moment goes into one transaction, and what is
alike is told once (`Telling`). Failure policy: while the database is away, rows wait; of more than fit, their number is
told in a row `auth.unrecorded` instead of them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from orchestrator.access.audit import append
from orchestrator.access.key_rows import note_uses
from orchestrator.access.observing import AccessObserver
from orchestrator.access.principal import EVERYBODY, SYSTEM, Acting
from orchestrator.ledger.tables import Tables, Work
from orchestratorx_prism.errors import Unavailable

_WAITING: Final = 1_000
_AT_ONCE: Final = 50
"""Rows of one transaction: for so long do other writers of the log wait."""
_AGAIN_S: Final = 1.0
_LAST_WRITE_S: Final = 2.0
_TOLD: Final = 20_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Happened:
    """A row to be."""

    action: str
    target: str
    merchant_id: str
    by: Acting
    details: Mapping[str, str]


class Journal:
    """Writes in a task of its own, from `start` to `stop`. For one event loop."""

    def __init__(self, tables: Tables, observer: AccessObserver) -> None:
        self._tables = tables
        self._observer = observer
        self._rows: list[Happened] = []
        self._used: set[str] = set()
        self._lost = 0
        self._something = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins. A second call changes nothing."""
        if self._task is None:
            self._stopping = False
            self._task = asyncio.create_task(self._run(), name="access journal")

    async def stop(self) -> None:
        """Writes what waits, if the database answers soon; what it does not take is lost, and said so in the log."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping = True
        self._something.set()
        await asyncio.wait((task,), timeout=_LAST_WRITE_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if self._rows or self._lost:
            _log.warning("audit.lost", rows=len(self._rows) + self._lost)

    def tell(self, happened: Happened) -> None:
        """Writes a row soon."""
        if len(self._rows) >= _WAITING:
            self._lose(1)
        else:
            self._rows.append(happened)
        self._something.set()

    def used(self, key_id: str) -> None:
        """Writes soon that the key was used."""
        self._used.add(key_id)
        self._something.set()

    @property
    def _waits(self) -> bool:
        return bool(self._rows or self._used or self._lost)

    async def _run(self) -> None:
        while self._waits or not self._stopping:
            await self._something.wait()
            if not self._waits:
                self._something.clear()
                continue
            try:
                await self._write()
            except Exception as error:
                _log.warning("audit.postponed", reason=getattr(error, "reason", type(error).__name__))
                if self._stopping:
                    return
                await asyncio.sleep(_AGAIN_S)

    async def _write(self) -> None:
        rows, used, lost = self._rows[:_AT_ONCE], set(self._used), self._lost
        try:
            await self._tables.transact(lambda: _written(rows, used, lost))
        except Unavailable:
            raise
        except Exception:  # a defect of ours: these rows must not keep the others from being written
            self._done_with(rows, used)
            self._lose(len(rows))
            raise
        self._done_with(rows, used)
        self._lost -= lost

    def _done_with(self, rows: list[Happened], used: set[str]) -> None:
        del self._rows[: len(rows)]
        self._used -= used

    def _lose(self, count: int) -> None:
        self._lost += count
        self._observer.unrecorded(count)


class Telling:
    """Whether something alike was told lately. Bounded: what was told longest ago is forgotten first."""

    def __init__(self, *, most: int = _TOLD) -> None:
        self._most = most
        self._told: OrderedDict[tuple[str, ...], int] = OrderedDict()

    def first(self, subject: tuple[str, ...], period: int) -> bool:
        """Whether this is the first of the subject in this period (an hour's number, say)."""
        if self._told.get(subject) == period:
            return False
        self._told[subject] = period
        self._told.move_to_end(subject)
        if len(self._told) > self._most:
            self._told.popitem(last=False)
        return True


def _written(rows: list[Happened], used: set[str], lost: int) -> Work[None]:
    yield from note_uses(used)
    for row in rows:
        yield from append(row.action, row.target, row.merchant_id, row.details, by=row.by)
    if lost:
        yield from append("auth.unrecorded", "", EVERYBODY, {"rows": str(lost)}, by=SYSTEM)
