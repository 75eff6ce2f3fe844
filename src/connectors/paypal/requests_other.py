"""Our calls besides payments as PayPal's requests: payouts, disputes, saved methods, subscriptions. Pure.

Source: PayPal docs, "Payouts", "Disputes v1", "Vault v3", "Subscriptions v1".
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from connectors.paypal.request import DAY_S, HOUR_S, Request, amount, get, identifier, post, rejected
from connectors.paypal.requests import PAYMENT_TOKENS
from connectors.spi.operations import Call

PAYOUTS = "/v1/payments/payouts"
SETUP_TOKENS = "/v3/vault/setup-tokens"
DISPUTES = "/v1/customer/disputes"
SUBSCRIPTIONS = "/v1/billing/subscriptions"
PAYOUT_KEY_LIFE_S = 30 * DAY_S
"""Also of `sender_batch_id`. Source: "Payouts", "Create batch payout"."""
TOKEN_KEY_LIFE_S = 3 * HOUR_S
"""Source: "Vault v3", "Create payment token"."""
SUBSCRIPTION_KEY_LIFE_S = 3 * DAY_S
"""Source: "Subscriptions v1", "Create subscription"."""
MOST_TOKENS_PER_PAGE = 5
"""Source: "Vault v3", "List all payment tokens"."""
MAX_FILE_BYTES = 10 * 1024 * 1024
"""Source: PayPal docs, "Disputes Integration Guide", documents; as are the types."""

_FILE_TYPES = frozenset({"application/pdf", "image/gif", "image/jpeg", "image/png"})
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()-]{0,99}", re.ASCII)
_WORD = re.compile(r"[A-Z0-9_]{1,255}", re.ASCII)
_TEXTS = frozenset({"evidence_type", "notes", "tracking_number", "carrier_name", "refund_id"})
_LONGEST_NOTES = 2_000
_LONGEST_PAYOUT_NOTE = 1_000
_LONGEST_REASON = 128
_MOST_PAGES = 10


def payout(call: Call) -> Request:
    """A batch of one payout; our key is its `sender_batch_id`, which PayPal takes once in 30 days.

    Raises:
        RequestRejected: `metadata["field"]` names what PayPal cannot take.
    """
    asked = call.request
    kind, receiver = _receiver(asked)
    written = amount(asked.amount, "amount")
    item = {
        "recipient_type": kind,
        "amount": {"currency": written["currency_code"], "value": written["value"]},
        "receiver": receiver,
        "sender_item_id": payout_name(call),
    }
    if asked.description:
        item["note"] = asked.description[:_LONGEST_PAYOUT_NOTE]
    body = {"sender_batch_header": {"sender_batch_id": call.key}, "items": [item]}
    return post(PAYOUTS, body, call.key)


def payout_name(call: Call) -> str:
    """The merchant's own reference of the payout, as PayPal keeps it: 63 characters at most."""
    name = str(call.request.merchant_payout_id or call.key)
    if len(name) > 63:
        raise rejected("merchant_payout_id", "PayPal keeps at most 63 characters of it")
    return name


def payout_batch(batch_id: str) -> Request:
    """Asks for a batch with its items."""
    return get(f"{PAYOUTS}/{identifier(batch_id, 'payout_id')}")


def dispute(call: Call) -> Request:
    """Asks for the dispute.

    Raises:
        RequestRejected: The call names none.
    """
    return get(_dispute_path(call))


def accept_claim(call: Call) -> Request:
    """The merchant pays the payer back. PayPal takes no key here: it is asked for the dispute before any repeat."""
    body = {"note": "The merchant accepts the claim.", "accept_claim_type": "REFUND"}
    return Request("POST", f"{_dispute_path(call)}/accept-claim", msgspec.json.encode(body))


