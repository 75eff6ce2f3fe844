"""Opens the ledger that a URL names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from orchestrator.ledger.base import ChannelRule, Ledger
from orchestrator.ledger.memory import WINDOW, MemoryLedger
from orchestratorx_prism.errors import DriverMissing, SettingsRejected

_FIX: Final = "use memory:, sqlite:///file.db, sqlite:////absolute/file.db or postgresql://user:password@host/name"


def open_ledger(
    url: str,
    *,
    channels: Sequence[ChannelRule] = (),
    raw_keys: Mapping[str, bytes] | None = None,
    migrate: bool = True,
    window: int = WINDOW,
    memory_outbox: bool = False,
    spanning: Collection[str] | None = None,
    on_commit: Callable[[int], None] | None = None,
) -> Ledger:
    """The ledger at `url`, not yet open: `await ledger.open()` connects.

    Args:
        url: `memory:`, `sqlite:///file.db`, `postgresql://user:password@host/name`.
        channels: For whom events are put into the outbox.
        raw_keys: Key id → 32 bytes: raw bodies are kept, encrypted with the last one. Empty: bodies are not kept.
        migrate: Whether `open` brings the tables up to date; if not, it refuses tables of another release.
        window: `memory:` only: how many events, and how many payments, are remembered.
        memory_outbox: `memory:` only: whether channels get an outbox, as bounded as the rest.
        spanning: Connectors whose references are unique across the provider's accounts, and whose callbacks do not
            always say the account. None: those whose label says so.
        on_commit: Told how many recordings each commit took. Called from the writer: must not block.

    Raises:
        SettingsRejected: The URL is none of these.
        DriverMissing: The database's driver is not installed.
    """
    scheme, _, rest = url.partition(":")
    across = _declared_spanning() if spanning is None else spanning
    if scheme == "memory" and not rest.strip("/"):
        return MemoryLedger(
            window=window, channels=channels if memory_outbox else (), spanning=across, on_commit=on_commit
        )
    if scheme == "sqlite":
        from orchestrator.ledger.sqlite import SqliteLedger

        path = _sqlite_path(rest)
        return SqliteLedger(
            path, channels=channels, raw_keys=raw_keys, spanning=across, migrate=migrate, on_commit=on_commit
        )
    if scheme in {"postgresql", "postgres"}:
        try:
            from orchestrator.ledger.postgres import PostgresLedger
        except ModuleNotFoundError as error:
            if error.name != "asyncpg":
                raise
            raise DriverMissing("PostgreSQL needs asyncpg", fix="pip install asyncpg") from None

        return PostgresLedger(
            url, channels=channels, raw_keys=raw_keys, spanning=across, migrate=migrate, on_commit=on_commit
        )
    # The URL may hold a password: only its scheme is repeated.
    raise SettingsRejected(
        f"database_url: there is no ledger for {scheme[:20]!r}", reason="DATABASE_URL_INVALID", fix=_FIX
    )


async def migrate_ledger(url: str) -> None:
    """Brings the tables at `url` up to date, and disconnects."""
    ledger = open_ledger(url, migrate=True, spanning=())
    await ledger.open()
    await ledger.close()


def _sqlite_path(rest: str) -> Path:
    path = unquote(rest[3:]) if rest.startswith("///") else ""
    if not path or path == ":memory:" or "\x00" in path:
        raise SettingsRejected(
            "database_url: SQLite needs a file", reason="DATABASE_URL_INVALID", fix=f"{_FIX}; memory: keeps nothing"
        )
    return Path(path)


def _declared_spanning() -> frozenset[str]:
    from orchestrator.plugins import installed_connectors

    return frozenset(label.name for label in installed_connectors().values() if label.references_span_accounts)
