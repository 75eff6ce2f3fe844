"""The simulator's Payouts v1: one batch with its items. Written from PayPal's documentation.

A `note` of the first item asks for an error, as in the sandbox. Source: PayPal docs, "Test values" of Payouts.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from connectors.paypal.simulator_world import Ask, Object, Refusal, World, found

NOTES: Final[Mapping[str, tuple[int, str]]] = {
    "ERRPYO001": (403, "SENDER_RESTRICTED"),
    "ERRPYO002": (403, "SENDER_EMAIL_UNCONFIRMED"),
    "ERRPYO003": (403, "AUTHORIZATION_ERROR"),
    "ERRPYO005": (422, "INSUFFICIENT_FUNDS"),
    "ERRPYO006": (500, "INTERNAL_ERROR"),
    "ERRPYO010": (400, "VALIDATION_ERROR"),
    "ERRPYO011": (403, "REQUIRED_SCOPE_MISSING"),
    "ERRPYO012": (422, "SENDER_LOCKED"),
    "ERRPYO014": (422, "USER_BUSINESS_ERROR"),
    "ERRPYO035": (429, "RATE_LIMIT_VALIDATION"),
    "ERRPYO038": (422, "NON_HOLDING_CURRENCY"),
    "ERRPYO039": (400, "PREVIOUS_REQUEST_IN_PROGRESS"),
    "ERRPYO040": (403, "CIP_NOT_VERIFIED"),
}
"""`items[0].note` → HTTP status and name of the error."""
FAILING: Final[Mapping[str, str]] = {
    "unclaimed@example.com": "UNCLAIMED",
    "blocked@example.com": "BLOCKED",
    "failed@example.com": "FAILED",
}
"""The simulator's own: receivers whose items end so."""
_WEBHOOKS: Final = {"SUCCESS": "SUCCEEDED", "UNCLAIMED": "UNCLAIMED", "BLOCKED": "BLOCKED", "FAILED": "FAILED"}


def create(world: World, ask: Ask) -> tuple[int, Object]:
    """POST /v1/payments/payouts."""
    header, items = ask.body.get("sender_batch_header"), ask.body.get("items")
    if not isinstance(header, dict) or not isinstance(items, list) or not items:
        raise Refusal(400, "VALIDATION_ERROR", "Required field missing", "sender_batch_header")
    if refusal := NOTES.get(str(items[0].get("note", ""))):
        raise Refusal(*refusal)
    batch_id = header.get("sender_batch_id", "")
    for known in world.batches.values():
        if batch_id and known["batch_header"]["sender_batch_header"].get("sender_batch_id") == batch_id:
            own = known["batch_header"]["payout_batch_id"]
            path = f"/v1/payments/payouts/{own}"
            raise Refusal(
                400,
                "USER_BUSINESS_ERROR",
                "Batch with given sender_batch_id already exists",
                "SENDER_BATCH_ID",
                [ask.link("self", path)],
            )
    made = [_item(world, item) for item in items]
    own = world.id(13)
    batch: Object = {
        "batch_header": {
            "payout_batch_id": own,
            "batch_status": "PENDING",
            "time_created": world.time(),
            "sender_batch_header": header,
        },
        "items": [item | {"payout_batch_id": own} for item in made],
        "links": [ask.link("self", f"/v1/payments/payouts/{own}")],
    }
    world.batches[own] = batch
    answer = {"batch_header": dict(batch["batch_header"]), "links": batch["links"]}
    batch["batch_header"] |= {"batch_status": "SUCCESS", "time_completed": world.time()}
    for item in batch["items"]:
        word = _WEBHOOKS[item["transaction_status"]]
        world.emit(f"PAYMENT.PAYOUTS-ITEM.{word}", "payouts_item", "", item)
    return 201, answer


def show(world: World, ask: Ask, batch_id: str) -> tuple[int, Object]:
    """GET /v1/payments/payouts/{id}."""
    return 200, found(world.batches, batch_id)


def _item(world: World, item: Object) -> Object:
    amount = item.get("amount") or {}
    try:
        good = Decimal(str(amount.get("value"))) > 0
    except InvalidOperation:
        good = False
    if not good or not item.get("receiver"):
        raise Refusal(400, "VALIDATION_ERROR", "Invalid value", "items[0].amount")
    status = FAILING.get(item["receiver"], "SUCCESS")
    made: Object = {
        "payout_item_id": world.id(13),
        "transaction_id": world.id(),
        "transaction_status": status,
        "payout_item_fee": {"currency": amount.get("currency"), "value": "0.25"},
        "payout_item": item,
        "time_processed": world.time(),
    }
    if status in {"BLOCKED", "FAILED"}:
        made["errors"] = {"name": "RISK_DECLINE", "message": "This transaction was declined."}
    return made
