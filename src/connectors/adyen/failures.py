"""Why things failed: Adyen's refusal reasons in our words. Tables, and the lookup.

`reason` is not covered by an item's signature: it explains a failure, it never makes one.

Source: Adyen docs, "Refusal reasons"; "CAPTURE_FAILED and REFUND_FAILED reasons"; API Explorer, "Transfer webhooks",
`reason`; classic platforms, "Payout notifications".
"""

from __future__ import annotations

import re
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
    FAILURE_CATEGORY_UNSPECIFIED,
    Failure,
    FailureCategory,
)

_AUTHENTICATE = FAILURE_CATEGORY_AUTHENTICATION_REQUIRED
_CANCELED = FAILURE_CATEGORY_CANCELED_BY_PAYER
_DECLINED = FAILURE_CATEGORY_DECLINED
_EXPIRED = FAILURE_CATEGORY_EXPIRED
_FRAUD = FAILURE_CATEGORY_FRAUD
_FUNDS = FAILURE_CATEGORY_INSUFFICIENT_FUNDS
_INVALID = FAILURE_CATEGORY_INVALID_REQUEST
_DOWN = FAILURE_CATEGORY_PROVIDER_DOWN

Cause = tuple[str, FailureCategory.ValueType, bool]
"""(our code, our category, whether a new attempt can succeed)."""

UNRECOGNIZED: Final[Cause] = ("unrecognized_reason", FAILURE_CATEGORY_UNSPECIFIED, False)
"""A reason that is not in the tables: passed on as sent, not interpreted."""

# Where the event itself is the reason.
FIXED: Final[dict[str, Cause]] = {
    "authentication_failed": ("authentication_failed", _AUTHENTICATE, True),
    "offer_expired": ("offer_expired", _EXPIRED, True),
    "order_not_paid": ("order_not_paid", _DECLINED, True),
    "rescue_failed": ("rescue_failed", _DECLINED, False),
    "rescue_canceled": ("rescue_canceled", _DECLINED, True),
    "review_rejected": ("review_rejected", _FRAUD, False),
    "refund_canceled": ("refund_canceled", FAILURE_CATEGORY_UNSPECIFIED, True),
    "payout_declined": ("payout_declined", _DECLINED, True),
}

