"""The audit log: rows that are only added, each sealed with SHA-256 over itself and the seal before.

A row that was changed, taken out or put elsewhere no longer fits its neighbours; rows cut off at the end do not fit
the head, which has the count and the last seal. Whoever can write to all of the database can forge all of it: against
that, keep a head elsewhere (`orchestrator audit verify --head`).

Not here: listing and exporting; see `services.administration.audit`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.access.principal import EVERYBODY, Acting, acting
from orchestrator.ledger.schema_access import audit_log
from orchestrator.ledger.tables import POSTGRES_NOW_US, SQLITE_NOW_US, Plain, Row, Work

FIRST: Final = bytes(32)
"""What stands for the seal before the first."""
HEAD_ROW: Final = 1
_FORMAT: Final = b"orchestratorx audit 1"
_LONGEST: Final = 1_000
"""Of one text of a row. Characters."""
_NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row, without its seal."""

    number: int
    """From 1 on, without gaps."""
    at_us: int
    """The database's clock. Microseconds since 1970, UTC."""
    merchant_id: str
    actor: str
    action: str
    target: str
    remote_address: str
    details: str
    """JSON as it was written: an object of texts, its keys in order."""

    @property
    def parts(self) -> tuple[int | str, ...]:
        """In the order of `COLUMNS`."""
        return (
            self.number,
            self.at_us,
            self.merchant_id,
            self.actor,
            self.action,
            self.target,
            self.remote_address,
            self.details,
        )

    def seal(self, before: bytes) -> bytes:
        """SHA-256 over the row and the seal before it. Each part has its length in front: no two rows read alike."""
        sealed = hashlib.sha256(_FORMAT)
        for part in (before, *(str(part).encode() for part in self.parts)):
            sealed.update(len(part).to_bytes(8, "big"))
            sealed.update(part)
        return sealed.digest()


COLUMNS: Final = (
    audit_log.c.n,
    audit_log.c.at,
    audit_log.c.merchant_id,
    audit_log.c.actor,
    audit_log.c.action,
    audit_log.c.target,
    audit_log.c.remote_address,
    audit_log.c.details,
    audit_log.c.hash,
)
"""Of a SELECT whose rows `entry_of` reads; the last is the seal."""

_NAMES: Final = ", ".join(column.name for column in COLUMNS)
_PLACES: Final = range(1, len(COLUMNS) + 1)
_NEXT: Final = Plain(
    f"UPDATE audit_head SET n = n + 1 WHERE id = 1 RETURNING n, hash, {SQLITE_NOW_US}",  # noqa: S608 - constants
    f"UPDATE audit_head SET n = n + 1 WHERE id = 1 RETURNING n, hash, {POSTGRES_NOW_US}",  # noqa: S608
)
_INSERT: Final = Plain(
    f"INSERT INTO audit_log ({_NAMES}) VALUES ({', '.join('?' for _ in _PLACES)})",  # noqa: S608
    f"INSERT INTO audit_log ({_NAMES}) VALUES ({', '.join(f'${place}' for place in _PLACES)})",  # noqa: S608
)
_SEAL: Final = Plain(
    "UPDATE audit_head SET hash = ? WHERE id = 1",
    "UPDATE audit_head SET hash = $1 WHERE id = 1",
)
"""By hand: a row is written with the log locked, in SQLite by the one thread that also records webhooks, and to compile
SQLAlchemy's statements takes it longer than all the rest."""


def entry_of(row: Row) -> tuple[Entry, bytes]:
    """A row of `COLUMNS`, and its seal."""
    return Entry(*row[:-1]), bytes(row[-1])


def append(
    action: str, target: str, merchant_id: str, details: Mapping[str, str] = _NOTHING, *, by: Acting | None = None
) -> Work[None]:
    """Writes a row, in the transaction of what it tells of. For use inside one:

        yield from append("credentials.changed", "stripe/SANDBOX", "acme")

    Who and whence come from `acting`. Call it last: from here to the commit, every other writer of the log waits, on
    all replicas; and whoever locks other rows first, and the log after them, is never waited for in a circle.

    Args:
        target: Whom or what it was done to: "key_…", "stripe/SANDBOX".
        merchant_id: Whose business it is; "*" or "": the installation's.
        details: Never a secret.
        by: Who and whence, where it is not `acting`.
    """
    [(number, before, at_us)] = yield _NEXT
    who = acting.get() if by is None else by
    entry = Entry(
        number,
        at_us,
        _kept(merchant_id) or EVERYBODY,
        _kept(who.actor),
        _kept(action),
        _kept(target),
        _kept(who.remote_address),
        json.dumps({_kept(k): _kept(v) for k, v in details.items()}, sort_keys=True, separators=(",", ":")),
    )
    seal = entry.seal(FIRST if before is None else bytes(before))
    yield replace(_INSERT, values=(*entry.parts, seal))
    yield replace(_SEAL, values=(seal,))


def _kept(text: str) -> str:
    """As both databases can keep it: no NUL, no half of a surrogate pair, not endless."""
    return text[:_LONGEST].encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
