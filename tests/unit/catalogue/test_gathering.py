"""The catalogue follows the channels: what they select, where they publish, in which format."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys

import pytest

from orchestrator.catalogue import addresses, envelope_schemas
from orchestrator.catalogue.about import About
from orchestrator.catalogue.asyncapi import asyncapi_document
from orchestrator.catalogue.configured import configured_servers
from orchestrator.catalogue.gathering import gather
from orchestrator.catalogue.model import Catalogue, Server
from orchestrator.catalogue.samples import OWN_TYPES, take_samples
from orchestrator.plugins import installed_connectors
from orchestrator.publishing import channels as publishing
from orchestrator.publishing.channels import BUILT_IN, Channel, Selection
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.errors import Internal
from orchestratorx_prism.event_types import DATA_MEMBER

_DIGEST = """
import asyncio, hashlib
from orchestrator.catalogue.about import About
from orchestrator.catalogue.asyncapi import asyncapi_files
from orchestrator.catalogue.eventcatalog import eventcatalog_files
from orchestrator.catalogue.gathering import gather
from orchestrator.catalogue.json_schemas import json_schema_files
from orchestrator.publishing.channels import BUILT_IN
found = asyncio.run(gather(list(BUILT_IN.values()), About()))
files = {**asyncapi_files(found), **eventcatalog_files(found), **json_schema_files(found)}
print(hashlib.sha256(repr(list(files.items())).encode()).hexdigest())
"""


def gathered(*channels: Channel, servers: dict[str, Server] | None = None) -> Catalogue:
    return asyncio.run(gather(channels, About(), servers=servers))


def test_two_processes_make_the_same_bytes() -> None:
    digests = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", _DIGEST], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


def test_a_channel_has_the_events_that_it_selects() -> None:
    found = gathered(
        Channel("refunds", "refunds.{connector}", selection=Selection(types=("refund.*", "payment.captured")))
    )
    assert [event.shape.id for event in found.events] == [
        "payment.captured",
        *(name for name in DATA_MEMBER if name.startswith("refund.")),
    ]
    (channel,) = found.channels
    assert channel.parameters["connector"].values == tuple(installed_connectors())
    assert channel.routing_parameters["type"].values == tuple(event.shape.id for event in found.events)


def test_a_channel_of_one_connector_and_merchant_has_its_producers_only() -> None:
    selection = Selection(types=("payment.captured", "payment.anomaly"), connectors=("mpesa",), merchants=("shop",))
    found = gathered(Channel("mobile", "mobile", selection=selection))
    captured, anomaly = found.event("payment.captured"), found.event("payment.anomaly")
    assert [producer.name for producer in captured.producers] == ["mpesa"]
    assert [producer.name for producer in anomaly.producers] == ["orchestrator"], "it may make them of any connector's"


def test_two_channels_of_one_format_share_their_events() -> None:
    found = gathered(BUILT_IN["events"], Channel("copy", "copy", selection=Selection(types=("payment.captured",))))
    assert found.event("payment.captured").channels == ("events", "copy")
    assert found.event("payment.failed").channels == ("events",)


def test_every_type_has_a_sample_and_those_that_nobody_makes_say_so() -> None:
    samples = asyncio.run(take_samples(installed_connectors()))
    assert set(samples.events) == set(DATA_MEMBER)
    assert samples.made_up == {"payment.unknown", "payment.reconciled"}
    for type_ in DATA_MEMBER:
        assert bool(samples.producers[type_]) == (type_ not in samples.made_up), type_
    assert {t for t, made in samples.producers.items() if any(p.name == "orchestrator" for p in made)} == OWN_TYPES


def test_examples_are_verified_and_recorded_events(catalogue: Catalogue) -> None:
    example = catalogue.event("payment.captured").example
    assert example is not None
    assert example["data"]["verification"]["method"] == "HMAC"
    assert example["sequence"] == "0000000001"
    assert example["data"]["payment_id"] == example["subject"] == example["partitionkey"]
    assert example["data"]["published_at"] > example["data"]["received_at"]


def test_a_part_of_an_address_that_is_not_described_is_a_defect() -> None:
    assert set(addresses.PARAMETERS) == set(publishing._ADDRESS_PARTS)
    with pytest.raises(Internal, match="region"):
        addresses.parameters_of("payments.{region}")


def test_a_format_that_is_not_described_is_a_defect() -> None:
    with pytest.raises(Internal, match="morse"):
        envelope_schemas.shapes_of("morse", DATA_MEMBER)


def test_servers_are_told_without_passwords() -> None:
    settings = settings_from(
        {
            "messaging": {"broker_type": "nats", "url": "nats://user:hunter2@one:4222,nats://user:hunter2@two:4222"},
            "brokers": {"local": {"broker_type": "memory"}},
        }
    )
    servers = configured_servers(settings)
    assert servers == {"default": Server("default", "nats", ("one:4222", "two:4222"))}
    document = asyncapi_document(gathered(BUILT_IN["events"], servers=servers))
    assert document["servers"]["default-2"] == {"host": "two:4222", "protocol": "nats"}
    assert document["channels"]["events"]["servers"] == [
        {"$ref": "#/servers/default-1"},
        {"$ref": "#/servers/default-2"},
    ]
    assert "hunter2" not in str(document)


def test_only_a_broker_in_the_process_dies_with_it() -> None:
    servers = {"default": Server("default", "kafka", ("one:9092",))}
    (outside,) = gathered(BUILT_IN["events"], servers=servers).channels
    (inside,) = gathered(BUILT_IN["events"]).channels
    assert "while the process lives" in inside.guarantee
    assert "while the process lives" not in outside.guarantee
