"""Why a payment, refund or payout failed: PayPal's processor codes and reasons in our words."""

from __future__ import annotations

import msgspec

from orchestratorx_prism.v1.error_pb2 import Failure, FailureCategory

_DECLINED = FailureCategory.FAILURE_CATEGORY_DECLINED
_FUNDS = FailureCategory.FAILURE_CATEGORY_INSUFFICIENT_FUNDS
_FRAUD = FailureCategory.FAILURE_CATEGORY_FRAUD
_AUTHENTICATE = FailureCategory.FAILURE_CATEGORY_AUTHENTICATION_REQUIRED
_INVALID = FailureCategory.FAILURE_CATEGORY_INVALID_REQUEST
_DOWN = FailureCategory.FAILURE_CATEGORY_PROVIDER_DOWN
_EXPIRED = FailureCategory.FAILURE_CATEGORY_EXPIRED

Meaning = tuple[str, FailureCategory.ValueType, bool]
"""Our code, our category, whether a new attempt can succeed."""

# Source: PayPal docs, "Orders v2", `processor_response.response_code`.
PROCESSOR_CODES: dict[str, Meaning] = {
    "00N7": ("incorrect_cvc", _DECLINED, True),
    "0100": ("contact_issuer", _DECLINED, False),
    "0390": ("account_not_found", _DECLINED, False),
    "0500": ("do_not_honor", _DECLINED, True),
    "0580": ("unauthorized_transaction", _DECLINED, False),
    "0880": ("cryptographic_failure", _DECLINED, True),
    "0890": ("incorrect_pin", _DECLINED, True),
    "0960": ("processing_error", _DOWN, True),
    "0R00": ("canceled", _DECLINED, False),
    "10BR": ("issuer_rejected", _DECLINED, False),
    "1300": ("invalid_data", _INVALID, False),
    "1310": ("invalid_amount", _INVALID, False),
    "1320": ("invalid_currency", _INVALID, False),
    "1330": ("invalid_account", _DECLINED, False),
    "1335": ("invalid_account", _DECLINED, False),
    "1350": ("invalid_merchant", _INVALID, False),
    "1352": ("restricted_account", _DECLINED, False),
    "1380": ("invalid_expiry", _DECLINED, True),
    "1382": ("incorrect_cvc", _DECLINED, True),
    "1393": ("transaction_not_allowed", _DECLINED, False),
    "5100": ("generic_decline", _DECLINED, True),
    "5110": ("incorrect_cvc", _DECLINED, True),
    "5120": ("insufficient_funds", _FUNDS, True),
    "5130": ("incorrect_pin", _DECLINED, True),
    "5135": ("pin_tries_exceeded", _DECLINED, False),
    "5140": ("card_closed", _DECLINED, False),
    "5150": ("pickup_card", _FRAUD, False),
    "5160": ("unauthorized_user", _DECLINED, False),
    "5170": ("address_mismatch", _DECLINED, True),
    "5180": ("restricted_card", _DECLINED, False),
    "5200": ("duplicate_transaction", _INVALID, False),
    "5210": ("invalid_transaction", _DECLINED, False),
    "5400": ("expired_card", _DECLINED, False),
    "5500": ("incorrect_pin", _DECLINED, True),
    "5650": ("authentication_required", _AUTHENTICATE, True),
    "5700": ("transaction_not_allowed", _DECLINED, False),
    "5710": ("attempts_exceeded", _DECLINED, False),
    "5910": ("issuer_unavailable", _DOWN, False),
    "5920": ("issuer_unavailable", _DOWN, True),
    "5930": ("card_not_activated", _DECLINED, False),
    "5950": ("account_updated", _DECLINED, False),
    "6300": ("account_not_found", _DECLINED, False),
    "7700": ("authentication_failed", _AUTHENTICATE, True),
    "7710": ("authentication_failed", _AUTHENTICATE, True),
    "8000": ("processing_error", _DOWN, True),
    "8100": ("processing_error", _DOWN, False),
    "8110": ("processing_error", _DOWN, True),
    "8220": ("provider_unavailable", _DOWN, True),
    "9100": ("try_again", _DECLINED, True),
    "9500": ("suspected_fraud", _FRAUD, False),
    "9510": ("security_violation", _FRAUD, False),
    "9520": ("lost_or_stolen_card", _FRAUD, False),
    "9530": ("contact_issuer", _DECLINED, False),
    "9540": ("refused_card", _DECLINED, False),
}

