"""What makes a database lose what it has acknowledged. Asked by `orchestrator doctor`; changes nothing.

Sources: SQLite docs, "How to corrupt an SQLite database file" (network file systems); PostgreSQL docs, "Write ahead
log" settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from orchestrator.ledger.writing import unavailable
from orchestratorx_prism.brokers.checkup import Finding

_MOUNTS: Final = Path("/proc/self/mounts")
_IN_MEMORY: Final = {"tmpfs", "ramfs"}
_OVER_A_NETWORK: Final = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "glusterfs", "ceph"}


async def checkup(url: str) -> list[Finding]:
    """Everything about the database at `url` that is not as it should be.

    Raises:
        Unavailable: It cannot be asked.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "memory":
        return [
            Finding(
                "unsafe",
                "database",
                "it is in memory: a restart forgets every event, published or not",
                "set database_url to sqlite:///file.db, or postgresql:// for several replicas",
            )
        ]
    if scheme == "sqlite":
        return _of_sqlite(Path(unquote(rest[3:])))
    return await _of_postgres(url)


def _of_sqlite(path: Path) -> list[Finding]:
    where, kind = f"database: {path}", _file_system(path)
    found = [
        Finding(
            "advice",
            where,
            "one file on one disk is all there is",
            "back it up with `sqlite3 FILE .backup`, or use PostgreSQL with a standby",
        )
    ]
    if kind in _IN_MEMORY:
        found.append(Finding("unsafe", where, f"it is on a {kind}, which a reboot empties", "put it on a disk"))
    if kind in _OVER_A_NETWORK:
        found.append(
            Finding("unsafe", where, f"it is on a {kind}, whose locks SQLite cannot trust", "put it on a local disk")
        )
    return found


def _file_system(path: Path) -> str:
    """Its type, by the longest mount point above it; empty where this system does not say."""
    if not _MOUNTS.exists():
        return ""
    above = {str(parent) for parent in (path.absolute(), *path.absolute().parents)}
    mounts = [line.split() for line in _MOUNTS.read_text().splitlines()]
    fitting = [(len(mount[1]), mount[2]) for mount in mounts if mount[1] in above]
    return max(fitting)[1] if fitting else ""


_WRONG: Final[dict[str, tuple[str, str]]] = {
    "fsync": ("what is committed is not on disk: a power failure can destroy the database", "fsync = on"),
    "full_page_writes": ("a power failure can tear pages, and the database with them", "full_page_writes = on"),
    "synchronous_commit": ("a commit is acknowledged before it is on disk", "synchronous_commit = on"),
}
"""PostgreSQL's setting → what follows when it is off, and the cure."""


async def _of_postgres(url: str) -> list[Finding]:
    import asyncpg

    try:
        connection = await asyncpg.connect(url, timeout=10.0, command_timeout=10.0)
        try:
            rows = await connection.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", _ASKED)
            encrypted = await connection.fetchval(
                "SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)"
            )
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        raise unavailable(error) from error
    return _of_postgres_settings({row[0]: row[1] for row in rows}, encrypted=encrypted)


_ASKED: Final = [*_WRONG, "synchronous_standby_names", "listen_addresses"]


def _of_postgres_settings(settings: dict[str, Any], *, encrypted: bool) -> list[Finding]:
    where = "database: PostgreSQL"
    found = [
        Finding("unsafe", where, what, f"set {fix}")
        for name, (what, fix) in _WRONG.items()
        if settings.get(name) == "off"
    ]
    if not settings.get("synchronous_standby_names"):
        found.append(
            Finding(
                "advice",
                where,
                "no standby confirms a commit: with the server's disk, the newest events are lost",
                "set synchronous_standby_names, or accept it and keep backups",
            )
        )
    if not encrypted and settings.get("listen_addresses") not in {"localhost", "127.0.0.1", ""}:
        found.append(Finding("advice", where, "the connection is not encrypted", "add ?sslmode=verify-full to the URL"))
    return found
