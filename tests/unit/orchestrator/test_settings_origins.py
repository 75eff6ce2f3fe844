"""Where each setting came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.settings import Settings
from orchestrator.settings_loading import load_settings
from orchestrator.settings_origins import shown_settings


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "o.json"
    path.write_text(json.dumps({"http_port": 1, "messaging": {"stream": "A", "replicas": 3}, "log_level": "error"}))
    return str(path)


def origins(settings: Settings, file: str | None, environment: dict[str, str]) -> dict[str, str]:
    return {each.name: each.origin for each in shown_settings(settings, file, environment)}


def test_each_setting_names_its_source(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"ORCHESTRATOR_LOG_LEVEL": "debug", "ORCHESTRATOR_MESSAGING__REPLICAS": "1"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = origins(load_settings(file), file, environment)
    assert found["http_port"] == f"file {file}"
    assert found["messaging.stream"] == f"file {file}"
    assert found["messaging.replicas"] == "environment ORCHESTRATOR_MESSAGING__REPLICAS"
    assert found["log_level"] == "environment ORCHESTRATOR_LOG_LEVEL"
    assert found["grpc_port"] == "default"


def test_a_variable_may_hold_a_whole_section() -> None:
    found = origins(Settings(), None, {"ORCHESTRATOR_MESSAGING": '{"stream":"B"}'})
    assert found["messaging.stream"] == "environment ORCHESTRATOR_MESSAGING"


def test_the_file_may_be_named_by_the_environment(file: str) -> None:
    assert origins(Settings(http_port=1), None, {"ORCHESTRATOR_CONFIG": file})["http_port"] == f"file {file}"


def test_no_value_shown_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_hunter2")
    monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", "postgresql://u:hunter2@h/n")
    monkeypatch.setenv("ORCHESTRATOR_API_KEYS", '["hunter2"]')
    assert "hunter2" not in str(shown_settings(load_settings()))
