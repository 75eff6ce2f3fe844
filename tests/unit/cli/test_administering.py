"""`orchestrator merchants`, `credentials` and `vault`, as people and programs use them."""

from __future__ import annotations

import base64
import io
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import DONE, REFUSED, USAGE, run

K1, K2 = base64.b64encode(b"1" * 32).decode(), base64.b64encode(b"2" * 32).decode()
KEY = "sk_test_canary_4242"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command over the test's own database; returns its status, and what it printed."""
    monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", f"sqlite:///{tmp_path / 'x.db'}")
    monkeypatch.setenv("ORCHESTRATOR_VAULT_KEYS", json.dumps({"k1": K1}))
    monkeypatch.setenv("NEW_KEY", KEY)

    def runner(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        status = run(list(arguments))
        printed = capsys.readouterr()
        assert "canary" not in printed.out + printed.err
        return status, printed.out, printed.err

    return runner


def rows(printed: tuple[int, str, str]) -> list[Any]:
    assert printed[0] == DONE, printed
    return [json.loads(line) for line in printed[1].splitlines()]


def test_merchants_are_made_listed_shown_and_closed(command: Run) -> None:
    made = rows(command("merchants", "create", "acme", "--name", "Acme", "--environment", "production", "--json"))
    assert made[0] | {"created_at": "", "updated_at": ""} == {
        "merchant_id": "acme",
        "display_name": "Acme",
        "environment": "PRODUCTION",
        "disabled": False,
        "from_settings": False,
        "created_at": "",
        "updated_at": "",
    }
    assert [one["merchant_id"] for one in rows(command("merchants", "list", "--json"))] == ["acme", "default"]
    assert rows(command("merchants", "update", "acme", "--disable", "--json"))[0]["disabled"]
    _, shown, _ = command("merchants", "show", "acme")
    assert [line.split() for line in shown.splitlines()] == [
        ["merchant", "name", "environment", "state", "from"],
        ["acme", "Acme", "PRODUCTION", "closed", "database"],
    ]
    assert not rows(command("merchants", "update", "acme", "--enable", "--json"))[0]["disabled"]
    assert command("merchants", "show", "nobody")[0] == REFUSED
    assert command("merchants", "update", "acme")[0] == USAGE


@pytest.mark.parametrize("way", ["environment", "json file", "lines on stdin", "prompt"])
def test_values_come_from_everywhere_but_the_arguments(
    command: Run, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, stdin = ["--from-env", "STRIPE_API_KEY=NEW_KEY"], ""
    if way == "json file":
        (tmp_path / "keys.json").write_text(json.dumps({"STRIPE_API_KEY": KEY}))
        arguments = ["--from-file", str(tmp_path / "keys.json")]
    elif way == "lines on stdin":
        arguments, stdin = ["--from-file", "-"], f"# Stripe\n\nexport STRIPE_API_KEY='{KEY}'\n"
    elif way == "prompt":
        monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _prompt: KEY)
        arguments = ["--prompt", "STRIPE_API_KEY"]
    (shown,) = rows(command("credentials", "put", "stripe", *arguments, "--json", stdin=stdin))
    assert shown["masked_values"] == {"STRIPE_API_KEY": "····4242"}


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        ((), ""),
        (("--from-env", "NOT_SET"), ""),
        (("--from-file", "/nowhere/file"), ""),
        (("--from-file", "-"), f"{KEY}\n"),
        (("--from-file", "-"), f'{{"STRIPE_API_KEY": ["{KEY}"]}}'),
        (("--from-file", "-"), f'{{"STRIPE_API_KEY": "{KEY}'),
    ],
)
def test_values_that_cannot_be_read_are_wrong_usage_and_not_repeated(
    command: Run, arguments: tuple[str, ...], stdin: str
) -> None:
    status, printed, error = command("credentials", "put", "stripe", *arguments, stdin=stdin)
    assert (status, printed) == (USAGE, "")
    assert error


