"""The events that an operation leaves besides the connector's: what is not known, and what was found out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from connectors.spi import Context
from connectors.spi.building import new_event, raw_of
from connectors.spi.operations import REQUEST
from orchestrator.ledger.intents import Intent
from orchestrator.services.operations.specs import Subject
from orchestratorx_prism.v1.error_pb2 import FAILURE_CATEGORY_UNKNOWN_OUTCOME, Failure
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_OWN_CALL, Cause, Event, Verification
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_UNKNOWN
from orchestratorx_prism.v1.reference_pb2 import Reference

_OWN_CALL: Final = Verification(method=VERIFICATION_METHOD_OWN_CALL, detail="the answer to our own call")

_LOST: Final = Failure(
    code="outcome_unknown",
    category=FAILURE_CATEGORY_UNKNOWN_OUTCOME,
    retryable=False,
    provider_message="The provider's answer was lost; it is asked what became of the request.",
)


def finished(events: Iterable[Event], cause: Cause.ValueType, request_id: str) -> list[Event]:
    """The connector's events with what the connector does not know."""
    done = list(events)
    for event in done:
        event.cause = cause
        event.verification.CopyFrom(_OWN_CALL)
        event.idempotency_key = request_id
    return done


def unknown(intent: Intent, context: Context, account: str, subject: Subject, amount: object = None) -> Event:
    """`payment.unknown`: the same for every loss of one request."""
    event = _of_payment("payment.unknown", intent, context, account, subject, Cause.CAUSE_API_RESPONSE)
    event.payment.status = PAYMENT_STATUS_UNKNOWN
    event.payment.failure.CopyFrom(_LOST)
    if amount is not None:
        event.payment.amount.CopyFrom(amount)  # type: ignore[arg-type]
    return event


def reconciled(intent: Intent, context: Context, account: str, subject: Subject) -> Event:
    """`payment.reconciled`: the answer that was lost is there. What it says is in the events before it."""
    return _of_payment("payment.reconciled", intent, context, account, subject, Cause.CAUSE_POLL)


def _of_payment(
    type_: str, intent: Intent, context: Context, account: str, subject: Subject, cause: Cause.ValueType
) -> Event:
    payment = subject.payment
    references = [Reference(kind=REQUEST, value=intent.provider_key)]
    if payment is not None:
        references += payment.references
    event = new_event(
        context,
        raw_of(b"", context),
        connector=intent.connector,
        type=type_,
        dedup_key=f"{type_}:{intent.provider_key}",
        account=payment.account if payment is not None else account,
        references=references,
    )
    event.payment.SetInParent()
    return finished([event], cause, intent.request_id)[0]
