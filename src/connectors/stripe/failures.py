"""Why payments, setups, refunds and payouts fail: Stripe's codes in our words. A table, and the function over it."""

from __future__ import annotations

from typing import Final

from orchestratorx_prism.v1.error_pb2 import (
    FAILURE_CATEGORY_AUTHENTICATION_REQUIRED,
    FAILURE_CATEGORY_CANCELED_BY_PAYER,
    FAILURE_CATEGORY_DECLINED,
    FAILURE_CATEGORY_EXPIRED,
    FAILURE_CATEGORY_FRAUD,
    FAILURE_CATEGORY_INSUFFICIENT_FUNDS,
    FAILURE_CATEGORY_INVALID_REQUEST,
    FAILURE_CATEGORY_PROVIDER_DOWN,
    FAILURE_CATEGORY_RATE_LIMIT,
    Failure,
    FailureCategory,
)

Meaning = tuple[str, FailureCategory.ValueType, bool]
"""Our code, our category, and whether a new attempt can succeed (with the same method, or a corrected one)."""


def _all(codes: str, code: str, category: FailureCategory.ValueType, retryable: bool) -> dict[str, Meaning]:
    return dict.fromkeys(codes.split(), (code, category, retryable))


# Source: Stripe docs, "Decline codes" (and their advice on trying again); "Error codes"; API reference,
# `charge.outcome.reason`, `refund.failure_reason`; Stripe docs, "Payout failure codes", "ACH Direct Debit".
CODES: Final[dict[str, Meaning]] = {
    **_all(
        "card_declined generic_decline do_not_honor call_issuer no_action_taken not_permitted transaction_not_allowed "
        "invalid_transaction service_not_allowed card_not_supported currency_not_supported restricted_card "
        "testmode_decline approve_with_id refer_to_customer declined bank_account_declined "
        "payment_method_provider_decline payment_intent_payment_attempt_failed setup_attempt_failed "
        "low_probability_of_authorization",
        "declined",
        FAILURE_CATEGORY_DECLINED,
        True,
    ),
    **_all("do_not_try_again stop_payment_order", "declined", FAILURE_CATEGORY_DECLINED, False),
    **_all(
        "revocation_of_authorization revocation_of_all_authorizations debit_not_authorized "
        "payment_intent_mandate_invalid setup_intent_mandate_invalid billing_invalid_mandate "
        "india_recurring_payment_mandate_canceled",
        "mandate_revoked",
        FAILURE_CATEGORY_DECLINED,
        False,
    ),
    **_all(
        "insufficient_funds withdrawal_count_limit_exceeded",
        "insufficient_funds",
        FAILURE_CATEGORY_INSUFFICIENT_FUNDS,
        True,
    ),
    **_all(
        "card_velocity_exceeded charge_exceeds_source_limit charge_exceeds_transaction_limit pin_try_exceeded",
        "limit_exceeded",
        FAILURE_CATEGORY_DECLINED,
        True,
    ),
    **_all(
        "authentication_required online_or_offline_pin_required offline_pin_required "
        "mobile_device_authentication_required payment_intent_authentication_failure "
        "setup_intent_authentication_failure authentication_failure authentication_not_handled "
        "payment_intent_action_required invoice_payment_intent_requires_action approval_required",
        "authentication_required",
        FAILURE_CATEGORY_AUTHENTICATION_REQUIRED,
        True,
    ),
    **_all("expired_card expired_payment_method", "expired_card", FAILURE_CATEGORY_DECLINED, True),
    **_all(
        "incorrect_number invalid_number incorrect_cvc invalid_cvc incorrect_pin invalid_pin incorrect_zip "
        "incorrect_postal_code incorrect_address invalid_expiry_month invalid_expiry_year postal_code_invalid "
        "payment_method_billing_details_address_missing payment_method_microdeposit_verification_amounts_invalid "
        "payment_method_microdeposit_verification_amounts_mismatch "
        "payment_method_microdeposit_verification_descriptor_code_mismatch "
        "payment_intent_konbini_rejected_confirmation_number",
        "incorrect_details",
        FAILURE_CATEGORY_DECLINED,
        True,
    ),
    **_all(
        "invalid_account new_account_information_available account_closed account_frozen no_account "
        "bank_account_restricted bank_account_unusable bank_ownership_changed invalid_account_number "
        "account_number_invalid routing_number_invalid incorrect_account_holder_name incorrect_account_holder_address "
        "incorrect_account_holder_tax_id incorrect_account_type invalid_card unsupported_card "
        "payment_method_bank_account_blocked payment_method_restricted sepa_unsupported_account "
        "bank_account_unverified bank_account_verification_failed expired_or_canceled_card "
        "payment_method_microdeposit_failed payment_method_microdeposit_verification_attempts_exceeded",
        "invalid_account",
        FAILURE_CATEGORY_DECLINED,
        False,
    ),
    **_all(
        "fraudulent merchant_blacklist security_violation highest_risk_level elevated_risk_level rule",
        "fraud_suspected",
        FAILURE_CATEGORY_FRAUD,
        False,
    ),
    **_all(
        "lost_card stolen_card pickup_card lost_or_stolen_card", "lost_or_stolen_card", FAILURE_CATEGORY_FRAUD, False
    ),
    **_all(
        "issuer_not_available processing_error reenter_transaction try_again_later payment_method_provider_timeout "
        "payment_method_not_available could_not_process lock_timeout payment_method_microdeposit_processing_error "
        "three_d_secure_authentication_upstream_error",
        "processing_error",
        FAILURE_CATEGORY_PROVIDER_DOWN,
        True,
    ),
    **_all(
        "card_decline_rate_limit_exceeded rate_limit payment_intent_rate_limit_exceeded",
        "rate_limited",
        FAILURE_CATEGORY_RATE_LIMIT,
        True,
    ),
    **_all("duplicate_transaction", "duplicate_transaction", FAILURE_CATEGORY_DECLINED, False),
    **_all(
        "payment_method_customer_decline customer_declined",
        "canceled_by_payer",
        FAILURE_CATEGORY_CANCELED_BY_PAYER,
        True,
    ),
    **_all(
        "payment_intent_payment_attempt_expired setup_intent_setup_attempt_expired charge_expired_for_capture "
        "capture_charge_authorization_expired payment_method_microdeposit_verification_timeout",
        "expired",
        FAILURE_CATEGORY_EXPIRED,
        True,
    ),
    **_all(
        "invalid_amount invalid_charge_amount amount_too_large amount_too_small payment_intent_invalid_parameter "
        "payment_method_invalid_parameter payment_intent_incompatible_payment_method payment_method_unactivated "
        "payment_method_currency_mismatch payment_method_unexpected_state payment_intent_unexpected_state "
        "setup_intent_invalid_parameter setup_intent_unexpected_state parameter_missing parameter_invalid_empty "
        "payment_method_unsupported_type country_unsupported customer_tax_location_invalid invalid_tax_location "
        "taxes_calculation_failed failed_tax_calculation tax_id_invalid email_invalid invalid_currency "
        "charge_already_captured charge_already_refunded charge_not_refundable resource_missing "
        "resource_already_exists parameter_unknown parameter_invalid_integer parameter_invalid_string_blank "
        "parameter_invalid_string_empty parameters_exclusive url_invalid balance_insufficient refund_disputed_payment "
        "customer_max_payment_methods timestamp_too_far_in_past missing",
        "invalid_request",
        FAILURE_CATEGORY_INVALID_REQUEST,
        False,
    ),
    **_all("merchant_request", "canceled_by_merchant", FAILURE_CATEGORY_DECLINED, False),
    **_all("charge_for_pending_refund_disputed charge_disputed", "disputed", FAILURE_CATEGORY_DECLINED, False),
}


def failure_of(
    code: str | None, message: str | None = None, *, issuer_code: str | None = None, network_code: str | None = None
) -> Failure | None:
    """What failed, in our words and Stripe's; None if Stripe says nothing of it.

    Args:
        code: Stripe's code: `code` of an error, `failure_code`, `failure_reason`.
        issuer_code: The issuer's or Radar's reason (`decline_code`, `outcome.reason`): says more, is looked up first.
        network_code: What the network or the issuer answered, where Stripe passes it on.

    Codes that are in no table keep Stripe's word alone: our code stays empty and the category unspecified.
    """
    if not code and not message and not issuer_code:
        return None
    meaning = CODES.get(issuer_code) if issuer_code else None
    if meaning is None and code:
        meaning = CODES.get(code)
    failure = Failure(
        provider_code=code or issuer_code or "", provider_message=message or "", network_code=network_code or ""
    )
    if meaning is not None:
        failure.code, failure.category, failure.retryable = meaning
    return failure