# refusalReason, in lower case. The numbers are Adyen's refusalReasonCode.
REFUSALS: Final[dict[str, Cause]] = {
    "refused": ("refused", _DECLINED, False),  # 2
    "referral": ("referral", _DECLINED, False),  # 3
    "acquirer error": ("acquirer_error", _DOWN, True),  # 4
    "blocked card": ("blocked_card", _DECLINED, False),  # 5
    "expired card": ("expired_card", _DECLINED, False),  # 6
    "invalid amount": ("invalid_amount", _INVALID, False),  # 7
    "invalid card number": ("invalid_card_number", _INVALID, False),  # 8
    "issuer unavailable": ("issuer_unavailable", _DOWN, True),  # 9
    "not supported": ("not_supported", _DECLINED, False),  # 10
    "3d not authenticated": ("authentication_failed", _AUTHENTICATE, True),  # 11
    "authentication failed": ("authentication_failed", _AUTHENTICATE, True),
    "3d secure authentication failed": ("authentication_failed", _AUTHENTICATE, True),
    "not enough balance": ("insufficient_funds", _FUNDS, True),  # 12
    "acquirer fraud": ("acquirer_fraud", _FRAUD, False),  # 14
    "cancelled": ("canceled", _CANCELED, True),  # 15
    "shopper cancelled": ("canceled_by_payer", _CANCELED, True),  # 16
    "invalid pin": ("invalid_pin", _DECLINED, True),  # 17
    "pin tries exceeded": ("pin_tries_exceeded", _DECLINED, False),  # 18
    "pin validation not possible": ("pin_validation_not_possible", _DECLINED, True),  # 19
    "fraud": ("fraud", _FRAUD, False),  # 20
    "not submitted": ("not_submitted", _DOWN, True),  # 21
    "fraud-cancelled": ("fraud", _FRAUD, False),  # 22
    "transaction not permitted": ("transaction_not_permitted", _DECLINED, False),  # 23
    "cvc declined": ("cvc_declined", _DECLINED, True),  # 24
    "restricted card": ("restricted_card", _DECLINED, False),  # 25
    "revocation of auth": ("authorization_revoked", _DECLINED, False),  # 26
    "declined non generic": ("declined", _DECLINED, True),  # 27
    "withdrawal amount exceeded": ("withdrawal_amount_exceeded", _DECLINED, True),  # 28
    "withdrawal count exceeded": ("withdrawal_count_exceeded", _DECLINED, True),  # 29
    "issuer suspected fraud": ("issuer_suspected_fraud", _FRAUD, False),  # 31
    "avs declined": ("address_declined", _DECLINED, True),  # 32
    "card requires online pin": ("pin_required", _AUTHENTICATE, True),  # 33
    "no checking account available on card": ("no_checking_account", _DECLINED, False),  # 34
    "no savings account available on card": ("no_savings_account", _DECLINED, False),  # 35
    "mobile pin required": ("pin_required", _AUTHENTICATE, True),  # 36
    "contactless fallback": ("contactless_fallback", _AUTHENTICATE, True),  # 37
    "authentication required": ("authentication_required", _AUTHENTICATE, True),  # 38
    "rreq not received from ds": ("authentication_failed", _AUTHENTICATE, True),  # 39
    "current aid is in penalty box.": ("card_network_unavailable", _DOWN, True),  # 40
    "cvm required restart payment": ("authentication_required", _AUTHENTICATE, True),  # 41
    "3ds authentication error": ("authentication_failed", _AUTHENTICATE, True),  # 42
    "online pin required": ("pin_required", _AUTHENTICATE, True),  # 43
    "try another interface": ("try_another_interface", _DECLINED, True),  # 44
    "chip downgrade mode": ("try_another_interface", _DECLINED, True),  # 45
    "transaction blocked by adyen to prevent excessive retry fees": (
        "excessive_retries",
        FAILURE_CATEGORY_RATE_LIMIT,
        False,
    ),  # 46
    # Captures, cancellations, refunds.
    "insufficient balance on payment": ("insufficient_balance_on_payment", _INVALID, False),
    "transaction hasn't been captured, refund not possible": ("not_captured", _INVALID, False),
    "transaction not found": ("payment_not_found", _INVALID, False),
    "capture failed": ("capture_rejected", _DECLINED, False),
    "refund failed": ("refund_rejected", _DECLINED, False),
    "expired": ("expired", _EXPIRED, False),
    "expire": ("expired", _EXPIRED, False),
}

