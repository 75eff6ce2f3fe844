"""Rotation over SQLite and PostgreSQL: everything to the newest key, nothing lost, beside those who write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import and_, insert, select, update

from orchestrator.ledger.base import Ledger
from orchestrator.ledger.factory import open_ledger
from orchestrator.ledger.schema_tenancy import provider_credentials as table
from orchestrator.ledger.tables import Work
from orchestrator.vault import Rotation, SealedTable, Vault
from orchestrator.vault.rotation import BATCH
from orchestratorx_prism.errors import SettingsRejected

KEYS = {"one": b"1" * 32}
NEWER = {**KEYS, "two": b"2" * 32}
MANY = 2 * BATCH + 7

SEALED = SealedTable(
    table,
    (table.c.merchant_id, table.c.connector, table.c.environment),
    table.c.sealed,
    lambda key: ("credentials", key[0], f"{key[1]}/{key[2]}"),
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'vault.db'}"
    fresh: str = request.getfixturevalue("fresh_postgres_url")
    return fresh


@pytest_asyncio.fixture
async def ledger(url: str) -> AsyncIterator[Ledger]:
    opened = open_ledger(url)
    await opened.open()
    yield opened
    await opened.close()


def place(number: int) -> tuple[str, str, int]:
    """Merchants, connectors and environments vary one after the other, as keys of several columns do."""
    return f"m{number // 4:03}", ("adyen", "stripe")[number // 2 % 2], 1 + number % 2


async def put(ledger: Ledger, vault: Vault, number: int, secret: bytes, *, new: bool = True) -> None:
    merchant, connector, environment = place(number)
    sealed = await vault.seal("credentials", merchant, f"{connector}/{environment}", secret)
    values = {"merchant_id": merchant, "connector": connector, "environment": environment}

    def work() -> Work[None]:
        if new:
            yield insert(table).values(**values, sealed=sealed, created_at=1, updated_at=1, revision=1)
        else:
            yield (
                update(table)
                .where(and_(*(table.c[name] == value for name, value in values.items())))
                .values(sealed=sealed)
            )

    await ledger.tables.transact(work)


async def filled(ledger: Ledger) -> Vault:
    vault = Vault(KEYS)
    for number in range(MANY):
        await put(ledger, vault, number, b"secret %d" % number)
    return vault


async def opened(ledger: Ledger, vault: Vault) -> list[bytes]:
    rows = await ledger.tables.read(select(*SEALED.key, table.c.sealed).order_by(*SEALED.key))
    return [await vault.open(*SEALED.place(row), bytes(row[3])) for row in rows]


async def test_all_is_sealed_with_the_newest_key_and_opens_without_the_old_one(ledger: Ledger) -> None:
    await filled(ledger)
    rotation = Rotation(ledger.tables, Vault(NEWER), [SEALED])
    assert await rotation.by_key() == {"provider_credentials": {"one": MANY}}
    seen: list[int] = []
    rotated = await rotation.run(lambda so_far: seen.append(so_far.resealed))
    assert (rotated.resealed, rotated.changed, rotated.unreadable.total()) == (MANY, 0, 0)
    assert seen[:3] == [BATCH, 2 * BATCH, MANY]
    assert await rotation.by_key() == {"provider_credentials": {"two": MANY}}
    assert sorted(await opened(ledger, Vault({"two": NEWER["two"]}))) == sorted(b"secret %d" % n for n in range(MANY))


async def test_a_run_that_was_broken_off_is_taken_up_where_it_ended(ledger: Ledger) -> None:
    await filled(ledger)
    rotation = Rotation(ledger.tables, Vault(NEWER), [SEALED])

    class BrokenOff(Exception):
        pass

    def breaks_off(_: object) -> None:
        raise BrokenOff

    with pytest.raises(BrokenOff):
        await rotation.run(breaks_off)
    assert await rotation.by_key() == {"provider_credentials": {"one": MANY - BATCH, "two": BATCH}}
    assert (await rotation.run()).resealed == MANY - BATCH
    assert (await rotation.run()).resealed == 0


async def test_what_is_put_meanwhile_is_kept_and_rotated_too(ledger: Ledger) -> None:
    old = await filled(ledger)

    class PutsMeanwhile(Vault):
        """Somebody else puts another secret, with the old key, after a row was read and before it is written."""

        meanwhile = True

        async def seal(self, kind: str, owner: str, name: str, plaintext: bytes) -> bytes:
            if self.meanwhile and plaintext == b"secret 60":
                self.meanwhile = False
                await put(ledger, old, 60, b"newer than 60", new=False)
            return await super().seal(kind, owner, name, plaintext)

    rotated = await Rotation(ledger.tables, PutsMeanwhile(NEWER), [SEALED]).run()
    assert rotated.resealed == MANY
    assert rotated.changed == 0
    secrets = await opened(ledger, Vault({"two": NEWER["two"]}))
    assert b"newer than 60" in secrets
    assert b"secret 60" not in secrets
    assert len(secrets) == MANY


async def test_what_cannot_be_opened_stays_as_it_is_and_is_counted(ledger: Ledger) -> None:
    await filled(ledger)
    strange = Vault({"lost": b"x" * 32})
    await put(ledger, strange, MANY, b"of a lost key")
    moved = await ledger.tables.read(select(table.c.sealed).where(table.c.merchant_id == "m000").limit(1))

    def damage() -> Work[None]:
        yield update(table).where(table.c.merchant_id == "m001").values(sealed=bytes(moved[0][0]))

    await ledger.tables.transact(damage)
    rotated = await Rotation(ledger.tables, Vault(NEWER), [SEALED]).run()
    assert dict(rotated.unreadable) == {"lost": 1, "": 4}
    assert rotated.resealed == MANY - 4
    assert (await Rotation(ledger.tables, Vault(NEWER), [SEALED]).by_key())["provider_credentials"] == {
        "two": MANY - 4,
        "one": 4,
        "lost": 1,
    }


async def test_without_a_key_nothing_is_touched(ledger: Ledger) -> None:
    await filled(ledger)
    with pytest.raises(SettingsRejected):
        await Rotation(ledger.tables, Vault({}), [SEALED]).run()
    assert await Rotation(ledger.tables, Vault({}), [SEALED]).count() == MANY
