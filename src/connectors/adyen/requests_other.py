"""Our disputes, payouts, saved payment methods and mandates as Adyen's endpoints take them. Pure.

Payouts are transfers of the balance platform, which is what Adyen documents for new integrations; the classic Payout
API is not used. A mandate is a saved payment method that a payment of zero has checked.

Source: Adyen API Explorer, "Disputes" v30, "Transfers" v4, "Checkout" v71; Adyen docs, "Tokenization", "Zero-value
authorization", "Make a payout to a third-party bank account".
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

from connectors.adyen.amounts import amount_object
from connectors.adyen.endpoints import Endpoints
from connectors.adyen.prepared import Endpoint, Prepared, identifier, own_reference, positive, rejected, shopper
from connectors.adyen.requests import MERCHANT_INITIATED, PAYER, metadata, payment_method, statement
from connectors.spi import Capability
from connectors.spi.operations import Call

DOCUMENTS: Final = frozenset({"application/pdf", "image/jpeg", "image/jpg", "image/tiff"})
"""Content types that the Disputes API takes."""
MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 50
_DESCRIPTION_LENGTH: Final = 140
_BALANCE_ACCOUNT: Final = "BA"


def dispute(call: Call, endpoints: Endpoints) -> Prepared:
    """POST /acceptDispute, /defendDispute or /supplyDefenseDocument.

    Raises:
        RequestRejected: Adyen has not named the dispute, or something that the endpoint needs is missing.
    """
    name = call.dispute.connector_dispute_id if call.dispute is not None else ""
    body: dict[str, Any] = {
        "disputePspReference": identifier(name, "dispute_id"),
        "merchantAccountCode": endpoints.merchant_account,
    }
    if call.capability is Capability.ACCEPT_DISPUTE:
        return Prepared(Endpoint.ACCEPT_DISPUTE, body)
    if call.capability is Capability.DEFEND_DISPUTE:
        reason = call.request.defense_reason
        if not reason:
            raise rejected("defense_reason", "Adyen wants a defenseReasonCode", fix="take one that Adyen lists for it")
        return Prepared(Endpoint.DEFEND_DISPUTE, {**body, "defenseReasonCode": reason})
    return Prepared(Endpoint.SUPPLY_DOCUMENT, {**body, "defenseDocuments": _documents(call)})


def _documents(call: Call) -> list[dict[str, str]]:
    if call.request.texts:
        raise rejected("texts", "Adyen takes documents only", fix="put the text into a PDF")
    if not call.request.files:
        raise rejected("files", "there is no document")
    for each in call.request.files:
        if each.content_type not in DOCUMENTS:
            raise rejected("files.content_type", "Adyen takes PDF, JPEG and TIFF")
        if not each.purpose or not each.content:
            raise rejected("files", "a document has no purpose or no content", fix="purpose: defenseDocumentTypeCode")
    return [
        {
            "defenseDocumentTypeCode": each.purpose,
            "contentType": each.content_type,
            "content": b64encode(each.content).decode("ascii"),
        }
        for each in call.request.files
    ]


def payout(call: Call, endpoints: Endpoints) -> Prepared:
    """POST /transfers, from the merchant's balance account to a transfer instrument or to another balance account.

    Raises:
        RequestRejected: No balance account or key is configured, or another kind of destination.
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    for name, value in (
        ("ADYEN_BALANCE_ACCOUNT", endpoints.balance_account),
        ("ADYEN_TRANSFERS_API_KEY", endpoints.transfers_api_key),
    ):
        if not value:
            raise rejected(name, f"payouts need {name}", fix=f"set {name}", reason="SETTINGS_INVALID")
    request = call.request
    if request.destination.WhichOneof("destination") != "connector_account_id":
        raise rejected(
            "destination",
            "Adyen pays out to a transfer instrument or a balance account",
            fix="set destination.connector_account_id: SE… or BA…",
        )
    target = identifier(request.destination.connector_account_id, "destination.connector_account_id")
    internal = target.startswith(_BALANCE_ACCOUNT)
    body: dict[str, Any] = {
        "amount": positive(request.amount),
        "balanceAccountId": endpoints.balance_account,
        "category": "internal" if internal else "bank",
        "counterparty": {"balanceAccountId" if internal else "transferInstrumentId": target},
        "reference": own_reference(request.merchant_payout_id, "merchant_payout_id") or call.key,
    }
    if not internal:
        body["priority"] = "regular"
    if request.description:
        body["description"] = request.description[:_DESCRIPTION_LENGTH]
    return Prepared(Endpoint.TRANSFERS, body)


