"""The recorded cases: a body written from Stripe's documentation, and what must become of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

CASES = sorted((Path(__file__).parents[3] / "connectors" / "stripe" / "cases" / "webhooks").glob("*.json"))


def found(event: Event, dotted: str) -> Any:
    """The value at a dotted path; `references` as kind → value."""
    if dotted == "references":
        return {reference.kind: reference.value for reference in event.references}
    value: Any = event
    for name in dotted.split("."):
        value = getattr(value, name)
    return value


def test_there_are_cases() -> None:
    assert len(CASES) > 150


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_case_becomes_what_it_says(path: Path, normalized: Callable[[Any], list[Event]]) -> None:
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert case["name"] == path.stem

    events = normalized(case["body"])

    assert [event.type for event in events] == [expected["type"] for expected in case["expect"]]
    for event, expected in zip(events, case["expect"], strict=True):
        assert event.connector == "stripe"
        assert event.WhichOneof("data") == DATA_MEMBER[event.type]
        assert event.provider_event_id == case["body"]["id"]
        assert event.provider_event_type == case["body"]["type"]
        assert {dotted: found(event, dotted) for dotted in expected} == expected


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_an_unknown_field_anywhere_changes_nothing(path: Path, normalized: Callable[[Any], list[Event]]) -> None:
    body = json.loads(path.read_text(encoding="utf-8"))["body"]
    before = normalized(body)
    body["zz_new"] = {"nested": [1, None, {"deep": True}]}
    if isinstance(body.get("data", {}).get("object"), dict):
        body["data"]["object"]["zz_new"] = [{"deep": 1.5}]
    after = normalized(body)
    for event in (*before, *after):
        event.ClearField("raw")
    assert after == before
