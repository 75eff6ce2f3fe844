"""What is said at the start: addresses, parts, warnings; never a secret."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.plugins import installed_connectors
from orchestrator.serving import Addresses
from orchestrator.settings import Settings
from orchestrator.settings_loading import settings_from
from orchestrator.startup import report, warnings, without_password

ADDRESSES = Addresses("127.0.0.1", 4711, "::1", 4712)


def with_secret(connector: str = "stripe", value: str = "whsec_hunter2", **more: Any) -> dict[str, Any]:
    return {"merchants": {"default": {"connectors": {connector: {"webhook_secrets": [value]}}}}, **more}


def said(settings: Settings) -> str:
    return "\n".join(warnings(settings, installed_connectors()))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "postgresql://orchestrator:hunter2@db:5433/payments?password=hunter2",
            "postgresql://orchestrator@db:5433/payments",
        ),
        ("postgresql://:hunter2@db/payments", "postgresql://db/payments"),
        ("postgresql://u:p%40ss:w@[::1]:5432/n", "postgresql://u@[::1]:5432/n"),
        ("sqlite:///orchestratorx.db", "sqlite:///orchestratorx.db"),
        ("sqlite:////var/lib/x.db?mode=rw", "sqlite:////var/lib/x.db"),
        ("memory:", "memory:"),
        ("nats://token@broker:4222", "nats://broker:4222"),
        ("postgresql://u:hunter2@db1:5432,db2:5433/payments", "postgresql://u@db1:5432,db2:5433/payments"),
        ("postgresql://u:hunter2/1?2[@db/payments", "postgresql://u@db/payments"),
        ("nats://broker:99999", "nats://broker:99999"),
        ("u:hunter2@broker:4222", "u@broker:4222"),
        ("", ""),
    ],
)
def test_urls_are_shown_without_what_opens_them(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_all_servers_of_a_broker_are_shown() -> None:
    url = "nats://u:hunter2@a:4222, nats://u:hunter2@b:4222"
    shown = report(settings_from({"messaging": {"broker_type": "nats", "url": url}}), ADDRESSES)
    assert shown.broker == "nats nats://u@a:4222,nats://u@b:4222"


def test_the_block_names_addresses_and_parts_and_hides_secrets() -> None:
    values = with_secret(
        database_url="postgresql://u:hunter2@db/payments",
        messaging={"broker_type": "nats", "url": "nats://u:hunter2@broker:4222"},
        workers=2,
    )
    text = report(settings_from(values), ADDRESSES).as_text()
    assert "hunter2" not in text
    for part in (
        "127.0.0.1:4711",
        "http://[::1]:4712/webhooks/",
        "postgresql://u@db/payments",
        "nats nats://u@broker:4222",
    ):
        assert part in text
    assert "2 processes" in text
    assert "stripe;" in text.replace("stripe\n", "stripe;")
    assert "paypal (no secret)" in text


@pytest.mark.parametrize(
    ("kind", "url", "shown"),
    [
        ("nats", "nats://u:hunter2@a:4222, nats://u:hunter2@b:4222", "nats nats://u@a:4222,nats://u@b:4222"),
        ("kafka", "a:9092,b:9092", "kafka a:9092,b:9092"),
        ("kafka", "kafka://u:hunter2@a:9092", "kafka kafka://u@a:9092"),
    ],
)
def test_several_servers_of_a_broker_are_shown_without_passwords(kind: str, url: str, shown: str) -> None:
    settings = settings_from(with_secret(messaging={"broker_type": kind, "url": url}))
    assert report(settings, ADDRESSES).broker == shown


def test_the_same_as_plain_values() -> None:
    found = report(settings_from(with_secret()), ADDRESSES).as_dict()
    assert found["grpc"] == "127.0.0.1:4711"
    assert found["connectors"]["stripe"] == ["default"]


def test_a_server_without_any_webhook_secret_is_told_so() -> None:
    assert "STRIPE_WEBHOOK_SECRET" in said(settings_from({}))
    assert "webhook secret" not in said(settings_from(with_secret()))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "raw bodies are not kept"),
        ({"database_url": "memory:"}, "a restart forgets everything"),
        ({"workers": 2}, "share one SQLite file"),
        ({}, "broker memory"),
        ({"messaging": {"url": "nats://h"}}, "messaging.broker_type too"),
        ({}, "no API key"),
        ({"insecure": True, "http_host": "192.0.2.1"}, "beyond this machine"),
        ({"workers": 200}, "workers on"),
    ],
)
def test_what_is_unwise_is_said(values: dict[str, Any], word: str) -> None:
    assert word in said(settings_from(values))


def test_what_is_wise_is_not_warned_of() -> None:
    values = with_secret(
        database_url="postgresql://u@db/payments",
        messaging={"broker_type": "nats", "url": "nats://broker"},
        raw_keys={"1": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="},
        api_keys=["key"],
    )
    assert warnings(settings_from(values), installed_connectors()) == []


def test_a_callback_url_that_safaricom_would_refuse_is_warned_of_without_showing_the_token() -> None:
    text = said(settings_from(with_secret("mpesa", "abcdefghcmdjklmnop")))
    assert '"cmd"' in text
    assert "abcdefgh" not in text
    assert "refuses" not in said(settings_from(with_secret("mpesa", "abcdefghjklmnopqr")))


@pytest.mark.parametrize(
    "values",
    [{}, {"require_api_keys": False}, {"insecure": True, "http_host": "0.0.0.0"}, {"workers": 256}],  # noqa: S104
)
def test_every_warning_ends_with_what_to_do(values: dict[str, Any]) -> None:
    for text in warnings(settings_from(values), installed_connectors()):
        advice = text[max(text.rfind(": "), text.rfind("; ")) + 2 :]
        assert advice.startswith(("set ", "see ", "leave ", "use ")), text
