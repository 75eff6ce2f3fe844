"""The simulator's Orders v2: create, approve, show, authorize, capture. Written from PayPal's documentation."""

from __future__ import annotations

from urllib.parse import urlencode

from connectors.paypal.simulator_payments import announce_capture, authorization_made, capture_made
from connectors.paypal.simulator_world import (
    AMOUNTS,
    CHALLENGE,
    PAYER,
    REJECTIONS,
    SAVED,
    Ask,
    Object,
    Refusal,
    World,
    checked_amount,
    found,
    invalid,
    unprocessable,
)

_OPEN = {"CREATED", "PAYER_ACTION_REQUIRED", "APPROVED"}


def create(world: World, ask: Ask) -> tuple[int, Object]:
    """POST /v2/checkout/orders."""
    body = ask.body
    if body.get("intent") not in {"CAPTURE", "AUTHORIZE"}:
        raise invalid("INVALID_PARAMETER_VALUE", "/intent")
    units = body.get("purchase_units")
    if not isinstance(units, list) or len(units) != 1:
        raise invalid("INVALID_ARRAY_MAX_ITEMS", "/purchase_units")  # PayPal takes ten, the simulator one
    unit = {**units[0], "amount": checked_amount(units[0].get("amount"), "/purchase_units/0/amount")}
    for name, longest in (("custom_id", 255), ("invoice_id", 127), ("description", 127), ("reference_id", 256)):
        if len(unit.get(name, "")) > longest:
            raise invalid("INVALID_STRING_LENGTH", f"/purchase_units/0/{name}")
    source = body.get("payment_source") or {}
    kind = next(iter(source), "")
    used = source.get(kind) or {}
    saved = used.get("vault_id") or used.get("single_use_token") or ""
    if "number" in used:
        saved = _plain_card(world, used)
    if saved and not ask.request_id:
        raise invalid("PAYPAL_REQUEST_ID_REQUIRED", "/PayPal-Request-Id")
    if saved and ask.mock:
        raise unprocessable(ask.mock)
    order: Object = {
        "id": world.id(),
        "intent": body["intent"],
        "status": "CREATED",
        "purchase_units": [unit],
        **world.times(),
        "links": [],
    }
    _address(world, ask, order, used)
    if saved:
        return _at_once(world, ask, order, kind, saved, bool(used.get("vault_id")))
    if kind:
        order |= {"status": "PAYER_ACTION_REQUIRED", "payment_source": {kind: {}}}
    relation = "payer-action" if kind else "approve"
    order["links"] += [ask.link(relation, f"/checkoutnow?token={order['id']}")]
    _keep(world, ask, order)
    return 201, order


def show(world: World, ask: Ask, order_id: str) -> tuple[int, Object]:
    """GET /v2/checkout/orders/{id}."""
    return 200, found(world.orders, order_id)


def approve(world: World, ask: Ask) -> str:
    """The payer's page: they approve, or (with `cancel`) do not. Gives the address they are sent back to."""
    order = found(world.orders, ask.query.get("token", ""))
    urls = order.get("_urls", {})
    if "cancel" in ask.query:
        return f"{urls.get('cancel_url', ask.base)}?{urlencode({'token': order['id']})}"
    if order["status"] in _OPEN:
        order["status"] = "APPROVED"
        order["update_time"] = world.time()
        order["payer"] = {"payer_id": PAYER}
        if "paypal" in order.get("payment_source", {"paypal": {}}):
            order["payment_source"] = {"paypal": {"account_id": PAYER, "account_status": "VERIFIED"}}
        world.emit("CHECKOUT.ORDER.APPROVED", "checkout-order", "2.0", order)
    query = urlencode({"token": order["id"], "PayerID": PAYER})
    return f"{urls.get('return_url', ask.base)}?{query}"


