"""Our verification against the official package's, on 10,000 generated cases.

They agree but where the package is known to be wrong; each such kind of disagreement is listed, and must occur.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections import Counter
from typing import Any, Final

from Adyen.util import is_valid_hmac_notification, is_valid_hmac_payload

from connectors.adyen import connector
from connectors.spi import Material, Webhook
from orchestratorx_prism.errors import PayloadRejected, SignatureRejected

NOTIFICATIONS: Final = 7_000
PAYLOADS: Final = 3_000

KNOWN_FAULTS: Final = {
    "only the first item of a batch is checked": "accepted by the package, refused by us",
    "KeyError without hmacSignature": "the package raises where it should say no; refused by us",
    "KeyError without amount": "the package raises; accepted by us where the signature is right, else refused",
    "success as a boolean": "the package signs True for true; right signatures are accepted by us",
    "originalReference null": "the package signs None for nothing; right signatures are accepted by us",
}
"""Adyen 16.0.0, `Adyen.util.is_valid_hmac_notification`."""

TEXTS: Final = ["", ":", "a:b", "\\", "//x", "ü", "注文", "'\"", " ", "0", "null", "None", "🙂", "\t\n"]


def correct_signature(item: dict[str, Any], key: str) -> str:
    """From the documentation: eight values, colons, null as nothing, booleans as JSON writes them, no escaping."""

    def shown(value: Any) -> str:
        return "" if value is None else json.dumps(value) if isinstance(value, bool) else str(value)

    amount = item.get("amount") or {}
    names = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
    values = [*(item.get(name) for name in names), amount.get("value"), amount.get("currency")]
    signed = ":".join(map(shown, [*values, item.get("eventCode"), item.get("success")]))
    return base64.b64encode(hmac.new(bytes.fromhex(key), signed.encode(), hashlib.sha256).digest()).decode()


def some_text(rng: random.Random) -> str:
    return rng.choice(TEXTS) + "".join(rng.choices("ABC123:-_\\/é", k=rng.randrange(8)))


def some_item(rng: random.Random, key: str) -> dict[str, Any]:
    """An item, usually rightly signed."""
    item: dict[str, Any] = {
        "pspReference": some_text(rng),
        "merchantAccountCode": some_text(rng),
        "merchantReference": some_text(rng),
        "amount": {"value": rng.choice([0, 1, 1099, -5, 10**14, rng.randrange(10**6)]), "currency": "EUR"},
        "eventCode": rng.choice(["AUTHORISATION", "CAPTURE", "REFUND", "NEW_CODE"]),
        "success": rng.choice(["true", "false"]),
    }
    match rng.randrange(12):
        case 0:
            item["originalReference"] = None
        case 1:
            item["success"] = rng.choice([True, False])
        case 2:
            del item["amount"]
        case 3 | 4 | 5:
            item["originalReference"] = some_text(rng)
    data = {"cardSummary": "1111", "hmacSignature": correct_signature(item, key)}
    match rng.randrange(16):
        case 0:
            del data["hmacSignature"]
        case 1:
            data["hmacSignature"] = rng.choice(["", "x", "=", "A" * 44, base64.b64encode(b"k" * 32).decode()])
        case 2:
            data["hmacSignature"] = correct_signature(item, "00" * 32)
        case 3:
            data["hmacSignature"] = data["hmacSignature"].swapcase()
        case 4:
            item["merchantReference"] += "x"
        case 5:
            item["amount"] = {"value": 7, "currency": "USD"}
        case 6:
            item["success"] = "false" if item["success"] in {"true", True} else "true"
    if rng.randrange(25):
        item["additionalData"] = data
    return item


def some_key(rng: random.Random, key: str) -> str:
    return rng.choice([key] * 12 + [key.lower(), "11" * 32, "zz", key[:-1]])


def official(dictionary: dict[str, Any], key: str) -> tuple[bool, str]:
    """(accepted, name of the error raised). It answers None for an item without additionalData: not accepted."""
    try:
        return is_valid_hmac_notification(dictionary, key) is True, ""
    except Exception as error:
        return False, type(error).__name__


def ours(body: bytes, headers: dict[str, str], key: str) -> bool:
    try:
        connector.open(Webhook(body, headers), Material(secrets=(key,)), 0)
    except (SignatureRejected, PayloadRejected):
        return False
    return True


def fault(first: dict[str, Any], items: list[dict[str, Any]], error: str) -> str:
    """Which known fault of the package explains a disagreement, or an error instead of a no; else nothing."""
    data = first.get("additionalData")
    if error == "KeyError" and data is not None and "hmacSignature" not in data:
        return "KeyError without hmacSignature"
    if error == "KeyError" and "amount" not in first:
        return "KeyError without amount"
    if isinstance(first["success"], bool):
        return "success as a boolean"
    if "originalReference" in first and first["originalReference"] is None:
        return "originalReference null"
    return "only the first item of a batch is checked" if len(items) > 1 else ""


def test_items_verify_as_the_official_package_says_but_for_its_known_faults() -> None:
    rng = random.Random(20261121)
    faults: Counter[str] = Counter()
    agreed: Counter[bool] = Counter()
    for case in range(NOTIFICATIONS):
        key = rng.randbytes(32).hex().upper()
        items = [some_item(rng, key) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        bare = len(items) == 1 and rng.randrange(3) == 0
        body = items[0] if bare else {"notificationItems": [{"NotificationRequestItem": item} for item in items]}
        used = some_key(rng, key)
        accepted, error = official(body, used)
        mine = ours(json.dumps(body, ensure_ascii=rng.choice([True, False])).encode(), {}, used)
        if accepted == mine and error != "KeyError":
            agreed[mine] += 1
            continue
        explained = fault(items[0], items, error)
        assert explained in KNOWN_FAULTS, (case, body, accepted, error, mine)
        faults[explained] += 1
        if mine:
            assert all(item["additionalData"]["hmacSignature"] == correct_signature(item, used) for item in items)
    assert set(faults) == set(KNOWN_FAULTS)
    assert min(faults.values()) > 20
    assert min(agreed[True], agreed[False]) > 1_000


def test_bodies_verify_by_header_as_the_official_package_says() -> None:
    rng = random.Random(20261122)
    agreed: Counter[bool] = Counter()
    for case in range(PAYLOADS):
        key = rng.randbytes(32).hex()
        message = {"type": rng.choice(["merchant.created", "balancePlatform.transfer.updated"]), "x": some_text(rng)}
        body = json.dumps(message, ensure_ascii=rng.choice([True, False]), indent=rng.choice([None, 1])).encode()
        signature = base64.b64encode(hmac.digest(bytes.fromhex(key), body, "sha256")).decode()
        match rng.randrange(8):
            case 0:
                signature = rng.choice(["", "x", "é", signature.swapcase(), signature + "=", " " + signature])
            case 1:
                body = body.replace(b'"x"', b'"y"')
        used = some_key(rng, key)
        try:
            accepted = is_valid_hmac_payload(signature, used, body) is True
        except (TypeError, ValueError):  # a signature that is not ASCII, a key that is not hexadecimal
            accepted = False
        mine = ours(body, {"hmacsignature": signature}, used)
        assert mine == accepted, (case, body, signature)
        agreed[mine] += 1
    assert min(agreed[True], agreed[False]) > 500
