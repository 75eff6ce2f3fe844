"""What docs/event-shape.md shows is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from orchestratorx_prism.errors import SignatureRejected
from orchestratorx_prism.from_values import event_from_dict
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentData
from orchestratorx_prism.values import to_dict
from orchestratorx_prism.wire import to_problem

PAGE = Path(__file__).parents[3] / "docs" / "event-shape.md"


def _blocks() -> list[dict[str, Any]]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)]


def test_the_event_of_the_page_reads_and_shows_the_same() -> None:
    shown = _blocks()[0]
    event = event_from_dict(shown)
    assert to_dict(event) == shown
    assert json.dumps(to_dict(event)) == json.dumps(shown), "same order"


def test_what_the_page_says_is_left_out_is_all_that_is_left_out() -> None:
    shown = _blocks()[0]
    members = {f.name for f in Event.DESCRIPTOR.oneofs_by_name["data"].fields}
    missing = [f.name for f in Event.DESCRIPTOR.fields if f.name not in shown and f.name not in members]
    missing += [f.name for f in PaymentData.DESCRIPTOR.fields if f.name not in shown["data"]]
    left_out = PAGE.read_text(encoding="utf-8").split("Left out here")[1].split("##")[0]
    assert re.findall(r"`(\w+)`", left_out.replace("`data`", "")) == missing


def test_the_refusal_of_the_page_is_the_codes_own() -> None:
    assert to_problem(SignatureRejected("no signature matches")) == _blocks()[1]