def evidence(call: Call) -> Request:
    """Evidence with its documents, as a form. PayPal takes no key here.

    Raises:
        RequestRejected: A text that PayPal has no field for, a file of another type or too large, or nothing at all.
    """
    asked = call.request
    texts, files = dict(asked.texts), list(asked.files)
    if unknown := sorted(set(texts) - _TEXTS):
        raise rejected(f"texts.{unknown[0]}", f"PayPal's texts are {', '.join(sorted(_TEXTS))}")
    if not texts and not files:
        raise rejected("files", "there is no evidence to hand in")
    for position, file in enumerate(files):
        if file.content_type not in _FILE_TYPES:
            raise rejected(f"files[{position}].content_type", "PayPal takes PDF, JPEG, PNG and GIF")
        if not 0 < len(file.content) <= MAX_FILE_BYTES:
            raise rejected(f"files[{position}].content", "a document has 10 MB at most, and is not empty")
        if not _FILE_NAME.fullmatch(file.file_name):
            raise rejected(f"files[{position}].file_name", "letters, digits, blanks, dots, hyphens; 100 at most")
    parts = [("input", "", "application/json", msgspec.json.encode({"evidences": _evidences(texts, files)}))]
    parts += [(f"file{n}", file.file_name, file.content_type, file.content) for n, file in enumerate(files, 1)]
    boundary, content = _form(parts)
    kind = f"multipart/form-data; boundary={boundary}"
    return Request("POST", f"{_dispute_path(call)}/provide-evidence", content, content_type=kind)


def save_method(call: Call) -> Request:
    """Makes a saved method of a setup token that the payer has approved."""
    asked = call.request
    if asked.instrument.WhichOneof("instrument") == "card":
        raise rejected("instrument.card", "raw card numbers are refused; give a setup token", "RAW_CARD_REFUSED")
    if asked.instrument.WhichOneof("instrument") != "token":
        raise rejected("instrument", "PayPal saves what its own fields gave a setup token for")
    token = identifier(asked.instrument.token, "instrument.token")
    body: dict[str, Any] = {"payment_source": {"token": {"id": token, "type": "SETUP_TOKEN"}}}
    if asked.connector_customer_id:
        body["customer"] = {"id": identifier(asked.connector_customer_id, "connector_customer_id")}
    return post(PAYMENT_TOKENS, body, call.key)


def ask_consent(call: Call) -> Request:
    """A setup token: the payer is asked at PayPal's page to let the merchant charge their wallet later.

    Raises:
        RequestRejected: Another instrument than PayPal's page, or no address to send the payer back to.
    """
    asked = call.request
    if asked.instrument.redirect_method != "paypal":
        raise rejected("instrument.redirect_method", "the payer consents at a page of PayPal: say paypal")
    if not asked.return_url:
        raise rejected("return_url", "PayPal sends the payer back to it after they have approved")
    urls = {"return_url": asked.return_url, "cancel_url": asked.return_url}
    body: dict[str, Any] = {"payment_source": {"paypal": {"usage_type": "MERCHANT", "experience_context": urls}}}
    if asked.connector_customer_id:
        body["customer"] = {"id": identifier(asked.connector_customer_id, "connector_customer_id")}
    return post(SETUP_TOKENS, body, call.key)


def mandate_path(call: Call) -> str:
    """Where the saved method is that stands for a mandate."""
    return f"{PAYMENT_TOKENS}/{identifier(call.request.connector_mandate_id, 'connector_mandate_id')}"


def method_path(call: Call) -> str:
    """Where a saved method is."""
    return f"{PAYMENT_TOKENS}/{identifier(call.request.connector_payment_method_id, 'connector_payment_method_id')}"


def methods(call: Call) -> tuple[Request, int]:
    """(a page of a customer's saved methods, its number). PayPal shows five a page and ten pages."""
    asked = call.request
    customer = identifier(asked.connector_customer_id, "connector_customer_id")
    text = asked.page_token or "1"
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:3]) <= _MOST_PAGES and len(text) < 3):
        raise rejected("page_token", "this is not a page token of this list")
    size = min(asked.page_size or MOST_TOKENS_PER_PAGE, MOST_TOKENS_PER_PAGE)
    if size < 1:
        raise rejected("page_size", "a page has one to five")
    query = f"customer_id={customer}&page_size={size}&page={int(text)}&total_required=true"
    return get(f"{PAYMENT_TOKENS}?{query}"), int(text)


