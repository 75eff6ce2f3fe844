"""Makes Adyen's webhooks: signed, realistic, of every listed type. Bodies are in `samples.py` and `sample_messages.py`.

A name is the provider's type, or the type and a variant: "AUTHORISATION", "AUTHORISATION:false" (`success` is false),
"balancePlatform.transfer.updated:returned".
"""

from __future__ import annotations

from binascii import unhexlify
from typing import Any, Final

import msgspec

from connectors.adyen.sample_messages import MESSAGES, message_body
from connectors.adyen.samples import ITEMS, item_body
from connectors.adyen.shapes import Item
from connectors.adyen.signatures import sign, signed_text
from connectors.spi import SampleRequest, SampleWebhook
from orchestratorx_prism.errors import RequestRejected

CONTENT_TYPE: Final = "application/json; charset=utf-8"
EVENT_TYPES: Final[list[str]] = sorted({*ITEMS, *MESSAGES})
"""Every name that `sample` makes."""


def sample(request: SampleRequest) -> SampleWebhook:
    """A webhook as Adyen would post it. Without a secret it is unsigned.

    Raises:
        RequestRejected: Not a listed type, a secret that is not hexadecimal, or an amount that Adyen cannot express.
        PayloadRejected: An unknown currency.
    """
    key = hmac_key(request.secret)
    if request.event_type in ITEMS:
        return standard_webhook(item_body(request), key)
    if request.event_type not in MESSAGES:
        raise RequestRejected(
            "adyen sends no such type", metadata={"field": "event_type"}, fix="`orchestrator trigger adyen --list`"
        )
    return message_webhook(message_body(request), key)


def standard_webhook(item: dict[str, Any], key: bytes) -> SampleWebhook:
    """A standard webhook of one NotificationRequestItem, which it signs in place; without a key it is unsigned."""
    if key:
        item["additionalData"]["hmacSignature"] = sign(signed_text(msgspec.convert(item, Item)), key)
    body = msgspec.json.encode({"live": "false", "notificationItems": [{"NotificationRequestItem": item}]})
    return SampleWebhook(body, {"Content-Type": CONTENT_TYPE})


def message_webhook(content: dict[str, Any], key: bytes) -> SampleWebhook:
    """A webhook that a header signs."""
    body = msgspec.json.encode(content)
    headers = {"Content-Type": CONTENT_TYPE}
    if key:
        headers |= {"HmacSignature": sign(body, key), "Protocol": "HmacSHA256"}
    return SampleWebhook(body, headers)


def hmac_key(secret: str) -> bytes:
    """A webhook secret as bytes.

    Raises:
        RequestRejected: Not hexadecimal.
    """
    try:
        return unhexlify(secret)
    except ValueError:
        raise RequestRejected(
            "the secret is not a hexadecimal HMAC key", metadata={"field": "secret"}, fix="64 hexadecimal digits"
        ) from None
