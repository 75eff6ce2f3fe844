"""The schemas take every event that is published, and refuse every damaged one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from random_events import random_event

from connectors.spi import Context, Environment, SampleRequest
from orchestrator.catalogue.envelope_schemas import SHAPES, name_of
from orchestrator.catalogue.model import Catalogue, Json
from orchestrator.ledger.base import Recording
from orchestrator.ledger.memory import MemoryLedger
from orchestrator.plugins import installed_connectors
from orchestrator.publishing.channels import BUILT_IN, Channel
from orchestratorx_prism.envelopes import FORMATS
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.event_types import DATA_MEMBER, EVENT_TYPES
from orchestratorx_prism.v1.event_pb2 import Event

Validators = Mapping[str, jsonschema_rs.Draft202012Validator]
SEEDS = 20
AT_S = 1_767_225_600


def simulated_events() -> Iterator[Event]:
    """What the codecs make of every webhook that a simulator can send."""
    for label in installed_connectors().values():
        assert label.sample is not None
        for provider_type in label.event_types:
            made = label.sample(SampleRequest(provider_type, now_s=AT_S, amount_minor=500, total_minor=1099))
            context = Context(
                "default",
                Environment.ENVIRONMENT_SANDBOX,
                AT_S * 10**9,
                purpose=made.purpose,
                known_request=made.known_request,
            )
            yield from label.normalize(label.parse(made.body), context, made.body)


def faults_of(validators: Validators, channel: Channel, event: Event) -> list[str]:
    """What the schemas say against the messages that the channel publishes of the event."""
    faults = []
    for message in channel.messages_of(event):
        is_protobuf = channel.envelope == "cloudevents+protobuf"
        name = f"{name_of(message)}.protobuf" if is_protobuf else name_of(message)
        document = dict(message.headers) if is_protobuf else json.loads(message.body)
        faults += [
            f"{name}: {'.'.join(map(str, e.instance_path))}: {e}" for e in validators[name].iter_errors(document)
        ]
    return faults


def test_every_format_is_described() -> None:
    assert set(SHAPES) == set(FORMATS)


def test_every_type_is_in_the_catalogue(catalogue: Catalogue) -> None:
    events = next(channel for channel in catalogue.channels if channel.name == "events")
    assert list(events.events) == list(DATA_MEMBER)


def test_the_schemas_are_valid_json_schemas(schemas: Mapping[str, Json]) -> None:
    for event, schema in schemas.items():
        assert jsonschema_rs.meta.is_valid(schema), event
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("type_", list(DATA_MEMBER))
def test_random_events_of_every_type_are_valid_on_every_channel(
    type_: str, validators: Validators, channels: list[Channel]
) -> None:
    published = 0
    for seed in range(SEEDS):
        event = random_event(type_, seed)
        for channel in channels:
            if channel.takes(event):
                assert faults_of(validators, channel, event) == []
                published += 1
    assert published >= SEEDS, "the channel `events` takes every type"


def test_there_are_a_thousand_random_events() -> None:
    assert SEEDS * len(DATA_MEMBER) >= 1_000


def test_every_simulated_event_is_valid(validators: Validators) -> None:
    checked = 0
    for event in simulated_events():
        assert faults_of(validators, BUILT_IN["events"], event) == [], event.provider_event_type
        checked += 1
    assert checked >= 1_000


async def test_recorded_events_of_every_simulator_are_valid_on_every_channel(
    validators: Validators, channels: list[Channel]
) -> None:
    ledger = MemoryLedger()
    published = dict.fromkeys((channel.name for channel in channels), 0)
    for simulated in simulated_events():
        for event in (await ledger.record(Recording([simulated]))).events:
            event.published_at.FromSeconds(AT_S + 1)
            for channel in channels:
                if channel.takes(event):
                    assert faults_of(validators, channel, event) == [], event.provider_event_type
                    published[channel.name] += 1
    assert min(published.values()) > 20, published


async def test_events_of_real_webhooks_are_valid_on_every_channel(
    corpus: Path, validators: Validators, channels: list[Channel]
) -> None:
    ledger, checked = MemoryLedger(), 0
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, AT_S * 10**9)
    for label in installed_connectors().values():
        for path in sorted((corpus / label.name).rglob("*.json")):
            body = path.read_bytes()
            try:
                normalized = label.normalize(label.parse(body), context, body)
            except PayloadRejected:
                continue  # some are answers and requests, and lists of webhooks
            for event in (await ledger.record(Recording(normalized))).events:
                for channel in channels:
                    if channel.takes(event):
                        assert faults_of(validators, channel, event) == [], path.name
                        checked += 1
    assert checked > 100


def test_examples_are_valid(catalogue: Catalogue, validators: Validators) -> None:
    for event in catalogue.events:
        assert event.example is not None
        assert list(validators[event.shape.id].iter_errors(event.example)) == [], event.shape.id


# ---- damage


def parts(schema: Json, value: Any, root: Json) -> Iterator[tuple[list[str | int], Json, Any]]:
    """(path, schema, value) of every part of a document, the document first."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    yield [], schema, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from (([name, *path], s, v) for path, s, v in parts(schema["properties"][name], inner, root))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from (([index, *path], s, v) for path, s, v in parts(schema["items"], inner, root))


