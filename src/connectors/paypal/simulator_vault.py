"""The simulator's Vault v3 and Subscriptions v1. Written from PayPal's documentation."""

from __future__ import annotations

import re
from typing import Final

from connectors.paypal.simulator_world import (
    SAVED,
    Ask,
    Object,
    Refusal,
    World,
    found,
    invalid,
    not_found,
    unprocessable,
)

SETUP_TOKEN: Final = "5C991763VB2781612"  # noqa: S105 (an id from PayPal's documentation)
"""A setup token that the payer has approved: there from the start, and as often as it is used."""
CUSTOMER: Final = "customer_4029352050"
_PLAN: Final = re.compile(r"P-[0-9A-Z]{24}", re.ASCII)
NO_PLAN: Final = "P-00000000000000000000NONE"
"""The simulator's own: a plan that does not exist."""
_MOST_PER_PAGE: Final = 5


def create_token(world: World, ask: Ask) -> tuple[int, Object]:
    """POST /v3/vault/payment-tokens: a setup token becomes a saved method."""
    token = (ask.body.get("payment_source") or {}).get("token") or {}
    if token.get("type") != "SETUP_TOKEN" or not token.get("id"):
        raise invalid("MISSING_REQUIRED_PARAMETER", "/payment_source/token")
    setup = world.setup_tokens.get(token["id"])
    if setup is None and token["id"] != SETUP_TOKEN:
        raise unprocessable("SETUP_TOKEN_NOT_FOUND")
    if setup is not None and setup["status"] != "APPROVED":
        raise unprocessable("SETUP_TOKEN_NOT_APPROVED")
    token_id = world.id(8).lower()
    customer = ask.body.get("customer") or {}
    made: Object = {
        "id": token_id,
        "customer": {"id": customer.get("id") or CUSTOMER} | customer,
        "payment_source": SAVED["card-visa" if setup is None else "paypal-wallet"],
        "links": [ask.link("self", f"/v3/vault/payment-tokens/{token_id}")],
    }
    world.tokens[token_id] = made
    world.emit("VAULT.PAYMENT-TOKEN.CREATED", "payment_token", "3.0", made)
    return 201, made


def create_setup_token(world: World, ask: Ask) -> tuple[int, Object]:
    """POST /v3/vault/setup-tokens: the payer of a wallet is asked."""
    wallet = (ask.body.get("payment_source") or {}).get("paypal")
    if not isinstance(wallet, dict) or wallet.get("usage_type") not in {"MERCHANT", "PLATFORM"}:
        raise invalid("MISSING_REQUIRED_PARAMETER", "/payment_source/paypal/usage_type")
    own = world.id()
    made: Object = {
        "id": own,
        "status": "PAYER_ACTION_REQUIRED",
        "customer": {"id": (ask.body.get("customer") or {}).get("id") or CUSTOMER},
        "payment_source": {"paypal": {}},
        "_return": (wallet.get("experience_context") or {}).get("return_url", ""),
        "links": [
            ask.link("approve", f"/agreements/approve?approval_session_id={own}"),
            ask.link("confirm", "/v3/vault/payment-tokens", "POST"),
        ],
    }
    world.setup_tokens[own] = made
    return 201, made


def approve_setup(world: World, ask: Ask) -> str:
    """The payer's page; gives the address they are sent back to."""
    made = found(world.setup_tokens, ask.query.get("approval_session_id", ""))
    made["status"] = "APPROVED"
    return f"{made['_return'] or ask.base}?approval_token_id={made['id']}"


def show_token(world: World, ask: Ask, token_id: str) -> tuple[int, Object]:
    """GET /v3/vault/payment-tokens/{id}."""
    if token_id in SAVED:
        return 200, {"id": token_id, "customer": {"id": CUSTOMER}, "payment_source": SAVED[token_id]}
    return 200, found(world.tokens, token_id)


def delete_token(world: World, ask: Ask, token_id: str) -> tuple[int, Object]:
    """DELETE /v3/vault/payment-tokens/{id}."""
    made = found(world.tokens, token_id)
    del world.tokens[token_id]
    world.emit("VAULT.PAYMENT-TOKEN.DELETED", "payment_token", "3.0", {"id": made["id"]})
    return 204, {}


