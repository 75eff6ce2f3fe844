"""Bodies of standard webhooks, one template for all event codes. Written from Adyen's documentation.

What no signature covers comes first and the references last, as in a real body nothing depends on the order.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from connectors.adyen.amounts import amount_object
from connectors.adyen.mapping import CANCEL_OR_REFUND, EVENTS, NO_COUNTERPART, Meaning, Names
from connectors.adyen.signatures import SUCCESS_TEXT
from connectors.spi import SampleRequest
from orchestratorx_prism.event_types import DATA_MEMBER

MERCHANT_ACCOUNT: Final = "ExampleShopECOM"
_AMSTERDAM: Final = timezone(timedelta(hours=2))


@dataclass(frozen=True, slots=True)
class ItemSample:
    """What a name stands for."""

    code: str
    success: bool
    action: str = ""
    """`modification.action` of CANCEL_OR_REFUND."""


def _items() -> dict[str, ItemSample]:
    found = {code if success else f"{code}:false": ItemSample(code, success) for code, success in EVENTS}
    found |= {code: ItemSample(code, True) for code in NO_COUNTERPART}
    for action in ("cancel", "refund"):
        found[f"{CANCEL_OR_REFUND}:{action}"] = ItemSample(CANCEL_OR_REFUND, True, action)
        found[f"{CANCEL_OR_REFUND}:{action}:false"] = ItemSample(CANCEL_OR_REFUND, False, action)
    found[CANCEL_OR_REFUND] = ItemSample(CANCEL_OR_REFUND, True, "refund")
    return found


ITEMS: Final[dict[str, ItemSample]] = _items()
"""Name → what it stands for."""

# Operations that report on the same thing share its pspReference.
_SAME_REFERENCE: Final[dict[str, str]] = {
    **dict.fromkeys(("CAPTURE", "CAPTURE_FAILED", "CAPTURE_WITH_EXTERNAL_AUTH"), "capture"),
    **dict.fromkeys(
        (
            "REFUND REFUND_FAILED REFUNDED_REVERSED REFUND_NOT_CLEARED POSTPONED_REFUND REFUND_WITH_DATA "
            "CANCEL_OR_REFUND"
        ).split(),
        "refund",
    ),
    **dict.fromkeys(("PAYOUT_THIRDPARTY",), "payout"),
    **dict.fromkeys(("RECURRING_CONTRACT", "DISABLE_RECURRING", "DEACTIVATE_RECURRING"), "token"),
    **dict.fromkeys(("ORDER_OPENED", "ORDER_CLOSED"), "order"),
}
# Reasons that Adyen gives with `success` false.
_REASONS: Final[dict[str, str]] = {
    "AUTHORISATION": "Not enough balance",
    "CAPTURE": "Insufficient balance on payment",
    "CANCELLATION": "Transaction not found",
    "REFUND": "Insufficient balance on payment",
    "CANCEL_AUTORESCUE": "No AutoRescue process for retry.rescueReference",
}
_FAILED_REASONS: Final[dict[str, str]] = {"CAPTURE_FAILED": "Capture Failed", "REFUND_FAILED": "Refund Failed"}


def psp(request: SampleRequest, what: str, step: int = 0) -> str:
    """A pspReference: 16 capital letters and digits, the same for the same seed, thing and step."""
    digest = hashlib.sha256(f"{request.seed}/{what}/{step}".encode()).hexdigest().upper()
    return f"{digest[:14]}{request.seed % 10}{step % 10}"


def at(request: SampleRequest) -> str:
    """The request's time as Adyen writes it, with an offset."""
    return datetime.fromtimestamp(request.now_s, UTC).astimezone(_AMSTERDAM).isoformat()


def amount(request: SampleRequest, minor: int | None = None) -> dict[str, Any]:
    """An amount object in Adyen's minor units.

    Raises:
        RequestRejected: Adyen's unit is larger than the amount's: 1099 of IDR has a fraction of a rupiah.
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    value = request.amount_minor if minor is None else minor
    return amount_object(value, request.currency, field="amount_minor")


def item_body(request: SampleRequest) -> dict[str, Any]:
    """A NotificationRequestItem, unsigned."""
    wanted = ITEMS[request.event_type]
    meaning = EVENTS.get((wanted.code, wanted.success))
    reason = "" if wanted.success else _REASONS.get(wanted.code, "Refused")
    item: dict[str, Any] = {
        "additionalData": _additional(request, wanted, meaning),
        "eventDate": at(request),
        "reason": _FAILED_REASONS.get(wanted.code, reason),
        "paymentMethod": "visa",
        "amount": amount(request, request.total_minor if wanted.code == "AUTHORISATION" else None),
        "eventCode": wanted.code,
        "success": SUCCESS_TEXT[wanted.success],
        "merchantAccountCode": MERCHANT_ACCOUNT,
        "merchantReference": request.merchant_transaction_id,
    }
    if wanted.code == "AUTHORISATION" and wanted.success:
        item["operations"] = ["CANCEL", "CAPTURE", "REFUND"]
        item["reason"] = "031576:1111:03/2030"
    original = _original(request, wanted, meaning)
    if original:
        item["originalReference"] = original
    item["pspReference"] = _own(request, wanted, meaning)
    return item


def _own(request: SampleRequest, wanted: ItemSample, meaning: Meaning | None) -> str:
    if wanted.code == "REPORT_AVAILABLE":
        return f"settlement_detail_report_batch_{request.seed % 1000}.csv"
    if wanted.code in _SAME_REFERENCE:
        what = _SAME_REFERENCE[wanted.code]
    elif meaning is None or meaning.names is Names.OWN:
        what = "donation" if wanted.code == "DONATION" else "payment"
    else:
        what = "dispute" if DATA_MEMBER[meaning.type] == "dispute" else wanted.code
    return psp(request, what, 0 if what in {"payment", "token", "order"} else request.step)


def _original(request: SampleRequest, wanted: ItemSample, meaning: Meaning | None) -> str:
    if wanted.code in {CANCEL_OR_REFUND, "DONATION"}:
        return psp(request, "payment")
    if meaning is None or meaning.names is Names.OWN:
        return ""
    if meaning.names is Names.VOIDED_REFUND:
        return psp(request, "refund", request.step)
    member = DATA_MEMBER[meaning.type]
    return psp(request, "payout", request.step) if member == "payout" else psp(request, "payment")


def _additional(request: SampleRequest, wanted: ItemSample, meaning: Meaning | None) -> dict[str, str]:
    member = DATA_MEMBER[meaning.type] if meaning else ""
    if wanted.action:
        return {"modification.action": wanted.action}
    if wanted.code == "AUTHORISATION":
        card = {"cardSummary": "1111", "expiryDate": "03/2030", "paymentMethod": "visa"}
        if wanted.success:
            return {**card, "authCode": "031576", "shopperReference": f"shopper-{request.seed}"}
        return {**card, "refusalReasonRaw": "51 : Insufficient funds"}
    if member == "dispute":
        ends = datetime.fromtimestamp(request.now_s, UTC) + timedelta(days=18)
        return {
            "chargebackReasonCode": "10.4",
            "chargebackSchemeCode": "visa",
            "defensePeriodEndsAt": ends.isoformat(),
            "disputeStatus": "Unresponded",
        }
    if member == "payment_method":
        return {
            "recurring.recurringDetailReference": psp(request, "token"),
            "recurring.shopperReference": f"shopper-{request.seed}",
            "shopperReference": f"shopper-{request.seed}",
        }
    return {}