def subscription(call: Call) -> Request:
    """Begins a subscription, for the payer to approve.

    Raises:
        RequestRejected: `metadata["field"]` names what PayPal cannot take.
    """
    asked = call.request
    if asked.connector_payment_method_id:
        raise rejected("connector_payment_method_id", "the payer chooses at PayPal's page what pays the subscription")
    if not asked.return_url:
        raise rejected("return_url", "PayPal sends the payer back to it after they have approved")
    body: dict[str, Any] = {
        "plan_id": identifier(asked.connector_plan_id, "connector_plan_id"),
        "quantity": str(asked.quantity or 1),
        "application_context": {
            "return_url": asked.return_url,
            "cancel_url": asked.return_url,
            "user_action": "SUBSCRIBE_NOW",
        },
    }
    if asked.merchant_subscription_id:
        body["custom_id"] = asked.merchant_subscription_id
    if asked.trial_days:
        begins = datetime.fromtimestamp(call.context.received_at_ns // 1_000_000_000, tz=UTC)
        body["start_time"] = (begins + timedelta(days=asked.trial_days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return post(SUBSCRIPTIONS, body, call.key)


def subscription_path(call: Call) -> str:
    """Where a subscription is."""
    return f"{SUBSCRIPTIONS}/{identifier(call.request.connector_subscription_id, 'connector_subscription_id')}"


def revise(call: Call) -> Request:
    """Changes plan or quantity. PayPal takes no key here."""
    asked = call.request
    body: dict[str, Any] = {}
    if asked.connector_plan_id:
        body["plan_id"] = identifier(asked.connector_plan_id, "connector_plan_id")
    if asked.quantity:
        body["quantity"] = str(asked.quantity)
    if not body:
        raise rejected("connector_plan_id", "say what changes: the plan or the quantity")
    return Request("POST", f"{subscription_path(call)}/revise", msgspec.json.encode(body))


def cancel(call: Call) -> Request:
    """Ends a subscription at once. PayPal takes no key here."""
    asked = call.request
    if asked.at_period_end:
        raise rejected("at_period_end", "PayPal ends a subscription at once")
    reason = asked.cancel_reason[:_LONGEST_REASON] or "Canceled by the merchant"
    return Request("POST", f"{subscription_path(call)}/cancel", msgspec.json.encode({"reason": reason}))


def _receiver(asked: Any) -> tuple[str, str]:
    destination = asked.destination
    match destination.WhichOneof("destination"):
        case "email":
            return "EMAIL", destination.email
        case "phone":
            return "PHONE", destination.phone
        case "connector_account_id":
            return "PAYPAL_ID", identifier(destination.connector_account_id, "destination.connector_account_id")
        case "own_account":
            raise rejected("destination.own_account", "PayPal pays out to others: an e-mail address, phone or payer id")
    raise rejected("destination", "say where the money goes")


def _dispute_path(call: Call) -> str:
    known = call.dispute.connector_dispute_id if call.dispute is not None else ""
    return f"{DISPUTES}/{identifier(known, 'dispute_id')}"


def _evidences(texts: dict[str, str], files: list[Any]) -> list[dict[str, Any]]:
    """One evidence for each type that is named: in the texts, or as what a file is to show."""
    named = [texts["evidence_type"]] if "evidence_type" in texts else []
    types = list(dict.fromkeys([*named, *(file.purpose for file in files if file.purpose)])) or ["OTHER"]
    for kind in types:
        if not _WORD.fullmatch(kind):
            raise rejected("texts.evidence_type", 'PayPal\'s evidence types are words like "PROOF_OF_FULFILLMENT"')
    made: list[dict[str, Any]] = [{"evidence_type": kind} for kind in types]
    information: dict[str, Any] = {}
    if "tracking_number" in texts:
        carrier = texts.get("carrier_name", "OTHER")
        information["tracking_info"] = [{"carrier_name": carrier, "tracking_number": texts["tracking_number"]}]
    if "refund_id" in texts:
        information["refund_ids"] = [{"refund_id": texts["refund_id"]}]
    if information:
        made[0]["evidence_info"] = information
    if "notes" in texts:
        made[0]["notes"] = texts["notes"][:_LONGEST_NOTES]
    return made


def _form(parts: list[tuple[str, str, str, bytes]]) -> tuple[str, bytes]:
    """(boundary, body) of a form. The same parts make the same body."""
    digest = hashlib.sha256(b"\x00".join(part[3] for part in parts)).hexdigest()
    boundary = f"orchestratorx-{digest[:40]}"
    body = bytearray()
    for name, file_name, kind, content in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{file_name}"' if file_name else "")
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {kind}\r\n\r\n"
        body += head.encode("ascii") + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode("ascii")
    return boundary, bytes(body)
