"""The simulator's Payments v2: authorizations, captures, refunds. Written from PayPal's documentation."""

from __future__ import annotations

from connectors.paypal.simulator_disputes import open_dispute
from connectors.paypal.simulator_world import (
    AMOUNTS,
    DISPUTED,
    PENDING,
    Ask,
    Object,
    World,
    checked_amount,
    found,
    minor,
    unprocessable,
)

_AUTHORIZATION_LIFE_S = 29 * 86_400
_MOST_PERCENT = 115
"""How much of an authorization can be captured. Source: PayPal docs, "Payments v2", "Capture authorized payment"."""


def authorization_made(world: World, ask: Ask, order: Object, processor_code: str) -> Object:
    """A new authorization for the whole order; denied if the processor gives a code."""
    authorization_id = world.id()
    path = f"/v2/payments/authorizations/{authorization_id}"
    made = _object(world, order, authorization_id, order["purchase_units"][0]["amount"])
    made |= {
        "status": "DENIED" if processor_code else "CREATED",
        "expiration_time": world.time(_AUTHORIZATION_LIFE_S),
        "links": [
            ask.link("self", path),
            ask.link("capture", f"{path}/capture", "POST"),
            ask.link("void", f"{path}/void", "POST"),
            ask.link("up", f"/v2/checkout/orders/{order['id']}"),
        ],
    }
    if processor_code:
        made["processor_response"] = {"response_code": processor_code}
    else:
        world.emit("PAYMENT.AUTHORIZATION.CREATED", "authorization", "2.0", made)
    world.authorizations[authorization_id] = made
    return made


def capture_made(
    world: World, ask: Ask, order: Object, amount: Object, authorization: Object | None, processor_code: str = ""
) -> Object:
    """A new capture, of an authorization or of the order; declined if the processor gives a code."""
    capture_id = world.id()
    path = f"/v2/payments/captures/{capture_id}"
    up = f"/v2/payments/authorizations/{authorization['id']}" if authorization else f"/v2/checkout/orders/{order['id']}"
    made = _object(world, order, capture_id, amount)
    pending = amount["value"] == PENDING
    made |= {
        "status": "DECLINED" if processor_code else "PENDING" if pending else "COMPLETED",
        "final_capture": True,
        "links": [ask.link("self", path), ask.link("refund", f"{path}/refund", "POST"), ask.link("up", up)],
    }
    if authorization:
        made["supplementary_data"]["related_ids"]["authorization_id"] = authorization["id"]
    if pending:
        made["status_details"] = {"reason": "PENDING_REVIEW"}
    if processor_code:
        made["processor_response"] = {"response_code": processor_code}
    world.captures[capture_id] = made
    return made


def announce_capture(world: World, made: Object) -> None:
    """The webhook of a capture, once it is whole."""
    world.emit(f"PAYMENT.CAPTURE.{made['status']}", "capture", "2.0", made)
    if made["amount"]["value"] == DISPUTED and made["status"] == "COMPLETED":
        open_dispute(world, made)


def show_authorization(world: World, ask: Ask, authorization_id: str) -> tuple[int, Object]:
    """GET /v2/payments/authorizations/{id}."""
    return 200, found(world.authorizations, authorization_id)


def show_capture(world: World, ask: Ask, capture_id: str) -> tuple[int, Object]:
    """GET /v2/payments/captures/{id}."""
    return 200, found(world.captures, capture_id)


def show_refund(world: World, ask: Ask, refund_id: str) -> tuple[int, Object]:
    """GET /v2/payments/refunds/{id}."""
    return 200, found(world.refunds, refund_id)


def capture(world: World, ask: Ask, authorization_id: str) -> tuple[int, Object]:
    """POST /v2/payments/authorizations/{id}/capture."""
    authorization = found(world.authorizations, authorization_id)
    if authorization["status"] == "VOIDED":
        raise unprocessable("AUTHORIZATION_VOIDED")
    if authorization["status"] not in {"CREATED", "PARTIALLY_CAPTURED"}:
        raise unprocessable("AUTHORIZATION_ALREADY_CAPTURED")
    given = ask.body.get("amount")
    amount = checked_amount(given, "/amount") if given is not None else authorization["amount"]
    if amount["currency_code"] != authorization["amount"]["currency_code"]:
        raise unprocessable("CURRENCY_MISMATCH")
    if issue := ask.mock or AMOUNTS["capture"].get(amount["value"]):
        raise unprocessable(issue)
    order = world.order_of(authorization_id)
    payments = order["purchase_units"][0]["payments"]
    before = sum(minor(one["amount"]) for one in payments.get("captures", ()) if one["status"] != "DECLINED")
    if (before + minor(amount)) * 100 > minor(authorization["amount"]) * _MOST_PERCENT:
        raise unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED")
    invoice = ask.body.get("invoice_id")
    if invoice and any(one.get("invoice_id") == invoice for one in world.captures.values()):
        raise unprocessable("DUPLICATE_INVOICE_ID")
    made = capture_made(world, ask, order, amount, authorization)
    final = bool(ask.body.get("final_capture", False))
    made["final_capture"] = final
    if invoice:
        made["invoice_id"] = invoice
    whole = final or before + minor(amount) >= minor(authorization["amount"])
    authorization |= {"status": "CAPTURED" if whole else "PARTIALLY_CAPTURED", "update_time": world.time()}
    payments.setdefault("captures", []).append(made)
    announce_capture(world, made)
    return 201, made


