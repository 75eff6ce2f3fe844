"""What facts about the payment itself add to its state. Pure; meanings are tables."""

from __future__ import annotations

from typing import Final

from orchestrator.ledger.projection.joining import raise_to
from orchestrator.ledger.projection.state import FAILED, FINAL, OK, WHOLE, Capture, PaymentState
from orchestratorx_prism.v1 import payment_pb2 as pb
from orchestratorx_prism.v1.event_pb2 import CAUSE_POLL, CAUSE_RECONCILIATION, Event
from orchestratorx_prism.v1.money_pb2 import Money

SECOND_US: Final = 1_000_000

# What a fact says of a payment. Plain numbers: an enum's hash costs more than all else here. Up to SAYS_FAILED nothing
# is decided for good: of these the latest stands, and of the same time the greatest.
SAYS_NOTHING: Final = 0
SAYS_CREATED: Final = 1
SAYS_UNKNOWN: Final = 2
SAYS_ACTION_REQUIRED: Final = 3
SAYS_PENDING: Final = 4
SAYS_FAILED: Final = 5
SAYS_AUTHORIZED: Final = 6
SAYS_ADJUSTED: Final = 7
SAYS_PARTIALLY_CAPTURED: Final = 8
SAYS_CAPTURED: Final = 9
SAYS_CAPTURE_FAILED: Final = 10
SAYS_VOIDED: Final = 11
SAYS_VOID_FAILED: Final = 12
SAYS_EXPIRED: Final = 13

MEANINGS: Final[dict[str, int]] = {
    "payment.created": SAYS_CREATED,
    "payment.action_required": SAYS_ACTION_REQUIRED,
    "payment.pending": SAYS_PENDING,
    "payment.authorized": SAYS_AUTHORIZED,
    "payment.authorization_adjusted": SAYS_ADJUSTED,
    "payment.partially_captured": SAYS_PARTIALLY_CAPTURED,
    "payment.captured": SAYS_CAPTURED,
    "payment.capture_failed": SAYS_CAPTURE_FAILED,
    "payment.failed": SAYS_FAILED,
    "payment.voided": SAYS_VOIDED,
    "payment.void_failed": SAYS_VOID_FAILED,
    "payment.expired": SAYS_EXPIRED,
    "payment.unknown": SAYS_UNKNOWN,
    "payment.reconciled": SAYS_NOTHING,
}
"""Type → what it says; `payment.reconciled` says what its status says. `payment.anomaly` is our own, and no fact."""

RECONCILED: Final[dict[int, int]] = {
    pb.PAYMENT_STATUS_UNSPECIFIED: SAYS_NOTHING,
    pb.PAYMENT_STATUS_CREATED: SAYS_CREATED,
    pb.PAYMENT_STATUS_ACTION_REQUIRED: SAYS_ACTION_REQUIRED,
    pb.PAYMENT_STATUS_PENDING: SAYS_PENDING,
    pb.PAYMENT_STATUS_AUTHORIZED: SAYS_AUTHORIZED,
    pb.PAYMENT_STATUS_PARTIALLY_CAPTURED: SAYS_PARTIALLY_CAPTURED,
    pb.PAYMENT_STATUS_CAPTURED: SAYS_CAPTURED,
    pb.PAYMENT_STATUS_FAILED: SAYS_FAILED,
    pb.PAYMENT_STATUS_VOIDED: SAYS_VOIDED,
    pb.PAYMENT_STATUS_EXPIRED: SAYS_EXPIRED,
    pb.PAYMENT_STATUS_UNKNOWN: SAYS_UNKNOWN,
}

WAITING: Final[dict[int, int]] = {
    SAYS_CREATED: pb.PAYMENT_STATUS_CREATED,
    SAYS_UNKNOWN: pb.PAYMENT_STATUS_UNKNOWN,
    SAYS_ACTION_REQUIRED: pb.PAYMENT_STATUS_ACTION_REQUIRED,
    SAYS_PENDING: pb.PAYMENT_STATUS_PENDING,
    SAYS_FAILED: pb.PAYMENT_STATUS_FAILED,
}
"""The status of a payment of which nothing more is known."""

ASKED_BY_US: Final = frozenset({CAUSE_POLL, CAUSE_RECONCILIATION})
"""Causes whose facts tell of the payment as it is, not of one attempt."""


