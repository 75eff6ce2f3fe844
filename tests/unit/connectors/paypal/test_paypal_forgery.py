"""CRC32 is not a MAC: one genuine delivery is enough to forge a body. The online check sees it; the offline one cannot.

If `test_the_offline_check_cannot_see_a_forged_amount` ever fails, PayPal's scheme has become better than it is, and
docs/verification-paypal.md and the connector's trust have to follow.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from connectors.paypal import connector
from connectors.paypal.transmissions_seen import TransmissionsSeen
from connectors.paypal.webhooks import normalize, open_webhook
from connectors.spi import Context, Environment, SignatureRejected, Trust, Webhook


@pytest.fixture
def genuine(signed: Callable[..., Any]) -> Any:
    return signed("PAYMENT.CAPTURE.COMPLETED", amount_minor=1099)


@pytest.fixture
def forged(genuine: Any, forge: Callable[[bytes, bytes], bytes]) -> Webhook:
    wanted = genuine.webhook.body.replace(b'"10.99"', b'"9999.00"')
    assert wanted != genuine.webhook.body
    return structs.replace(genuine.webhook, body=forge(genuine.webhook.body, wanted))


def test_the_offline_check_cannot_see_a_forged_amount(
    genuine: Any, forged: Webhook, workshop: SimpleNamespace, context: Context
) -> None:
    assert forged.body != genuine.webhook.body
    assert zlib.crc32(forged.body) == zlib.crc32(genuine.webhook.body)
    opened = open_webhook(forged, genuine.material, workshop.NOW_S)
    (event,) = normalize(opened.parsed, context, forged.body)
    assert event.payment.amount.minor_units == 999_900


def test_so_the_connector_says_that_it_is_weak(genuine: Any, workshop: SimpleNamespace) -> None:
    assert connector.trust == Trust.TRUST_SIGNED_WEAKLY
    opened = open_webhook(genuine.webhook, genuine.material, workshop.NOW_S)
    assert "no MAC" in opened.verification.detail


async def test_without_credentials_the_forgery_is_refused_once_the_genuine_one_has_come(
    genuine: Any, forged: Webhook, workshop: SimpleNamespace
) -> None:
    assert connector.make_outside is not None
    outside = connector.make_outside({}, Environment.ENVIRONMENT_SANDBOX)
    for webhook in (genuine.webhook, genuine.webhook):
        opened = open_webhook(webhook, genuine.material, workshop.NOW_S)
        assert await outside.confirm(webhook, opened, genuine.material) is None
    opened = open_webhook(forged, genuine.material, workshop.NOW_S)
    with pytest.raises(SignatureRejected) as caught:
        await outside.confirm(forged, opened, genuine.material)
    assert caught.value.reason == "TRANSMISSION_REUSED"
    await outside.aclose()


def test_only_so_many_transmissions_are_remembered() -> None:
    seen = TransmissionsSeen(remembered=2)
    for number in range(5):
        seen.check(f"t{number}", b"body")
    seen.check("t0", b"another body, long after")
    with pytest.raises(SignatureRejected):
        seen.check("t4", b"another body")