# Source: PayPal docs, "Payments v2", capture and authorization `status_details.reason`; "Payments v1", `reason_code`;
# "Subscriptions", `last_failed_payment.reason_code`; "Payouts", `errors.name`.
REASONS: dict[str, Meaning] = {
    "BUYER_COMPLAINT": ("buyer_complaint", _DECLINED, False),
    "CHARGEBACK": ("chargeback", _DECLINED, False),
    "DECLINED_BY_RISK_FRAUD_FILTERS": ("suspected_fraud", _FRAUD, False),
    "DECLINED_BY_PROCESSOR": ("generic_decline", _DECLINED, True),
    "ECHECK": ("echeck_returned", _DECLINED, True),
    "PAYER_SHOULD_FUND_ACCOUNT": ("insufficient_funds", _FUNDS, True),
    "PAYMENT_DENIED": ("generic_decline", _DECLINED, False),
    "INTERNAL_SERVER_ERROR": ("processing_error", _DOWN, True),
    "PAYEE_ACCOUNT_RESTRICTED": ("payee_restricted", _INVALID, False),
    "PAYER_ACCOUNT_RESTRICTED": ("payer_restricted", _DECLINED, False),
    "PAYER_CANNOT_PAY": ("generic_decline", _DECLINED, False),
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": ("limit_exceeded", _DECLINED, True),
    "CURRENCY_MISMATCH": ("invalid_currency", _INVALID, False),
    "INSUFFICIENT_FUNDS": ("insufficient_funds", _FUNDS, True),
    "RECEIVER_UNREGISTERED": ("receiver_unregistered", _INVALID, False),
    "RECEIVER_UNCONFIRMED": ("receiver_unconfirmed", _DECLINED, True),
    "RECEIVER_ACCOUNT_LOCKED": ("receiver_locked", _DECLINED, False),
    "RECEIVER_COUNTRY_NOT_ALLOWED": ("country_not_allowed", _DECLINED, False),
    "REGULATORY_BLOCKED": ("regulatory_block", _DECLINED, False),
    "REGULATORY_PENDING": ("regulatory_block", _DECLINED, True),
    "RISK_DECLINE": ("suspected_fraud", _FRAUD, False),
    "SELF_PAY_NOT_ALLOWED": ("self_pay_not_allowed", _INVALID, False),
    "TRANSACTION_LIMIT_EXCEEDED": ("limit_exceeded", _DECLINED, True),
    "TRANSACTION_DECLINED_BY_TRAVEL_RULE": ("regulatory_block", _DECLINED, False),
    "EXPIRED": ("expired", _EXPIRED, False),
}


class ProcessorResponse(msgspec.Struct):
    """`processor_response` of a card transaction."""

    response_code: str | None = None


class StatusDetails(msgspec.Struct):
    """`status_details` of a v2 object."""

    reason: str | None = None


class PayoutError(msgspec.Struct):
    """`errors` of a payout, `last_failed_payment` of a subscription: what went wrong."""

    name: str | None = None
    message: str | None = None
    reason_code: str | None = None


def failure(code: str, processor_code: str | None = None, reason: str | None = None, message: str = "") -> Failure:
    """Why it failed.

    Args:
        code: Our code where PayPal gives none that we know: the event type itself says that it failed.
        processor_code: The network's or processor's code: "5120".
        reason: PayPal's reason: "DECLINED_BY_RISK_FRAUD_FILTERS".
        message: PayPal's sentence.
    """
    known = PROCESSOR_CODES.get(processor_code or "") or REASONS.get((reason or "").upper())
    ours, category, retryable = known or (code, _DECLINED, False)
    return Failure(
        code=ours,
        category=category,
        retryable=retryable,
        provider_code=processor_code or reason or "",
        provider_message=message,
        network_code=processor_code or "",
    )
