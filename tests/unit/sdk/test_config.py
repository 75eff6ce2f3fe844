"""`load_config`: where values come from, every fault at once, no value repeated, and one vocabulary with the server."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import orchestratorx_prism
from orchestrator.settings_loading import settings_from
from orchestratorx_prism import Config, SettingsRejected, load_config
from orchestratorx_prism.brokers import BrokerSettings
from orchestratorx_prism.config import broker_keys

NATS = {"broker_type": "nats", "url": "nats://127.0.0.1:4222", "subject_prefix": "acme", "queue_group": "billing"}


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes values to a JSON file and returns its path."""

    def write(values: Any, name: str = "payment_config.json") -> Path:
        path = tmp_path / name
        path.write_text(values if isinstance(values, str) else json.dumps(values))
        return path

    return write


def faults(path: Path | None = None, **environment: str) -> str:
    with pytest.raises(SettingsRejected) as refused:
        load_config(path, environment=environment)
    return refused.value.message


def test_a_file_becomes_typed_settings_of_the_broker(written: Any) -> None:
    config = load_config(str(written({"messaging": {**NATS, "replicas": 3, "ack_wait_s": 5}})), environment={})
    assert isinstance(config, Config)
    assert config.messaging == BrokerSettings(**NATS, replicas=3, ack_wait_s=5.0)
    assert isinstance(config.messaging.ack_wait_s, float)


def test_json_and_toml_say_the_same(written: Any) -> None:
    toml = "[messaging]\n" + "\n".join(f'{name} = "{value}"' for name, value in NATS.items())
    as_json, as_toml = written({"messaging": NATS}), written(toml, "payment_config.toml")
    assert load_config(as_json, environment={}) == load_config(as_toml, environment={})


def test_without_a_file_and_variables_the_broker_is_the_embedded_one() -> None:
    assert load_config(environment={}) == Config(BrokerSettings(), {})


def test_the_environment_wins_over_the_file_key_by_key(written: Any) -> None:
    environment = {
        "ORCHESTRATOR_MESSAGING": '{"queue_group": "whole", "replicas": 1}',
        "ORCHESTRATOR_MESSAGING__REPLICAS": "5",
        "orchestrator_messaging__max_unacked": "1",
        "ORCHESTRATOR_DATABASE_URL": "postgresql://the server's own",
        "ORCHESTRATOR_GRPC_PORT": "1",
    }
    found = load_config(written({"messaging": {**NATS, "replicas": 3}}), environment=environment).messaging
    assert (found.replicas, found.queue_group, found.max_unacked) == (5, "whole", 1)
    assert found.url == NATS["url"]


def test_the_process_environment_is_read_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_MESSAGING__URL", "memory://of-this-test")
    assert load_config().messaging.url == "memory://of-this-test"


def test_further_brokers_have_names(written: Any) -> None:
    environment = {"ORCHESTRATOR_BROKERS__AUDIT__REPLICAS": "3", "ORCHESTRATOR_BROKERS__LOCAL": '{"capacity": 7}'}
    config = load_config(written({"brokers": {"audit": NATS}}), environment=environment)
    assert config.messaging.broker_type == "memory"
    assert config.brokers["audit"] == BrokerSettings(**NATS, replicas=3)
    assert config.brokers["local"].capacity == 7