# `reason` of transfers.
TRANSFER_REASONS: Final[dict[str, Cause]] = {
    **dict.fromkeys(("amountLimitExceeded", "withdrawalAmountExceeded"), ("amount_limit_exceeded", _DECLINED, True)),
    "withdrawalCountExceeded": ("withdrawal_count_exceeded", _DECLINED, True),
    "notEnoughBalance": ("insufficient_funds", _FUNDS, True),
    "approvalExpired": ("approval_expired", _EXPIRED, True),
    "accountHierarchyNotActive": ("account_inactive", _INVALID, False),
    "counterpartyAccountBlocked": ("counterparty_account_blocked", _DECLINED, False),
    "counterpartyAccountClosed": ("counterparty_account_closed", _DECLINED, False),
    "counterpartyAccountNotFound": ("counterparty_account_not_found", _INVALID, False),
    "counterpartyAddressRequired": ("counterparty_address_required", _INVALID, False),
    "counterpartyBankTimedOut": ("counterparty_bank_timed_out", _DOWN, True),
    "counterpartyBankUnavailable": ("counterparty_bank_unavailable", _DOWN, True),
    "refusedByCounterpartyBank": ("refused_by_counterparty_bank", _DECLINED, False),
    "refusedByCustomer": ("refused_by_customer", _CANCELED, False),
    "directDebitNotSupported": ("direct_debit_not_supported", _DECLINED, False),
    "transferInstrumentDoesNotExist": ("transfer_instrument_not_found", _INVALID, False),
    "routeNotFound": ("route_not_found", _INVALID, False),
    "unableToRouteTransaction": ("route_not_found", _INVALID, False),
    "internalTimeout": ("provider_timed_out", _DOWN, True),
    "error": ("provider_error", _DOWN, True),
    **dict.fromkeys(("declined", "doNotHonor", "declinedNonGeneric"), ("declined", _DECLINED, False)),
    **dict.fromkeys(
        ("declinedByTransactionRule", "balanceAccountTemporarilyBlockedByTransactionRule", "declinedByBapValidation"),
        ("declined_by_rule", _DECLINED, False),
    ),
    **dict.fromkeys(
        ("fraud", "fraudCancelled", "issuerSuspectedFraud", "stolenCard", "lostCard"), ("fraud", _FRAUD, False)
    ),
    **dict.fromkeys(
        ("scaFailed", "scaAuthenticationRequired", "cardholderAuthenticationRequired", "not3dAuthenticated"),
        ("authentication_required", _AUTHENTICATE, True),
    ),
    **dict.fromkeys(("cancelled", "shopperCancelled"), ("canceled", _CANCELED, True)),
    **dict.fromkeys(("invalidAccount", "invalidToAccount", "invalidFromAccount"), ("invalid_account", _INVALID, False)),
    "invalidAmount": ("invalid_amount", _INVALID, False),
    **dict.fromkeys(
        ("transactionNotPermitted", "domesticDebitTransactionNotAllowed"),
        ("transaction_not_permitted", _DECLINED, False),
    ),
    "avsDeclined": ("address_declined", _DECLINED, True),
    **dict.fromkeys(("blockCard", "captureCard"), ("blocked_card", _DECLINED, False)),
    "callReferral": ("referral", _DECLINED, False),
    "cardExpired": ("expired_card", _DECLINED, False),
    "cvcDeclined": ("cvc_declined", _DECLINED, True),
    **dict.fromkeys(("cavvDeclined", "threedsDynamicLinkingMismatch"), ("authentication_failed", _AUTHENTICATE, True)),
    **dict.fromkeys(("contactlessFallback", "contactlessLimitReached"), ("contactless_fallback", _AUTHENTICATE, True)),
    "duplicateTransmissionDetected": ("duplicate_transmission", _INVALID, False),
    "invalidCard": ("invalid_card_number", _INVALID, False),
    "invalidPin": ("invalid_pin", _DECLINED, True),
    **dict.fromkeys(("pinRequired", "mobilePinRequired"), ("pin_required", _AUTHENTICATE, True)),
    "pinTriesExceeded": ("pin_tries_exceeded", _DECLINED, False),
    "pinValidationNotPossible": ("pin_validation_not_possible", _DECLINED, True),
    "noCheckingAccount": ("no_checking_account", _DECLINED, False),
    "noSavingsAccount": ("no_savings_account", _DECLINED, False),
    "notSubmitted": ("not_submitted", _DOWN, True),
    "notSupported": ("not_supported", _DECLINED, False),
    "restrictedCard": ("restricted_card", _DECLINED, False),
    "revocationOfAuth": ("authorization_revoked", _DECLINED, False),
}

# A reason that gives none: the transfer's `status` says more.
NO_REASON: Final = frozenset({"", "approved", "partiallyApproved", "pending", "pendingApproval", "unknown"})
TRANSFER_STATUSES: Final[dict[str, Cause]] = {
    "cancelled": ("canceled", _CANCELED, True),
    "error": ("provider_error", _DOWN, True),
    "expired": ("expired", _EXPIRED, False),
    **dict.fromkeys(("refused", "rejected"), ("refused", _DECLINED, False)),
    "returned": ("returned_by_bank", _DECLINED, False),
}
"""By status in lower case. That it failed is no reason: "failed" stays unrecognized."""

