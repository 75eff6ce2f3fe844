"""Finding a broker by its settings: no guessing, no fallback, no password in sight."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestratorx_prism.brokers import BrokerSettings, Message, open_broker
from orchestratorx_prism.errors import DriverMissing, SettingsRejected


def test_a_misspelled_broker_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SettingsRejected) as refused:
        open_broker(BrokerSettings("natz"))
    assert refused.value.reason == "BROKER_UNKNOWN"
    assert "did you mean nats?" in refused.value.fix


@pytest.mark.parametrize("name", ["", "memory ", "something else entirely"])
def test_an_unknown_broker_is_refused_with_the_list(name: str) -> None:
    with pytest.raises(SettingsRejected, match="memory, nats, kafka, redis, rabbitmq"):
        open_broker(BrokerSettings(name))


@pytest.mark.parametrize(
    ("name", "url", "module"),
    [
        ("nats", "nats://127.0.0.1:4222", "nats"),
        ("redis", "redis://127.0.0.1:6379/0", "redis"),
        ("rabbitmq", "amqp://127.0.0.1:5672/", "aio_pika"),
    ],
)
def test_a_missing_driver_is_refused_with_the_install_command(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str, module: str
) -> None:
    real_import = builtins.__import__

    def without_driver(wanted: str, *args: Any, **kwargs: Any) -> Any:
        if wanted == module or wanted.startswith(f"{module}."):
            raise ModuleNotFoundError(f"No module named {wanted!r}", name=wanted)
        return real_import(wanted, *args, **kwargs)

    for loaded in [n for n in sys.modules if n.startswith(f"orchestratorx_prism.brokers.{name}")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(builtins, "__import__", without_driver)

    with pytest.raises(DriverMissing) as missing:
        open_broker(BrokerSettings(name, url=url))
    assert missing.value.fix == f'pip install "orchestratorx-prism[{name}]"'


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        (BrokerSettings("redis"), ["url: missing; for example redis://127.0.0.1:6379/0"]),
        (BrokerSettings("redis", url="redis://a, redis://b"), ["url: one server, the primary"]),
        (BrokerSettings("redis", url="http://a"), ["url: begins with redis://"]),
        (BrokerSettings("redis", url="redis://a:port"), ["url: begins with redis://"]),
        (
            BrokerSettings("redis", url="redis://a", consumer_group="", stream_maxlen=-1, wait_replicas=-1),
            ["consumer_group: ", "stream_maxlen: ", "wait_replicas: "],
        ),
        (BrokerSettings("rabbitmq"), ["url: missing; for example amqp://guest:guest@127.0.0.1:5672/"]),
        (BrokerSettings("rabbitmq", url="amqp://a, redis://b"), ["url: every server begins with amqp://"]),
        (
            BrokerSettings("rabbitmq", url="amqp://a", exchange_name="a b", exchange_type="topics", queue_prefix=""),
            ["exchange_name: ", "exchange_type: one of topic, fanout, direct, headers", "queue_prefix: "],
        ),
        (BrokerSettings("rabbitmq", url="amqp://a", max_unacked=70_000), ["max_unacked: at most 65535"]),
    ],
)
def test_settings_of_redis_and_rabbitmq_that_are_wrong_are_named_with_what_is_right(
    settings: BrokerSettings, faults: list[str]
) -> None:
    found = settings.faults()
    assert len(found) == len(faults)
    for fault, beginning in zip(found, faults, strict=True):
        assert fault.startswith(beginning)


def test_settings_that_are_right_have_no_faults() -> None:
    urls = {
        "redis": "rediss://user:hush@cache.internal:6380/2",
        "rabbitmq": "amqps://user:hush@one:5671/shop, amqps://user:hush@two:5671/shop",
    }
    for name, url in urls.items():
        assert BrokerSettings(name, url=url).faults() == []


def test_the_group_of_those_who_name_none_has_the_broker_s_own_word() -> None:
    assert BrokerSettings("redis", consumer_group="shop").default_group == "shop"
    assert BrokerSettings("nats", queue_group="shop").default_group == "shop"


def test_without_aiokafka_the_install_command_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.startswith("orchestratorx_prism.brokers.kafka")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiokafka", None)

    with pytest.raises(DriverMissing) as missing:
        open_broker(BrokerSettings("kafka", url="kafka://127.0.0.1:9092"))
    assert missing.value.fix == 'pip install "orchestratorx-prism[kafka]"'


@pytest.mark.parametrize(
    "url", ["kafka://h:9092", "h:9092", "h", "kafka://u:p@one:1, kafka://two:2", "one:1,two:2", "kafka+ssl://[::1]:9"]
)
def test_kafka_takes_urls_and_bare_hosts(url: str) -> None:
    assert BrokerSettings("kafka", url=url).faults() == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"url": ""}, "kafka://127.0.0.1:9092"),
        ({"url": "http://h:9092"}, "kafka://"),
        ({"url": "kafka://h:port"}, "host:port"),
        ({"url": "kafka://h:9092/topic"}, "nothing behind"),
        ({"url": "kafka://h,kafka+ssl://h"}, "cannot be mixed"),
        ({"url": "u:p@h:9092"}, "with a user"),
        ({"topic_prefix": "a..b"}, "topic_prefix"),
        ({"group_id": "a b"}, "group_id"),
        ({"auto_offset_reset": "oldest"}, "auto_offset_reset"),
        ({"partitions": 0}, "partitions"),
        ({"replicas": 0}, "replicas"),
        ({"max_age_s": -1.0}, "max_age_s"),
        ({"session_timeout_s": -1.0}, "session_timeout_s"),
        ({"sasl_mechanism": "GSSAPI", "sasl_username": "u", "sasl_password": "p"}, "sasl_mechanism"),
        ({"sasl_mechanism": "PLAIN"}, "needs sasl_username"),
        ({"sasl_username": "u"}, "set both"),
        ({"tls_key_file": "k.pem"}, "tls_certificate_file"),
    ],
)
def test_a_wrong_setting_of_kafka_is_a_fault_with_the_way_out(changes: dict[str, Any], fault: str) -> None:
    found = BrokerSettings(**{"broker_type": "kafka", "url": "kafka://h"} | changes).faults()
    assert len(found) == 1
    assert fault in found[0]


@pytest.mark.parametrize(
    ("changes", "protocol"),
    [
        ({"url": "h:1"}, "PLAINTEXT"),
        ({"url": "kafka://u:p%40@h:1"}, "SASL_PLAINTEXT"),
        ({"url": "kafka+ssl://h:1"}, "SSL"),
        ({"url": "kafka+ssl://h:1", "sasl_username": "u", "sasl_password": "p@"}, "SASL_SSL"),
    ],
)
def test_what_kafka_is_told_of_users_and_encryption(changes: dict[str, Any], protocol: str) -> None:
    from orchestratorx_prism.brokers.kafka_connection import options_of

    options = options_of(BrokerSettings("kafka", **changes))
    assert (options["bootstrap_servers"], options["security_protocol"]) == (["h:1"], protocol)
    if "SASL" in protocol:
        told = (options["sasl_mechanism"], options["sasl_plain_username"], options["sasl_plain_password"])
        assert told == ("PLAIN", "u", "p@")
    assert ("ssl_context" in options) == protocol.endswith("SSL")


def test_files_that_are_no_certificates_are_named(tmp_path: Path) -> None:
    (tmp_path / "odd.pem").write_text("odd")
    for name in ("tls_ca_file", "tls_certificate_file"):
        with pytest.raises(SettingsRejected, match=name):
            open_broker(BrokerSettings("kafka", url="kafka+ssl://h", **{name: str(tmp_path / "odd.pem")}))


def test_secrets_of_kafka_are_shown_nowhere() -> None:
    settings = BrokerSettings("kafka", url="kafka://u:hush@h:1,i", sasl_username="hush", sasl_password="hush")
    assert "hush" not in repr(settings)
    assert settings.address == "kafka://h:1,i"


def test_every_fault_of_the_settings_is_reported_at_once() -> None:
    settings = BrokerSettings(
        "nats", url="http://h", stream="a b", subject_prefix="x..y", queue_group="", replicas=7, max_unacked=0
    )
    with pytest.raises(SettingsRejected) as refused:
        open_broker(settings)
    for name in ("url", "stream", "subject_prefix", "queue_group", "replicas", "max_unacked"):
        assert name in refused.value.message


def test_nats_needs_a_url() -> None:
    with pytest.raises(SettingsRejected, match=r"nats://127\.0\.0\.1:4222"):
        open_broker(BrokerSettings("nats"))


def test_a_duplicate_window_longer_than_what_is_kept_is_refused() -> None:
    settings = BrokerSettings("nats", url="nats://h", max_age_s=60, duplicate_window_s=120)
    assert settings.faults() == ["duplicate_window_s: must not be longer than max_age_s"]


def test_the_password_in_the_url_is_shown_nowhere() -> None:
    settings = BrokerSettings("nats", url="nats://relay:hush@one:4222, tls://relay:hush@[::1]:4223")
    assert "hush" not in repr(settings)
    assert settings.address == "nats://one:4222,tls://[::1]:4223"
    with pytest.raises(SettingsRejected) as refused:
        open_broker(BrokerSettings("nats", url="nats://relay:hush@one:4222", replicas=0))
    assert "hush" not in f"{refused.value}{refused.value!r}"


def test_an_address_that_cannot_be_read_is_not_repeated() -> None:
    assert BrokerSettings("nats", url="nats://relay:hush@one:port").address == "(a URL that cannot be read)"


def test_the_body_of_a_message_is_not_in_its_repr() -> None:
    assert "4111" not in repr(Message("id", "a", "k", b"4111"))


async def test_memory_brokers_of_one_name_share_their_messages_and_others_do_not() -> None:
    one, two, other = (open_broker(BrokerSettings("memory", url=url)) for url in ("", "", "memory://other"))
    await one.publish([Message("1", "a", "k", b"x")])

    assert len(await (await two.subscribe(["a"], group="g")).fetch(limit=5, timeout_s=0)) == 1
    assert await (await other.subscribe(["a"], group="g")).fetch(limit=5, timeout_s=0) == []


async def test_a_shared_memory_broker_forgets_when_the_last_client_is_gone() -> None:
    first = open_broker(BrokerSettings("memory", url="memory://gone"))
    await first.publish([Message("1", "a", "k", b"x")])
    del first

    again = open_broker(BrokerSettings("memory", url="memory://gone"))
    assert await (await again.subscribe(["a"], group="g")).fetch(limit=5, timeout_s=0) == []