def test_a_webhook_secret_is_rotated_by_two_commands(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD", "whsec_canary_0001")
    monkeypatch.setenv("NEW", "whsec_canary_0002")
    first = ("--from-env", "STRIPE_API_KEY=NEW_KEY", "--from-env", "STRIPE_WEBHOOK_SECRET=OLD")
    assert command("credentials", "put", "stripe", *first)[0] == DONE
    keep = ("credentials", "put", "stripe", "--update", "--keep-webhook-secrets", "1", "--json")
    (both,) = rows(command(*keep, "--from-env", "STRIPE_WEBHOOK_SECRET=NEW"))
    assert both["masked_webhook_secrets"] == ["····0002", "····0001"]
    (one,) = rows(command(*keep))
    assert one["masked_webhook_secrets"] == ["····0002"]
    assert one["masked_values"] == {"STRIPE_API_KEY": "····4242"}


def test_credentials_are_listed_shown_and_forgotten(command: Run) -> None:
    assert command("credentials", "put", "stripe", "--from-env", "STRIPE_API_KEY=NEW_KEY")[0] == DONE
    assert command("credentials", "list")[1].split()[-2:] == ["STRIPE_API_KEY", "····4242"]
    assert rows(command("credentials", "show", "stripe", "--json"))[0]["connector"] == "stripe"
    assert command("credentials", "show", "stripe", "--environment", "PRODUCTION")[0] == REFUSED
    assert command("credentials", "delete", "stripe", "--yes")[0] == DONE
    assert command("credentials", "show", "stripe")[0] == REFUSED
    assert rows(command("credentials", "list", "--json")) == []


def test_without_a_key_the_fix_is_a_command(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORCHESTRATOR_VAULT_KEYS")
    status, _, error = command("credentials", "put", "stripe", "--from-env", "STRIPE_API_KEY=NEW_KEY")
    assert status == USAGE
    assert error.startswith("VAULT_KEY_NEEDED")
    assert "openssl rand -base64 32" in error
    assert "no key is configured" in command("vault", "status")[2]


def kept(command: Run) -> list[tuple[str, str, int]]:
    """Key, its state, and how many providers' credentials it sealed."""
    found = rows(command("vault", "status", "--json"))
    return [(one["key"], one["state"], one["secrets"]["provider_credentials"]) for one in found]


def test_the_vault_is_rotated_and_the_old_key_can_go(
    command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert command("credentials", "put", "stripe", "--from-env", "STRIPE_API_KEY=NEW_KEY")[0] == DONE
    assert kept(command) == [("k1", "seals", 1)]
    monkeypatch.setenv("ORCHESTRATOR_VAULT_KEYS", json.dumps({"k1": K1, "k2": K2}))
    assert rows(command("vault", "rotate", "--json")) == [
        {"resealed": 1, "unreadable": 0, "changed_meanwhile": 0, "missing_keys": []}
    ]
    assert kept(command) == [("k1", "opens", 0), ("k2", "seals", 1)]
    monkeypatch.setenv("ORCHESTRATOR_VAULT_KEYS", json.dumps({"k2": K2}))
    assert rows(command("credentials", "list", "--json"))[0]["fault"] == ""
    assert "0 secrets" in command("vault", "rotate")[1]
    monkeypatch.setenv("ORCHESTRATOR_VAULT_KEYS", json.dumps({"k1": K1}))
    status, printed, _ = command("vault", "rotate", "--json")
    assert (status, json.loads(printed)["missing_keys"]) == (REFUSED, ["k2"])
    assert rows(command("vault", "status", "--json"))[1]["state"] == "missing"
    with sqlite3.connect(tmp_path / "x.db") as connection:
        acts = [row[0] for row in connection.execute("SELECT actor || ' ' || action FROM audit_log ORDER BY n")]
    connection.close()
    assert acts == ["cli credentials.changed", *["cli vault.rotated"] * 3]


@pytest.mark.parametrize("words", [("merchants", "list"), ("credentials", "list"), ("vault", "rotate")])
def test_a_database_in_memory_is_refused(command: Run, words: tuple[str, ...]) -> None:
    status, _, error = command(*words, "--database-url", "memory:")
    assert status == USAGE
    assert "another one for every process" in error
