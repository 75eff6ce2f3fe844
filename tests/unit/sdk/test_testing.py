"""Signed webhooks for the tests of applications, from a connector that is found by entry point."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.spi import Label, SampleRequest, SampleWebhook
from orchestratorx_prism import testing
from orchestratorx_prism.clients.webhooks import webhook_request
from orchestratorx_prism.errors import DriverMissing, NotSupported, RequestRejected, UnknownConnector
from orchestratorx_prism.testing import event_types, signed_webhook
from orchestratorx_prism.v1.connector_pb2 import TRUST_SIGNED
from orchestratorx_prism.v1.event_service_pb2 import KnownRequest


def _unused(*_: Any) -> Any:
    raise AssertionError("not called by the simulator")


def _sample(request: SampleRequest) -> SampleWebhook:
    return SampleWebhook(
        body=repr((request.event_type, request.amount_minor, request.currency, request.now_s > 0)).encode(),
        headers={"X-Signature": f"signed with {request.secret}"},
        url_token="token",
        purpose="validation",
        known_request=KnownRequest(connector_request_id="ws_1"),
    )


def _label(**changes: Any) -> Label:
    values: dict[str, Any] = {
        "name": "acme",
        "title": "Acme",
        "capabilities": frozenset(),
        "config_keys": {},
        "trust": TRUST_SIGNED,
        "open": _unused,
        "parse": _unused,
        "normalize": _unused,
        "sample": _sample,
        "event_types": ("sale.made", "sale.lost"),
    }
    return Label(**{**values, **changes})


class Point:
    def __init__(self, label: Label) -> None:
        self.name, self.label = label.name, label

    def load(self) -> Label:
        return self.label


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[Point]:
    points: list[Point] = [Point(_label())]
    monkeypatch.setattr(testing, "entry_points", lambda **_: points)
    return points


def test_a_webhook_is_made_by_the_connectors_simulator(installed: list[Point]) -> None:
    webhook = signed_webhook("acme", "sale.made", secret="s1", amount_minor=500, currency="EUR")
    assert webhook.body == b"('sale.made', 500, 'EUR', True)"
    assert webhook.headers == {"X-Signature": "signed with s1"}
    request = webhook_request(webhook.request(), connector="", environment=1, merchant_id="default")
    assert request.connector == "acme"
    assert (request.webhook_secret, request.url_token, request.purpose) == ("s1", "token", "validation")
    assert request.known_request.connector_request_id == "ws_1"
    assert "s1" not in repr(webhook)


def test_types_are_listed(installed: list[Point]) -> None:
    assert event_types("acme") == ("sale.made", "sale.lost")


def test_what_cannot_be_made_is_refused_with_the_way_out(
    installed: list[Point], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RequestRejected) as caught:
        signed_webhook("acme", "sale.mad", secret="s1")
    assert "sale.made" in caught.value.fix
    with pytest.raises(UnknownConnector) as unknown:
        signed_webhook("acmee", "sale.made", secret="s1")
    assert "acme" in unknown.value.fix
    installed[0] = Point(_label(sample=None))
    with pytest.raises(NotSupported):
        signed_webhook("acme", "sale.made", secret="s1")
    installed.clear()
    with pytest.raises(DriverMissing, match="no connectors"):
        signed_webhook("acme", "sale.made", secret="s1")


@pytest.mark.parametrize(
    ("connector", "event_type", "secret"),
    [
        ("stripe", "payment_intent.succeeded", "whsec_test"),
        ("adyen", "CAPTURE", "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"),
        ("mpesa", "stk.success", "a-token-of-the-url"),
        ("paypal", "PAYMENT.CAPTURE.COMPLETED", "WH-TEST"),
    ],
)
def test_the_installed_connectors_make_theirs(connector: str, event_type: str, secret: str) -> None:
    webhook = signed_webhook(connector, event_type, secret=secret)
    assert webhook.body
    assert webhook.request()["connector"] == connector
