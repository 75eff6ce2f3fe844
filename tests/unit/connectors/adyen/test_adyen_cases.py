"""The recorded cases: a body, and what must become of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

CASES = sorted((Path(__file__).parents[3] / "connectors" / "adyen" / "cases" / "webhooks").glob("*.json"))


def found(event: Event, dotted: str) -> Any:
    """The value at a dotted path; a number in it is a position in a list."""
    return reduce(lambda at, name: at[int(name)] if name.isdigit() else getattr(at, name), dotted.split("."), event)


def test_there_are_cases() -> None:
    assert len(CASES) > 80


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_case_becomes_what_it_says(path: Path, normalized: Callable[..., list[Event]]) -> None:
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert case["name"] == path.stem

    events = normalized(case["body"])

    assert [event.type for event in events] == [expected["type"] for expected in case["expect"]]
    for event, expected in zip(events, case["expect"], strict=True):
        assert event.connector == "adyen"
        assert event.WhichOneof("data") == DATA_MEMBER[event.type]
        assert {dotted: found(event, dotted) for dotted in expected} == expected
