"""For the tests of applications: signed, realistic webhooks of every installed connector.

    webhook = signed_webhook("stripe", "payment_intent.succeeded", secret="whsec_test", amount_minor=1099)
    response = app.test_client().post("/webhooks", data=webhook.body, headers=dict(webhook.headers))
    event = await EventClient(connector="stripe").handle_event(webhook.request())

Webhooks are made by the connectors' own simulators, found by entry point: the connectors (`pip install orchestratorx`)
must be installed. An in-memory broker for tests is `orchestratorx_prism.brokers.memory`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Any, Final

from orchestratorx_prism.errors import DriverMissing, NotSupported, RequestRejected, UnknownConnector

__all__ = ["SignedWebhook", "event_types", "signed_webhook"]

GROUP: Final = "orchestratorx.connectors"


@dataclass(frozen=True, slots=True)
class SignedWebhook:
    """A webhook as the provider would send it, and what verifies it."""

    connector: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    secret: str = field(repr=False)
    url_token: str = field(default="", repr=False)
    """M-Pesa: the token in the URL that it is posted to."""
    purpose: str = ""
    """M-Pesa: what the URL was registered for: "validation", "timeout"."""
    certificates: Sequence[bytes] = field(default=(), repr=False)
    """PayPal: the simulator's own certificates in PEM form, to be given to the verifier."""
    known_request: Any = field(default=None, repr=False)
    """M-Pesa: the request that the callback answers."""

    def request(self) -> dict[str, Any]:
        """What `handle_event` takes."""
        return {
            "connector": self.connector,
            "payload": self.body,
            "headers": dict(self.headers),
            "webhook_secret": "" if self.certificates else self.secret,
            "webhook_id": self.secret if self.certificates else "",
            "certificates": list(self.certificates),
            "url_token": self.url_token,
            "purpose": self.purpose,
            "known_request": self.known_request,
        }


def signed_webhook(
    connector: str,
    event_type: str,
    *,
    secret: str,
    now_s: int | None = None,
    seed: int = 0,
    step: int = 0,
    amount_minor: int = 1099,
    total_minor: int | None = None,
    currency: str = "USD",
    merchant_transaction_id: str = "order-1",
) -> SignedWebhook:
    """A webhook of any type that the connector lists.

    Args:
        connector: "stripe", "adyen", "paypal", "mpesa", or another installed one.
        event_type: The provider's own: "payment_intent.succeeded"; `event_types` lists them.
        secret: What signs it: Stripe whsec_…, Adyen's hex key, M-Pesa's URL token; PayPal: the webhook's id.
        now_s: When it happens and is signed. Unix seconds; None: now.
        seed: Makes the ids: the same seed makes webhooks of the same payment, refund, dispute, …
        step: Tells apart two webhooks of one type for one seed: the second partial capture.
        amount_minor: This event's amount in ISO 4217 minor units: 1099 with USD is $10.99.
        total_minor: The payment's whole amount; None: the same.
        currency: M-Pesa ignores it: always KES.
        merchant_transaction_id: The merchant's reference that the webhook carries.

    Raises:
        DriverMissing: No connectors are installed.
        UnknownConnector: None of this name is.
        NotSupported: It has no simulator.
        RequestRejected: It lists no such type; the fix names the nearest.
    """
    label = _label(connector)
    if label.sample is None:
        raise NotSupported(f"{connector} has no simulator", fix="record a webhook and post it")
    if event_type not in label.event_types:
        near = get_close_matches(event_type, label.event_types, n=3)
        raise RequestRejected(
            f"{connector} lists no such event type",
            fix=f"did you mean {' or '.join(near)}?" if near else f"see event_types({connector!r})",
            metadata={"field": "event_type"},
        )
    sample = label.sample(
        _sample_request_of(label)(
            event_type=event_type,
            secret=secret,
            now_s=int(time.time()) if now_s is None else now_s,
            seed=seed,
            step=step,
            amount_minor=amount_minor,
            total_minor=total_minor,
            currency=currency,
            merchant_transaction_id=merchant_transaction_id,
        )
    )
    return SignedWebhook(
        connector=connector,
        body=sample.body,
        headers=sample.headers,
        secret=secret,
        url_token=sample.url_token,
        purpose=sample.purpose,
        certificates=sample.certificates,
        known_request=sample.known_request,
    )


def event_types(connector: str) -> tuple[str, ...]:
    """Every provider event type that `signed_webhook` can make for the connector.

    Raises:
        DriverMissing, UnknownConnector: As of `signed_webhook`.
    """
    return tuple(_label(connector).event_types)


def _label(connector: str) -> Any:
    """The connector's label. By entry point and duck typing: the SDK imports no connector."""
    points = {point.name: point for point in entry_points(group=GROUP)}
    if not points:
        raise DriverMissing("no connectors are installed", fix="pip install orchestratorx")
    if connector not in points:
        raise UnknownConnector(
            "no connector of this name is installed", fix=f"installed are: {', '.join(sorted(points))}"
        )
    return points[connector].load()


def _sample_request_of(label: Any) -> Any:
    """The class that the label's simulator takes: it lives beside the label's own class."""
    return sys.modules[type(label).__module__].SampleRequest
