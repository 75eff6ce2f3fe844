"""Addresses as topics, groups as dead letter topics, messages as records. No server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from orchestratorx_prism.brokers import BrokerSettings, DeadLetter, Message
from orchestratorx_prism.brokers.kafka_messages import (
    ONLY_FOR_HEADER,
    dead_letter_headers,
    dead_letter_key,
    dead_letter_of,
    headers_of,
    is_for,
    key_of,
    message_of,
    murmur2,
    partition_of,
)
from orchestratorx_prism.brokers.kafka_topics import dead_letter_topic, is_address, pattern_of, topic_of, topics_of
from orchestratorx_prism.errors import RequestRejected

PLAIN = BrokerSettings("kafka", url="kafka://h")
ACME = BrokerSettings("kafka", url="kafka://h", topic_prefix="acme.live")


@pytest.mark.parametrize(
    ("settings", "address", "topic"),
    [
        (PLAIN, "payments.events", "payments.events"),
        (ACME, "payments.events", "acme.live.payments.events"),
        (PLAIN, "stream:payment_gateway:payment_request_events", "stream.payment_gateway.payment_request_events"),
        (PLAIN, "payments.dev/events", "payments.dev.events"),
        (PLAIN, "", None),
        (ACME, "", None),
        (PLAIN, "..", None),
        (PLAIN, "not a topic", None),
        (PLAIN, "x" * 250, None),
    ],
)
def test_an_address_is_a_topic_where_it_can_be(settings: BrokerSettings, address: str, topic: str | None) -> None:
    assert topic_of(settings, address) == topic


@pytest.mark.parametrize("address", ["pay ments", "", "pay*ments", "pay**", "ü*"])
def test_an_address_that_cannot_be_subscribed_to_is_refused(address: str) -> None:
    with pytest.raises(RequestRejected):
        topics_of(PLAIN, [address])


def test_addresses_without_a_star_need_no_pattern_and_those_with_one_are_no_topics() -> None:
    assert topics_of(ACME, ["a", "b*", "a"]) == ["acme.live.a"]
    assert pattern_of(ACME, ["a", "b"]) is None


@pytest.mark.parametrize(
    ("addresses", "matching", "others"),
    [
        (["payments.*"], ["payments.events", "payments.x.y"], ["payments", "paymentsXevents", "my.payments.events"]),
        (["a", "b.*"], ["a", "b.c"], ["ab", "a.b", "bc"]),
        (["*"], ["anything"], ["__consumer_offsets", "dead_letters.all"]),
    ],
)
def test_a_star_matches_what_begins_so_and_no_dead_letters(
    addresses: list[str], matching: list[str], others: list[str]
) -> None:
    pattern = pattern_of(PLAIN, addresses)
    assert pattern is not None
    assert [one for one in [*matching, *others] if pattern.match(one)] == matching


def test_a_prefix_belongs_to_every_name() -> None:
    pattern = pattern_of(ACME, ["*"])
    assert pattern is not None
    assert pattern.match("acme.live.payments.events")
    assert not pattern.match("acme.payments.events")
    assert not pattern.match(dead_letter_topic(ACME, "all"))
    assert dead_letter_topic(ACME, "orders v2.0") == "acme.live.dead_letters.orders_v2_0"


def record(message: Message, headers: Any, **fields: Any) -> Any:
    usual = {"topic": topic_of(ACME, message.address), "partition": 3, "offset": 7}
    usual |= {"key": key_of(message), "value": message.body, "headers": headers}
    return SimpleNamespace(**usual | fields)


@pytest.mark.parametrize("address", ["payments.events", "stream:payment_gateway:payment_request_events"])
def test_a_message_comes_back_as_it_was(address: str) -> None:
    message = Message("1", address, "ключ", bytes(range(256)), {"ce-type": "a", "x": "ä=%20;"}, "payment.captured")
    assert message_of(ACME, record(message, headers_of(ACME, message))) == message
    bare = Message("1", address, "", b"")
    assert message_of(ACME, record(bare, headers_of(ACME, bare))) == bare


def test_a_record_of_others_has_its_place_as_id_and_nothing_is_taken_for_granted() -> None:
    theirs = record(Message("", "a", "", b""), [("h", b"\xff"), ("n", None)], key=b"\xff", value=None)
    assert message_of(ACME, theirs) == Message("acme.live.a:3:7", "a", "�", b"", {"h": "�", "n": ""})


def test_a_dead_letter_comes_back_with_its_reason_cut_where_it_is_long() -> None:
    dead = DeadLetter(Message("1", "stream:x", "k", b"b", {"h": "v"}, "r"), "orders v2.0", "x" * 5_000, 4)
    headers = dead_letter_headers(ACME, dead, origin="t:1:2")
    of_the_dead_letter = {"topic": "acme.live.dead_letters.orders_v2_0", "key": b"its own"}
    back, origin = dead_letter_of(ACME, record(dead.message, headers, **of_the_dead_letter))
    assert (back.message, back.group, back.attempt, origin) == (dead.message, "orders v2.0", 4, "t:1:2")
    assert back.reason == "x" * 1_000


def test_every_parked_message_has_a_key_of_its_own() -> None:
    parts = [
        ("g", "t:0:1", "1"),
        ("g", "t:0:1", "2"),
        ("g", "t:0:2", "1"),
        ("h", "t:0:1", "1"),
        ('g", "t:0:1', "", "1"),
    ]
    assert len({dead_letter_key(*part) for part in parts}) == len(parts)


def test_a_redriven_message_is_for_one_group_alone() -> None:
    message = Message("1", "a", "k", b"b", {"h": "v"})
    plain = record(message, headers_of(ACME, message))
    redriven = record(message, [*headers_of(ACME, message), (ONLY_FOR_HEADER, "büro".encode())])
    assert (is_for(plain, "x"), is_for(redriven, "büro"), is_for(redriven, "x")) == (True, True, False)
    assert message_of(ACME, redriven) == message


def test_messages_are_neither_in_dead_letters_nor_in_topics_of_others() -> None:
    names = ["acme.live.payments", "acme.live.dead_letters.g", "other.payments", "acme.livelier", "__consumer_offsets"]
    assert [name for name in names if is_address(ACME, name)] == ["acme.live.payments"]
    assert [name for name in names if is_address(BrokerSettings("kafka"), name)] == [names[i] for i in (0, 1, 2, 3)]


@pytest.mark.parametrize(
    ("key", "expected"), [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536)]
)
def test_the_partition_is_the_one_that_the_java_client_takes(key: str, expected: int) -> None:
    """Source: Kafka's own tests of Utils.murmur2."""
    assert partition_of(Message("1", "a", key, b""), 12) == (expected & 0x7FFFFFFF) % 12


@given(st.binary(max_size=80))
def test_the_hash_is_that_of_the_client_for_keys_of_any_length(key: bytes) -> None:
    assert murmur2(key) == aiokafka_murmur2(key) & 0xFFFFFFFF


def test_messages_without_key_are_spread_and_a_repeat_lands_beside_the_first() -> None:
    partitions = {partition_of(Message(str(n), "a", "", b""), 12) for n in range(200)}
    assert partitions == set(range(12))
    assert len({partition_of(Message("same", "a", "", b""), 12) for _ in range(2)}) == 1
