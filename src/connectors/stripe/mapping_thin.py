"""What thin events mean: those of the v1 resources (`v1.` and the type's name) and of the v2 API. Tables only.

A thin event names its object and does not bring it. Where a snapshot of the same type needs the object's state to be
understood, this file says what the type says by itself. What it leaves open is not guessed: `connector.unmapped`,
"unknown_status", with the object's id, to be fetched.

Source: Stripe docs, "Event destinations"; Stripe API reference v2, "Event types"; the official Python package 16.1.0.
"""

from __future__ import annotations

from typing import Final

PREFIX: Final = "v1."

# A successful charge was authorized, whether or not it was captured too.
ALONE: Final[dict[str, str]] = {
    "payment_intent.amount_capturable_updated": "payment.authorized",
    "payment_intent.canceled": "payment.voided",
    "charge.succeeded": "payment.authorized",
    "charge.captured": "payment.captured",
    "charge.refunded": "refund.succeeded",
    "checkout.session.async_payment_succeeded": "payment.captured",
    "checkout.session.async_payment_failed": "payment.failed",
    "checkout.session.expired": "payment.expired",
    "refund.created": "refund.created",
    # Whatever became of it: it is known, and no status of it is made up.
    "refund.updated": "refund.created",
    "charge.refund.updated": "refund.created",
    "payout.updated": "payout.created",
    "payout.reconciliation_completed": "payout.created",
    "charge.dispute.created": "dispute.opened",
    "charge.dispute.funds_withdrawn": "dispute.opened",
    "charge.dispute.funds_reinstated": "dispute.reversed",
    "radar.early_fraud_warning.updated": "dispute.inquiry",
    "customer.discount.created": "customer.updated",
    "customer.discount.updated": "customer.updated",
    "customer.discount.deleted": "customer.updated",
    "customer.subscription.updated": "subscription.updated",
    "invoice.payment_succeeded": "invoice.paid",
    "invoice_payment.paid": "invoice.updated",
    "transfer.created": "payout.succeeded",
    "transfer.updated": "payout.created",
}
"""Snapshot type → our type when the object is not there. Absent: the type alone leaves the meaning open."""

ONLY: Final[dict[str, str]] = {
    "customer.discount.source_changed": "customer.updated",
    "customer.subscription.incomplete_expired": "subscription.canceled",
    **{
        f"customer.subscription.{name}": "subscription.updated"
        for name in (
            "active cancel_at_changed default_payment_method_changed incomplete item_added item_price_changed "
            "item_quantity_changed item_removed item_tax_rates_changed past_due trialing unpaid"
        ).split()
    },
    **{
        f"subscription_schedule.phase_{name}": "subscription.updated"
        for name in "added removed default_tax_rates_changed end_date_changed trial_end_changed".split()
    },
    **dict.fromkeys(
        (
            "invoice.discount_added invoice.discount_removed invoice.line_item_added invoice.line_item_pricing_changed "
            "invoice.line_item_quantity_changed invoice.line_item_removed invoice_payment.canceled "
            "invoice_payment.open invoiceitem.amount_changed invoiceitem.discount_added invoiceitem.discount_removed"
        ).split(),
        "invoice.updated",
    ),
}
"""v1 types, without prefix, that exist only thin."""

ONLY_WITHOUT_WORD: Final[frozenset[str]] = frozenset(
    (
        "billing.meter.error_report_triggered billing.meter.no_meter_found "  # use that could not be counted
        "entitlements.active_entitlement_summary.entitlement_added "
        "entitlements.active_entitlement_summary.entitlement_removed "
        "price.activated price.deactivated price.lookup_key_changed price.tax_behavior_changed "
        "product.activated product.deactivated product.default_price_changed product.tax_code_changed "
        "promotion_code.fully_redeemed"
    ).split()
) | frozenset(
    f"financial_connections.account.{what}_refresh_{end}"
    for what in ("balance", "inferred_balances", "ownership", "risk_intelligence", "transactions")
    for end in ("failed", "succeeded")
)
"""v1 types, without prefix, that exist only thin and for which we have no word."""

NEVER_THIN: Final = (
    "apps.",
    "customer.bank_account.",
    "customer.card.",
    "customer.source.",
    "financial_connections.authorization.",
    "order.",
    "payment.created",
    "reporting.",
    "reserve.",
    "source.mandate_notification",
    "source.transaction.",
    "three_d_secure.",
    "treasury.",
)
"""Beginnings of snapshot types that Stripe does not send thin. If one comes nevertheless, it is understood."""

