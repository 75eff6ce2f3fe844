"""Payouts, disputes, customers, saved methods, mandates and subscriptions: what Stripe is asked for. Pure.

Source: Stripe API reference, one page an object.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from connectors.spi.operations import METADATA_KEY, Call
from connectors.stripe import asking
from connectors.stripe.asking import Ask, Params, get, path_id, post, rejected
from connectors.stripe.mapping_billing import MERCHANT_CUSTOMER_KEY, MERCHANT_PAYOUT_KEY, MERCHANT_SUBSCRIPTION_KEY
from connectors.stripe.requests_payments import Found, made_id, method_of
from orchestratorx_prism.v1.customer_service_pb2 import CustomerProfile

# Source: Stripe API reference, "Update a dispute": `evidence`; which of its fields are ids of files.
EVIDENCE_FILES: Final = frozenset(
    (
        "cancellation_policy customer_communication customer_signature duplicate_charge_documentation receipt "
        "refund_policy service_documentation shipping_documentation uncategorized_file"
    ).split()
)
EVIDENCE_TEXTS: Final = frozenset(
    (
        "access_activity_log billing_address cancellation_policy_disclosure cancellation_rebuttal "
        "customer_email_address customer_name customer_purchase_ip duplicate_charge_explanation duplicate_charge_id "
        "product_description refund_policy_disclosure refund_refusal_explanation service_date shipping_address "
        "shipping_carrier shipping_date shipping_tracking_number uncategorized_text"
    ).split()
)
LARGEST_FILE: Final = 4 * 1024 * 1024
FILE_TYPES: Final = frozenset({"application/pdf", "image/jpeg", "image/png"})
DEFAULT_PAGE: Final = 50
LARGEST_PAGE: Final = 100


def payout(call: Call, _found: Found) -> Ask:
    """POST /v1/payouts to the merchant's own bank, or /v1/transfers to a connected account."""
    request = call.request
    named = {MERCHANT_PAYOUT_KEY: request.merchant_payout_id}
    params: Params = {
        "amount": asking.amount(request.amount),
        "currency": asking.currency(request.amount),
        "metadata": asking.metadata(call, {}, named),
    }
    if request.description:
        params["description"] = request.description
    kind = request.destination.WhichOneof("destination")
    if kind == "connector_account_id":
        params["destination"] = path_id(
            request.destination.connector_account_id, "destination.connector_account_id", "acct_", "ba_", "card_"
        )
        if params["destination"].startswith("acct_"):
            return post(call, "/v1/transfers", params)
    elif kind != "own_account" or not request.destination.own_account:
        raise rejected("destination", "Stripe pays out to the merchant's own bank and to connected accounts")
    return post(call, "/v1/payouts", params)


def accept_dispute(call: Call, _found: Found) -> Ask:
    """POST /v1/disputes/{id}/close"""
    return post(call, f"/v1/disputes/{dispute_id(call)}/close", {})


def defend_dispute(call: Call, _found: Found) -> Ask:
    """POST /v1/disputes/{id}: sends what was handed in to the bank. It can be done once."""
    return post(call, f"/v1/disputes/{dispute_id(call)}", {"submit": True})


def submit_evidence(call: Call, found: Found) -> Ask:
    """POST /v1/disputes/{id} without sending it to the bank. `found`: field of evidence → id of the uploaded file."""
    texts = dict(call.request.texts)
    if unknown := sorted(texts.keys() - EVIDENCE_TEXTS):
        raise rejected("texts", f'Stripe has no evidence text "{unknown[0][:40]}"')
    evidence = {**texts, **found}
    if not evidence:
        raise rejected("files", "there is no evidence to hand in")
    return post(call, f"/v1/disputes/{dispute_id(call)}", {"evidence": evidence, "submit": False})


def uploads(call: Call) -> list[tuple[str, Ask]]:
    """(field of evidence, POST /v1/files) for each document.

    Raises:
        RequestRejected: A document of a kind, type or size that Stripe does not take.
    """
    asks: dict[str, Ask] = {}
    for number, file in enumerate(call.request.files):
        if file.purpose not in EVIDENCE_FILES or file.purpose in asks:
            raise rejected("files.purpose", f'Stripe takes one file as "{file.purpose[:40]}", or none')
        if file.content_type not in FILE_TYPES:
            raise rejected("files.content_type", "Stripe takes PDF, JPEG and PNG as evidence")
        if not 0 < len(file.content) <= LARGEST_FILE:
            raise rejected("files.content", "a file is empty or larger than 4 MB")
        asks[file.purpose] = Ask(
            "post",
            "/v1/files",
            {"purpose": "dispute_evidence"},
            key=f"{call.key}:file{number}",
            file=(file.file_name or file.purpose, file.content),
        )
    return list(asks.items())


