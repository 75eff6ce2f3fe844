"""The payment lifecycle as a table: the usual transitions. Documentation draws its diagram from it; tests check
that folding each event onto each status lands where the table says."""

from __future__ import annotations

from typing import Final

PAYMENT_TRANSITIONS: Final[tuple[tuple[str, str, str], ...]] = (
    ("", "created", "payment.created"),
    ("created", "action_required", "payment.action_required"),
    ("created", "pending", "payment.pending"),
    ("created", "authorized", "payment.authorized"),
    ("created", "failed", "payment.failed"),
    ("action_required", "pending", "payment.pending"),
    ("action_required", "authorized", "payment.authorized"),
    ("action_required", "failed", "payment.failed"),
    ("pending", "authorized", "payment.authorized"),
    ("pending", "captured", "payment.captured"),
    ("pending", "failed", "payment.failed"),
    ("pending", "expired", "payment.expired"),
    ("pending", "unknown", "payment.unknown"),
    ("failed", "pending", "payment.pending"),
    ("failed", "authorized", "payment.authorized"),
    ("failed", "captured", "payment.captured"),
    ("authorized", "authorized", "payment.authorization_adjusted"),
    ("authorized", "partially_captured", "payment.partially_captured"),
    ("authorized", "captured", "payment.captured"),
    ("authorized", "voided", "payment.voided"),
    ("authorized", "expired", "payment.expired"),
    ("partially_captured", "captured", "payment.captured"),
    ("captured", "authorized", "payment.capture_failed"),
    ("unknown", "captured", "payment.captured"),
    ("unknown", "failed", "payment.failed"),
)
"""(status before, status after, event type); "" is before anything is known."""