# Source: Stripe docs, "Money management": OutboundPayments, OutboundTransfers and PayoutIntents send money out of a
# financial account. In preview versions of the API only: OutboundTransfers, off-session payments, and subscriptions to
# pricing plans and rate cards, whose "servicing" is what the customer has and whose "collection" is what is owed.
V2: Final[dict[str, str]] = {
    **{
        f"v2.money_management.outbound_{kind}.{name}": meaning
        for kind in ("payment", "transfer")
        for name, meaning in {
            "created": "payout.created",
            "under_review": "payout.pending",
            "posted": "payout.succeeded",
            "failed": "payout.failed",
            "canceled": "payout.failed",
            "returned": "payout.reversed",
        }.items()
    },
    **{
        f"v2.money_management.payout_intent.{name}": meaning
        for name, meaning in {
            "created": "payout.created",
            "requires_action": "payout.pending",
            "pending": "payout.pending",
            "processing": "payout.pending",
            "posted": "payout.succeeded",
            "canceled": "payout.failed",
        }.items()
    },
    **{
        f"v2.payments.off_session_payment.{name}": meaning
        for name, meaning in {
            "created": "payment.created",
            "attempt_started": "payment.pending",
            "authorization_attempt_started": "payment.pending",
            # Stripe tries again, so the payment has not failed.
            "attempt_failed": "payment.pending",
            "authorization_attempt_failed": "payment.pending",
            "paused": "payment.pending",
            "resumed": "payment.pending",
            "requires_capture": "payment.authorized",
            "succeeded": "payment.captured",
            "failed": "payment.failed",
            "canceled": "payment.voided",
        }.items()
    },
    **{
        f"v2.billing.{kind}_subscription.{name}": meaning
        for kind in ("pricing_plan", "rate_card")
        for name, meaning in {
            "activated": "subscription.created",
            "canceled": "subscription.canceled",
            "servicing_activated": "subscription.updated",
            "servicing_paused": "subscription.paused",
            "servicing_canceled": "subscription.canceled",
            "collection_awaiting_customer_action": "subscription.updated",
            "collection_current": "subscription.updated",
            "collection_past_due": "subscription.updated",
            "collection_paused": "subscription.updated",
            "collection_unpaid": "subscription.updated",
        }.items()
    },
}

V2_OPEN: Final = frozenset(
    f"v2.money_management.{kind}.updated" for kind in ("outbound_payment", "outbound_transfer", "payout_intent")
)
"""Payouts that changed in a way only the object says."""

V2_WITHOUT_WORD: Final[frozenset[str]] = frozenset(
    (
        "v2.core.event_destination.ping v2.core.account.created v2.core.account.updated v2.core.account.closed "
        "v2.core.account[defaults].updated v2.core.account[future_requirements].updated "
        "v2.core.account[identity].updated v2.core.account[requirements].updated "
        "v2.core.account_link.returned v2.core.account_person.created v2.core.account_person.deleted "
        "v2.core.account_person.updated "
        "v2.commerce.product_catalog.imports.failed v2.commerce.product_catalog.imports.processing "
        "v2.commerce.product_catalog.imports.succeeded v2.commerce.product_catalog.imports.succeeded_with_errors "
        "v2.money_management.adjustment.created v2.money_management.financial_account.created "
        "v2.money_management.financial_account.updated v2.money_management.financial_address.activated "
        "v2.money_management.financial_address.failed v2.money_management.inbound_transfer.available "
        "v2.money_management.inbound_transfer.bank_debit_failed "
        "v2.money_management.inbound_transfer.bank_debit_processing "
        "v2.money_management.inbound_transfer.bank_debit_queued "
        "v2.money_management.inbound_transfer.bank_debit_returned "
        "v2.money_management.inbound_transfer.bank_debit_succeeded "
        "v2.money_management.payout_method.created v2.money_management.payout_method.updated "
        "v2.money_management.received_credit.available v2.money_management.received_credit.failed "
        "v2.money_management.received_credit.returned v2.money_management.received_credit.succeeded "
        "v2.money_management.recipient_verification.created v2.money_management.recipient_verification.updated "
        "v2.money_management.transaction.created v2.money_management.transaction.updated"
    ).split()
) | frozenset(
    f"v2.core.account[configuration.{role}].{what}"
    for role in ("customer", "merchant", "recipient")
    for what in ("updated", "capability_status_updated")
)
