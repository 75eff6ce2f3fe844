"""The command line: its table, its errors, its exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from orchestrator import cli
from orchestrator.cli import COMMANDS, run
from orchestratorx_prism.errors import (
    DriverMissing,
    Internal,
    NotFound,
    PrismError,
    SettingsRejected,
    SignatureRejected,
    Unavailable,
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but those of the test."""
    for name in list(os.environ):
        if name.startswith(("ORCHESTRATOR_", "STRIPE_", "ADYEN_", "PAYPAL_", "MPESA_")):
            monkeypatch.delenv(name)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name} " in text
    assert "Exit status" in text


def test_help_is_quick_because_it_imports_no_command() -> None:
    code = "import sys, orchestrator.cli as c; c.run(['--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    modules = done.stdout.splitlines()[-1]
    for heavy in ("grpc", "pydantic", "sqlalchemy", "uvicorn", "rich", "google.protobuf"):
        assert f"'{heavy}'" not in modules


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert "Usage: orchestrator" in capsys.readouterr().out


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("orchestrator, version ")


@pytest.mark.parametrize("arguments", [["nonsense"], ["serve", "--grpc-port", "x"], ["serve", "--workers", "0"]])
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert "Error:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SettingsRejected("no"), 2),
        (DriverMissing("no"), 2),
        (Unavailable("no"), 3),
        (NotFound("no"), 1),
        (SignatureRejected("no"), 1),
        (Internal("no"), 70),
    ],
)
def test_errors_are_shown_as_reason_message_and_fix(
    error: PrismError, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error.fix = "mend it"

    @click.command()
    def broken() -> None:
        raise error

    monkeypatch.setattr(cli.cli, "get_command", lambda _context, _name: broken)
    assert run(["broken"]) == status
    assert capsys.readouterr().err == f"{error.reason}: no\n  fix: mend it\n"


def test_a_defect_is_70_and_shows_a_traceback_only_if_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def broken() -> None:
        raise ZeroDivisionError("4111111111111111")

    monkeypatch.setattr(cli.cli, "get_command", lambda _context, _name: broken)
    assert run(["broken"]) == 70
    shown = capsys.readouterr().err
    assert shown.startswith("INTERNAL: a defect: ZeroDivisionError at ")
    assert "Traceback" not in shown
    assert "4111" not in shown
    assert run(["--traceback", "broken"]) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("raised", "status"), [(KeyboardInterrupt(), 130), (click.Abort(), 130), (SystemExit(1), 1)])