def void(world: World, ask: Ask, authorization_id: str) -> tuple[int, Object]:
    """POST /v2/payments/authorizations/{id}/void."""
    authorization = found(world.authorizations, authorization_id)
    if issue := ask.mock or AMOUNTS["void"].get(authorization["amount"]["value"]):
        raise unprocessable(issue)
    if authorization["status"] == "VOIDED":
        raise unprocessable("PREVIOUSLY_VOIDED")
    if authorization["status"] == "CAPTURED":
        raise unprocessable("PREVIOUSLY_CAPTURED")
    if authorization["status"] not in {"CREATED", "PARTIALLY_CAPTURED"}:
        raise unprocessable("CANNOT_BE_VOIDED")
    authorization |= {"status": "VOIDED", "update_time": world.time()}
    world.emit("PAYMENT.AUTHORIZATION.VOIDED", "authorization", "2.0", authorization)
    if ask.headers.get("prefer") == "return=representation":
        return 200, authorization
    return 204, {}


def refund(world: World, ask: Ask, capture_id: str) -> tuple[int, Object]:
    """POST /v2/payments/captures/{id}/refund."""
    taken = found(world.captures, capture_id)
    if taken["status"] == "REFUNDED":
        raise unprocessable("CAPTURE_FULLY_REFUNDED")
    if taken["status"] not in {"COMPLETED", "PARTIALLY_REFUNDED"}:
        raise unprocessable("PENDING_CAPTURE")
    order = world.order_of(capture_id)
    payments = order["purchase_units"][0]["payments"]
    before = sum(minor(one["amount"]) for one in payments.get("refunds", ()) if one["_capture"] == capture_id)
    left = minor(taken["amount"]) - before
    given = ask.body.get("amount")
    amount = checked_amount(given, "/amount") if given is not None else taken["amount"]
    if amount["currency_code"] != taken["amount"]["currency_code"]:
        raise unprocessable("REFUND_CAPTURE_CURRENCY_MISMATCH")
    if issue := ask.mock or AMOUNTS["refund"].get(amount["value"]):
        raise unprocessable(issue)
    if minor(amount) > left:
        raise unprocessable("REFUND_AMOUNT_EXCEEDED")
    made = _refund_made(world, ask, order, taken, amount)
    payments.setdefault("refunds", []).append(made)
    taken |= {"status": "REFUNDED" if minor(amount) == left else "PARTIALLY_REFUNDED", "update_time": world.time()}
    if made["status"] == "COMPLETED":
        world.emit("PAYMENT.CAPTURE.REFUNDED", "refund", "2.0", made)
    else:
        world.emit("PAYMENT.REFUND.PENDING", "refund", "2.0", made)
    return 201, made


def _refund_made(world: World, ask: Ask, order: Object, taken: Object, amount: Object) -> Object:
    refund_id = world.id()
    made: Object = {
        "id": refund_id,
        "status": "PENDING" if amount["value"] == PENDING else "COMPLETED",
        "amount": amount,
        "_capture": taken["id"],
        **{name: ask.body[name] for name in ("custom_id", "invoice_id", "note_to_payer") if name in ask.body},
        **world.times(),
        "links": [
            ask.link("self", f"/v2/payments/refunds/{refund_id}"),
            ask.link("up", f"/v2/payments/captures/{taken['id']}"),
        ],
    }
    world.refunds[refund_id] = made
    world.owners[refund_id] = order["id"]
    return made


def _object(world: World, order: Object, object_id: str, amount: Object) -> Object:
    """What an authorization and a capture have in common."""
    unit = order["purchase_units"][0]
    world.owners[object_id] = order["id"]
    return {
        "id": object_id,
        "amount": amount,
        **{name: unit[name] for name in ("custom_id", "invoice_id") if name in unit},
        "supplementary_data": {"related_ids": {"order_id": order["id"]}},
        "seller_protection": {"status": "ELIGIBLE", "dispute_categories": ["ITEM_NOT_RECEIVED"]},
        **world.times(),
    }
