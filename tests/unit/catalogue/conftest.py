"""The catalogue of all built-in channels, gathered once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import jsonschema_rs
import pytest

from orchestrator.catalogue.about import About, ConsumerEntry
from orchestrator.catalogue.gathering import gather
from orchestrator.catalogue.json_schemas import json_schema
from orchestrator.catalogue.model import Catalogue, Json
from orchestrator.publishing.channels import BUILT_IN, Channel, Selection

PROTOBUF = Channel(
    "protobuf",
    "raw.{environment}.{connector}",
    envelope="cloudevents+protobuf",
    selection=Selection(types=("refund.*",)),
)
ABOUT = About(
    owner="platform",
    owners={"dispute.*": "risk", "DISPUTE_*": "risk"},
    consumers={
        "order-service": ConsumerEntry(reads=("payment.captured", "refund.*"), owner="orders", channels=("events",)),
        "ledger": ConsumerEntry(reads=("PAYMENT_*",), title="The <ledger> {of} old", summary="Reads {everything}."),
    },
)


@pytest.fixture(scope="session")
def channels() -> list[Channel]:
    """Every built-in channel, and one with protobuf bodies."""
    return [*BUILT_IN.values(), PROTOBUF]


@pytest.fixture(scope="session")
def catalogue(channels: list[Channel]) -> Catalogue:
    return asyncio.run(gather(channels, ABOUT))


@pytest.fixture(scope="session")
def schemas(catalogue: Catalogue) -> Mapping[str, Json]:
    """Id of an event → its schema."""
    return {event.shape.id: json_schema(event) for event in catalogue.events}


@pytest.fixture(scope="session")
def validators(schemas: Mapping[str, Json]) -> Mapping[str, jsonschema_rs.Draft202012Validator]:
    """Id of an event → a validator of its schema, formats included."""
    return {
        event: jsonschema_rs.Draft202012Validator(schema, validate_formats=True) for event, schema in schemas.items()
    }
