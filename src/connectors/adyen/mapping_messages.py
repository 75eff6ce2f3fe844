"""What Adyen's other webhooks mean: management, tokenization, platforms, classic platforms. Tables only.

Transfers have `mapping_transfers.py`.

Source: Adyen API Explorer: "Management webhooks", "Tokenization webhooks", "Configuration webhooks", "Dispute
webhooks", "Webhooks" (notices of change), "Classic Platforms - Notifications".
"""

from __future__ import annotations

from typing import Final

# The webhook's type says it all.
METHODS: Final[dict[str, str]] = {
    "recurring.token.created": "payment_method.attached",
    "recurring.token.alreadyExisting": "payment_method.updated",
    "recurring.token.updated": "payment_method.updated",
    "recurring.token.disabled": "payment_method.detached",
    "paymentMethodRequest.scheduledForRemoval": "payment_method.expiring",
    "paymentMethodRequest.removed": "payment_method.detached",
    "balancePlatform.paymentInstrument.created": "payment_method.attached",
    "balancePlatform.paymentInstrument.updated": "payment_method.updated",
    "balancePlatform.paymentInstrument.expiring": "payment_method.expiring",
    "balancePlatform.networkToken.created": "payment_method.attached",
    "balancePlatform.networkToken.updated": "payment_method.updated",
    "ach.notificationOfChange": "payment_method.updated",
    "eft.notificationOfChange": "payment_method.updated",
}

PAYMENT_METHOD_CREATED: Final = "paymentMethod.created"

# Status of a request to accept a payment method. Any other status, today's or tomorrow's, still says that its state
# changed, and nothing more: `PAYMENT_METHOD_CHANGED`.
PAYMENT_METHOD_STATUSES: Final[dict[str, str]] = {"success": "payment_method.attached"}
PAYMENT_METHOD_CHANGED: Final = "payment_method.updated"

DISPUTES: Final[dict[tuple[str, str], str]] = {
    **{
        (name, status): ours
        for name in ("balancePlatform.dispute.created", "balancePlatform.dispute.updated")
        for status, ours in {
            "draft": "dispute.inquiry",
            "open": "dispute.opened",
            "submitted": "dispute.evidence_submitted",
            "won": "dispute.won",
            "lost": "dispute.lost",
            # Over, and the webhook does not say how it ended.
            "closed": "dispute.expired",
        }.items()
    },
    # Without a status, creation alone says that it is open.
    ("balancePlatform.dispute.created", ""): "dispute.opened",
}
"""Disputes that the platform's own cardholders raise about payments with Adyen-issued cards.

Source: Adyen docs, "Raise disputes for Adyen-issued card transactions": draft, submitted, closed; API Explorer: open.
"""

# A mandate by which somebody may debit a balance account. "pending": lodged, the payer can still object; there is no
# earlier word than active, and `provider_status` keeps the difference.
MANDATES: Final[dict[tuple[str, str], str]] = {
    (name, status): ours
    for name in ("balancePlatform.mandate.created", "balancePlatform.mandate.updated")
    for status, ours in {
        "pending": "mandate.active",
        "approved": "mandate.active",
        "cancelled": "mandate.revoked",
    }.items()
}

# The payouts themselves come as transfers: what began, and why one did not begin.
EXECUTIONS: Final[dict[str, str]] = {
    "balancePlatform.balanceAccountPayoutScheduleExecution.succeeded": "payout.created",
    "balancePlatform.balanceAccountPayoutScheduleExecution.failed": "payout.failed",
    "balancePlatform.balanceAccountPayoutScheduleExecution.skipped": "payout.failed",
}

# Classic platforms: eventType → content.status.statusCode → our type. Without a status it is under way.
# Source: Adyen docs, classic platforms, "Payout notifications". "Confirmed": the funds have left Adyen.
_TRANSFERRED: Final = {
    "": "payout.pending",
    "Initiated": "payout.pending",
    "Success": "payout.succeeded",
    "Failed": "payout.failed",
}
CLASSIC_PAYOUTS: Final[dict[str, dict[str, str]]] = {
    "ACCOUNT_HOLDER_PAYOUT": {
        "": "payout.pending",
        "Initiated": "payout.pending",
        "Confirmed": "payout.succeeded",
        "Failed": "payout.failed",
    },
    "TRANSFER_FUNDS": _TRANSFERRED,
    "TRANSFER_NOT_PAIDOUT_TRANSFERS": _TRANSFERRED,
    # Money of such a transfer comes back.
    "REFUND_FUNDS_TRANSFER": {
        "": "refund.pending",
        "Initiated": "refund.pending",
        "Success": "refund.succeeded",
        "Failed": "refund.failed",
    },
    # An account holder's bank account is debited to cover a negative balance.
    "DIRECT_DEBIT_INITIATED": {
        "": "payment.pending",
        "Initiated": "payment.pending",
        "Success": "payment.pending",
        "Failed": "payment.failed",
    },
}