def list_tokens(world: World, ask: Ask) -> tuple[int, Object]:
    """GET /v3/vault/payment-tokens?customer_id=…"""
    customer_id = ask.query.get("customer_id", "")
    if not customer_id:
        raise invalid("MISSING_REQUIRED_PARAMETER", "customer_id")
    size, page = int(ask.query.get("page_size", "5")), int(ask.query.get("page", "1"))
    if not 1 <= size <= _MOST_PER_PAGE:
        raise invalid("INVALID_PARAMETER_VALUE", "page_size")
    tokens = [one for one in world.tokens.values() if one["customer"]["id"] == customer_id]
    shown = tokens[(page - 1) * size : page * size]
    return 200, {
        "customer": {"id": customer_id},
        "payment_tokens": shown,
        "total_items": len(tokens),
        "total_pages": -(-len(tokens) // size),
    }


def create_subscription(world: World, ask: Ask) -> tuple[int, Object]:
    """POST /v1/billing/subscriptions."""
    plan = ask.body.get("plan_id", "")
    if not _PLAN.fullmatch(plan):
        raise invalid("INVALID_PARAMETER_SYNTAX", "/plan_id")
    if plan == NO_PLAN:
        raise not_found()
    own = f"I-{world.id(12)}"
    path = f"/v1/billing/subscriptions/{own}"
    made: Object = {
        "id": own,
        "status": "APPROVAL_PENDING",
        "status_update_time": world.time(),
        "plan_id": plan,
        "start_time": ask.body.get("start_time", world.time()),
        "quantity": ask.body.get("quantity", "1"),
        **({"custom_id": ask.body["custom_id"]} if "custom_id" in ask.body else {}),
        **world.times(),
        "_return": (ask.body.get("application_context") or {}).get("return_url", ""),
        "links": [
            ask.link("approve", f"/webapps/billing/subscriptions?ba_token={own}"),
            ask.link("self", path),
            ask.link("cancel", f"{path}/cancel", "POST"),
        ],
    }
    world.subscriptions[own] = made
    world.emit("BILLING.SUBSCRIPTION.CREATED", "subscription", "2.0", made)
    return 201, made


def show_subscription(world: World, ask: Ask, own: str) -> tuple[int, Object]:
    """GET /v1/billing/subscriptions/{id}."""
    return 200, found(world.subscriptions, own)


def approve_subscription(world: World, ask: Ask) -> str:
    """The payer's page; gives the address they are sent back to."""
    made = found(world.subscriptions, ask.query.get("ba_token", ""))
    if made["status"] == "APPROVAL_PENDING":
        made |= {"status": "ACTIVE", "status_update_time": world.time()}
        world.emit("BILLING.SUBSCRIPTION.ACTIVATED", "subscription", "2.0", made)
    return f"{made['_return'] or ask.base}?subscription_id={made['id']}"


def change_subscription(world: World, ask: Ask, own: str, action: str) -> tuple[int, Object]:
    """POST /v1/billing/subscriptions/{id}/revise, /suspend and /cancel."""
    made = found(world.subscriptions, own)
    if made["status"] not in {"ACTIVE", "SUSPENDED"}:
        raise unprocessable("SUBSCRIPTION_STATUS_INVALID")
    if action == "revise":
        plan = ask.body.get("plan_id", made["plan_id"])
        if plan == NO_PLAN:
            raise not_found()
        made |= {"plan_id": plan, "quantity": ask.body.get("quantity", made["quantity"]), "update_time": world.time()}
        world.emit("BILLING.SUBSCRIPTION.UPDATED", "subscription", "2.0", made)
        approve = ask.link("approve", f"/webapps/billing/subscriptions/update?ba_token={own}")
        shown = {name: made[name] for name in ("plan_id", "quantity")}
        return 200, shown | {"links": [approve, ask.link("self", f"/v1/billing/subscriptions/{own}")]}
    if not ask.body.get("reason"):
        raise Refusal(400, "INVALID_REQUEST", "MISSING_REQUIRED_PARAMETER", "/reason")
    made |= {"status": {"suspend": "SUSPENDED", "cancel": "CANCELLED"}[action], "status_update_time": world.time()}
    word = {"suspend": "SUSPENDED", "cancel": "CANCELLED"}[action]
    world.emit(f"BILLING.SUBSCRIPTION.{word}", "subscription", "2.0", made)
    return 204, {}
