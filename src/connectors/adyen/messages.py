"""Management, tokenization and configuration messages → events: payment methods, mandates, disputes, schedules. Pure.

Source: Adyen API Explorer, "Tokenization webhooks"; "Management webhooks"; "Configuration webhooks"; "Dispute
webhooks".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connectors.adyen.amounts import magnitude
from connectors.adyen.failures import transfer_refusal
from connectors.adyen.mapping_messages import (
    DISPUTES,
    EXECUTIONS,
    MANDATES,
    METHODS,
    NO_COUNTERPART,
    PAYMENT_METHOD_CHANGED,
    PAYMENT_METHOD_CREATED,
    PAYMENT_METHOD_STATUSES,
)
from connectors.adyen.mapping_transfers import MOVEMENTS, TRANSACTION, TRANSFERS
from connectors.adyen.origin import Origin
from connectors.adyen.parts import DISPUTE_STATUS, PAYOUT_STATUS, fill_details, reference
from connectors.adyen.shapes import (
    EXECUTION,
    MANDATE,
    METHOD,
    PLATFORM_DISPUTE,
    TERMINAL,
    Execution,
    IssuedCard,
    Mandate,
    MandateData,
    MethodData,
    PlatformDispute,
    text,
)
from connectors.adyen.shapes_other import OUTLINE, Outline
from connectors.adyen.transfers import movement_event, transaction_event, transfer_event
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.event_pb2 import Event


def events_of(origin: Origin) -> list[Event]:
    """The events of one message that is signed by a header.

    Raises:
        PayloadRejected: `data` does not have the shape that its type promises. Never for types without a word of ours.
    """
    build = _BUILDERS.get(origin.message.type)
    if build is not None:
        return [build(origin)]
    name = origin.message.type
    known = name in NO_COUNTERPART or name.startswith(TERMINAL)
    found = _outline(origin)
    accounts = (found.merchant_account, found.merchant_account_code, found.merchant_id, found.balance_platform)
    return [
        origin.unmapped(
            "no_counterpart" if known else "unknown_type",
            object_id=text(found.id) or found.psp_reference,
            account=next((account for account in accounts if text(account)), ""),
            otherwise=found.creation_date,
        )
    ]


def _outline(origin: Origin) -> Outline:
    """What can be told of an inside that nobody knows: perhaps nothing, and never a reason to refuse."""
    try:
        return origin.read(OUTLINE)
    except PayloadRejected:
        return Outline()


def _method_event(origin: Origin) -> Event:
    """Saved payment methods: tokens, notices of change, accepted payment methods, issued cards."""
    data: MethodData = origin.read(METHOD)
    name = origin.message.type
    status = text(data.status)
    if name == PAYMENT_METHOD_CREATED:
        status = status or text(data.result).lower()
        ours = PAYMENT_METHOD_STATUSES.get(status, PAYMENT_METHOD_CHANGED)
    else:
        ours = METHODS[name]
    psp = text(data.psp_reference)
    event_id = text(origin.message.envelope.event_id)
    token = text(data.stored_payment_method_id)
    event = origin.event(
        ours,
        dedup_key=origin.key(event_id, token) if event_id else origin.key(),
        account=text(data.merchant_account) or text(data.merchant_id) or text(data.balance_platform),
        occurred_at=origin.time(otherwise=(data.creation_date,)),
        references=[reference("psp_reference", psp)] if psp else (),
        connector_transaction_id=psp,
    )
    _fill_method(event, data, token, status)
    return event


def _fill_method(event: Event, data: MethodData, token: str, status: str) -> None:
    instrument = data.payment_instrument
    card = (instrument.card if instrument else None) or IssuedCard()
    change = data.notification_of_change
    found = event.payment_method
    found.connector_payment_method_id = token or text(data.id) or (text(instrument.id) if instrument else "")
    found.connector_customer_id = text(data.shopper_reference)
    found.merchant_customer_id = text(data.shopper_reference)
    found.provider_status = status or (text(instrument.status) if instrument else "")
    account_number = text(change.new_bank_account_number) if change else ""
    # The notice names no kind; its own type does: "ach", "eft".
    kind = event.provider_event_type.split(".", 1)[0] if change else text(data.type)
    fill_details(
        found.details,
        text(card.brand) or kind or (text(instrument.type) if instrument else ""),
        text(card.last_four) or text(data.token_last_four) or account_number,
        _expiry(card),
        found.connector_payment_method_id,
    )
    if status == "failure":
        found.failure.CopyFrom(transfer_refusal(status))


def _expiry(card: IssuedCard) -> str:
    """ "04/2030" of an issued card, or nothing."""
    expiration = card.expiration
    if not isinstance(expiration, dict):
        return ""
    return f"{text(expiration.get('month'))}/{text(expiration.get('year'))}"


def _mandate_event(origin: Origin) -> Event:
    data: MandateData = origin.read(MANDATE)
    mandate = data.mandate or Mandate()
    ours = MANDATES.get((origin.message.type, (mandate.status or "").lower()))
    if ours is None:
        return origin.unmapped(
            "unknown_status", object_id=mandate.id, status=mandate.status, account=data.balance_platform
        )
    event = origin.event(
        ours,
        dedup_key=origin.key(),
        account=data.balance_platform,
        occurred_at=origin.time(otherwise=(mandate.updated_at, mandate.created_at)),
    )
    found = event.mandate
    found.connector_mandate_id = mandate.id or ""
    found.connector_payment_method_id = text(mandate.payment_instrument_id)
    found.provider_status = mandate.status or ""
    return event


def _dispute_event(origin: Origin) -> Event:
    data: PlatformDispute = origin.read(PLATFORM_DISPUTE)
    ours = DISPUTES.get((origin.message.type, (data.status or "").lower()))
    if ours is None:
        return origin.unmapped("unknown_status", object_id=data.id, status=data.status, account=data.balance_platform)
    named = text(data.transaction_id)
    transaction = "" if named.lower() == "n/a" else named
    event = origin.event(
        ours,
        dedup_key=origin.key(),
        account=data.balance_platform,
        occurred_at=origin.time(otherwise=(data.creation_date,)),
        references=[reference("transaction", transaction)] if transaction else (),
        connector_transaction_id=transaction,
    )
    found = event.dispute
    found.connector_dispute_id = data.id or ""
    found.connector_transaction_id = transaction
    found.status = DISPUTE_STATUS[ours]
    found.provider_status = data.status or ""
    found.dispute_reason = text(data.type)
    amount = magnitude(data.disputed_amount)
    if amount is not None:
        found.amount.CopyFrom(amount)
    return event


def _execution_event(origin: Origin) -> Event:
    data: Execution = origin.read(EXECUTION)
    ours = EXECUTIONS[origin.message.type]
    event = origin.event(
        ours,
        dedup_key=origin.key(),
        account=data.balance_platform,
        occurred_at=origin.time(otherwise=(data.triggered_at,)),
    )
    found = event.payout
    found.connector_batch_id = text(data.balance_account_payout_schedule_id)
    found.status = PAYOUT_STATUS[ours]
    found.provider_status = text(data.result) or origin.message.type.rsplit(".", 1)[-1]
    if ours == "payout.failed":
        found.failure.CopyFrom(transfer_refusal(found.provider_status))
    return event


_BUILDERS: Final[dict[str, Callable[[Origin], Event]]] = {
    **dict.fromkeys(TRANSFERS, transfer_event),
    TRANSACTION: transaction_event,
    **dict.fromkeys(MOVEMENTS, movement_event),
    **dict.fromkeys((*METHODS, PAYMENT_METHOD_CREATED), _method_event),
    **dict.fromkeys((name for name, _ in MANDATES), _mandate_event),
    **dict.fromkeys((name for name, _ in DISPUTES), _dispute_event),
    **dict.fromkeys(EXECUTIONS, _execution_event),
}
"""Type → what builds its event."""