SCHEDULED_REFUNDS: Final = "SCHEDULED_REFUNDS"
PAYMENT_FAILURE: Final = "PAYMENT_FAILURE"
SPLIT_BOOKING_FAILED: Final = "SPLIT_BOOKING_FAILED"
"""The capture or refund stands; only its share was booked to the platform's liable account instead of the named one."""

# Known, and no word of ours for them: accounts, balances, reports, risk scores, card orders, terminals, schedules,
# offers of credit, and what was forwarded to another provider, whose own webhooks tell of that payment.
# `authentication.*` and `authorisation.relayed` are questions to an issuer while its cardholder pays, not outcomes.
NO_COUNTERPART: Final[frozenset[str]] = frozenset(
    {
        "merchant.created",
        "merchant.updated",
        "terminalBoarding.triggered",
        "terminalSettings.modified",
        "balancePlatform.accountHolder.created",
        "balancePlatform.accountHolder.updated",
        "balancePlatform.authentication.created",
        "balancePlatform.authentication.relayed",
        "balancePlatform.authorisation.relayed",
        "balancePlatform.balanceAccount.balance.block.released",
        "balancePlatform.balanceAccount.balance.updated",
        "balancePlatform.balanceAccount.created",
        "balancePlatform.balanceAccount.recurringTopUp.created",
        "balancePlatform.balanceAccount.recurringTopUp.updated",
        "balancePlatform.balanceAccount.updated",
        "balancePlatform.balanceAccountHolder.capitalOffer.created",
        "balancePlatform.balanceAccountPayoutSchedule.created",
        "balancePlatform.balanceAccountPayoutSchedule.deleted",
        "balancePlatform.balanceAccountPayoutSchedule.updated",
        "balancePlatform.balanceAccountPayoutScheduleAutoApplication.failed",
        "balancePlatform.balanceAccountSweep.created",
        "balancePlatform.balanceAccountSweep.deleted",
        "balancePlatform.balanceAccountSweep.updated",
        "balancePlatform.balancePlatformPayoutSchedule.created",
        "balancePlatform.balancePlatformPayoutSchedule.deleted",
        "balancePlatform.balancePlatformPayoutSchedule.updated",
        "balancePlatform.cardorder.created",
        "balancePlatform.cardorder.updated",
        "balancePlatform.grants.created",
        "balancePlatform.grants.updated",
        "balancePlatform.managedRisk.balance.block.released",
        "balancePlatform.managedRisk.reserveWaiver.applied",
        "balancePlatform.managedRisk.reserveWaiver.removed",
        "balancePlatform.managedRisk.rollingReserve.applied",
        "balancePlatform.managedRisk.rollingReserve.lifted",
        "balancePlatform.managedRisk.rollingReserve.updated",
        "balancePlatform.managedRisk.settlementDelay.lifted",
        "balancePlatform.managedRisk.settlementDelay.updated",
        "balancePlatform.negativeBalanceCompensationWarning.scheduled",
        "balancePlatform.report.created",
        "balancePlatform.score.triggered",
        "forwardApi.notification",
    }
)

CLASSIC_NO_COUNTERPART: Final[frozenset[str]] = frozenset(
    {
        "ACCOUNT_CLOSED",
        "ACCOUNT_CREATED",
        "ACCOUNT_FUNDS_BELOW_THRESHOLD",
        "ACCOUNT_HOLDER_CREATED",
        "ACCOUNT_HOLDER_LIMIT_REACHED",
        "ACCOUNT_HOLDER_MIGRATED",
        "ACCOUNT_HOLDER_STATUS_CHANGE",
        "ACCOUNT_HOLDER_STORE_STATUS_CHANGE",
        "ACCOUNT_HOLDER_UPCOMING_DEADLINE",
        "ACCOUNT_HOLDER_UPDATED",
        "ACCOUNT_HOLDER_VERIFICATION",
        "ACCOUNT_UPDATED",
        "BENEFICIARY_SETUP",
        "COMPENSATE_NEGATIVE_BALANCE",
        "FUNDS_MIGRATED",
        "REPORT_AVAILABLE",
        "SCORE_SIGNAL_TRIGGERED",
    }
)
