"""Collected real bodies and published signatures. Needs --corpus FOLDER; none of them is in this repository."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.adyen.signatures import sign
from connectors.spi import Opened
from orchestratorx_prism.errors import SignatureRejected
from orchestratorx_prism.v1.event_pb2 import Event

CONCERNED = re.compile(
    r"AUTHORI[SZ]ATION|CAPTURE|CANCEL|EXPIRE|ORDER_|OFFER_|REFUND|CHARGEBACK|ARBITRATION|FRAUD|INFORMATION|ISSUER_|"
    r"DISPUTE|PAYOUT|PAIDOUT|RECURRING_CONTRACT|AUTORESCUE|REVIEW|"
    r"\.payment\.|\.dispute\.|\.mandate\.|[Tt]ransfer\.|\.transaction\.|paymentMethod|recurring\.token"
)
"""Types of a payment, refund, dispute, payment method, payout or mandate."""


def bodies(corpus: Path) -> list[Path]:
    found = [path for path in sorted((corpus / "adyen").rglob("*.json")) if path.name != "vectors.json"]
    assert found
    return found


def test_every_collected_body_becomes_events(corpus: Path, normalized: Callable[..., list[Event]]) -> None:
    for path in bodies(corpus):
        assert normalized(path.read_bytes()), path.name


def test_nothing_that_concerns_money_or_consent_is_unmapped(
    corpus: Path, normalized: Callable[..., list[Event]]
) -> None:
    concerned = 0
    for path in bodies(corpus):
        for event in normalized(path.read_bytes()):
            is_concerned = CONCERNED.search(event.provider_event_type) is not None
            concerned += is_concerned
            assert is_concerned == (event.type != "connector.unmapped"), (path.name, event.type)
            assert event.unmapped.unmapped_reason in {"", "no_counterpart"}
    assert concerned > 50


def test_collected_bodies_mean_what_they_say(corpus: Path, normalized: Callable[..., list[Event]]) -> None:
    expected = {
        "CHARGEBACK": "dispute.opened",
        "CHARGEBACK_REVERSED": "dispute.reversed",
        "REFUNDED_REVERSED": "refund.reversed",
        "CANCEL_AUTORESCUE": "payment.void_failed",
        "OFFER_CLOSED": "payment.failed",
        "TECHNICAL_CANCEL": "payment.voided",
        "PAYOUT_THIRDPARTY": "payout.succeeded",
        "SCHEDULED_REFUNDS": "refund.pending",
        "balancePlatform.dispute.created": "dispute.opened",
        "balancePlatform.mandate.created": "mandate.active",
        "balancePlatform.payment.created": "payout.pending",
        "balancePlatform.payment.updated": "payout.expired",
        "balancePlatform.incomingTransfer.created": "payment.pending",
        "balancePlatform.outgoingTransfer.updated": "payout.failed",
        "recurring.token.created": "payment_method.attached",
    }
    events = [event for path in bodies(corpus) for event in normalized(path.read_bytes())]
    found = {event.provider_event_type: event.type for event in events if event.provider_event_type in expected}
    assert found == expected


def vectors(corpus: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((corpus / "adyen" / "signed" / "vectors.json").read_text())
    assert len(listed) == 6
    return listed


def test_published_signatures_verify_and_no_other_does(corpus: Path, opened: Callable[..., Opened]) -> None:
    for vector in vectors(corpus):
        key, signature = vector["hmac_key_hex"], vector["signature"]
        if "file" not in vector:
            assert sign(vector["data_to_sign"].encode(), bytes.fromhex(key)) == signature
            continue
        body = (corpus / "adyen" / "signed" / vector["file"]).read_bytes()
        headers = {vector["header"].lower(): signature} if "header" in vector else {}
        for secrets in ((key,), ("00" * 32, key), (key, "not hex")):
            opened(body, headers, secrets)
        with pytest.raises(SignatureRejected):
            opened(body, headers, ("00" * 32,))
        changed = body.replace(b"AUTHORISATION", b"CAPTURE").replace(b"merchant.created", b"merchant.updated")
        assert changed != body
        with pytest.raises(SignatureRejected):
            opened(changed, headers, (key,))


def test_collected_bodies_without_a_known_key_are_refused(
    corpus: Path, opened: Callable[..., Opened], key: str
) -> None:
    keys = {vector["hmac_key_hex"] for vector in vectors(corpus)} | {key}
    for path in bodies(corpus):
        if path.parent.name != "signed":
            with pytest.raises(SignatureRejected):
                opened(path.read_bytes(), {}, tuple(keys))
