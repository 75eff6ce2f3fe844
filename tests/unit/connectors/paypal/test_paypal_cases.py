"""Bodies that we have written from PayPal's documentation, and the events that they must become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.paypal.delivery import parse
from connectors.paypal.webhooks import normalize
from connectors.spi import Context
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

CASES = sorted((Path(__file__).resolve().parents[3] / "connectors/paypal/cases/webhooks").glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_body_becomes_the_events_that_its_case_says(path: Path, context: Context) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    body = json.dumps(case["body"]).encode()
    events = normalize(parse(body), context, body)
    assert [event.type for event in events] == [expected["type"] for expected in case["expect"]]
    for event, expected in zip(events, case["expect"], strict=True):
        assert event.WhichOneof("data") == DATA_MEMBER[event.type]
        assert event.provider_event_id == case["body"]["id"]
        assert event.provider_event_type == case["body"]["event_type"]
        found = {dotted: _found(event, dotted) for dotted in expected}
        assert found == expected
    assert len({event.id for event in events}) == len(events)


def test_an_event_id_under_two_types_is_two_events_and_under_one_type_is_one(context: Context) -> None:
    # As from PayPal's simulator, whose event ids are fixed: all its payouts have one.
    def id_of(event_type: str) -> str:
        resource = {"payout_item_id": "PAYOUT1", "payout_batch_id": "BATCH1"}
        body = json.dumps({"id": "WH-1", "event_type": event_type, "resource": resource}).encode()
        (event,) = normalize(parse(body), context, body)
        assert event.provider_event_id == "WH-1"
        return event.id

    held, succeeded = id_of("PAYMENT.PAYOUTS-ITEM.HELD"), id_of("PAYMENT.PAYOUTS-ITEM.SUCCEEDED")
    assert held != succeeded
    assert held == id_of("PAYMENT.PAYOUTS-ITEM.HELD")


def test_there_are_cases() -> None:
    assert len(CASES) > 80


def test_case_names_are_their_file_names() -> None:
    assert [json.loads(path.read_text(encoding="utf-8"))["name"] for path in CASES] == [path.stem for path in CASES]


def _found(event: Event, dotted: str) -> Any:
    if dotted == "references":
        return {reference.kind: reference.value for reference in event.references}
    value: Any = event
    for name in dotted.split("."):
        value = getattr(value, name)
    return value
