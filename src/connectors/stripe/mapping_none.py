"""Stripe's event types for which we know that we have no word. They are kept and published as `connector.unmapped`.

Source: Stripe API reference, "Types of events" (2026-10-28.endive, and its preview versions); those that Stripe has
retired by its changelog.
"""

from __future__ import annotations

from typing import Final

_CURRENT: Final[dict[str, str]] = {
    # The merchant's and connected accounts themselves: identity, capabilities, where their payouts go.
    "account": "updated application.authorized application.deauthorized "
    "external_account.created external_account.updated external_account.deleted",
    "person": "created updated deleted",
    "capability": "updated",
    "apps": "install.created install.updated install.deleted",
    "account_notice": "created updated",
    "capital": "financing_offer.accepted financing_offer.accepted_other_offer financing_offer.canceled "
    "financing_offer.created financing_offer.expired financing_offer.fully_repaid financing_offer.paid_out "
    "financing_offer.rejected financing_offer.replacement_created financing_summary.line_of_credit_update "
    "financing_transaction.created",
    # What is sold and for how much; offers and pages that no payment has come of yet.
    "product": "created updated deleted",
    "price": "created updated deleted",
    "plan": "created updated deleted",
    "coupon": "created updated deleted",
    "promotion_code": "created updated",
    "tax_rate": "created updated",
    "tax": "settings.updated form.updated",
    "payment_link": "created updated",
    "quote": "created finalized accepted canceled draft accepting accept_failed reestimated reestimate_failed stale",
    # The merchant's balance, and fees and reserves between Stripe, platform and account.
    "balance": "available",
    "balance_settings": "updated",
    "fx_quote": "expired",
    "application_fee": "created refunded refund.updated",
    "topup": "created succeeded failed canceled reversed",
    "reserve": "hold.created hold.updated plan.created plan.disabled plan.expired plan.updated release.created",
    # Billing's settings; a meter is how use will be counted, not use.
    "billing": "alert.recovered meter_error_report.triggered "
    "meter.created meter.updated meter.deactivated meter.reactivated "
    "credit_grant.created credit_grant.updated credit_balance_transaction.created",
    "billing_portal": "configuration.created configuration.updated session.created",
    "entitlements": "active_entitlement_summary.updated",
    # A review holds nothing back and gives nothing back: what it leads to has events of its own.
    "review": "opened closed",
    "three_d_secure": "authentication.canceled authentication.challenge_started authentication.errored "
    "authentication.failed authentication.requires_challenge authentication.requires_submission "
    "authentication.succeeded",
    # Tasks and statements of the older Sources; money seen on one is no payment until it is charged.
    "source": "mandate_notification refund_attributes_required transaction.created transaction.updated",
    # The merchant as an issuer of cards or a bank: other people's payments.
    "issuing_authorization": "created request updated",
    "issuing_card": "created updated",
    "issuing_cardholder": "created updated",
    "issuing_dispute": "created submitted updated closed funds_reinstated funds_rescinded",
    "issuing_dispute_settlement_detail": "created updated",
    "issuing_fraud_liability_debit": "created",
    "issuing_settlement": "created updated",
    "issuing_personalization_design": "activated deactivated rejected updated",
    "issuing_token": "created updated",
    "issuing_transaction": "created updated purchase_details_receipt_updated",
    "treasury": "credit_reversal.created credit_reversal.posted debit_reversal.created debit_reversal.completed "
    "debit_reversal.initial_credit_granted financial_account.created financial_account.closed "
    "financial_account.features_status_updated inbound_transfer.created inbound_transfer.succeeded "
    "inbound_transfer.failed inbound_transfer.canceled received_credit.created received_credit.succeeded "
    "received_credit.failed received_debit.created",
    # Data and devices.
    "financial_connections": "session.updated account.refreshed_inferred_balances "
    "account.created account.deactivated account.disconnected account.reactivated "
    "account.refreshed_balance account.refreshed_ownership account.refreshed_transactions "
    "account.account_numbers_updated account.expected_deactivation_date_updated "
    "account.supported_payment_method_types_updated account.upcoming_account_number_expiry "
    "account.upcoming_deactivation authorization.expected_deactivation_date_updated "
    "authorization.upcoming_deactivation",
    "identity": "verification_session.created verification_session.processing verification_session.verified "
    "verification_session.requires_input verification_session.canceled verification_session.redacted",
    "climate": "order.created order.canceled order.delayed order.delivered order.product_substituted "
    "product.created product.pricing_updated",
    "terminal": "reader.action_failed reader.action_succeeded reader.action_updated",
    "privacy": "redaction_job.created redaction_job.ready redaction_job.succeeded redaction_job.canceled "
    "redaction_job.validation_error",
    # Files, reports, tests.
    "file": "created",
    "reporting": "report_run.succeeded report_run.failed report_type.updated",
    "sigma": "scheduled_query_run.created",
    "test_helpers": "test_clock.created test_clock.advancing test_clock.ready test_clock.deleted "
    "test_clock.internal_failure",
}

_RETIRED: Final[dict[str, str]] = {
    "recipient": "created updated deleted",
    "sku": "created updated deleted",
    "order": "created updated submitted processing reopened completed canceled cancelled",
    "order_return": "created",
    "bitcoin": "receiver.created receiver.filled receiver.updated receiver.transaction.created",
}


def _spelled_out(names: dict[str, str]) -> frozenset[str]:
    return frozenset(f"{first}.{rest}" for first, ends in names.items() for rest in ends.split())


NO_COUNTERPART: Final[frozenset[str]] = _spelled_out(_CURRENT) | _spelled_out(_RETIRED) | {"ping"}
"""Snapshot types; thin ones of the same name count too."""