def dispute_id(call: Call) -> str:
    if call.dispute is None:
        raise rejected("dispute_id", "the operation needs the dispute it is about")
    return path_id(call.dispute.connector_dispute_id, "dispute_id")


def create_customer(call: Call, _found: Found) -> Ask:
    return post(call, "/v1/customers", _profile(call, call.request.profile, {METADATA_KEY: call.key}))


def get_customer(call: Call, _found: Found) -> Ask:
    return get(f"/v1/customers/{_customer_id(call)}")


def update_customer(call: Call, _found: Found) -> Ask:
    params = _profile(call, call.request.profile, {})
    if not params:
        raise rejected("profile", "there is nothing to change")
    return post(call, f"/v1/customers/{_customer_id(call)}", params)


def delete_customer(call: Call, _found: Found) -> Ask:
    return Ask("delete", f"/v1/customers/{_customer_id(call)}")


def _profile(call: Call, profile: CustomerProfile, ours: dict[str, str]) -> Params:
    """Fields that are set. `ours`: only of a new customer, so that what made it can be found."""
    named = {MERCHANT_CUSTOMER_KEY: profile.merchant_customer_id}
    made = asking.metadata(call, dict(profile.metadata), named)
    kept = {name: value for name, value in made.items() if name != METADATA_KEY or ours}
    params: Params = {name: getattr(profile, name) for name in ("name", "email", "phone") if getattr(profile, name)}
    return {**params, "metadata": kept} if kept else params


def _customer_id(call: Call) -> str:
    return path_id(call.request.connector_customer_id, "connector_customer_id", "cus_")


def attach_first(call: Call) -> Ask | None:
    """A card token is made a PaymentMethod. Whatever else is wrong with the request is told before."""
    attach_method(call, {"id": "pm_"})
    return asking.as_method(call)


def attach_method(call: Call, found: Found) -> Ask:
    """POST /v1/payment_methods/{id}/attach. `found`: the PaymentMethod that a token became."""
    request = call.request
    method = asking.instrument(request.instrument, {}, made_id(found)).get("payment_method")
    if not method:
        raise rejected("instrument", "Stripe attaches payment methods only", fix="pass pm_… or tok_…")
    whose = asking.customer(request.connector_customer_id)
    if not whose:
        raise rejected("connector_customer_id", "a payment method is saved for a customer, and none is named")
    return post(call, f"/v1/payment_methods/{path_id(method, 'instrument')}/attach", whose)


def get_method(call: Call, _found: Found) -> Ask:
    return get(f"/v1/payment_methods/{_method_id(call)}")


def list_methods(call: Call, _found: Found) -> Ask:
    """GET /v1/customers/{id}/payment_methods. The page token is the last id of the page before."""
    request = call.request
    if not 0 <= request.page_size <= LARGEST_PAGE:
        raise rejected("page_size", f"at most {LARGEST_PAGE} a page")
    params: Params = {"limit": request.page_size or DEFAULT_PAGE}
    if request.page_token:
        params["starting_after"] = path_id(request.page_token, "page_token")
    return Ask("get", f"/v1/customers/{_customer_id(call)}/payment_methods", params)


def detach_method(call: Call, _found: Found) -> Ask:
    return post(call, f"/v1/payment_methods/{_method_id(call)}/detach", {})


def _method_id(call: Call) -> str:
    return path_id(call.request.connector_payment_method_id, "connector_payment_method_id")


def setup_first(call: Call) -> Ask | None:
    """As `attach_first`."""
    setup_mandate(call, {"id": "pm_"})
    return asking.as_method(call)


