"""What one item of a standard webhook says of its payment, refund, dispute, payout, payment method or mandate. Pure.

Source: Adyen docs, "Webhook structure and types"; "Dispute webhooks"; "Tokenization".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from connectors.adyen import failures
from connectors.adyen.amounts import money
from connectors.adyen.mapping import Counts, Meaning, Names
from connectors.adyen.parts import (
    DISPUTE_STATUS,
    PAYMENT_STATUS,
    PAYOUT_STATUS,
    REFUND_STATUS,
    fill_details,
    optional_time,
)
from connectors.adyen.shapes import AdditionalData, Item, text
from connectors.adyen.signatures import SUCCESS_TEXT
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_pb2 import Event

_CARD_REASON: Final = re.compile(r"([^:]*):(\d{4}):(\d{1,2}/\d{4})")
"""`reason` of a card payment that succeeded: authorization code, last four digits, expiry."""


def _failure(item: Item, data: AdditionalData, meaning: Meaning) -> Failure:
    reason = _reason(item)
    if meaning.failure:
        return failures.fixed(meaning.failure, item.event_code or "", reason)
    return failures.refusal(reason, text(data.refusal_raw))


def _reason(item: Item) -> str:
    reason = text(item.reason)
    return "" if reason == "null" else reason


FAILED_TYPES: Final = frozenset(
    {
        "payment.failed",
        "payment.capture_failed",
        "payment.void_failed",
        "refund.failed",
        "payout.failed",
        "mandate.failed",
    }
)


def _fill_payment(
    event: Event, item: Item, data: AdditionalData, meaning: Meaning, payment: str, success: bool
) -> None:
    found = event.payment
    found.merchant_transaction_id = item.merchant_reference or ""
    found.connector_transaction_id = payment
    found.status = PAYMENT_STATUS[meaning.type]
    found.provider_status = SUCCESS_TEXT[success]
    if meaning.counts is not Counts.NOTHING:
        amount = money(item.amount)
        if amount is not None:
            (found.amount if meaning.counts is Counts.AMOUNT else found.authorized).CopyFrom(amount)
    if meaning.names is not Names.OWN and item.psp_reference != payment:
        found.operation_id = item.psp_reference or ""
    if not success or meaning.type in FAILED_TYPES:
        found.failure.CopyFrom(_failure(item, data, meaning))
    shopper = text(data.shopper) or text(data.recurring_shopper) or text(data.token_shopper)
    if shopper:
        found.connector_customer_id = shopper
    _fill_card(event, item, data, success)


def _method(item: Item, data: AdditionalData) -> str:
    return text(item.payment_method) or text(data.method) or text(data.variant)


def _fill_card(event: Event, item: Item, data: AdditionalData, success: bool) -> None:
    """How it was paid, and the issuer's code: from additionalData, else from `reason` of a card payment."""
    authorization, last4, expiry = text(data.auth_code), text(data.card_summary), text(data.expiry_date)
    if success and not (last4 and authorization):
        stated = _CARD_REASON.fullmatch(text(item.reason))
        if stated:
            authorization, last4, expiry = authorization or stated[1], last4 or stated[2], expiry or stated[3]
    fill_details(
        event.payment.payment_method,
        _method(item, data),
        last4,
        expiry,
        text(data.recurring_detail) or text(data.token),
    )
    if authorization:
        event.payment.authorization_code = authorization


def _fill_refund(event: Event, item: Item, data: AdditionalData, meaning: Meaning, payment: str, success: bool) -> None:
    found = event.refund
    refund = item.original_reference if meaning.names is Names.VOIDED_REFUND else item.psp_reference
    found.connector_refund_id = refund or item.psp_reference or ""
    found.merchant_transaction_id = item.merchant_reference or ""
    found.merchant_refund_id = item.merchant_reference or ""
    found.connector_transaction_id = payment
    found.status = REFUND_STATUS[meaning.type]
    found.provider_status = SUCCESS_TEXT[success]
    amount = money(item.amount)
    if amount is not None:
        found.amount.CopyFrom(amount)
    if meaning.type in FAILED_TYPES:
        found.failure.CopyFrom(_failure(item, data, meaning))


def _fill_dispute(
    event: Event, item: Item, data: AdditionalData, meaning: Meaning, payment: str, _success: bool
) -> None:
    found = event.dispute
    found.connector_dispute_id = item.psp_reference or ""
    found.merchant_transaction_id = item.merchant_reference or ""
    found.connector_transaction_id = payment
    found.status = DISPUTE_STATUS[meaning.type]
    found.provider_status = text(data.dispute_status)
    found.dispute_reason = _reason(item)
    found.network_reason_code = (
        text(data.chargeback_reason) or text(data.fraud_reason) or text(data.inquiry_reason)
    ).strip()
    due = optional_time(data.defense_ends_at)
    if due is not None:
        found.evidence_due_at.CopyFrom(due)
    amount = money(item.amount)
    if amount is not None:
        found.amount.CopyFrom(amount)
        if meaning.funds:
            found.funds_withdrawn.CopyFrom(amount)
            found.funds_withdrawn.minor_units *= meaning.funds


def _fill_payout(
    event: Event, item: Item, data: AdditionalData, meaning: Meaning, _payment: str, success: bool
) -> None:
    found = event.payout
    original = "" if meaning.names is Names.OWN else item.original_reference
    found.connector_payout_id = original or item.psp_reference or ""
    found.merchant_payout_id = item.merchant_reference or ""
    found.merchant_transaction_id = item.merchant_reference or ""
    found.status = PAYOUT_STATUS[meaning.type]
    found.provider_status = SUCCESS_TEXT[success]
    amount = money(item.amount)
    if amount is not None:
        found.amount.CopyFrom(amount)
    if meaning.type in FAILED_TYPES:
        found.failure.CopyFrom(_failure(item, data, meaning))


def _fill_payment_method(
    event: Event, item: Item, data: AdditionalData, _meaning: Meaning, _payment: str, success: bool
) -> None:
    found = event.payment_method
    token = item.psp_reference or ""  # signed; recurringDetailReference is the same, and is not
    shopper = text(data.recurring_shopper) or text(data.shopper) or text(data.token_shopper)
    found.connector_payment_method_id = token
    found.connector_customer_id = shopper
    found.merchant_customer_id = shopper
    found.merchant_transaction_id = item.merchant_reference or ""
    found.provider_status = SUCCESS_TEXT[success]
    fill_details(found.details, _method(item, data), text(data.card_summary), text(data.expiry_date), token)


def _fill_mandate(
    event: Event, item: Item, data: AdditionalData, meaning: Meaning, _payment: str, success: bool
) -> None:
    found = event.mandate
    found.connector_mandate_id = item.psp_reference or ""
    found.connector_customer_id = text(data.recurring_shopper) or text(data.shopper)
    found.merchant_transaction_id = item.merchant_reference or ""
    found.provider_status = SUCCESS_TEXT[success]
    found.failure.CopyFrom(_failure(item, data, meaning))


FILL: Final[dict[str, Callable[[Event, Item, AdditionalData, Meaning, str, bool], None]]] = {
    "payment": _fill_payment,
    "refund": _fill_refund,
    "dispute": _fill_dispute,
    "payout": _fill_payout,
    "payment_method": _fill_payment_method,
    "mandate": _fill_mandate,
}
"""Member of `Event.data` → what fills it."""