def test_every_fault_is_told_at_once_with_the_nearest_right_name(written: Any) -> None:
    told = faults(
        written(
            {
                "mesaging": {},
                "messaging": {"broker_typ": "nats", "replicas": "many", "capacity": 0, "ack_wait_s": True},
                "brokers": {"audit": {"broker_type": "natz", "url": 5}, "default": {}, "other": []},
            }
        ),
        ORCHESTRATOR_MESAGING__URL="nats://127.0.0.1",
        ORCHESTRATOR_BROKERS__MORE="nats",
    )
    assert told.splitlines()[1:] == [
        "  mesaging: no such setting; did you mean messaging?",
        '  ORCHESTRATOR_BROKERS__MORE: not a JSON object, such as \'{"broker_type": "nats"}\'',
        "  ORCHESTRATOR_MESAGING__URL: no such setting; did you mean ORCHESTRATOR_MESSAGING__URL?",
        "  messaging.broker_typ: no such setting; did you mean broker_type?",
        "  messaging.replicas: takes a whole number",
        "  messaging.ack_wait_s: takes a number",
        "  messaging.capacity: must be more than 0",
        "  brokers.audit.url: takes text",
        "  brokers.audit.broker_type: one of memory, nats, redis, kafka, rabbitmq; did you mean nats?",
        "  brokers.default: the broker of this name is `messaging`; choose another name",
        "  brokers.other: must be an object",
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"messaging": {"url": ["hunter2"]}},
        {"messaging": {"broker_type": "hunter2"}},
        {"messaging": {"replicas": "hunter2", "publish_timeout_s": "hunter2"}},
        {"messaging": {"broker_type": "nats", "url": "http://user:hunter2@host"}},
        {"brokers": "hunter2"},
    ],
)
def test_a_fault_never_repeats_the_value(written: Any, values: Any) -> None:
    assert "hunter2" not in faults(written(values), ORCHESTRATOR_MESSAGING="hunter2")


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity", "1e999", ""])
def test_a_time_without_end_is_refused(value: str) -> None:
    assert "messaging.ack_wait_s: takes a number" in faults(ORCHESTRATOR_MESSAGING__ACK_WAIT_S=value)


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("settings.yaml", "a: 1", "must end in .json or .toml"),
        ("a.json", "[1]", "must hold an object"),
        ("a.json", "{", "a.json"),
        ("a.toml", "x = ", "a.toml"),
    ],
)
def test_a_damaged_file_is_refused_by_name(written: Any, name: str, text: str, fault: str) -> None:
    assert fault in faults(written(text, name))


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    assert "gone.json" in faults(tmp_path / "gone.json")


def test_a_key_below_a_key_is_a_fault() -> None:
    told = faults(ORCHESTRATOR_MESSAGING__STREAM="A", ORCHESTRATOR_MESSAGING__STREAM__MAXLEN="1")
    assert "messaging.stream: takes text" in told


def test_no_password_shows_when_the_config_is_printed(written: Any) -> None:
    values = {"broker_type": "nats", "url": "nats://user:hunter2@host:4222"}
    config = load_config(written({"messaging": values, "brokers": {"b": values}}), environment={})
    assert "hunter2" not in f"{config!r} {config}"


def test_the_keys_are_the_fields_of_the_brokers_settings() -> None:
    assert list(broker_keys()) == [each.name for each in fields(BrokerSettings)]
    assert {key.kind for key in broker_keys().values()} <= {str, int, float, bool}
    assert broker_keys()["url"].secret


OTHER = {str: "other", int: 3, float: 2.5, bool: True}
AS_TEXT = {str: "other", int: "3", float: "2.5", bool: "true"}


@pytest.mark.parametrize("values", [OTHER, AS_TEXT], ids=["values", "texts"])
def test_the_server_reads_every_key_as_the_sdk_does(written: Any, values: dict[type, Any]) -> None:
    section = {name: values[key.kind] for name, key in broker_keys().items() if name != "broker_type"}
    section |= {"broker_type": "memory"}
    # Some keys take certain words only; those words are left to the brokers' own tests.
    section |= {name: key.default for name, key in broker_keys().items() if name == "url" or key.kind is bool}
    expected = load_config(written({"messaging": section, "brokers": {"b": section}}), environment={})
    settings = settings_from({"messaging": section, "brokers": {"b": section}})
    assert settings.messaging.broker_settings() == expected.messaging
    assert settings.brokers["b"].broker_settings() == expected.brokers["b"]


@pytest.mark.parametrize(
    "section",
    [
        {"broker_type": "nats"},
        {"broker_type": "rabbit"},
        {"replicas": True},
        {"replicas": 1.5},
        {"ack_wait_s": "inf"},
        {"capacity": 0},
        {"queue_groop": "x"},
        {"subject_prefix": 5},
        {"broker_type": "nats", "url": "nats://h", "max_age_s": 1, "duplicate_window_s": 2},
    ],
    ids=str,
)
def test_the_server_refuses_what_the_sdk_refuses(written: Any, section: dict[str, Any]) -> None:
    wrong = next(reversed(section))
    told = faults(written({"messaging": section}))
    with pytest.raises(SettingsRejected) as refused:
        settings_from({"messaging": section})
    assert "messaging." in told
    assert "messaging" in refused.value.message
    assert (wrong in told) == (wrong in refused.value.message)


def test_reading_settings_loads_no_broker_and_no_message() -> None:
    import subprocess
    import sys

    script = (
        "import sys; from orchestratorx_prism import load_config; load_config(environment={}); "
        "print([m for m in sys.modules if m.startswith(('google', 'grpc', 'nats', 'orchestrator.'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert orchestratorx_prism.load_config is load_config