def list_methods(call: Call, endpoints: Endpoints) -> Prepared:
    """GET /storedPaymentMethods of one shopper; all of them: Adyen has no pages.

    Raises:
        RequestRejected: No shopper, or no page of ours.
    """
    page_of(call)
    return Prepared(Endpoint.LIST_STORED, query=_of_shopper(call, endpoints))


def page_of(call: Call) -> tuple[int, int]:
    """(first, after the last) of the page that a List asks for; of a Get: all.

    Raises:
        RequestRejected: Not a page of ours.
    """
    if call.capability is not Capability.LIST_PAYMENT_METHODS:
        return 0, 1 << 31
    size, token = call.request.page_size or DEFAULT_PAGE, call.request.page_token or "0"
    if not 0 < size <= MAX_PAGE:
        raise rejected("page_size", f"1 to {MAX_PAGE}")
    if not (token.isascii() and token.isdigit() and len(token) < 7):
        raise rejected("page_token", "the token is not of an answer before")
    return int(token), int(token) + size


def attach_method(call: Call, endpoints: Endpoints) -> Prepared:
    """POST /storedPaymentMethods.

    Raises:
        RequestRejected: A raw card, no token, or no shopper.
    """
    request = call.request
    if request.instrument.WhichOneof("instrument") not in {"token", "card"}:
        raise rejected("instrument", "only what the payer entered can be saved", fix="set instrument.token")
    body = {
        **_of_shopper(call, endpoints),
        "paymentMethod": payment_method(request.instrument),
        "recurringProcessingModel": "CardOnFile",
    }
    return Prepared(Endpoint.CREATE_STORED, body)


def delete_method(call: Call, endpoints: Endpoints) -> Prepared:
    """DELETE /storedPaymentMethods/{id}: of a saved payment method, and of a mandate.

    Raises:
        RequestRejected: No id, or no shopper.
    """
    mandate = call.capability is Capability.REVOKE_MANDATE
    field = "connector_mandate_id" if mandate else "connector_payment_method_id"
    path = (identifier(getattr(call.request, field), field),)
    return Prepared(Endpoint.DELETE_STORED, path=path, query=_of_shopper(call, endpoints))


def setup_mandate(call: Call, endpoints: Endpoints) -> Prepared:
    """POST /payments of nothing, which checks the payment method and keeps it.

    Raises:
        RequestRejected: A raw card, or what Adyen needs is missing.
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    request = call.request
    if not request.return_url:
        raise rejected("return_url", "Adyen sends payers back after 3-D Secure and redirects", fix="set return_url")
    if not request.currency:
        raise rejected("currency", "Adyen checks a payment method with nothing of some currency", fix="set currency")
    method = payment_method(request.instrument)
    if "storedPaymentMethodId" in method:
        raise rejected("instrument", "the payment method is saved already", fix="charge it by its id")
    body = {
        **_of_shopper(call, endpoints),
        "amount": amount_object(0, request.currency, field="currency"),
        "reference": own_reference(request.merchant_transaction_id, "merchant_transaction_id") or call.key,
        "channel": "Web",
        "paymentMethod": method,
        "metadata": metadata({}, call.key),
        "returnUrl": request.return_url,
        "storePaymentMethod": True,
        **PAYER,
        "recurringProcessingModel": MERCHANT_INITIATED["recurringProcessingModel"],
    }
    return Prepared(Endpoint.PAYMENTS, body)


def charge_mandate(call: Call, endpoints: Endpoints) -> Prepared:
    """POST /payments with the saved payment method, without the payer.

    Raises:
        RequestRejected: No mandate, no shopper, or no amount.
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    request = call.request
    saved = identifier(request.connector_mandate_id, "connector_mandate_id")
    body: dict[str, Any] = {
        **_of_shopper(call, endpoints),
        "amount": positive(request.amount),
        "reference": own_reference(request.merchant_transaction_id, "merchant_transaction_id") or call.key,
        "channel": "Web",
        "paymentMethod": {"type": "scheme", "storedPaymentMethodId": saved},
        "metadata": metadata({}, call.key),
        "captureDelayHours": 0,
        **MERCHANT_INITIATED,
    }
    if request.description:
        body["shopperStatement"] = statement(request.description)
    return Prepared(Endpoint.PAYMENTS, body)


def _of_shopper(call: Call, endpoints: Endpoints) -> dict[str, str]:
    return {
        "merchantAccount": endpoints.merchant_account,
        "shopperReference": shopper(call.request.connector_customer_id),
    }