# `status.message.code` of classic platforms.
CLASSIC_CODES: Final[dict[str, Cause]] = {
    "10_069": ("returned_by_bank", _DECLINED, False),
    "10_132": ("invalid_account_number", _INVALID, False),
    "10_133": ("invalid_routing_number", _INVALID, False),
    "10_134": ("counterparty_account_not_found", _INVALID, False),
    "10_135": ("counterparty_account_closed", _DECLINED, False),
}

# refusalReasonCode, which only answers carry, → the key of REFUSALS that it stands for.
REFUSAL_CODES: Final[dict[str, str]] = {
    "2": "refused",
    "3": "referral",
    "4": "acquirer error",
    "5": "blocked card",
    "6": "expired card",
    "7": "invalid amount",
    "8": "invalid card number",
    "9": "issuer unavailable",
    "10": "not supported",
    "11": "3d not authenticated",
    "12": "not enough balance",
    "14": "acquirer fraud",
    "15": "cancelled",
    "16": "shopper cancelled",
    "17": "invalid pin",
    "18": "pin tries exceeded",
    "19": "pin validation not possible",
    "20": "fraud",
    "21": "not submitted",
    "22": "fraud-cancelled",
    "23": "transaction not permitted",
    "24": "cvc declined",
    "25": "restricted card",
    "26": "revocation of auth",
    "27": "declined non generic",
    "28": "withdrawal amount exceeded",
    "29": "withdrawal count exceeded",
    "31": "issuer suspected fraud",
    "32": "avs declined",
    "33": "card requires online pin",
    "34": "no checking account available on card",
    "35": "no savings account available on card",
    "36": "mobile pin required",
    "37": "contactless fallback",
    "38": "authentication required",
    "39": "rreq not received from ds",
    "40": "current aid is in penalty box.",
    "41": "cvm required restart payment",
    "42": "3ds authentication error",
    "43": "online pin required",
    "44": "try another interface",
    "45": "chip downgrade mode",
    "46": "transaction blocked by adyen to prevent excessive retry fees",
}

_NETWORK_CODE = re.compile(r"([A-Z0-9]{2,3})\s*:")


def fixed(key: str, provider_code: str, message: str) -> Failure:
    """Where the event itself is the reason."""
    return _failure(FIXED[key], provider_code, message, "")


def refusal(reason: str, raw: str) -> Failure:
    """From an item's `reason`, and the raw answer of the acquirer ("05 : Do not honor") where it is passed on."""
    found = _NETWORK_CODE.match(raw)
    return _failure(_cause(REFUSALS, reason.lower()), reason, raw or reason, found[1] if found else "")


def answered_refusal(result: str, reason: str, code: str, raw: str) -> Failure:
    """From an answer to a payment that was not authorized: by `refusalReasonCode`, else by `refusalReason`.

    Args:
        result: `resultCode`, which stands in where no reason is given: "Cancelled".
    """
    stated = reason or result
    found = _NETWORK_CODE.match(raw)
    cause = _cause(REFUSALS, REFUSAL_CODES[code] if code in REFUSAL_CODES else stated.lower())
    return _failure(cause, stated, raw or stated, found[1] if found else "")


def transfer_refusal(reason: str) -> Failure:
    """From a transfer's `reason`: one camel-case word."""
    return _failure(_cause(TRANSFER_REASONS, reason), reason, reason, "")


def transfer_failure(reason: str, status: str) -> Failure:
    """From a transfer's `reason`, or its `status` where that gives none."""
    if reason not in NO_REASON:
        return transfer_refusal(reason)
    return _failure(_cause(TRANSFER_STATUSES, status.lower()), status, status, "")


def classic_refusal(code: str, message: str) -> Failure:
    """From `status.message` of classic platforms."""
    return _failure(_cause(CLASSIC_CODES, code), code, message, "")


def _cause(table: dict[str, Cause], key: str) -> Cause:
    try:
        return table[key]
    except KeyError:
        return UNRECOGNIZED


def _failure(cause: Cause, provider_code: str, message: str, network_code: str) -> Failure:
    code, category, retryable = cause
    return Failure(
        code=code,
        category=category,
        retryable=retryable,
        provider_code=provider_code,
        provider_message=message,
        network_code=network_code,
    )