def test_interruptions_and_commands_own_statuses_pass(
    raised: BaseException, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def ends() -> None:
        raise raised

    monkeypatch.setattr(cli.cli, "get_command", lambda _context, _name: ends)
    assert run(["ends"]) == status


def test_connectors_are_described_by_their_labels(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["connectors", "--json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert {"adyen", "mpesa", "paypal", "stripe"} <= set(found)
    assert found["stripe"]["trust"] == "TRUST_SIGNED"
    assert "payment_intent.succeeded" in found["stripe"]["event_types"]
    assert "STRIPE_WEBHOOK_SECRET" in found["stripe"]["config_keys"]


def test_no_word_that_safaricom_refuses_is_in_the_url_shown_for_mpesa(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["connectors", "--json"]) == 0
    (path,) = [each["webhook_path"] for each in json.loads(capsys.readouterr().out) if each["name"] == "mpesa"]
    assert path.endswith("/{merchant}/{token}")
    assert not any(word in path for word in ("mpesa", "safaricom", "exe", "cmd", "sql", "query"))


def test_the_support_table_is_for_people_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["connectors"]) == 0
    text = capsys.readouterr().out
    assert "signed weakly" in text
    assert "STRIPE_WEBHOOK_SECRET" in text


def test_config_check_shows_values_with_where_they_came_from_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "orchestrator.toml"
    file.write_text('http_port = 8081\n[messaging]\nbroker_type = "nats"\nurl = "nats://u:hunter2@h:4222"\n')
    monkeypatch.setenv("ORCHESTRATOR_GRPC_PORT", "50052")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_hunter2")
    assert run(["config", "check", "--config", str(file)]) == 0
    text = capsys.readouterr().out
    assert "hunter2" not in text
    lines = {line.split(" = ")[0]: line for line in text.splitlines() if " = " in line}
    assert lines["grpc_port"].endswith("# environment ORCHESTRATOR_GRPC_PORT")
    assert lines["http_port"].endswith(f"# file {file}")
    assert lines["messaging.broker_type"].startswith('messaging.broker_type = "nats"')
    assert lines["merchants.default.connectors.stripe.webhook_secrets"].endswith("# environment STRIPE_WEBHOOK_SECRET")
    assert "grpc_host" not in lines


def test_config_check_as_json_has_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    settings = {each["name"]: each for each in found["settings"]}
    assert settings["grpc_host"] == {"name": "grpc_host", "value": "127.0.0.1", "origin": "default"}
    assert any("webhook secret" in text for text in found["warnings"])


@pytest.mark.parametrize("name", ["orchestrator.toml", "orchestrator.json"])
def test_a_settings_file_that_lies_here_and_nobody_names_is_told(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("{}" if name.endswith("json") else "")
    assert run(["config", "check"]) == 0
    assert f"warning: {name} is in this folder and was not read: give --config {name}" in capsys.readouterr().out
    monkeypatch.setenv("ORCHESTRATOR_CONFIG", name)
    assert run(["config", "check"]) == 0
    assert "was not read" not in capsys.readouterr().out


def test_config_check_tells_every_fault_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "orchestrator.json"
    file.write_text('{"http_prt": 1, "messaging": {"broker_type": "nats", "replicas": 9}}')
    monkeypatch.setenv("ORCHESTRATOR_GRPC_PORT", "99999")
    monkeypatch.setenv("ORCHESTRATOR_LOG_LEVL", "info")
    assert run(["config", "check", "--config", str(file)]) == 2
    text = capsys.readouterr().err
    assert text.startswith("SETTINGS_INVALID: ")
    for fault in (
        "http_prt",
        "http_port",
        "messaging.replicas",
        "messaging.url",
        "grpc_port",
        "ORCHESTRATOR_LOG_LEVEL",
        "  fix: ",
    ):
        assert fault in text


def test_config_check_tells_what_is_wrong_with_channels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "orchestrator.json"
    file.write_text('{"channels": {"payments": {"address": "{nothing}"}, "audit": {"broker": "x"}}}')
    assert run(["config", "check", "--config", str(file)]) == 2
    text = capsys.readouterr().err
    for fault in ("channels.payments.address: takes", "channels.audit.address: missing", "channels.audit.broker:"):
        assert fault in text


def test_config_check_shows_channels_and_brokers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "orchestrator.json"
    file.write_text(
        '{"brokers": {"b": {"url": "memory://hunter2"}}, "channels": {"payments": {"broker": "b"}}, '
        '"messaging": {"url": "memory://x"}}'
    )
    assert run(["config", "check", "--config", str(file)]) == 0
    text = capsys.readouterr().out
    assert 'channels.payments.broker = "b"' in text
    assert "brokers.b.url" in text
    assert "hunter2" not in text


def test_a_server_on_an_open_address_does_not_start_unguarded(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--http-host", "192.0.2.1", "--database-url", "memory:"]) == 2
    assert "--insecure" in capsys.readouterr().err


def test_workers_cannot_share_a_database_in_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--workers", "2", "--database-url", "memory:"]) == 2
    assert "in memory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ('database_url = "mysql://u:hunter2@h/n"', "database_url"),
        ('workers = 2\ndatabase_url = "memory:"', "workers"),
        ('[messaging]\nbroker_type = "nats"\nurl = "hunter2"', "nats://"),
        ('[tls]\ncertificate_file = "/nowhere.pem"\nkey_file = "/nowhere.key"', "certificate_file"),
        ('[merchants.m.connectors.paypal]\ntrust_anchor_files = ["/nowhere.pem"]', "trust_anchor_files"),
    ],
)
def test_config_check_refuses_what_the_server_would_not_start_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], values: str, fault: str
) -> None:
    file = tmp_path / "orchestrator.toml"
    file.write_text(values)
    assert run(["config", "check", "--config", str(file)]) == 2
    text = capsys.readouterr().err
    assert fault in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["listen", "--forward-to", "127.0.0.1:8000/events"],
        ["listen", "--forward-to", "http://h:port/"],
        ["listen", "--forward-to", "ftp://h/"],
        ["trigger", "stripe", "payment_intent.succeeded", "--secret", "whsec_x", "--to", "127.0.0.1:8080"],
        ["events", "list", "--since", "0001-01-01T00:00:00+14:00"],
        ["events", "list", "--until", "9999-12-31T23:00:00-14:00"],
    ],
)
def test_addresses_and_times_that_are_none_are_wrong_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert "Invalid value" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["migrate"], ["keys", "list"], ["serve", "--http-port", "0", "--grpc-port", "0"]])
def test_a_database_that_does_not_answer_ends_with_3_and_says_where_to_look(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/x")
    assert run(command) == 3
    said = capsys.readouterr().err
    assert "DATABASE_UNAVAILABLE: the database cannot be reached" in said
    assert "fix: see that it runs where database_url says" in said
    assert "hunter2" not in said


def test_a_broker_that_does_not_answer_ends_with_3_and_says_where_to_look(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_MESSAGING__BROKER_TYPE", "redis")
    monkeypatch.setenv("ORCHESTRATOR_MESSAGING__URL", "redis://:hunter2@127.0.0.1:1/0")
    assert run(["consumers"]) == 3
    said = capsys.readouterr().err
    assert "BROKER_UNAVAILABLE: redis: " in said
    assert "fix: see that the broker runs, and that messaging.url names it" in said
    assert "hunter2" not in said
