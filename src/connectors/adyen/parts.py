"""Small pieces that events of several families are made of: references, times, cards, states. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.adyen.shapes import text
from connectors.spi import Context
from connectors.spi.building import iso_time, new_event
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.event_types import UNMAPPED
from orchestratorx_prism.v1.connector_pb2 import ENVIRONMENT_PRODUCTION, ENVIRONMENT_SANDBOX, Environment
from orchestratorx_prism.v1.dispute_pb2 import DisputeStatus
from orchestratorx_prism.v1.event_data_pb2 import PayoutStatus
from orchestratorx_prism.v1.event_pb2 import Event, Raw
from orchestratorx_prism.v1.payment_pb2 import PaymentMethodDetails, PaymentStatus
from orchestratorx_prism.v1.reference_pb2 import Reference
from orchestratorx_prism.v1.refund_pb2 import RefundStatus

CONNECTOR: Final = "adyen"

# What an event alone says of the state; the ledger says the rest. capture_failed and void_failed say nothing of it.
PAYMENT_STATUS: Final[dict[str, PaymentStatus.ValueType]] = {
    "payment.created": PaymentStatus.PAYMENT_STATUS_CREATED,
    "payment.pending": PaymentStatus.PAYMENT_STATUS_PENDING,
    "payment.authorized": PaymentStatus.PAYMENT_STATUS_AUTHORIZED,
    "payment.authorization_adjusted": PaymentStatus.PAYMENT_STATUS_AUTHORIZED,
    "payment.captured": PaymentStatus.PAYMENT_STATUS_CAPTURED,
    "payment.capture_failed": PaymentStatus.PAYMENT_STATUS_UNSPECIFIED,
    "payment.failed": PaymentStatus.PAYMENT_STATUS_FAILED,
    "payment.voided": PaymentStatus.PAYMENT_STATUS_VOIDED,
    "payment.void_failed": PaymentStatus.PAYMENT_STATUS_UNSPECIFIED,
    "payment.expired": PaymentStatus.PAYMENT_STATUS_EXPIRED,
    "payment.anomaly": PaymentStatus.PAYMENT_STATUS_UNSPECIFIED,
}
REFUND_STATUS: Final[dict[str, RefundStatus.ValueType]] = {
    "refund.created": RefundStatus.REFUND_STATUS_CREATED,
    "refund.pending": RefundStatus.REFUND_STATUS_PENDING,
    "refund.succeeded": RefundStatus.REFUND_STATUS_SUCCEEDED,
    "refund.failed": RefundStatus.REFUND_STATUS_FAILED,
    "refund.reversed": RefundStatus.REFUND_STATUS_REVERSED,
}
DISPUTE_STATUS: Final[dict[str, DisputeStatus.ValueType]] = {
    "dispute.inquiry": DisputeStatus.DISPUTE_STATUS_INQUIRY,
    "dispute.opened": DisputeStatus.DISPUTE_STATUS_OPENED,
    "dispute.evidence_required": DisputeStatus.DISPUTE_STATUS_EVIDENCE_REQUIRED,
    "dispute.evidence_submitted": DisputeStatus.DISPUTE_STATUS_EVIDENCE_SUBMITTED,
    "dispute.accepted": DisputeStatus.DISPUTE_STATUS_ACCEPTED,
    "dispute.won": DisputeStatus.DISPUTE_STATUS_WON,
    "dispute.lost": DisputeStatus.DISPUTE_STATUS_LOST,
    "dispute.reversed": DisputeStatus.DISPUTE_STATUS_REVERSED,
    "dispute.expired": DisputeStatus.DISPUTE_STATUS_EXPIRED,
}
PAYOUT_STATUS: Final[dict[str, PayoutStatus.ValueType]] = {
    "payout.created": PayoutStatus.PAYOUT_STATUS_CREATED,
    "payout.pending": PayoutStatus.PAYOUT_STATUS_PENDING,
    "payout.succeeded": PayoutStatus.PAYOUT_STATUS_SUCCEEDED,
    "payout.failed": PayoutStatus.PAYOUT_STATUS_FAILED,
    "payout.reversed": PayoutStatus.PAYOUT_STATUS_REVERSED,
    "payout.expired": PayoutStatus.PAYOUT_STATUS_EXPIRED,
}

LIVE: Final[dict[bool | str, Environment.ValueType]] = {
    True: ENVIRONMENT_PRODUCTION,
    "true": ENVIRONMENT_PRODUCTION,
    False: ENVIRONMENT_SANDBOX,
    "false": ENVIRONMENT_SANDBOX,
}

# Source: Adyen docs, "PaymentMethod and PaymentMethodVariant". Card brand → our name of the network.
NETWORKS: Final[dict[str, str]] = {
    "visa": "visa",
    "mc": "mastercard",
    "amex": "amex",
    "discover": "discover",
    "diners": "diners",
    "jcb": "jcb",
    "cup": "unionpay",
    "maestro": "maestro",
    "maestrouk": "maestro",
    "bcmc": "bancontact",
    "cartebancaire": "cartes_bancaires",
    "dankort": "dankort",
    "visadankort": "dankort",
    "electron": "visa",
    "vpay": "visa",
    "elo": "elo",
    "hipercard": "hipercard",
    "hiper": "hiper",
    "interac": "interac",
    "eftpos_australia": "eftpos_australia",
    "troy": "troy",
    "mada": "mada",
    "rupay": "rupay",
    "uatp": "uatp",
    "argencard": "argencard",
    "cabal": "cabal",
    "naranja": "naranja",
}
# Variants are a brand and more: "visastandarddebit", "mcpremiumcredit", "amexcorporate", "visa_applepay". What merely
# begins with "mc" may be anybody's.
_EXPIRY: Final = re.compile(r"(0?[1-9]|1[0-2])/([0-9]{4})")
_VARIANT_STARTS: Final = (
    ("visa", "visa"),
    ("mcmaestro", "maestro"),
    *(
        (f"mc{kind}", "mastercard")
        for kind in "business commercial corporate credit debit fleet premium prepaid purchasing standard super".split()
    ),
    ("amex", "amex"),
    ("discover", "discover"),
    ("diners", "diners"),
    *(
        (f"{brand}{kind}", network)
        for brand, network in (("jcb", "jcb"), ("cup", "unionpay"))
        for kind in ("credit", "debit", "prepaid")
    ),
    ("eftpos_australia", "eftpos_australia"),
)
SCHEME: Final = "scheme"
"""Adyen's name for a card of whatever brand."""


