"""Real webhook bodies, collected elsewhere: each is understood, and signed ones are accepted or refused as recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.spi import Material, Webhook
from connectors.stripe import connector
from orchestratorx_prism.errors import PayloadRejected, SignatureRejected
from orchestratorx_prism.v1.event_pb2 import Event

WITHOUT_WORD = (
    "account.",
    "balance.",
    "coupon.",
    "file.",
    "payment_link.",
    "plan.",
    "price.",
    "product.",
    "quote.",
    "tax_rate.",
    "v1.billing.meter.",
    "v2.core.",
)
"""Beginnings of the collected types that are about none of: payment, refund, dispute, payment method, customer,
subscription, invoice, payout, mandate."""
NO_WEBHOOKS = {"openapi", "openapi_objects"}
"""Folders of API objects: what comes inside a webhook, not webhooks."""


def bodies(corpus: Path) -> list[Path]:
    found = [path for path in sorted((corpus / "stripe").glob("*/*.json")) if path.parent.name not in NO_WEBHOOKS]
    return [path for path in found if path.name != "vectors.json"]


def test_every_collected_body_is_understood(corpus: Path, normalized: Callable[[Any], list[Event]]) -> None:
    found = bodies(corpus)
    assert len(found) > 90
    for path in found:
        [event] = normalized(path.read_bytes())
        provider_type = json.loads(path.read_bytes())["type"]
        about_nothing_of_ours = provider_type.startswith(WITHOUT_WORD)
        assert (event.type == "connector.unmapped") == about_nothing_of_ours, f"{path.name}: {event.type}"
        if about_nothing_of_ours:
            assert event.unmapped.unmapped_reason == "no_counterpart", path.name


def test_api_objects_are_refused_as_no_webhooks(corpus: Path) -> None:
    found = sorted((corpus / "stripe" / "openapi_objects").glob("*.json"))
    assert found
    for path in found:
        with pytest.raises(PayloadRejected):
            connector.parse(path.read_bytes())


def test_a_refund_that_failed_after_it_succeeded(corpus: Path, normalized: Callable[[Any], list[Event]]) -> None:
    path = corpus / "stripe" / "events_other" / "zulip_charge_refund_updated_failed.json"
    [event] = normalized(path.read_bytes())
    assert event.type == "refund.failed"
    assert event.refund.amount.currency == "INR"
    assert {reference.kind for reference in event.references} == {"payment_intent", "charge"}


def test_collected_signatures_are_accepted_and_refused_as_recorded(corpus: Path) -> None:
    folder = corpus / "stripe" / "signed"
    vectors = json.loads((folder / "vectors.json").read_text())["vectors"]
    assert {vector["expect"] for vector in vectors} == {"valid", "reject"}
    now_s = next(vector["now_valid"] for vector in vectors if vector["expect"] == "valid")
    for vector in vectors:
        webhook = Webhook((folder / vector["body_file"]).read_bytes(), {"stripe-signature": vector["header"]})
        material = Material(secrets=(vector["secret"],))
        if vector["expect"] == "valid":
            assert connector.open(webhook, material, vector["now_valid"]).parsed.type == "customer.created"
            with pytest.raises(SignatureRejected) as caught:
                connector.open(webhook, material, vector["now_expired"])
            assert caught.value.reason == "TIMESTAMP_OUT_OF_TOLERANCE"
        else:
            with pytest.raises(SignatureRejected):
                connector.open(webhook, material, now_s)
