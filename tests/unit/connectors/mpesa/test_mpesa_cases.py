"""The recorded cases: a body, and what must become of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from connectors.spi import KnownRequest
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

CASES = sorted((Path(__file__).parents[3] / "connectors" / "mpesa" / "cases" / "webhooks").glob("*.json"))


def test_there_are_cases() -> None:
    assert len(CASES) > 60


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_case_becomes_what_it_says(path: Path, normalized: Callable[..., list[Event]]) -> None:
    case: dict[str, Any] = json.loads(path.read_text())
    assert case["name"] == path.stem
    body = case["body_text"].encode() if "body_text" in case else json.dumps(case["body"]).encode()
    known = ParseDict(case["known_request"], KnownRequest()) if "known_request" in case else None

    events = normalized(body, case.get("purpose", ""), known)

    assert len(events) == len(case["expect"])
    for event, expected in zip(events, case["expect"], strict=True):
        assert event.WhichOneof("data") == DATA_MEMBER[event.type]
        found = {dotted: reduce(getattr, dotted.split("."), event) for dotted in expected}
        assert found == expected
