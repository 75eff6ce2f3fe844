"""What breaks a consumer is found, named by event, field and rule; what does not is let through."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from orchestrator.catalogue.asyncapi import asyncapi_document
from orchestrator.catalogue.compatibility import breaks, breaks_of_channels, breaks_of_events, wording_apart
from orchestrator.catalogue.model import Catalogue, Json

EVENT = "payment.captured"
DATA = "data.data"


def definition(schema: Json, name: str) -> Json:
    found: Json = schema["$defs"][name]
    return found


def drop_field(schema: Json) -> None:
    part = definition(schema, "PaymentData")
    del part["properties"]["operation_id"]
    part["required"].remove("operation_id")


def change_type(schema: Json) -> None:
    definition(schema, "Money")["properties"]["minor_units"]["type"] = "string"


def widen_type(schema: Json) -> None:
    definition(schema, "Money")["properties"]["currency"]["type"] = ["string", "null"]


def widen_integer(schema: Json) -> None:
    definition(schema, "Money")["properties"]["minor_units"]["type"] = "number"


def narrow_enum(schema: Json) -> None:
    definition(schema, "PaymentData")["properties"]["status"]["enum"].remove("EXPIRED")


def close_text(schema: Json) -> None:
    definition(schema, "PaymentData")["properties"]["anomaly"]["enum"] = ["", "CAPTURED_AFTER_VOIDED"]


def pin_text(schema: Json) -> None:
    definition(schema, "PaymentData")["properties"]["anomaly"]["const"] = ""


def require_field(schema: Json) -> None:
    definition(schema, "PaymentData")["required"].append("failure")


def require_new_field(schema: Json) -> None:
    part = definition(schema, "PaymentData")
    part["properties"]["surcharge"] = {"$ref": "#/$defs/Money"}
    part["required"].append("surcharge")


def make_optional(schema: Json) -> None:
    definition(schema, "PaymentData")["required"].remove("provider_status")


def rename_type(schema: Json) -> None:
    schema["properties"]["type"]["const"] = "payment.taken"


def shrink_range(schema: Json) -> None:
    definition(schema, "Money")["properties"]["minor_units"]["minimum"] = 0


def shrink_length(schema: Json) -> None:
    definition(schema, "PaymentData")["properties"]["operation_id"]["maxLength"] = 10


def change_pattern(schema: Json) -> None:
    definition(schema, "Money")["properties"]["currency"]["pattern"] = "^[a-z]{3}$"


def change_items(schema: Json) -> None:
    definition(schema, "Event")["properties"]["references"]["items"] = {"type": "string"}


BREAKING: Mapping[str, tuple[Callable[[Json], None], str, str]] = {
    "a field is removed": (drop_field, f"{DATA}.operation_id", "FIELD_REMOVED"),
    "a type is changed": (change_type, f"{DATA}.amount.minor_units", "TYPE_CHANGED"),
    "null is allowed": (widen_type, f"{DATA}.amount.currency", "TYPE_CHANGED"),
    "a whole number may have a fraction": (widen_integer, f"{DATA}.amount.minor_units", "TYPE_CHANGED"),
    "an enumeration is narrowed": (narrow_enum, f"{DATA}.status", "ENUM_NARROWED"),
    "text becomes an enumeration": (close_text, f"{DATA}.anomaly", "ENUM_NARROWED"),
    "text becomes a constant": (pin_text, f"{DATA}.anomaly", "ENUM_NARROWED"),
    "an optional field is required": (require_field, f"{DATA}.failure", "FIELD_REQUIRED"),
    "a new field is required": (require_new_field, f"{DATA}.surcharge", "FIELD_REQUIRED"),
    "a field may be missing": (make_optional, f"{DATA}.provider_status", "FIELD_OPTIONAL"),
    "a constant is changed": (rename_type, "type", "CONSTANT_CHANGED"),
    "a range is narrowed": (shrink_range, f"{DATA}.amount.minor_units", "RANGE_NARROWED"),
    "a length is limited": (shrink_length, f"{DATA}.operation_id", "RANGE_NARROWED"),
    "a pattern is changed": (change_pattern, f"{DATA}.amount.currency", "PATTERN_CHANGED"),
    "items are something else": (change_items, "data.references[]", "TYPE_CHANGED"),
}


@pytest.mark.parametrize("case", BREAKING)
def test_a_change_that_breaks_is_named_by_event_field_and_rule(case: str, schemas: Mapping[str, Json]) -> None:
    change, field, rule = BREAKING[case]
    new = copy.deepcopy(schemas[EVENT])
    change(new)
    found = breaks(EVENT, schemas[EVENT], new)
    assert (field, rule) in [(each.field, each.rule) for each in found]
    message = next(str(each) for each in found if each.field == field)
    assert message.startswith(f"{EVENT}: {field}: {rule}: ")


def test_closing_an_open_object_breaks(schemas: Mapping[str, Json]) -> None:
    old = copy.deepcopy(schemas[EVENT])
    definition(old, "Reference")["additionalProperties"] = True
    (found,) = breaks(EVENT, old, schemas[EVENT])
    assert (found.field, found.rule) == ("data.references[]", "EXTRA_REFUSED")


def add_optional_field(schema: Json) -> None:
    definition(schema, "PaymentData")["properties"]["surcharge"] = {"$ref": "#/$defs/Money"}


def add_constant(schema: Json) -> None:
    definition(schema, "PaymentData")["properties"]["status"]["enum"].append("PARTLY_REFUNDED")


def reword(schema: Json) -> None:
    definition(schema, "Money")["description"] = "An amount."


def reorder(schema: Json) -> None:
    definition(schema, "PaymentData")["required"].reverse()


def forbid_null(schema: Json) -> None:
    schema["properties"]["payload"]["properties"]["orderId"]["type"] = "string"


def widen_range(schema: Json) -> None:
    del definition(schema, "Money")["properties"]["minor_units"]["maximum"]


FINE: Mapping[str, tuple[Callable[[Json], None], str]] = {
    "a new optional field": (add_optional_field, EVENT),
    "a new constant of an enumeration": (add_constant, EVENT),
    "other words": (reword, EVENT),
    "another order": (reorder, EVENT),
    "null no more": (forbid_null, "PAYMENT_PROCESSED"),
    "a wider range": (widen_range, EVENT),
    "nothing": (lambda schema: None, EVENT),
}


@pytest.mark.parametrize("case", FINE)
def test_a_change_that_breaks_nobody_is_let_through(case: str, schemas: Mapping[str, Json]) -> None:
    change, event = FINE[case]
    new = copy.deepcopy(schemas[event])
    change(new)
    assert breaks(event, schemas[event], new) == []


def test_an_event_that_is_gone_breaks_and_a_new_one_does_not(schemas: Mapping[str, Json]) -> None:
    fewer = {name: schema for name, schema in schemas.items() if name != EVENT}
    (found,) = breaks_of_events(schemas, fewer)
    assert str(found) == f"{EVENT}: EVENT_REMOVED: it was published, and is no more"
    assert breaks_of_events(fewer, schemas) == []


def test_a_schema_that_holds_itself_is_compared() -> None:
    node: Json = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "text": {"type": "string"}}}
    old: Json = {"type": "object", "properties": {"first": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}}
    new = copy.deepcopy(old)
    new["$defs"]["Node"]["properties"]["text"]["type"] = "integer"
    assert breaks("list", old, old) == []
    assert [(each.field, each.rule) for each in breaks("list", old, new)] == [("first.text", "TYPE_CHANGED")]


def test_values_of_a_map_are_compared() -> None:
    old: Json = {"type": "object", "additionalProperties": {"type": "string"}}
    new: Json = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert [(each.field, each.rule) for each in breaks("map", old, new)] == [(".*", "TYPE_CHANGED")]


def at_channel(name: str, key: str, value: Any) -> Callable[[Json], None]:
    return lambda document: document["channels"][name].update({key: value})


CHANNELS: Mapping[str, tuple[Callable[[Json], Any], str]] = {
    "the address": (at_channel("payments", "address", "payments.events.{env}"), "ADDRESS_CHANGED"),
    "the routing key": (at_channel("events", "x-routing-key", "{connector}"), "ROUTING_KEY_CHANGED"),
    "the partition key": (at_channel("payments", "x-partition-key", "{merchant}"), "KEY_CHANGED"),
    "the channel": (lambda document: document["channels"].pop("events"), "CHANNEL_REMOVED"),
    "a message": (lambda document: document["channels"]["events"]["messages"].pop(EVENT), "EVENT_REMOVED"),
    "the content type": (
        lambda document: document["components"]["messages"][EVENT].update(contentType="text/plain"),
        "CONTENT_TYPE_CHANGED",
    ),
}


@pytest.mark.parametrize("case", CHANNELS)
def test_a_change_of_a_channel_that_breaks_is_found(case: str, catalogue: Catalogue) -> None:
    change, rule = CHANNELS[case]
    old = asyncapi_document(catalogue)
    new = copy.deepcopy(old)
    change(new)
    assert [each.rule for each in breaks_of_channels(old, new)] == [rule]
    assert breaks_of_channels(old, old) == []


def test_a_field_that_is_called_as_a_word_of_the_schema_is_no_wording() -> None:
    old: Json = {"properties": {"title": {"type": "string", "title": "x"}}}
    new: Json = {"properties": {"title": {"type": "integer", "title": "x"}}}
    assert wording_apart(old) != wording_apart(new)
    assert wording_apart(old) == {"properties": {"title": {"type": "string"}}}