def changed(document: Any, path: list[str | int], change: Callable[[Any], Any]) -> Any:
    """A copy with the part at `path` replaced by what `change` makes of it."""
    if not path:
        return change(copy.deepcopy(document))
    damaged = copy.deepcopy(document)
    holder = damaged
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = change(holder[path[-1]])
    return damaged


def without(name: str) -> Callable[[Json], Json]:
    return lambda value: {key: part for key, part in value.items() if key != name}


def missing(document: Json, schema: Json) -> Iterator[tuple[str, Any]]:
    for path, part, value in parts(schema, document, schema):
        if isinstance(value, dict):
            for name in part["required"]:
                yield f"{path} without {name}", changed(document, path, without(name))


def extra(document: Json, schema: Json) -> Iterator[tuple[str, Any]]:
    for path, _, value in parts(schema, document, schema):
        if isinstance(value, dict):
            yield f"{path} with more", changed(document, path, lambda value: {**value, "surprise": 1})


def wrong_type(document: Json, schema: Json) -> Iterator[tuple[str, Any]]:
    for path, _, value in parts(schema, document, schema):
        yield (
            f"{path} of another type",
            changed(document, path, lambda v: "text" if isinstance(v, list | dict) else [v]),
        )
        if isinstance(value, int) and not isinstance(value, bool):
            yield f"{path} as text", changed(document, path, str)
            yield f"{path} with a fraction", changed(document, path, lambda v: v + 0.5)
        if isinstance(value, bool):
            yield f"{path} as a number", changed(document, path, int)


def unknown_constant(document: Json, schema: Json) -> Iterator[tuple[str, Any]]:
    for path, part, value in parts(schema, document, schema):
        if "enum" in part or "const" in part:
            other = "SURPRISE" if isinstance(value, str) else 99
            yield f"{path} {other}", changed(document, path, lambda _, other=other: other)
            if isinstance(value, str) and value.swapcase() != value:
                yield f"{path} in another case", changed(document, path, str.swapcase)


def wrong_currency(document: Json, schema: Json) -> Iterator[tuple[str, Any]]:
    for path, _, value in parts(schema, document, schema):
        if path and path[-1] == "currency" and value is not None:
            for wrong in ("usd", "US", "USDX", "", "$", 840, None if "minor_units" in str(document) else "U D"):
                yield f"{path} {wrong!r}", changed(document, path, lambda _, wrong=wrong: wrong)
        if path and path[-1] == "minor_units":
            for wrong in (10.99, "1099", None, 2**63):
                yield f"{path} {wrong!r}", changed(document, path, lambda _, wrong=wrong: wrong)
        if path and path[-1] == "value" and path[-2] == "amount":
            yield f"{path} as text", changed(document, path, str)


def wrong_time(document: Json, schema: Json) -> Iterator[tuple[str, Any]]:
    for path, part, _ in parts(schema, document, schema):
        if part.get("format") == "date-time":
            for wrong in (
                "2026-01-01 00:00:00Z",
                "2026-01-01T00:00:00+01:00",
                "2026-13-01T00:00:00Z",
                "",
                1_767_225_600,
            ):
                yield f"{path} {wrong!r}", changed(document, path, lambda _, wrong=wrong: wrong)


DAMAGES = {f.__name__: f for f in (missing, extra, wrong_type, unknown_constant, wrong_currency, wrong_time)}
RARE = {"wrong_currency": 40, "wrong_time": 80}
"""Kinds that not every event can have: a customer has no amount, headers have few times. How many can at least."""


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_events_are_refused(
    kind: str, catalogue: Catalogue, schemas: Mapping[str, Json], validators: Validators
) -> None:
    damaged_events = 0
    for event in catalogue.events:
        assert event.example is not None
        schema, validator = schemas[event.shape.id], validators[event.shape.id]
        damages = list(DAMAGES[kind](event.example, schema))
        for what, damaged in damages:
            assert not validator.is_valid(damaged), f"{event.shape.id}: {what} is accepted"
        damaged_events += bool(damages)
    assert damaged_events >= RARE.get(kind, len(catalogue.events))


def test_an_event_of_another_type_is_refused(catalogue: Catalogue, validators: Validators) -> None:
    captured = catalogue.event("payment.captured").example
    others = [event for event in catalogue.events if event.shape.id != "payment.captured"]
    assert all(not validators[event.shape.id].is_valid(captured) for event in others)


def test_the_words_of_the_protos_are_in_the_schemas(schemas: Mapping[str, Json]) -> None:
    money = schemas["payment.captured"]["$defs"]["Money"]
    assert "1099 with USD is $10.99" in money["properties"]["minor_units"]["description"]
    assert schemas["payment.captured"]["description"] == EVENT_TYPES["payment"]["payment.captured"]
