"""Real webhooks, collected from public sources; nobody in this project wrote them. Needs `--corpus FOLDER`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from connectors.paypal.delivery import parse
from connectors.paypal.webhooks import normalize, open_webhook
from connectors.spi import Context, Environment, Material, SignatureRejected, Webhook

# Account changes and plans: what our vocabulary has no word for.
WITHOUT_WORD = ("BILLING.PLAN.", "MERCHANT.ONBOARDING.", "CATALOG.", "CUSTOMER.M", "CUSTOMER.A", "IDENTITY.")
SYSTEM_ANCHORS = Path("/etc/ssl/certs/ca-certificates.crt")


def vectors(corpus: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((corpus / "paypal/signed/vectors.json").read_bytes())["vectors"]
    assert found
    return found


def opening(corpus: Path, vector: dict[str, Any]) -> tuple[Webhook, Material, int]:
    folder = corpus / "paypal/signed"
    intermediates = [path.read_bytes() for path in sorted((folder / "certs").glob("DigiCert*.pem"))]
    material = Material(
        webhook_id=vector["webhook_id"],
        certificates=((folder / vector["cert_file"]).read_bytes(), *intermediates),
        trust_anchors=(SYSTEM_ANCHORS.read_bytes(),),
    )
    sent = datetime.fromisoformat(vector["headers"]["paypal-transmission-time"])
    return Webhook((folder / vector["file"]).read_bytes(), vector["headers"]), material, int(sent.timestamp())


def is_refused(webhook: Webhook, material: Material, now_s: int) -> bool:
    try:
        open_webhook(webhook, material, now_s)
    except SignatureRejected:
        return True
    return False


def test_every_body_becomes_events_and_none_about_money_is_unmapped(corpus: Path, context: Context) -> None:
    bodies = [path for path in sorted((corpus / "paypal").rglob("*.json")) if path.name != "vectors.json"]
    assert bodies
    for path in bodies:
        body = path.read_bytes()
        for event in normalize(parse(body), context, body):
            unmapped = event.type == "connector.unmapped"
            assert unmapped == event.provider_event_type.startswith(WITHOUT_WORD), (path.name, event.type)
            if unmapped:
                assert event.unmapped.unmapped_reason == "no_counterpart", path.name


@pytest.mark.skipif(not SYSTEM_ANCHORS.exists(), reason="this system keeps its roots elsewhere")
def test_every_signed_message_verifies(corpus: Path) -> None:
    for vector in vectors(corpus):
        webhook, material, sent_s = opening(corpus, vector)
        open_webhook(webhook, material, sent_s)


@pytest.mark.skipif(not SYSTEM_ANCHORS.exists(), reason="this system keeps its roots elsewhere")
def test_every_signed_message_is_refused_once_anything_is_changed(corpus: Path) -> None:
    for vector in vectors(corpus):
        webhook, material, sent_s = opening(corpus, vector)
        flipped = bytearray(webhook.body)
        flipped[len(flipped) // 2] ^= 1
        production = replace(material, environment=Environment.ENVIRONMENT_PRODUCTION)
        changes: dict[str, tuple[Webhook, Material, int]] = {
            "body": (structs.replace(webhook, body=bytes(flipped)), material, sent_s),
            "webhook id": (webhook, replace(material, webhook_id="9ZZ98765ZZ432109Z"), sent_s),
            "years later": (webhook, material, sent_s + 5 * 365 * 86_400),
            "years later, tolerated": (webhook, replace(material, tolerance_s=10**9), sent_s + 5 * 365 * 86_400),
            "production": (webhook, production, sent_s),
            "no anchors": (webhook, replace(material, trust_anchors=()), sent_s),
            "no intermediate": (webhook, replace(material, certificates=material.certificates[:1]), sent_s),
        }
        for what, changed in changes.items():
            assert is_refused(*changed), (vector["file"], what)
