"""SQLite connections whose closing really ends what they were doing."""

from __future__ import annotations

import sqlite3
from typing import Any
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import StaticPool


class WholeConnection(sqlite3.Connection):
    """Closes its cursors with itself.

    SQLite keeps a closed connection's locks until the last of its statements is finalized, and a statement that was
    cut off by a cancellation lives in its cursor until Python's collector finds that: until then nobody else could
    write, and after the next commit nobody could read either.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        """As ever; the connection remembers it. SQLAlchemy makes all of its cursors here."""
        made = super().cursor(*args, **kwargs)
        self._cursors.add(made)
        return made

    def close(self) -> None:
        """Gives every lock back."""
        while self._cursors:
            self._cursors.pop().close()
        super().close()


def close_wholly(engine: AsyncEngine) -> None:
    """Makes the connections of an engine over aiosqlite of this kind, unless it wants another one.

    Those that its pool has already are replaced when they are next asked for. One in memory is left alone: it is the
    database, and nobody else can be kept out of it.
    """
    inner = engine.sync_engine
    if isinstance(inner.pool, StaticPool) or event.contains(inner, "do_connect", _connecting):
        return
    event.listen(inner, "do_connect", _connecting)
    event.listen(inner, "connect", _connected)
    event.listen(inner, "checkout", _asked_for)


_OURS = "orchestratorx_closes_wholly"


def _connecting(_dialect: Any, _record: Any, _arguments: list[Any], named: dict[str, Any]) -> None:
    named.setdefault("factory", WholeConnection)


def _connected(_connection: Any, record: Any) -> None:
    record.info[_OURS] = True


def _asked_for(_connection: Any, record: Any, _proxy: Any) -> None:
    if _OURS not in record.info:
        raise DisconnectionError("opened before its cursors were followed")  # the pool's way of being told: another one
