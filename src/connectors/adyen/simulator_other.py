"""Saved payment methods, disputes and transfers, as Adyen's simulator does them.

Source: Adyen API Explorer, "Checkout" v71, "Disputes" v30, "Transfers" v4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from connectors.adyen.sample_bodies import transfer
from connectors.adyen.simulator import message_webhook
from connectors.adyen.simulator_hooks import Hooks
from connectors.adyen.simulator_payments import card_number, save
from connectors.adyen.simulator_state import (
    BALANCE_ACCOUNT,
    BRANDS,
    Memory,
    Problem,
    amount_of,
    check_account,
    required,
)
from connectors.spi import SampleRequest

Body = dict[str, Any]
Said = tuple[int, Body]

MUCH: Final = 100_000_000
"""A transfer of so much, in minor units, finds not enough balance."""
CLOSED: Final = "SECLOSED"
DOCUMENTS: Final = frozenset({"application/pdf", "image/jpeg", "image/jpg", "image/tiff"})
_STORED: Final = re.compile(r"/v\d+/storedPaymentMethods")
_STORED_ONE: Final = re.compile(r"/v\d+/storedPaymentMethods/([0-9A-Za-z]+)")
_DISPUTE: Final = re.compile(r"/ca/services/DisputeService/v\d+/(\w+)")
_TRANSFERS: Final = re.compile(r"/btl/v\d+/transfers")


def posted(memory: Memory, hooks: Hooks, path: str, body: Body) -> Said:
    """Any POST that is no payment.

    Raises:
        Problem: Adyen's validation fails, or nothing is there.
    """
    if _STORED.fullmatch(path):
        return _save(memory, hooks, body)
    if _TRANSFERS.fullmatch(path):
        return _transfer(memory, hooks, body)
    about = _DISPUTE.fullmatch(path)
    if about:
        check_account(body, "merchantAccountCode")
        return 200, {"disputeServiceResult": _dispute(memory, hooks, about[1], body)}
    raise Problem(404, "000", "Not found", "internal")


def stored_methods(memory: Memory, hooks: Hooks, method: str, path: str, query: Mapping[str, str]) -> Said:
    """GET and DELETE of /storedPaymentMethods.

    Raises:
        Problem: Adyen's validation fails.
    """
    check_account(dict(query))
    shopper = required(dict(query), "shopperReference", "139", "Recurring requires shopperReference")
    saved = memory.saved.get(shopper, {})
    if method == "GET" and _STORED.fullmatch(path):
        return 200, {**query, "storedPaymentMethods": list(saved.values())}
    one = _STORED_ONE.fullmatch(path)
    if method != "DELETE" or one is None:
        raise Problem(404, "000", "Not found", "internal")
    if one[1] not in saved:
        raise Problem(422, "803", "PaymentDetail not found")
    del saved[one[1]]
    hooks.token("disabled", shopper, one[1])
    return 204, {}


def _save(memory: Memory, hooks: Hooks, body: Body) -> Said:
    check_account(body)
    shopper = required(body, "shopperReference", "139", "Recurring requires shopperReference")
    method = required(body, "paymentMethod", "702", "Required object 'paymentMethod' is not provided.")
    number = card_number(method, raw_cards=memory.options.raw_cards)
    identity = save(memory, shopper, BRANDS[number[0]], number[-4:])
    hooks.token("created", shopper, identity)
    return 201, memory.saved[shopper][identity]


def open_dispute(memory: Memory, hooks: Hooks, psp: str) -> str:
    """The payer disputes a payment."""
    dispute = memory.new_id()
    memory.disputes[dispute] = psp
    additional = {"disputeStatus": "Unresponded", "chargebackReasonCode": "10.4", "chargebackSchemeCode": "visa"}
    hooks.item("NOTIFICATION_OF_CHARGEBACK", memory.payments[psp], psp=dispute, additional=additional)
    return dispute


def _dispute(memory: Memory, hooks: Hooks, what: str, body: Body) -> Body:
    """`disputeServiceResult`: refusals are no HTTP errors here."""
    name = body.get("disputePspReference", "")
    payment = memory.payments.get(memory.disputes.get(name, ""))
    if payment is None:
        return {"success": False, "errorMessage": "Dispute was not found"}
    if what == "supplyDefenseDocument":
        documents = body.get("defenseDocuments", [])
        if not documents or any(each.get("contentType") not in DOCUMENTS for each in documents):
            return {"success": False, "errorMessage": "The defense document is invalid"}
        memory.documents.setdefault(name, []).extend(each["defenseDocumentTypeCode"] for each in documents)
        return {"success": True}
    if what not in {"acceptDispute", "defendDispute"}:
        raise Problem(404, "000", "Not found", "internal")
    if name in memory.closed:
        return {"success": False, "errorMessage": "The dispute is closed"}
    if what == "defendDispute":
        if not memory.documents.get(name):
            return {"success": False, "errorMessage": "Required defense documents are missing"}
        hooks.item("INFORMATION_SUPPLIED", payment, psp=name, additional={"disputeStatus": "Responded"})
    memory.closed.add(name)
    return {"success": True}


def _transfer(memory: Memory, hooks: Hooks, body: Body) -> Said:
    """Adyen answers these with RFC 7807 errors; ours have its `errorCode` and the older names besides."""
    if body.get("balanceAccountId") != BALANCE_ACCOUNT:
        raise Problem(422, "00_422", "Balance account not found")
    currency, value = amount_of(body)
    counterparty = required(body, "counterparty", "00_422", "Missing required field: counterparty")
    category = body.get("category")
    if category == "bank" and "priority" not in body:
        raise Problem(422, "00_422", "Missing required field: priority")
    if category not in {"bank", "internal"}:
        raise Problem(422, "00_422", "Unknown category")
    refused = value >= MUCH
    made = {
        "id": memory.new_id(),
        "amount": {"currency": currency, "value": value},
        "balanceAccount": {"id": BALANCE_ACCOUNT},
        "category": category,
        "counterparty": counterparty,
        "description": body.get("description", ""),
        "direction": "outgoing",
        "reason": "notEnoughBalance" if refused else "approved",
        "reference": body.get("reference") or memory.new_id(),
        "status": "refused" if refused else "authorised",
        "type": "bankTransfer" if category == "bank" else "internalTransfer",
    }
    memory.transfers.append(made)
    closed = str(counterparty.get("transferInstrumentId", "")).startswith(CLOSED)
    if not refused:
        _tell(memory, hooks, made, "balancePlatform.transfer.created", "received", "approved")
        ending = ("failed", "counterpartyAccountClosed") if closed else ("booked", "approved")
        _tell(memory, hooks, made, "balancePlatform.transfer.updated", *ending)
    return 202, made


def _tell(memory: Memory, hooks: Hooks, made: Body, name: str, status: str, reason: str) -> None:
    request = SampleRequest(name, now_s=int(memory.options.now_s()), seed=memory.options.seed)
    body = transfer(name, made["category"], made["type"], "outgoing", status, reason, request)
    body["data"] |= {key: made[key] for key in ("id", "amount", "reference")}
    hooks.send(message_webhook(body, hooks.key))
