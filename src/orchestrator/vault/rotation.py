"""Brings what is sealed to the newest key: online, in small batches, beside servers that read and write.

A row is opened and sealed anew outside of any transaction, and written only if it still is what was read: whoever puts
something new meanwhile wins. What is of the newest key already is passed over, so that a run that was broken off is
simply begun again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Column, Table, and_, func, literal, select, tuple_, update

from orchestrator.ledger.tables import Row, Tables, Work
from orchestrator.vault.sealing import Vault, key_id_of
from orchestratorx_prism.errors import Internal, SettingsRejected

BATCH: Final = 50
_PASSES: Final = 3
"""A server that does not have the newest key yet may write another row with an old one meanwhile."""


@dataclass(frozen=True)
class SealedTable:
    """A table with sealed secrets."""

    table: Table
    key: Sequence[Column[Any]]
    """What names a row: its primary key."""
    sealed: Column[bytes]
    """NULL: nothing is sealed in that row."""
    place: Callable[[Row], tuple[str, str, str]]
    """Values of `key` → the (kind, owner, name) that the secret was sealed with."""


@dataclass(slots=True)
class Rotated:
    """What a run came to. Counts are of secrets."""

    seen: int = 0
    """Looked at in this pass; more than one is made where something was changed."""
    resealed: int = 0
    current: int = 0
    """Of the newest key, before or by now."""
    changed: int = 0
    """Changed or deleted by somebody else meanwhile; looked at once more."""
    unreadable: Counter[str] = field(default_factory=Counter)
    """Id of a key that this process does not have, or "" where what is stored was damaged → how many stayed."""


Progress = Callable[[Rotated], None]


class Rotation:
    """Over all tables that are named to it."""

    def __init__(self, tables: Tables, vault: Vault, sealed: Sequence[SealedTable]) -> None:
        self._tables = tables
        self._vault = vault
        self._sealed = sealed

    async def count(self) -> int:
        """How many secrets there are."""
        total = 0
        for one in self._sealed:
            counting = select(func.count()).select_from(one.table).where(one.sealed.is_not(None))
            total += int((await self._tables.read(counting))[0][0])
        return total

    async def by_key(self) -> dict[str, Counter[str]]:
        """Table → id of the key (see `key_id_of`) → how many secrets it sealed. "": what is no sealed secret."""
        found: dict[str, Counter[str]] = {}
        for one in self._sealed:
            counts = found.setdefault(one.table.name, Counter())
            async for batch in self._batches(one):
                counts.update(_key_id(bytes(row[-1])) for row in batch)
        return found

    async def run(self, progress: Progress | None = None) -> Rotated:
        """Reseals whatever is not of the newest key.

        Args:
            progress: Told after each batch what was done so far.

        Raises:
            SettingsRejected: There is no key to seal with.
            Unavailable: The database or the key service is away; what was done stays done.
        """
        self._vault.check()
        resealed = 0
        for _ in range(_PASSES):
            rotated = Rotated(resealed=resealed)
            for one in self._sealed:
                async for batch in self._batches(one):
                    await self._reseal(one, batch, rotated)
                    if progress is not None:
                        progress(rotated)
            if rotated.resealed == resealed and not rotated.changed:
                break
            resealed = rotated.resealed
        return rotated

    async def _reseal(self, one: SealedTable, batch: Sequence[Row], rotated: Rotated) -> None:
        """One batch: opened and sealed here, then written together."""
        changes: list[tuple[Row, bytes, bytes]] = []
        for row in batch:
            rotated.seen += 1
            key, sealed = row[:-1], bytes(row[-1])
            place = one.place(key)
            try:
                if self._vault.is_current(sealed):
                    rotated.current += 1
                    continue
                plaintext = await self._vault.open(*place, sealed)
            except (SettingsRejected, Internal) as error:
                rotated.unreadable[error.metadata.get("key_id", "")] += 1
                continue
            changes.append((key, sealed, await self._vault.seal(*place, plaintext)))
        if changes:
            written = await self._tables.transact(lambda: _replace(one, changes))
            rotated.resealed += written
            rotated.changed += len(changes) - written

    async def _batches(self, one: SealedTable) -> AsyncIterator[list[Row]]:
        """All rows with a secret, by key: the key's columns, then what is sealed."""
        query = select(*one.key, one.sealed).where(one.sealed.is_not(None)).order_by(*one.key).limit(BATCH)
        rows = await self._tables.read(query)
        while rows:
            yield rows
            last = [literal(value, column.type) for value, column in zip(rows[-1], one.key, strict=False)]
            rows = await self._tables.read(query.where(tuple_(*one.key) > tuple_(*last)))


def _replace(one: SealedTable, changes: Sequence[tuple[Row, bytes, bytes]]) -> Work[int]:
    """Writes each row that still is what was read. Returns how many were."""
    written = 0
    for key, before, after in changes:
        same = [column == value for column, value in zip(one.key, key, strict=True)]
        changing = update(one.table).where(and_(*same, one.sealed == before)).values({one.sealed: after})
        written += len((yield changing.returning(one.key[0])))
    return written


def _key_id(sealed: bytes) -> str:
    try:
        return key_id_of(sealed)
    except Internal:
        return ""
