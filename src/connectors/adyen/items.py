"""One item of a standard webhook → one event. Pure.

Source: Adyen docs, "Webhook structure and types"; "Dispute webhooks"; "Manage tokens".
"""

from __future__ import annotations

import re
from typing import Final

from connectors.adyen.item_data import FILL
from connectors.adyen.mapping import (
    CANCEL_OR_REFUND,
    CANCEL_OR_REFUND_EVENTS,
    EVENTS,
    KNOWN_CODES,
    NO_COUNTERPART,
    Meaning,
    Names,
)
from connectors.adyen.parts import CONNECTOR, optional_time, reference, required_time, unmapped
from connectors.adyen.shapes import AdditionalData, Item, text
from connectors.adyen.signatures import SUCCESS_TEXT
from connectors.spi import Context
from connectors.spi.building import new_event
from connectors.spi.operations import REQUEST
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.event_pb2 import Event, Raw

SUCCESS: Final[dict[bool | str, bool]] = {True: True, "true": True, False: False, "false": False}
_NOTHING: Final = AdditionalData()
_KEY: Final = re.compile(r"[0-9A-Za-z-]{36}")
"""What `Call.key` looks like."""


def event_of(item: Item, context: Context, raw: Raw, environment: Environment.ValueType | None) -> Event:
    """The event of one item.

    Raises:
        PayloadRejected: PAYLOAD_FIELD_MISSING (pspReference, eventCode or success), PAYLOAD_FIELD_INVALID, or a fault
            of its amount.
    """
    psp, code = item.psp_reference, item.event_code
    if not psp or not code:
        raise PayloadRejected("an item has no pspReference or no eventCode", reason="PAYLOAD_FIELD_MISSING")
    success = _success(item, code)
    data = item.additional_data or _NOTHING
    # Source: Adyen docs, "Handle webhook events": an event is known by pspReference, eventCode and success.
    dedup_key = f"{psp}:{code}:{'' if success is None else SUCCESS_TEXT[success]}"
    meaning = _meaning(code, success, data)
    if meaning is None:
        return unmapped(
            context,
            raw,
            why=_why(code),
            dedup_key=dedup_key,
            provider_event_type=code,
            account=item.merchant_account_code or "",
            environment=environment,
            occurred_at=optional_time(item.event_date),
            object_id=psp,
            status="" if success is None else SUCCESS_TEXT[success],
            merchant_transaction_id=item.merchant_reference or "",
        )
    payment = _payment_reference(item, meaning)
    references = [reference("psp_reference", payment)] if payment else []
    if meaning.names is Names.CAPTURE and psp != payment:
        references.append(reference("capture", psp))
    request = text(data.request)
    # Not signed, and it only joins: whoever forged it had to know a key that we, Adyen and nobody else knows.
    if _KEY.fullmatch(request) and DATA_MEMBER[meaning.type] == "payment":
        references.append(reference(REQUEST, request))
    event = new_event(
        context,
        raw,
        connector=CONNECTOR,
        type=meaning.type,
        dedup_key=dedup_key,
        account=item.merchant_account_code or "",
        environment=environment,
        provider_event_type=code,
        occurred_at=required_time(item.event_date),
        references=references,
        merchant_transaction_id=item.merchant_reference or "",
        connector_transaction_id=payment,
    )
    FILL[DATA_MEMBER[meaning.type]](event, item, data, meaning, payment, success is True)
    return event


def _success(item: Item, code: str) -> bool | None:
    """`success`; None only where it cannot matter."""
    if item.success is None or item.success == "":
        if code in NO_COUNTERPART or code not in KNOWN_CODES:
            return None
        raise PayloadRejected("an item has no `success`", reason="PAYLOAD_FIELD_MISSING")
    if item.success not in SUCCESS:
        raise PayloadRejected("`success` of an item is neither true nor false", reason="PAYLOAD_FIELD_INVALID")
    return SUCCESS[item.success]


def _meaning(code: str, success: bool | None, data: AdditionalData) -> Meaning | None:
    if success is None:
        return None
    if code == CANCEL_OR_REFUND:
        action = text(data.action).lower()
        key = (action, success)
        return CANCEL_OR_REFUND_EVENTS[key if key in CANCEL_OR_REFUND_EVENTS else ("", success)]
    return EVENTS.get((code, success))


def _why(code: str) -> str:
    if code in NO_COUNTERPART:
        return "no_counterpart"
    return "unknown_status" if code in KNOWN_CODES else "unknown_type"


def _payment_reference(item: Item, meaning: Meaning) -> str:
    """The pspReference of the payment, or nothing.

    A refund without an originalReference is an unreferenced one. In any other operation without it, pspReference is the
    payment's: Adyen sends a dispute's own reference only along with the payment's, and only where that is switched on.
    """
    psp, original = item.psp_reference or "", item.original_reference or ""
    member = DATA_MEMBER[meaning.type]
    if meaning.names is Names.VOIDED_REFUND or member == "payout":
        return ""
    if meaning.names is Names.OWN:
        return psp
    if member in {"refund", "payment_method", "mandate"}:
        return original
    return original or psp