def setup_mandate(call: Call, found: Found) -> Ask:
    """POST /v1/setup_intents, confirmed at once, for later payments without the payer. `found`: as for attaching."""
    request = call.request
    away: Params = {} if request.return_url else {"allow_redirects": "never"}
    params: Params = {
        **asking.customer(request.connector_customer_id),
        **asking.instrument(request.instrument, {}, made_id(found)),
        "confirm": True,
        "usage": "off_session",
        "metadata": asking.metadata(call, {}, asking.reference(call)),
    }
    if request.return_url:
        params["return_url"] = request.return_url
    if "allowed_payment_method_types" not in params:
        params["automatic_payment_methods"] = {"enabled": True, **away}
    elif not request.return_url:
        raise rejected("return_url", "the payer is sent to the payment method's own page, and has to come back")
    return post(call, "/v1/setup_intents", params)


def revoke_mandate(call: Call, found: Found) -> Ask:
    """POST /v1/payment_methods/{id}/detach: a detached method can be charged no more, and Stripe ends its mandate."""
    method = method_of(found) or path_id(call.request.connector_mandate_id, "connector_mandate_id")
    return post(call, f"/v1/payment_methods/{method}/detach", {})


def create_subscription(call: Call, _found: Found) -> Ask:
    request = call.request
    whose = asking.customer(request.connector_customer_id)
    if not whose:
        raise rejected("connector_customer_id", "a subscription is a customer's, and none is named")
    item: Params = {"price": path_id(request.connector_plan_id, "connector_plan_id")}
    if request.quantity:
        item["quantity"] = request.quantity  # metered prices take none
    named = {MERCHANT_SUBSCRIPTION_KEY: request.merchant_subscription_id}
    params: Params = {**whose, "items": [item], "metadata": asking.metadata(call, {}, named)}
    if request.trial_days:
        params["trial_period_days"] = request.trial_days
    if request.connector_payment_method_id:
        params["default_payment_method"] = path_id(request.connector_payment_method_id, "connector_payment_method_id")
    return post(call, "/v1/subscriptions", params)


def get_subscription(call: Call) -> Ask:
    return get(f"/v1/subscriptions/{subscription_id(call)}")


def update_subscription(call: Call, found: Found) -> Ask:
    """POST /v1/subscriptions/{id}. `found`: the subscription, whose item has to be named."""
    request = call.request
    held = found.get("items")
    items = held.get("data") if isinstance(held, dict) else None
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
        raise rejected("connector_subscription_id", "the subscription has several items", fix="change it at Stripe")
    item: Params = {"id": items[0].get("id", "")}
    if request.connector_plan_id:
        item["price"] = path_id(request.connector_plan_id, "connector_plan_id")
    if request.quantity:
        item["quantity"] = request.quantity
    if len(item) == 1:
        raise rejected("connector_plan_id", "there is nothing to change")
    return post(call, f"/v1/subscriptions/{subscription_id(call)}", {"items": [item]})


def cancel_subscription(call: Call, _found: Found) -> Ask:
    """At the end of the period a change; at once DELETE /v1/subscriptions/{id}."""
    request = call.request
    params: Params = {"cancellation_details": {"comment": request.cancel_reason}} if request.cancel_reason else {}
    path = f"/v1/subscriptions/{subscription_id(call)}"
    if request.at_period_end:
        return post(call, path, {"cancel_at_period_end": True, **params})
    return Ask("delete", path, params)


def subscription_id(call: Call) -> str:
    return path_id(call.request.connector_subscription_id, "connector_subscription_id", "sub_")


def record_usage(call: Call, _found: Found) -> Ask:
    """POST /v1/billing/meter_events. Its identifier is unique for a day, so that a repeat counts once."""
    request = call.request
    if not request.meter:
        raise rejected("meter", "the meter's event name is missing")
    if not request.connector_customer_id:
        raise rejected("connector_customer_id", "metered use is a customer's, and none is named")
    try:
        quantity = Decimal(request.quantity)
    except InvalidOperation:
        quantity = Decimal("NaN")
    if not quantity.is_finite() or quantity < 0:
        raise rejected("quantity", "the quantity is not a decimal number, 0 or more")
    whose = path_id(request.connector_customer_id, "connector_customer_id", "cus_")
    params: Params = {
        "event_name": request.meter,
        "identifier": call.key,
        "payload": {"stripe_customer_id": whose, "value": f"{quantity:f}"},
    }
    if request.HasField("used_at"):
        params["timestamp"] = request.used_at.seconds
    return post(call, "/v1/billing/meter_events", params)
