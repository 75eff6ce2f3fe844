"""Settings: where values come from, and that every fault is told at once."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from orchestrator.settings import is_loopback, plain
from orchestrator.settings_loading import load_settings, settings_from
from orchestratorx_prism.errors import SettingsRejected

TLS = {"certificate_file": "c.pem", "key_file": "k.pem"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("ORCHESTRATOR_", "STRIPE_", "ADYEN_", "PAYPAL_", "MPESA_")):
            monkeypatch.delenv(name)


def faults_of(error: SettingsRejected) -> str:
    return error.message


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "orchestrator.toml"
    file.write_text("grpc_port = 1111\nhttp_port = 2222\nworkers = 3\n")
    monkeypatch.setenv("ORCHESTRATOR_HTTP_PORT", "3333")
    monkeypatch.setenv("ORCHESTRATOR_WORKERS", "4")
    settings = load_settings(file, {"workers": 5, "grpc_host": None})
    assert (settings.grpc_port, settings.http_port, settings.workers) == (1111, 3333, 5)
    assert settings.grpc_host == "127.0.0.1"


def test_json_and_toml_say_the_same(tmp_path: Path) -> None:
    values = {"database_url": "memory:", "messaging": {"broker_type": "nats", "url": "nats://127.0.0.1:1"}}
    (tmp_path / "a.json").write_text(json.dumps(values))
    (tmp_path / "a.toml").write_text(
        'database_url = "memory:"\n[messaging]\nbroker_type = "nats"\nurl = "nats://127.0.0.1:1"\n'
    )
    assert load_settings(tmp_path / "a.json") == load_settings(tmp_path / "a.toml")


def test_every_fault_is_told_at_once_with_the_nearest_right_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_GRPC_PROT", "1")
    monkeypatch.setenv("ORCHESTRATOR_HTTP_PORT", "many")
    monkeypatch.setenv("ORCHESTRATOR_WORKERS", "0")
    with pytest.raises(SettingsRejected) as caught:
        load_settings()
    text = faults_of(caught.value)
    assert "did you mean ORCHESTRATOR_GRPC_PORT?" in text
    assert "http_port" in text
    assert "workers" in text


def test_a_misspelt_key_deep_in_the_file_names_the_right_one() -> None:
    with pytest.raises(SettingsRejected) as caught:
        settings_from({"merchants": {"m": {"connectors": {"stripe": {"webhook_secrts": ["x"]}}}}})
    assert "did you mean webhook_secrets?" in faults_of(caught.value)


@pytest.mark.parametrize("name", ["settings.yaml", "missing.json"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsRejected, match=name.replace(".", r"\.")):
        load_settings(tmp_path / name)


@pytest.mark.parametrize("text", ["[1]", "{", "\udcff"])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsRejected, match=r"a\.json"):
        load_settings(file)


def test_the_providers_own_variables_reach_the_default_merchant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_new, whsec_old")
    merchant = load_settings().merchant("default")
    assert merchant is not None
    secrets = [secret.get_secret_value() for secret in merchant.connectors["stripe"].webhook_secrets]
    assert secrets == ["whsec_new", "whsec_old"]


def test_no_secret_shows_when_settings_are_printed() -> None:
    settings = settings_from(
        {
            "database_url": "postgresql://user:hunter2@db/x",
            "messaging": {"broker_type": "nats", "url": "nats://user:hunter2@broker"},
            "api_keys": ["hunter2"],
            "raw_keys": {"k1": base64.b64encode(b"hunter2hunter2hunter2hunter2hunt").decode()},
            "merchants": {"m": {"connectors": {"stripe": {"webhook_secrets": ["hunter2"]}}}},
        }
    )
    assert "hunter2" not in f"{settings!r} {settings} {json.dumps(plain(settings))}"


def test_a_fault_never_quotes_the_value() -> None:
    with pytest.raises(SettingsRejected) as caught:
        settings_from({"raw_keys": {"k1": "hunter2"}, "api_keys": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "payments.example"])  # noqa: S104 - the subject
def test_an_exposed_address_wants_tls_and_keys(host: str) -> None:
    for guarded_too_little in (
        {"http_host": host, "api_keys": ["k" * 32]},
        {"grpc_host": host, "tls": TLS, "require_api_keys": False},
        {"grpc_host": host, "tls": TLS, "database_url": "memory:"},
    ):
        with pytest.raises(SettingsRejected, match="not a loopback address"):
            settings_from(guarded_too_little)
    settings_from({"http_host": host, "tls": TLS, "api_keys": ["k" * 32], "database_url": "memory:"})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, None, id="on loopback, from the first one that is made on"),
        pytest.param({"api_keys": ["k"]}, True, id="where the settings have one"),
        pytest.param({"require_api_keys": True}, True, id="where it is said so"),
        pytest.param({"api_keys": ["k"], "require_api_keys": False}, False, id="not where it is said so"),
        pytest.param({"grpc_host": "192.0.2.1", "tls": TLS}, True, id="beyond this machine"),
        pytest.param({"http_host": "192.0.2.1", "insecure": True}, None, id="not behind a proxy that asks itself"),
    ],
)
def test_keys_are_asked_for(values: dict[str, Any], expected: bool | None) -> None:
    assert settings_from(values).asks_for_keys is expected


def test_half_of_a_tls_pair_is_refused() -> None:
    with pytest.raises(SettingsRejected, match="go together"):
        settings_from({"tls": {"certificate_file": "c.pem"}})


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("example.com", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("ORCHESTRATOR_API_KEYS", "hunter2"), ("ORCHESTRATOR_API_KEYS", "a,b"), ("ORCHESTRATOR_MESSAGING", "nats")],
)
def test_a_list_that_is_not_json_is_a_fault_beside_the_others(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("ORCHESTRATOR_GRPC_PROT", "1")
    with pytest.raises(SettingsRejected, match=f"{name}: takes a .*, written as JSON") as caught:
        load_settings()
    assert "did you mean ORCHESTRATOR_GRPC_PORT?" in faults_of(caught.value)
    assert "hunter2" not in str(caught.value)


def test_faults_of_file_and_environment_are_told_together_each_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text("{")
    secrets = "ORCHESTRATOR_MERCHANTS__DEFAULT__CONNECTORS__STRIPE__WEBHOOK_SECRETS"
    monkeypatch.setenv(secrets, "hunter2")
    monkeypatch.setenv("ORCHESTRATOR_MESSAGING__BROKER_TYPE", "kafkaa")
    monkeypatch.setenv("ORCHESTRATOR_HTTP_PORT", "eighty")
    monkeypatch.setenv("ORCHESTRATOR_RELAY", "maybe")
    with pytest.raises(SettingsRejected) as caught:
        load_settings(tmp_path / "a.json")
    text = faults_of(caught.value)
    for told in (
        "a.json: ",
        f"{secrets}: takes a list, written as JSON",
        "messaging.broker_type: one of ",
        "http_port: takes a whole number",
        "relay: takes true or false",
    ):
        assert told in text
    assert "hunter2" not in text


def test_a_list_in_the_environment_is_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_API_KEYS", '["one", "two"]')
    assert [key.get_secret_value() for key in load_settings().api_keys] == ["one", "two"]


def test_a_key_that_is_no_base64_is_told_how_to_make_one() -> None:
    for names in ("raw_keys", "vault_keys"):
        with pytest.raises(SettingsRejected, match=rf"{names}\.k1 must be 32 bytes in base64: `openssl"):
            settings_from({names: {"k1": "abc"}})


def test_a_credential_that_the_connector_does_not_have_is_refused_by_its_name() -> None:
    with pytest.raises(SettingsRejected) as caught:
        settings_from({"merchants": {"m": {"connectors": {"adyen": {"credentials": {"ADYEN_API_KYE": "hunter2"}}}}}})
    assert "connectors.adyen.credentials.ADYEN_API_KYE: no such credential; did you mean ADYEN_API_KEY?" in str(
        caught.value
    )
    assert "hunter2" not in str(caught.value)


def test_an_empty_api_key_is_refused_for_everybody_has_it() -> None:
    with pytest.raises(SettingsRejected, match="api_keys"):
        settings_from({"api_keys": [""]})


def test_a_misspelt_api_keys_variable_is_not_taken_for_the_clients_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_API_KEY", "the client's")
    load_settings()
    monkeypatch.setenv("ORCHESTRATOR_API_KEYZ", "[]")
    with pytest.raises(SettingsRejected, match="did you mean ORCHESTRATOR_API_KEYS"):
        load_settings()


@pytest.mark.parametrize("name", ["request_timeout_s", "http_body_timeout_s", "shutdown_grace_s"])
@pytest.mark.parametrize("value", ["inf", "nan"])
def test_a_time_without_end_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsRejected, match=name):
        settings_from({name: float(value)})


def test_a_client_authority_without_a_certificate_of_our_own_is_refused() -> None:
    with pytest.raises(SettingsRejected, match="client_ca_file"):
        settings_from({"tls": {"client_ca_file": "ca.pem"}})


def test_settings_of_a_connector_that_is_not_installed_are_refused(tmp_path: Path) -> None:
    values = {"merchants": {"shop": {"connectors": {"strip": {"webhook_secrets": ["hunter2"]}}}}}
    (tmp_path / "a.json").write_text(json.dumps(values))
    for read in (lambda: settings_from(values), lambda: load_settings(tmp_path / "a.json")):
        with pytest.raises(SettingsRejected, match=r"merchants\.shop\.connectors\.strip: .*did you mean stripe\?"):
            read()
