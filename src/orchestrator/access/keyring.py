"""Keys in memory, never older than half a second: what revocation within a second on every replica rests on.

Whoever asks, first makes sure that the database's revision of keys was read within the last half second; where it has
moved, everything is forgotten and looked up anew. So an idle server asks nothing, and a busy one asks a few times a
second, whatever number of calls it answers. The same statement brings the database's clock, by which keys expire:
clocks of replicas may differ.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import exists, select

from orchestrator.access.key_rows import REVISION, key_of, selected
from orchestrator.access.keys import Key, prefix_of
from orchestrator.ledger.schema_access import api_keys, revisions
from orchestrator.ledger.tables import Tables, now_us
from orchestratorx_prism.errors import Unavailable

FRESH_S: Final = 0.5
_EARLY_S: Final = 0.25
_KEPT: Final = 10_000
"""Keys in memory at most; the one that came first goes first."""

K = TypeVar("K")
V = TypeVar("V")
_STATE: Final = select(now_us(), revisions.c.n, exists(select(api_keys.c.key_id))).where(revisions.c.name == REVISION)


class Keyring:
    """For one event loop."""

    def __init__(self, tables: Tables, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds that only grow; how fast they do must be as everywhere."""
        self._tables = tables
        self._clock = clock
        self._known: dict[bytes, Key] = {}
        self._by_id: dict[str, Key | None] = {}
        self._read_at = float("-inf")
        self._doubted_at = float("-inf")
        self._now_us = 0
        self._now_at = 0.0
        self._revision = -1
        self._has_keys = False
        self._reading: asyncio.Task[None] | None = None

    def is_fresh(self) -> bool:
        """Whether `refresh` has nothing to do. Where it soon will have, it is begun: busy servers wait for none."""
        age_s = self._clock() - self._read_at
        if age_s < _EARLY_S:
            return True
        if age_s < FRESH_S:
            self._begin_reading()
            return True
        return False

    @property
    def has_keys(self) -> bool:
        """Whether there is any key, ended or not: the end of the last one must not open the doors."""
        return self._has_keys

    @property
    def now_us(self) -> int:
        """By the database's clock, as it was when last read, and this machine's count of what has passed since."""
        return self._now_us + int((self._clock() - self._now_at) * 1_000_000)

    def known(self, digest: bytes) -> Key | None:
        """A key that was found before. Good while the ring is fresh, and then for what the key itself says."""
        return self._known.get(digest)

    def doubt(self) -> None:
        """Keys were changed here: the next call asks, so that this process at least knows of it at once."""
        self._doubted_at = self._clock()
        self._read_at = float("-inf")

    async def refresh(self) -> None:
        """Forgets what may have changed. Callers that come together wait for one reading.

        Raises:
            Unavailable: The database does not answer. Failure policy: closed; a key may have been revoked.
        """
        asked_at = self._clock()
        while not self.is_fresh() and self._read_at < asked_at:  # a database that is slower than that still answers
            await asyncio.shield(self._begin_reading())  # who is cut off does not cut off the others

    async def find(self, text: str, digest: bytes) -> Key | None:
        """The key of this text, ended or not. Compared in constant time, all that begin alike. None: there is none.

        Raises:
            Unavailable: The database does not answer.
        """
        prefix = prefix_of(text)
        if prefix is None:
            return None
        revision = self._revision
        rows = await self._tables.read(selected().where(api_keys.c.prefix == prefix))
        alike = [key for key in map(key_of, rows) if hmac.compare_digest(key.hash, digest)]
        if not alike:
            return None
        if revision == self._revision:  # else it was read before a change that the ring already knows of
            _keep(self._known, digest, alike[0])
        return alike[0]

    async def by_id(self, key_id: str) -> Key | None:
        """The key of this id. None: there is none any more.

        Raises:
            Unavailable: The database does not answer.
        """
        if key_id in self._by_id:
            return self._by_id[key_id]
        revision = self._revision
        rows = await self._tables.read(selected().where(api_keys.c.key_id == key_id))
        key = key_of(rows[0]) if rows else None
        if revision == self._revision:
            _keep(self._by_id, key_id, key)
        return key

    def _begin_reading(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(self._read_ended)
        return self._reading

    async def _read(self) -> None:
        began = self._clock()
        rows = await self._tables.read(_STATE)
        if not rows:
            raise Unavailable("the database has lost its revision of keys", reason="DATABASE_DAMAGED")
        now, revision, has_keys = rows[0]
        if revision != self._revision:
            self._known.clear()
            self._by_id.clear()
        self._revision, self._has_keys = revision, bool(has_keys)
        self._now_us, self._now_at = now, began
        if began >= self._doubted_at:  # else it may not have seen what was changed here meanwhile
            self._read_at = began

    def _read_ended(self, reading: asyncio.Task[None]) -> None:
        self._reading = None
        if not reading.cancelled():
            reading.exception()  # those who wait are told; if nobody waits any more, nobody needs it


def _keep(kept: dict[K, V], name: K, value: V) -> None:
    if len(kept) >= _KEPT:
        del kept[next(iter(kept))]
    kept[name] = value
