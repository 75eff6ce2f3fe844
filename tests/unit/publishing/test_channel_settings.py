"""Channels from settings: which are on, what is changed of them, and every fault at once."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.bootstrap import build
from orchestrator.publishing.channel_settings import configured_brokers, configured_channels
from orchestrator.publishing.channels import BUILT_IN, Channel, Selection
from orchestrator.settings_loading import load_settings, settings_from
from orchestratorx_prism.errors import SettingsRejected

NATS = {"broker_type": "nats", "url": "nats://127.0.0.1:4222"}


def channels(**values: Any) -> dict[str, Channel]:
    return {channel.name: channel for channel in configured_channels(settings_from(values))}


def faults(**values: Any) -> list[str]:
    with pytest.raises(SettingsRejected) as refused:
        configured_channels(settings_from(values))
    return [line.strip() for line in refused.value.message.splitlines()[1:]]


def test_without_settings_events_alone_is_on() -> None:
    assert channels() == {"events": BUILT_IN["events"]}


def test_all_three_built_in_channels_at_once() -> None:
    assert channels(channels={"payments": {}, "payment_requests": {}}) == dict(BUILT_IN)


def test_the_built_in_channels_are_these() -> None:
    found = {name: (c.address, c.routing_key, c.key, c.envelope) for name, c in BUILT_IN.items()}
    assert found == {
        "events": ("payments.events", "{type}", "{partition_key}", "cloudevents+json"),
        "payments": ("payments.{env}.events", "{type}", "{payment_id}", "payments"),
        "payment_requests": (
            "stream:payment_gateway:payment_request_events",
            "",
            "{payment_request_id}",
            "payment_requests",
        ),
    }
    for channel in BUILT_IN.values():
        channel.check()


def test_each_can_be_switched_off() -> None:
    assert list(channels(channels={"events": {"enabled": False}, "payments": {"enabled": True}})) == ["payments"]
    assert channels(channels={"events": {"enabled": False}}) == {}


def test_each_has_its_own_selection_address_envelope_and_broker() -> None:
    found = channels(
        brokers={"audit": NATS},
        sandbox_env="sit",
        channels={
            "events": {"types": ["payment.*"], "connectors": ["stripe"], "merchants": ["shop"]},
            "payments": {"address": "payments.{env}.lifecycle", "broker": "audit", "routing_key": ""},
            "own": {"address": "audit.{merchant}", "envelope": "cloudevents+protobuf", "key": "{merchant}"},
        },
    )
    assert found["events"].selection == Selection(("payment.*",), ("stripe",), ("shop",))
    assert found["events"].address == BUILT_IN["events"].address
    payments = found["payments"]
    assert (payments.address, payments.broker, payments.routing_key) == ("payments.{env}.lifecycle", "audit", "")
    assert (payments.sandbox_env, payments.envelope) == ("sit", "payments")
    assert found["own"] == Channel(
        "own", "audit.{merchant}", key="{merchant}", envelope="cloudevents+protobuf", sandbox_env="sit"
    )


def test_every_fault_of_every_channel_is_told_at_once_also_of_those_that_are_off() -> None:
    told = faults(
        messaging=NATS,
        brokers={"audit": {}},
        channels={
            "events": {"address": "payments.{nothing}", "types": ["payment.captred"]},
            "payments": {"enabled": False, "broker": "audt"},
            "payment_requests": {"types": ["payout.succeeded"]},
            "paymnts": {"envelope": "payment"},
            "a channel": {"address": "x *", "broker": "audit"},
        },
    )
    assert told == [
        "channels.events.address: takes {type}, {environment}, {env}, {connector}, {merchant}, not {nothing}",
        "channels.events.types: there is no payment.captred (did you mean payment.captured?)",
        "channels.payments.broker: there is no audt among the brokers; did you mean audit?",
        "channels.payment_requests.types: payment_requests tells whole lives; leave them out, and "
        "select connectors or merchants",
        "channels.payment_requests.address: over NATS without subject_prefix it begins with payments.; "
        "set subject_prefix, or change it",
        "channels.paymnts.address: missing",
        "channels.paymnts.envelope: there is no payment (did you mean payments?)",
        "channels.paymnts.name: did you mean payments?",
        "channels.a channel.name: 1 to 64 letters, digits, _ and -",
        "channels.a channel.address: without spaces, *, > and #",
    ]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"channels": {"payments": {"adress": "x"}}}, r"channels\.payments\.adress: .*did you mean address\?"),
        ({"brokers": {"audit": {"urll": "x"}}}, r"brokers\.audit\.urll: .*did you mean url\?"),
        ({"brokers": {"audit": {"broker_type": "nats"}}}, r"brokers\.audit\.url: missing"),
        ({"brokers": {"default": {}}}, "brokers: .*choose another name"),
        ({"sandbox_env": "prod"}, "sandbox_env"),
        ({"chanels": {}}, r"chanels: .*did you mean channels\?"),
    ],
)
def test_a_misspelt_setting_is_refused_with_the_right_one(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(SettingsRejected, match=fault):
        settings_from(values)


def test_channels_and_brokers_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_CHANNELS__PAYMENTS__ENABLED", "true")
    monkeypatch.setenv("ORCHESTRATOR_CHANNELS__PAYMENTS__BROKER", "audit")
    monkeypatch.setenv("ORCHESTRATOR_CHANNELS__EVENTS__TYPES", '["payment.*"]')
    monkeypatch.setenv("ORCHESTRATOR_BROKERS__AUDIT__URL", "memory://audit")
    monkeypatch.setenv("ORCHESTRATOR_SANDBOX_ENV", "sit")
    settings = load_settings()
    found = {channel.name: channel for channel in configured_channels(settings)}
    assert found["events"].selection.types == ("payment.*",)
    assert (found["payments"].broker, found["payments"].sandbox_env) == ("audit", "sit")
    assert configured_brokers(settings)["audit"].url == "memory://audit"


def test_no_secret_of_a_named_broker_is_shown() -> None:
    settings = settings_from({"brokers": {"audit": {"url": "memory://hunter2", "credentials_file": "hunter2"}}})
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_an_application_opens_the_brokers_that_channels_use() -> None:
    values = {
        "database_url": "memory:",
        "brokers": {"audit": {"url": "memory://a"}, "idle": NATS},
        "channels": {"payments": {"broker": "audit"}},
    }
    application = build(settings_from(values))
    assert sorted(application.brokers) == ["audit", "default"]
    assert application.broker is application.brokers["default"]


def test_a_wrong_channel_keeps_the_application_from_being_built() -> None:
    with pytest.raises(SettingsRejected, match=r"channels\.payments\.key: takes"):
        build(settings_from({"channels": {"payments": {"key": "{type}"}}}))
