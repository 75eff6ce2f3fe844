"""What every order of the simulator came to."""

from __future__ import annotations

from connectors.paypal.simulator_world import Object, World, minor
from connectors.spi.simulating import Truth

_TAKEN = {"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"}
_WAITING = {
    "CREATED": "ACTION_REQUIRED",
    "PAYER_ACTION_REQUIRED": "ACTION_REQUIRED",
    "APPROVED": "PENDING",
    "COMPLETED": "PENDING",
}


def truths(world: World) -> list[Truth]:
    """One for each order, in the order made."""
    return [_truth(order, world.order_keys[order_id]) for order_id, order in world.orders.items()]


def _truth(order: Object, key: str) -> Truth:
    unit = order["purchase_units"][0]
    done = unit.get("payments", {})
    captured = sum(minor(one["amount"]) for one in done.get("captures", ()) if one["status"] in _TAKEN)
    refunded = sum(minor(one["amount"]) for one in done.get("refunds", ()) if one["status"] == "COMPLETED")
    reserved = [one for one in done.get("authorizations", ()) if one["status"] != "DENIED"]
    return Truth(
        merchant_transaction_id=unit.get("custom_id", ""),
        connector_transaction_id=order["id"],
        key=key,
        status=_status(order, done, captured),
        currency=unit["amount"]["currency_code"],
        authorized_minor=sum(minor(one["amount"]) for one in reserved),
        captured_minor=captured,
        refunded_minor=refunded,
    )


def _status(order: Object, done: Object, captured: int) -> str:
    authorization = next(iter(done.get("authorizations", ())), None)
    if captured:
        open_still = authorization is not None and authorization["status"] == "PARTIALLY_CAPTURED"
        return "PARTIALLY_CAPTURED" if open_still else "CAPTURED"
    if authorization is not None:
        return {"VOIDED": "VOIDED", "DENIED": "FAILED"}.get(authorization["status"], "AUTHORIZED")
    if any(one["status"] == "DECLINED" for one in done.get("captures", ())):
        return "FAILED"
    return _WAITING[order["status"]]