def finish(world: World, ask: Ask, order_id: str, action: str) -> tuple[int, Object]:
    """POST /v2/checkout/orders/{id}/authorize and /capture."""
    order = found(world.orders, order_id)
    if (action == "authorize") != (order["intent"] == "AUTHORIZE"):
        raise unprocessable("ACTION_DOES_NOT_MATCH_INTENT")
    if order["status"] == "COMPLETED":
        raise unprocessable("ORDER_ALREADY_AUTHORIZED" if action == "authorize" else "ORDER_ALREADY_CAPTURED")
    if order["status"] == "PAYER_ACTION_REQUIRED" and "card" in order["payment_source"]:
        raise unprocessable("PAYER_ACTION_REQUIRED", [ask.link("payer-action", f"/checkoutnow?token={order_id}")])
    if order["status"] != "APPROVED":
        raise unprocessable("ORDER_NOT_APPROVED")
    issue = ask.mock or AMOUNTS["order"].get(order["purchase_units"][0]["amount"]["value"])
    if issue:
        order["status"] = "PAYER_ACTION_REQUIRED"
        raise unprocessable(issue, [ask.link("redirect", f"/checkoutnow?token={order_id}")])
    _take(world, ask, order, "")
    return 201, order


def _plain_card(world: World, used: Object) -> str:
    """A card by its number, as the name of a card that is kept."""
    if not world.raw_cards:
        raise Refusal(403, "NOT_AUTHORIZED", "PERMISSION_DENIED")
    if not str(used.get("expiry", "")):
        raise invalid("MISSING_REQUIRED_PARAMETER", "/payment_source/card/expiry")
    name = world.id()
    card = {"brand": "VISA", "last_digits": str(used["number"])[-4:], "expiry": used["expiry"]}
    world.tokens[name] = {"payment_source": {"card": card}}
    return name


def _at_once(world: World, ask: Ask, order: Object, kind: str, saved: str, vaulted: bool) -> tuple[int, Object]:
    """An order with a saved method or a token: the money is taken or reserved by the one request."""
    described = world.tokens.get(saved, {}).get("payment_source") or SAVED.get(saved)
    if vaulted and described is None:
        raise unprocessable("TOKEN_NOT_FOUND")
    source = (described or SAVED["card-visa"]).get(kind)
    if source is None:
        raise Refusal(400, "INVALID_REQUEST", "INCOMPATIBLE_PARAMETER_VALUE", f"/payment_source/{kind}")
    order["payment_source"] = {kind: source}
    if saved == CHALLENGE:
        order["status"] = "PAYER_ACTION_REQUIRED"
        order["links"] += [ask.link("payer-action", f"/checkoutnow?token={order['id']}")]
        _keep(world, ask, order)
        return 201, order
    if issue := AMOUNTS["order"].get(order["purchase_units"][0]["amount"]["value"]):
        raise unprocessable(issue)
    _keep(world, ask, order)
    _take(world, ask, order, REJECTIONS.get(saved, ""))
    return 201, order


def _take(world: World, ask: Ask, order: Object, processor_code: str) -> None:
    unit = order["purchase_units"][0]
    if unit.get("invoice_id") and _is_paid(world, unit["invoice_id"], order["id"]):
        raise unprocessable("DUPLICATE_INVOICE_ID")
    order |= {"status": "COMPLETED", "update_time": world.time()}
    if order["intent"] == "AUTHORIZE":
        unit["payments"] = {"authorizations": [authorization_made(world, ask, order, processor_code)]}
    else:
        made = capture_made(world, ask, order, unit["amount"], None, processor_code)
        unit["payments"] = {"captures": [made]}
        announce_capture(world, made)
    if not processor_code:
        world.emit("CHECKOUT.ORDER.COMPLETED", "checkout-order", "2.0", order)


def _is_paid(world: World, invoice_id: str, order_id: str) -> bool:
    """Whether another order with this invoice id is paid: PayPal blocks accidental payments."""
    paid = [*world.authorizations.values(), *world.captures.values()]
    return any(
        one.get("invoice_id") == invoice_id and one["status"] not in {"DENIED", "DECLINED"}
        for one in paid
        if world.owners[one["id"]] != order_id
    )


def _address(world: World, ask: Ask, order: Object, used: Object) -> None:
    path = f"/v2/checkout/orders/{order['id']}"
    action = "authorize" if order["intent"] == "AUTHORIZE" else "capture"
    order["links"] = [ask.link("self", path), ask.link(action, f"{path}/{action}", "POST")]
    context = used.get("experience_context") or {}
    order["_urls"] = {name: context[name] for name in ("return_url", "cancel_url") if name in context}


def _keep(world: World, ask: Ask, order: Object) -> None:
    world.orders[order["id"]] = order
    world.order_keys[order["id"]] = ask.request_id
