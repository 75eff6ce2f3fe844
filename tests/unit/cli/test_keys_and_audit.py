"""`orchestrator keys` and `orchestrator audit`, on a database of their own."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import run


class Line:
    """The command line, over one file."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capsys = capsys

    def __call__(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        """Runs a command, checks its exit status, and returns both its outputs."""
        assert run([*arguments, "--database-url", f"sqlite:///{self.path}"]) == status
        captured = self._capsys.readouterr()
        return captured.out, captured.err

    def key(self, *more: str) -> dict[str, Any]:
        """Makes one."""
        made: dict[str, Any] = json.loads(self("keys", "create", "--scope", "payments:read", *more, "--json")[0])
        return made

    def tamper(self, *statements: str) -> None:
        """As somebody with all rights."""
        with sqlite3.connect(self.path) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(tmp_path / "keys.db", capsys)


def test_a_keys_text_is_printed_alone_so_that_a_script_can_take_it(line: Line) -> None:
    out, err = line("keys", "create", "--scope", "payments:read", "--name", "shop", "--expires-in", "90d")
    assert out.startswith("ox_")
    assert out.count("\n") == 1
    assert "shown once" in err
    assert out.strip() not in err


def test_a_key_from_making_to_its_end(line: Line) -> None:
    made = line.key("--name", "shop")
    key_id = made["api_key"]["key_id"]
    rotated = json.loads(line("keys", "rotate", key_id, "--overlap", "1h", "--json")[0])
    assert rotated["secret"] != made["secret"]
    assert rotated["previous"]["key_id"] == key_id
    assert "has ended" in line("keys", "revoke", key_id)[0]
    left = [json.loads(text)["key_id"] for text in line("keys", "list", "--json")[0].splitlines()]
    assert left == [rotated["api_key"]["key_id"]]
    shown = json.loads(line("keys", "show", key_id, "--json")[0])
    assert "revoked_at" in shown
    assert key_id in line("keys", "list", "--ended")[0]
    assert "revoked" in line("keys", "show", key_id)[0]


def test_lists_are_whole_and_empty_ones_say_so(line: Line) -> None:
    assert "no keys of merchant *" in line("keys", "list", "--merchant", "*")[1]
    line.key("--merchant", "*")
    assert len(line("keys", "list", "--merchant", "*", "--json")[0].splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("keys", "show", "key_1"), 1, "no such key"),
        (("keys", "rotate", "key_1"), 1, "no such key"),
        (("keys", "revoke", "key_1"), 1, "no such key"),
        (("keys", "create", "--scope", "money"), 1, "no such scope"),
        (("keys", "create", "--scope", "*", "--merchant", "nobody"), 1, "no such merchant"),
        (("keys", "create"), 2, "--scope"),
        (("keys", "create", "--scope", "*", "--expires-in", "soon"), 2, "not a span"),
        (("keys", "rotate", "key_1", "--overlap", "-1s"), 2, "not a span"),
        (("audit", "verify", "--head", "abc"), 2, "hexadecimal"),
        (("audit", "verify", "--head", "z" * 64), 2, "hexadecimal"),
        (("audit", "list", "--since", "yesterday"), 2, "ISO 8601"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(
    line: Line, arguments: tuple[str, ...], status: int, said: str
) -> None:
    assert said in line(*arguments, status=status)[1]


def test_a_database_in_memory_has_no_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "list", "--database-url", "memory:"]) == 2
    assert "another one for every process" in capsys.readouterr().err


def test_the_log_says_who_did_it(line: Line) -> None:
    key_id = line.key()["api_key"]["key_id"]
    [entry] = [json.loads(text) for text in line("audit", "list", "--json")[0].splitlines()]
    assert (entry["actor"], entry["action"], entry["target"]) == ("cli", "key.created", key_id)
    assert key_id in line("audit", "list", "--action", "key.*", "--merchant", "default")[0]
    assert line("audit", "list", "--action", "auth.*")[0] == ""
    assert line("audit", "list", "--since", "2999-01-01")[0] == ""


def test_an_export_is_whole_and_can_be_verified_without_us(line: Line, tmp_path: Path) -> None:
    for _ in range(3):
        line.key()
    target = tmp_path / "audit.jsonl"
    assert "3 entries" in line("audit", "export", "--output", str(target))[1]
    assert line("audit", "export")[0] == target.read_text()
    before = bytes(32)
    for text in target.read_text().splitlines():
        before = _sealed(json.loads(text), before)
        assert before.hex() == json.loads(text)["hash"]
    assert f"head {before.hex()}" in line("audit", "verify")[0]


def _sealed(entry: dict[str, Any], before: bytes) -> bytes:
    """As docs/access.md says it is made."""
    moment = datetime.fromisoformat(entry["occurred_at"])
    at_us = round(moment.timestamp() * 1_000_000)
    details = json.dumps(entry["details"], sort_keys=True, separators=(",", ":"))
    names = ("merchant_id", "actor", "action", "target", "remote_address")
    texts = [str(entry["number"]), str(at_us), *(entry[name] for name in names), details]
    sealed = b"orchestratorx audit 1"
    for part in (before, *(text.encode() for text in texts)):
        sealed += len(part).to_bytes(8, "big") + part
    return hashlib.sha256(sealed).digest()


def test_a_changed_log_is_told_by_exit_status_and_place(line: Line) -> None:
    for _ in range(3):
        line.key()
    intact = json.loads(line("audit", "verify", "--json")[0])
    assert (intact["intact"], intact["entries"]) == (True, 3)
    line("audit", "verify", "--head", intact["head"])
    line("audit", "verify", "--head", "ab" * 32, status=1)
    line.tamper("DROP TRIGGER audit_log_no_update", "UPDATE audit_log SET actor = 'nobody' WHERE n = 2")
    assert "broken at entry 2" in line("audit", "verify", status=1)[1]
    broken = json.loads(line("audit", "verify", "--json", status=1)[0])
    assert (broken["intact"], broken["broken_at"]) == (False, 2)