@lru_cache(maxsize=1024)
def method_type(name: str) -> tuple[str, str]:
    """(our type, network) of Adyen's payment method name: ("card", "visa"); others keep Adyen's name, in lower case."""
    lower = name.lower()
    for brand in (lower, lower.split("_", 1)[0]):
        if brand in NETWORKS:
            return "card", NETWORKS[brand]
    for start, network in _VARIANT_STARTS:
        if lower.startswith(start):
            return "card", network
    return "card" if lower == SCHEME else lower, ""


@lru_cache(maxsize=1024)
def _expiry(text_: str) -> tuple[int, int]:
    """(month, year) of "03/2030"; (0, 0) for anything else."""
    found = _EXPIRY.fullmatch(text_)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def fill_details(target: PaymentMethodDetails, name: str, last4: str, expiry: str, saved_id: str) -> None:
    """How the payer pays. Of a number only its last four digits are kept, whatever was sent.

    Args:
        target: What is filled; left untouched if nothing is known.
        name: Adyen's payment method or variant: "visa", "ideal".
        last4: `cardSummary`.
        expiry: "03/2030", or anything else, which is left out.
        saved_id: The token.
    """
    if name:
        target.type, network = method_type(name)
        if network:
            target.network = network
    if last4:
        target.last4 = last4[-4:]
    if expiry:
        month, year = _expiry(expiry)
        if month:
            target.expiry_month, target.expiry_year = month, year
    if saved_id:
        target.connector_payment_method_id = saved_id


def reference(kind: str, value: str) -> Reference:
    """One name of a payment."""
    return Reference(kind=kind, value=value)


def optional_time(value: Any) -> Timestamp | None:
    """A time that is nice to have; None where it is absent or not readable."""
    if not isinstance(value, str) or not value:
        return None
    try:
        return iso_time(value)
    except PayloadRejected:
        return None


def required_time(value: Any) -> Timestamp | None:
    """A time that orders events. Absent: None, which becomes the time of receipt.

    Raises:
        PayloadRejected: There, and not ISO 8601.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise PayloadRejected("a time is not text", reason="PAYLOAD_FIELD_INVALID")
    return iso_time(value)


def live_environment(live: bool | str | None) -> Environment.ValueType | None:
    """From `live`. None: the body does not say.

    Raises:
        PayloadRejected: Neither true nor false.
    """
    if live is None or live == "":
        return None
    key = live.lower() if isinstance(live, str) else live
    if key not in LIVE:
        raise PayloadRejected("`live` is neither true nor false", reason="PAYLOAD_FIELD_INVALID")
    return LIVE[key]


def named_environment(name: str | None) -> Environment.ValueType | None:
    """From `environment`. None: the body does not say.

    Adyen documents "live" and "test", and other names leak out of its own stages ("devl"). Only live moves money, and a
    refusal would block its queue: every other name is the sandbox.
    """
    if not name:
        return None
    return ENVIRONMENT_PRODUCTION if name.lower() == "live" else ENVIRONMENT_SANDBOX


def unmapped(
    context: Context,
    raw: Raw,
    *,
    why: str,
    dedup_key: str,
    provider_event_type: str,
    provider_event_id: str = "",
    account: str = "",
    environment: Environment.ValueType | None = None,
    occurred_at: Timestamp | None = None,
    object_id: Any = "",
    status: Any = "",
    merchant_transaction_id: str = "",
) -> Event:
    """An event for which we have no word: kept, acknowledged, published.

    Args:
        why: "unknown_type", "unknown_status" or "no_counterpart".
    """
    event = new_event(
        context,
        raw,
        connector=CONNECTOR,
        type=UNMAPPED,
        dedup_key=dedup_key,
        account=account,
        environment=environment,
        provider_event_id=provider_event_id,
        provider_event_type=provider_event_type,
        occurred_at=occurred_at,
        merchant_transaction_id=merchant_transaction_id,
    )
    data = event.unmapped
    data.unmapped_reason = why
    data.connector_object_id = text(object_id)
    data.provider_status = text(status)
    data.merchant_transaction_id = merchant_transaction_id
    return event