def apply_payment(state: PaymentState, event: Event, us: int) -> None:
    """Adds a `payment.*` fact of the time `us`."""
    data = event.payment
    says = MEANINGS[event.type] or RECONCILED[data.status]
    if says == SAYS_NOTHING:
        return
    state.known = True
    has = data.HasField
    if has("amount"):
        amount = data.amount
        currency, minor = amount.currency, amount.minor_units
        _note_currency(state, currency, us)
    else:
        currency, minor = "", 0
    if SAYS_PARTIALLY_CAPTURED <= says <= SAYS_CAPTURED:
        flags = OK | (FINAL if data.final_capture else 0) | (WHOLE if says == SAYS_CAPTURED else 0)
        _apply_capture(state, data.operation_id, flags, currency, minor, us)
    elif says <= SAYS_FAILED:
        _apply_waiting(state, event, says, currency, minor, us)
    elif says <= SAYS_ADJUSTED:
        _apply_authorized(state, event, says, currency, minor, us)
    else:
        _apply_end(state, data.operation_id, says, currency, minor, us)
    if has("captured"):
        _note_total(state, state.captured, data.captured, us)
    if has("refunded"):
        _note_total(state, state.refunded, data.refunded, us)
    if has("authorized"):
        _note_currency(state, data.authorized.currency, us)
        _authorize(state, data.authorized.currency, (us, 1, data.authorized.minor_units))
    if has("payment_method"):
        _note_method(state, data.payment_method, says, us)


def _note_total(state: PaymentState, totals: dict[str, int], stated: Money, us: int) -> None:
    """A cumulative total that the provider states."""
    currency, minor = stated.currency, stated.minor_units
    _note_currency(state, currency, us)
    known = totals.get(currency)
    if known is None or minor > known:
        totals[currency] = minor


def _note_currency(state: PaymentState, currency: str, us: int) -> None:
    known = state.currency
    if known is None or us < known[1] or known[0] or currency != known[2]:
        state.currencies[currency] = 1
        if known is None or (0, us, currency) < known:
            state.currency = (0, us, currency)


def _apply_authorized(state: PaymentState, event: Event, says: int, currency: str, minor: int, us: int) -> None:
    state.authorized_us = min(state.authorized_us, us)
    if not currency or event.payment.HasField("authorized"):
        return
    if says == SAYS_AUTHORIZED:
        _authorize(state, currency, (us, 0, minor))
    else:
        state.adjustments[event.id] = (us, currency, minor)


def _authorize(state: PaymentState, currency: str, fact: tuple[int, int, int]) -> None:
    """A total that was authorized; of the same time a stated one counts more than an event's own."""
    known = state.authorized.get(currency)
    if known is None or fact > known:
        state.authorized[currency] = fact


def _apply_waiting(state: PaymentState, event: Event, says: int, currency: str, minor: int, us: int) -> None:
    if currency:
        raise_to(state.asked, currency, minor)
    failed = says == SAYS_FAILED
    # Our own clock is finer than most providers': within one second the provider's word counts.
    second = us - us % SECOND_US
    if failed and event.cause in ASKED_BY_US:
        state.denied_us = max(state.denied_us, second)
    when = second if says == SAYS_UNKNOWN else us
    waiting = state.waiting
    if waiting is not None and (when, says) < waiting[:2]:
        return
    data = event.payment
    failure = data.failure.SerializeToString() if failed and data.HasField("failure") else b""
    fact = (when, says, WAITING[says], failure)
    if waiting is None or fact > waiting:
        state.waiting = fact


def _apply_capture(state: PaymentState, operation: str, flags: int, currency: str, minor: int, us: int) -> None:
    capture = state.captures.get(operation)
    if capture is None:
        capture = state.captures[operation] = Capture()
    capture.flags |= flags
    if flags & OK and us < capture.first_us:
        capture.first_us = us
    if currency:
        raise_to(capture.amounts, currency, minor)


def _apply_end(state: PaymentState, operation: str, says: int, currency: str, minor: int, us: int) -> None:
    if says == SAYS_CAPTURE_FAILED:
        _apply_capture(state, operation, FAILED, currency, minor, us)
    elif says == SAYS_VOIDED:
        state.voids[operation] = state.voids.get(operation, 0) | OK
        state.voided_us = min(state.voided_us, us)
    elif says == SAYS_VOID_FAILED:
        state.voids[operation] = state.voids.get(operation, 0) | FAILED
    else:
        state.expired_us = min(state.expired_us, us)


def _note_method(state: PaymentState, method: pb.PaymentMethodDetails, says: int, us: int) -> None:
    succeeded = 1 if SAYS_AUTHORIZED <= says <= SAYS_CAPTURED else 0
    place = (succeeded, 1 if method.last4 else 0, us)
    known = state.method
    if known is not None and place < known[:3]:
        return
    fact = (*place, method.SerializeToString())
    if known is None or fact > known:
        state.method = fact
