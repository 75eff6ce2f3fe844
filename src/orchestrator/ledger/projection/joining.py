"""Joins two states of one payment, as when facts turn out to be about the same one. Pure; `a` is changed in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from orchestrator.ledger.projection.state import Capture, DisputeState, Minor, PaymentState, RefundState

T = TypeVar("T")
K = TypeVar("K")


def latest(a: T | None, b: T | None) -> T | None:
    """The greater of two registers; None is less than all."""
    if a is None or b is None:
        return b if a is None else a
    return b if b > a else a  # type: ignore[operator]


def earliest(a: T | None, b: T | None) -> T | None:
    """The lesser of two registers; None is greater than all."""
    if a is None or b is None:
        return b if a is None else a
    return b if b < a else a  # type: ignore[operator]


def later_stage(a: tuple[int, int, int] | None, b: tuple[int, int, int] | None) -> tuple[int, int, int] | None:
    """The later of two dispute registers. An inquiry (rank 0) stands while there is nothing else: no dispute goes back
    to a mere question, and a fraud report or an issuer's comments may come long after the chargeback."""
    if a is None or b is None:
        return b if a is None else a
    return max(a, b, key=lambda fact: (fact[1] > 0, fact))


def raise_to(amounts: Minor, currency: str, minor: int) -> None:
    """Keeps the greatest amount of a currency."""
    known = amounts.get(currency)
    if known is None or minor > known:
        amounts[currency] = minor


def join(a: PaymentState, b: PaymentState) -> PaymentState:
    """Everything that either knows. Returns `a`; shares parts with `b`, which must not be used any more."""
    _union(a.references, b.references, min)
    a.account = max(a.account, b.account)
    a.known = a.known or b.known
    a.created = min(a.created, b.created)
    a.updated_us = max(a.updated_us, b.updated_us)
    a.currencies.update(b.currencies)
    a.currency = earliest(a.currency, b.currency)
    a.merchant_transaction_id = earliest(a.merchant_transaction_id, b.merchant_transaction_id)
    a.connector_transaction_id = earliest(a.connector_transaction_id, b.connector_transaction_id)
    a.waiting = latest(a.waiting, b.waiting)
    a.method = latest(a.method, b.method)
    _union(a.asked, b.asked, max)
    a.authorized_us = min(a.authorized_us, b.authorized_us)
    _union(a.authorized, b.authorized, max)
    a.adjustments.update(b.adjustments)
    _union(a.captures, b.captures, _join_captures)
    _union(a.captured, b.captured, max)
    _union(a.voids, b.voids, lambda x, y: x | y)
    a.voided_us = min(a.voided_us, b.voided_us)
    a.expired_us = min(a.expired_us, b.expired_us)
    a.denied_us = max(a.denied_us, b.denied_us)
    _union(a.refunds, b.refunds, _join_refunds)
    _union(a.disputes, b.disputes, _join_disputes)
    _union(a.refunded, b.refunded, max)
    a.loose_refunds.update(b.loose_refunds)
    a.told_refunds.update(b.told_refunds)
    return a


def _union(a: dict[str, Any], b: dict[str, Any], both: Callable[[Any, Any], Any]) -> None:
    for key, value in b.items():
        a[key] = both(a[key], value) if key in a else value


def _join_captures(a: Capture, b: Capture) -> Capture:
    a.flags |= b.flags
    a.first_us = min(a.first_us, b.first_us)
    _union(a.amounts, b.amounts, max)
    return a


def _join_refunds(a: RefundState, b: RefundState) -> RefundState:
    a.status = max(a.status, b.status)
    a.created_us = min(a.created_us, b.created_us)
    a.updated_us = max(a.updated_us, b.updated_us)
    a.amount = latest(a.amount, b.amount)
    a.failure = latest(a.failure, b.failure)
    a.reason = latest(a.reason, b.reason)
    return a


def _join_disputes(a: DisputeState, b: DisputeState) -> DisputeState:
    a.status = later_stage(a.status, b.status)
    a.created_us = min(a.created_us, b.created_us)
    a.amount = latest(a.amount, b.amount)
    a.reason = latest(a.reason, b.reason)
    a.network_code = latest(a.network_code, b.network_code)
    a.due = latest(a.due, b.due)
    return a
