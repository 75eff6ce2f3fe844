"""What doctor says of databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.ledger import checkup as module
from orchestrator.ledger.checkup import _file_system, _of_postgres_settings, checkup

GOOD = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "synchronous_standby_names": "ANY 1 (a, b)",
    "listen_addresses": "*",
}


def test_a_postgres_that_is_as_it_should_be_gives_nothing_to_say() -> None:
    assert _of_postgres_settings(GOOD, encrypted=True) == []


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_postgres_that_acknowledges_too_early_is_unsafe(name: str) -> None:
    (found,) = _of_postgres_settings({**GOOD, name: "off"}, encrypted=True)
    assert (found.level, found.fix) == ("unsafe", f"set {name} = on")


def test_a_postgres_without_standby_or_encryption_gets_advice() -> None:
    found = _of_postgres_settings({**GOOD, "synchronous_standby_names": ""}, encrypted=False)
    assert [finding.level for finding in found] == ["advice", "advice"]
    assert _of_postgres_settings({**GOOD, "listen_addresses": "localhost"}, encrypted=False) == []


async def test_a_database_in_memory_is_unsafe() -> None:
    assert [finding.level for finding in await checkup("memory:")] == ["unsafe"]


@pytest.mark.parametrize(("kind", "levels"), [("ext4", ["advice"]), ("tmpfs", ["advice", "unsafe"]), ("nfs4", 2)])
async def test_an_sqlite_file_is_safe_only_on_a_disk_of_its_own(
    kind: str, levels: list[str] | int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk / ext4 rw 0 0\nother {tmp_path} {kind} rw 0 0\nfurther {tmp_path}/else ext4 rw 0 0\n")
    monkeypatch.setattr(module, "_MOUNTS", mounts)
    assert _file_system(tmp_path / "file.db") == kind
    found = [finding.level for finding in await checkup(f"sqlite:///{tmp_path}/file.db")]
    assert found == levels or len(found) == levels
