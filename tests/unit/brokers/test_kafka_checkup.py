"""What doctor says of Kafka's topics."""

from __future__ import annotations

import pytest

from orchestratorx_prism.brokers.kafka_checkup import findings_of_topic

GOOD = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
    "unclean.leader.election.enable": "false",
    "min.insync.replicas": "2",
}


def test_a_topic_that_is_as_it_should_be_gives_nothing_to_say() -> None:
    assert findings_of_topic("payments.events", 3, GOOD) == []
    assert findings_of_topic("payments.events", 3, {**GOOD, "retention.ms": "-1"}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cleanup.policy", "compact"),
        ("cleanup.policy", "compact,delete"),
        ("retention.ms", "60000"),
        ("retention.bytes", "1000000"),
        ("unclean.leader.election.enable", "true"),
        ("min.insync.replicas", "1"),
    ],
)
def test_every_setting_that_loses_messages_is_found(name: str, value: str) -> None:
    (found,) = findings_of_topic("payments.events", 3, {**GOOD, name: value})
    assert found.level == "unsafe"
    assert found.fix.startswith(name)


def test_one_copy_of_a_topic_gets_advice() -> None:
    (found,) = findings_of_topic("payments.events", 1, {**GOOD, "min.insync.replicas": "1"})
    assert found.level == "advice"


def test_a_topic_of_dead_letters_is_compacted() -> None:
    compacted = {**GOOD, "cleanup.policy": "compact"}
    assert findings_of_topic("dead_letters.billing", 3, compacted, parked=True) == []
    (found,) = findings_of_topic("dead_letters.billing", 3, GOOD, parked=True)
    assert (found.level, found.fix) == ("advice", "cleanup.policy=compact")
