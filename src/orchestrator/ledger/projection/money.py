"""Status, totals and contradictions: what follows from a payment's state. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from orchestrator.ledger.projection.state import FAILED, FINAL, NEVER, OK, WHOLE, PaymentState
from orchestratorx_prism.v1 import payment_pb2 as pb
from orchestratorx_prism.v1 import refund_pb2

CAPTURED_AFTER_VOIDED: Final = "CAPTURED_AFTER_VOIDED"
CAPTURED_AFTER_EXPIRED: Final = "CAPTURED_AFTER_EXPIRED"
AUTHORIZED_AFTER_VOIDED: Final = "AUTHORIZED_AFTER_VOIDED"
CURRENCY_MISMATCH: Final = "CURRENCY_MISMATCH"
DENIED_AFTER_CAPTURED: Final = "DENIED_AFTER_CAPTURED"
VOIDED_AFTER_CAPTURED: Final = "VOIDED_AFTER_CAPTURED"
CAPTURE_EXCEEDS_AUTHORIZED: Final = "CAPTURE_EXCEEDS_AUTHORIZED"
REFUND_EXCEEDS_CAPTURED: Final = "REFUND_EXCEEDS_CAPTURED"

LASTING: Final = frozenset(
    {
        CAPTURED_AFTER_VOIDED,
        CAPTURED_AFTER_EXPIRED,
        AUTHORIZED_AFTER_VOIDED,
        CURRENCY_MISMATCH,
        DENIED_AFTER_CAPTURED,
    }
)
"""Contradictions between facts themselves: worth an event at once, for what comes later does not undo what was said.

The others compare totals, which a fact that is only late puts right: they are shown while they stand.
"""

_GREATEST: Final = 2**63 - 1


class Standing(NamedTuple):
    """Where a payment stands. Totals are in `currency`; None: not known."""

    status: int
    currency: str
    authorized: int | None
    captured: int | None
    refunded: int | None
    anomalies: tuple[str, ...]


def standing(state: PaymentState) -> Standing:
    """Computes it from the state alone."""
    currency = state.currency[2] if state.currency is not None else ""
    authorized = _authorized(state, currency) if state.authorized or state.adjustments else None
    refunded = _refunded(state, currency) if state.refunds or state.refunded or state.loose_refunds else None
    captured, flags = None, 0
    if state.captures or state.captured:
        captured, flags = _captured(state, currency)
    voided = state.voided_us != NEVER and _void_stands(state)
    if captured or flags:
        status, full = _captured_status(state, authorized, captured or 0, flags, voided)
    else:
        status, full = _uncaptured_status(state, voided), False
    anomalies: tuple[str, ...] = ()
    if len(state.currencies) > 1 or state.voided_us != NEVER or state.expired_us != NEVER or state.denied_us != -NEVER:
        anomalies = _contradictions(state, voided and full)
    if captured is not None and authorized is not None and captured > authorized:
        anomalies = (*anomalies, CAPTURE_EXCEEDS_AUTHORIZED)
    # A refund that is known before any capture is only early.
    if refunded and captured and refunded > captured:
        anomalies = (*anomalies, REFUND_EXCEEDS_CAPTURED)
    return Standing(status, currency, authorized, captured, refunded, anomalies)


def _authorized(state: PaymentState, currency: str) -> int | None:
    known = state.authorized.get(currency)
    total = None if known is None else known[2]
    if state.adjustments:
        since = -NEVER if known is None else known[0]
        for us, of, change in state.adjustments.values():
            if of == currency and us > since:
                total = (total or 0) + change
    return None if total is None else _bounded(total)


def _captured(state: PaymentState, currency: str) -> tuple[int, int]:
    """The total, and all flags of the captures that stand.

    The total is the sum of captures that stand, or what the provider states less the captures that failed, whichever is
    more. A capture without a name tells of the whole: its amount is a stated total, and falls with what it was about.
    """
    named = failed = flags = whole = 0
    any_failed = False
    stated = state.captured.get(currency, 0)
    for operation, capture in state.captures.items():
        minor = capture.amounts.get(currency, 0)
        if capture.flags & FAILED:
            failed += minor
            any_failed = True
        elif operation:
            named += minor
            flags |= capture.flags
        else:
            stated = max(stated, minor)
            whole = capture.flags
    total = _bounded(max(named, stated - failed))
    return total, flags | whole if total or not any_failed else flags


def _refunded(state: PaymentState, currency: str) -> int:
    """The sum of refunds that stand, or what the provider states or tells of without a name, less the refunds that
    failed: whichever is more. A stated total falls when a refund fails, so the greatest one may be of before."""
    succeeded = sum(minor for of, minor in state.loose_refunds.values() if of == currency)
    failed = 0
    for refund in state.refunds.values():
        if refund.amount is None or refund.amount[1] != currency:
            continue
        if refund.status == refund_pb2.REFUND_STATUS_SUCCEEDED:
            succeeded += refund.amount[2]
        elif refund.status >= refund_pb2.REFUND_STATUS_FAILED:
            failed += refund.amount[2]
    told = sum(minor for of, minor in state.told_refunds.values() if of == currency)
    return _bounded(max(succeeded, max(state.refunded.get(currency, 0), told) - failed))


def _bounded(total: int) -> int:
    return min(max(total, 0), _GREATEST)


def _void_stands(state: PaymentState) -> bool:
    """A named release that failed is cancelled; of unnamed attempts one success is enough."""
    return any(flags & OK and not (flags & FAILED and operation) for operation, flags in state.voids.items())


def _captured_status(
    state: PaymentState, authorized: int | None, captured: int, flags: int, voided: bool
) -> tuple[int, bool]:
    """The status of a payment of which something was taken, and whether that was all that was reserved."""
    if flags & FINAL:
        more = False
    elif authorized is None or not captured:
        more = bool(flags) and not flags & WHOLE
    else:
        more = captured < authorized
    if more and not voided and state.expired_us == NEVER:
        return pb.PAYMENT_STATUS_PARTIALLY_CAPTURED, False
    return pb.PAYMENT_STATUS_CAPTURED, not more and (not captured or authorized is None or captured >= authorized)


def _uncaptured_status(state: PaymentState, voided: bool) -> int:
    # Of the same time the expiry stands: what ran out is told as released, too.
    if voided and state.voided_us < state.expired_us:
        return pb.PAYMENT_STATUS_VOIDED
    if state.expired_us != NEVER:
        return pb.PAYMENT_STATUS_EXPIRED
    if state.authorized_us != NEVER or state.captures:
        return pb.PAYMENT_STATUS_AUTHORIZED
    return state.waiting[2] if state.waiting is not None else pb.PAYMENT_STATUS_UNSPECIFIED


def _contradictions(state: PaymentState, voided_in_full: bool) -> tuple[str, ...]:
    """Facts that cannot all be true."""
    times = [capture.first_us for capture in state.captures.values() if capture.flags & OK]
    first, last = (min(times), max(times)) if times else (NEVER, -NEVER)
    found = []
    if len(state.currencies) > 1:
        found.append(CURRENCY_MISMATCH)
    if last > state.voided_us:
        found.append(CAPTURED_AFTER_VOIDED)
    elif voided_in_full:
        found.append(VOIDED_AFTER_CAPTURED)
    if last > state.expired_us:
        found.append(CAPTURED_AFTER_EXPIRED)
    if state.voided_us < state.authorized_us != NEVER:
        found.append(AUTHORIZED_AFTER_VOIDED)
    if first < state.denied_us:
        found.append(DENIED_AFTER_CAPTURED)
    return tuple(found)
