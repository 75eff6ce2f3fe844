"""Why PayPal refuses a call: the bodies of its errors, and their issues in our words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from connectors.paypal.failures import REASONS, Meaning
from connectors.paypal.references import Link
from connectors.spi.decoding import decode
from connectors.spi.operations import ADVICE, details_of
from orchestratorx_prism.errors import OutcomeUnknown, PayloadRejected, ProviderRefused
from orchestratorx_prism.v1.error_pb2 import Failure, FailureCategory

_DECLINED = FailureCategory.FAILURE_CATEGORY_DECLINED
_FUNDS = FailureCategory.FAILURE_CATEGORY_INSUFFICIENT_FUNDS
_FRAUD = FailureCategory.FAILURE_CATEGORY_FRAUD
_AUTHENTICATE = FailureCategory.FAILURE_CATEGORY_AUTHENTICATION_REQUIRED
_INVALID = FailureCategory.FAILURE_CATEGORY_INVALID_REQUEST
_CREDENTIALS = FailureCategory.FAILURE_CATEGORY_CREDENTIALS
_RATE = FailureCategory.FAILURE_CATEGORY_RATE_LIMIT
_DOWN = FailureCategory.FAILURE_CATEGORY_PROVIDER_DOWN
_PAYER = FailureCategory.FAILURE_CATEGORY_CANCELED_BY_PAYER
_EXPIRED = FailureCategory.FAILURE_CATEGORY_EXPIRED

PAYER_ACTION_REQUIRED = "PAYER_ACTION_REQUIRED"

# Source: PayPal docs, "Orders v2" and "Payments v2", errors; "Troubleshooting Orders API errors"; "Handle payment
# failures". What says no to this payment, with this instrument.
DECLINES: dict[str, Meaning] = {
    "INSTRUMENT_DECLINED": ("generic_decline", _DECLINED, True),
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING": ("generic_decline", _DECLINED, True),
    "CARD_EXPIRED": ("expired_card", _DECLINED, True),
    "CARD_CLOSED": ("card_closed", _DECLINED, False),
    "PAYER_CANNOT_PAY": ("generic_decline", _DECLINED, False),
    "TRANSACTION_REFUSED": ("generic_decline", _DECLINED, False),
    "PAYMENT_DENIED": ("generic_decline", _DECLINED, False),
    "PAYER_ACCOUNT_RESTRICTED": ("payer_restricted", _DECLINED, False),
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": ("payer_restricted", _DECLINED, False),
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": ("attempts_exceeded", _DECLINED, False),
    "TRANSACTION_LIMIT_EXCEEDED": ("limit_exceeded", _DECLINED, True),
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": ("limit_exceeded", _DECLINED, True),
    "TRANSACTION_AMOUNT_EXCEEDS_MONTHLY_MAX_LIMIT": ("limit_exceeded", _DECLINED, True),
    "COMPLIANCE_VIOLATION": ("regulatory_block", _DECLINED, False),
    "TRANSACTION_BLOCKED_BY_PAYEE": ("suspected_fraud", _FRAUD, False),
    "AUTH_CAPTURE_NOT_ENABLED": ("capture_not_enabled", _INVALID, False),
    "TOKEN_EXPIRED": ("expired_token", _EXPIRED, True),
    "CARD_TOKEN_EXPIRED": ("expired_token", _EXPIRED, True),
    "BILLING_AGREEMENT_NOT_FOUND": ("payment_method_not_found", _INVALID, False),
    "PREVIOUS_TRANSACTION_REFERENCE_HAS_CHARGEBACK": ("chargeback", _DECLINED, False),
}

ALREADY = frozenset(
    "DUPLICATE_INVOICE_ID ORDER_ALREADY_CAPTURED ORDER_ALREADY_AUTHORIZED ORDER_ALREADY_COMPLETED "
    "AUTHORIZATION_ALREADY_CAPTURED PREVIOUSLY_CAPTURED AUTHORIZATION_VOIDED PREVIOUSLY_VOIDED CAPTURE_FULLY_REFUNDED "
    "REFUND_AMOUNT_EXCEEDED MAX_CAPTURE_AMOUNT_EXCEEDED PAYPAL_REQUEST_ID_PREVIOUSLY_USED DUPLICATE_REQUEST_ID".split()
)
"""What PayPal says, too, to a repeat of what it has done: worth a look before it is taken for a no."""

OURS_ALONE = frozenset({"DUPLICATE_INVOICE_ID", "PAYPAL_REQUEST_ID_PREVIOUSLY_USED", "DUPLICATE_REQUEST_ID"})
"""Of these: what PayPal knows already bears our key, so nobody else has done it."""

# Source: as above; "Vault v3", "Subscriptions v1", "Disputes v1" and "Payouts", errors.
REFUSALS: dict[str, Meaning] = {
    "ORDER_NOT_APPROVED": ("not_approved", _PAYER, True),
    PAYER_ACTION_REQUIRED: ("authentication_required", _AUTHENTICATE, True),
    "ORDER_EXPIRED": ("expired", _EXPIRED, False),
    "ORDER_ALREADY_CAPTURED": ("already_captured", _INVALID, False),
    "ORDER_ALREADY_AUTHORIZED": ("already_authorized", _INVALID, False),
    "ORDER_ALREADY_COMPLETED": ("already_captured", _INVALID, False),
    "ORDER_COMPLETED_OR_VOIDED": ("not_open", _INVALID, False),
    "ORDER_COMPLETION_IN_PROGRESS": ("in_progress", _DOWN, True),
    "ACTION_DOES_NOT_MATCH_INTENT": ("wrong_intent", _INVALID, False),
    "DUPLICATE_INVOICE_ID": ("duplicate_request", _INVALID, False),
    "AUTHORIZATION_ALREADY_CAPTURED": ("already_captured", _INVALID, False),
    "PREVIOUSLY_CAPTURED": ("already_captured", _INVALID, False),
    "AUTHORIZATION_VOIDED": ("already_voided", _INVALID, False),
    "PREVIOUSLY_VOIDED": ("already_voided", _INVALID, False),
    "AUTHORIZATION_EXPIRED": ("authorization_expired", _EXPIRED, False),
    "AUTHORIZATION_DENIED": ("generic_decline", _DECLINED, False),
    "AUTHORIZATION_AMOUNT_EXCEEDED": ("amount_too_large", _INVALID, False),
    "MAX_CAPTURE_AMOUNT_EXCEEDED": ("amount_too_large", _INVALID, False),
    "MAX_CAPTURE_COUNT_EXCEEDED": ("captures_exceeded", _INVALID, False),
    "CANNOT_BE_VOIDED": ("not_voidable", _INVALID, False),
    "CANNOT_BE_CAPTURED": ("not_capturable", _INVALID, False),
    "PENDING_CAPTURE": ("capture_pending", _INVALID, True),
    "CAPTURE_FULLY_REFUNDED": ("already_refunded", _INVALID, False),
    "REFUND_AMOUNT_EXCEEDED": ("amount_too_large", _INVALID, False),
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED": ("refunds_exceeded", _INVALID, False),
    "REFUND_TIME_LIMIT_EXCEEDED": ("refund_window_over", _EXPIRED, False),
    "REFUND_NOT_ALLOWED": ("refund_refused", _DECLINED, False),
    "REFUND_CAPTURE_CURRENCY_MISMATCH": ("invalid_currency", _INVALID, False),
    "REFUND_FAILED_INSUFFICIENT_FUNDS": ("insufficient_funds", _FUNDS, True),
    "TRANSACTION_DISPUTED": ("disputed", _DECLINED, False),
    "CURRENCY_NOT_SUPPORTED": ("invalid_currency", _INVALID, False),
    "CURRENCY_NOT_SUPPORTED_FOR_RECEIVER": ("invalid_currency", _INVALID, False),
    "CURRENCY_MISMATCH": ("invalid_currency", _INVALID, False),
    "DECIMAL_PRECISION": ("invalid_amount", _INVALID, False),
    "DECIMALS_NOT_SUPPORTED": ("invalid_amount", _INVALID, False),
    "CANNOT_BE_ZERO_OR_NEGATIVE": ("invalid_amount", _INVALID, False),
    "CANNOT_BE_NEGATIVE": ("invalid_amount", _INVALID, False),
    "AMOUNT_MISMATCH": ("invalid_amount", _INVALID, False),
    "PAYEE_ACCOUNT_RESTRICTED": ("payee_restricted", _INVALID, False),
    "PAYEE_ACCOUNT_INVALID": ("payee_restricted", _INVALID, False),
    "PAYEE_NOT_ENABLED_FOR_CARD_PROCESSING": ("cards_not_enabled", _INVALID, False),
    "MERCHANT_NOT_ENABLED_FOR_REFERENCE_TRANSACTION": ("saved_methods_not_enabled", _INVALID, False),
    "PERMISSION_DENIED": ("permission_denied", _CREDENTIALS, False),
    "PERMISSION_NOT_GRANTED": ("permission_denied", _CREDENTIALS, False),
    "CONSENT_NEEDED": ("permission_denied", _CREDENTIALS, False),
    "INVALID_ACCOUNT_STATUS": ("account_not_usable", _INVALID, False),
    "INVALID_RESOURCE_ID": ("not_found", _INVALID, False),
    "PAYPAL_REQUEST_ID_PREVIOUSLY_USED": ("duplicate_request", _INVALID, False),
    "DUPLICATE_REQUEST_ID": ("duplicate_request", _INVALID, False),
    "TOKEN_NOT_FOUND": ("payment_method_not_found", _INVALID, False),
    "SETUP_TOKEN_NOT_APPROVED": ("not_approved", _PAYER, True),
    "SETUP_TOKEN_NOT_FOUND": ("payment_method_not_found", _INVALID, False),
    "SUBSCRIPTION_STATUS_INVALID": ("not_open", _INVALID, False),
    "SUBSCRIPTION_CANNOT_HAVE_QUANTITY": ("quantity_not_supported", _INVALID, False),
    "PLAN_NOT_ACTIVE": ("plan_not_active", _INVALID, False),
    "DISPUTE_ALREADY_RESOLVED": ("dispute_closed", _INVALID, False),
    "CANNOT_PROCESS_REQUEST": ("not_possible", _INVALID, False),
    "ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE": ("not_open", _INVALID, False),
    "INVALID_EVIDENCE_FILE": ("invalid_file", _INVALID, False),
    "INVALID_EVIDENCE_TYPE": ("invalid_evidence", _INVALID, False),
    "SENDER_RESTRICTED": ("account_not_usable", _INVALID, False),
    "SENDER_LOCKED": ("account_not_usable", _INVALID, False),
    "SENDER_EMAIL_UNCONFIRMED": ("account_not_usable", _INVALID, False),
    "CIP_NOT_VERIFIED": ("account_not_usable", _INVALID, False),
    "USER_BUSINESS_ERROR": ("duplicate_request", _INVALID, False),
    "NON_HOLDING_CURRENCY": ("invalid_currency", _INVALID, False),
    "SYNC_MODE_NOT_APPLICABLE": ("invalid_request", _INVALID, False),
    "REQUIRED_SCOPE_MISSING": ("permission_denied", _CREDENTIALS, False),
    "AUTHORIZATION_ERROR": ("permission_denied", _CREDENTIALS, False),
}

# Source: PayPal docs, "API responses", `name`. Where no issue is known, the name says as much as this.
NAMES: dict[str, Meaning] = {
    "INVALID_REQUEST": ("invalid_request", _INVALID, False),
    "VALIDATION_ERROR": ("invalid_request", _INVALID, False),
    "MALFORMED_REQUEST": ("invalid_request", _INVALID, False),
    "UNPROCESSABLE_ENTITY": ("invalid_request", _INVALID, False),
    "RESOURCE_NOT_FOUND": ("not_found", _INVALID, False),
    "INVALID_RESOURCE_ID": ("not_found", _INVALID, False),
    "NOT_AUTHORIZED": ("permission_denied", _CREDENTIALS, False),
    "AUTHENTICATION_FAILURE": ("credentials_refused", _CREDENTIALS, False),
    "INSUFFICIENT_FUNDS": ("insufficient_funds", _FUNDS, True),
    "RATE_LIMIT_REACHED": ("rate_limit", _RATE, True),
}
IN_PROGRESS = frozenset({"PREVIOUS_REQUEST_IN_PROGRESS", "ORDER_COMPLETION_IN_PROGRESS", "RESOURCE_CONFLICT"})
"""The same request is being worked on."""


class Detail(msgspec.Struct):
    """One of an error's `details`."""

    issue: str | None = None
    description: str | None = None
    field: str | None = None


class _Body(msgspec.Struct):
    name: str | None = None
    message: str | None = None
    debug_id: str | None = None
    error: str | None = None
    error_description: str | None = None
    details: list[Detail] | None = None
    links: list[Link] | None = None


_BODY = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class Problem:
    """One of PayPal's errors."""

    status: int
    """HTTP."""
    name: str
    issue: str
    """The first detail's, where it is one word: "INSTRUMENT_DECLINED"; else empty."""
    message: str
    """PayPal's sentence."""
    debug_id: str
    """By which PayPal's support finds the request."""
    links: tuple[Link, ...] = ()

    @property
    def code(self) -> str:
        """The most exact word that PayPal gave."""
        return self.issue or self.name or f"HTTP_{self.status}"

    @property
    def in_progress(self) -> bool:
        """Whether the same request is being worked on."""
        return self.status == 409 or self.code in IN_PROGRESS

    def link(self, *relations: str) -> str:
        """Where the first of these links leads; empty if there is none."""
        return next((link.href or "" for link in self.links if link.rel in relations), "")

    def failure(self) -> Failure:
        """In our words. What no table knows is an invalid request: PayPal has done nothing."""
        known = DECLINES.get(self.code) or REFUSALS.get(self.code) or REASONS.get(self.code) or NAMES.get(self.name)
        ours, category, retryable = known or _by_status(self.status)
        return Failure(
            code=ours,
            category=category,
            retryable=retryable,
            provider_code=self.code,
            provider_message=self.message,
        )


def read_problem(status: int, body: bytes, debug_id: str = "") -> Problem:
    """An error from its body; what is no error of PayPal's has no name and no issue.

    Args:
        debug_id: From the header, where the body has none.
    """
    try:
        found = decode(_BODY, body)
    except PayloadRejected:
        found = _Body()
    detail = next(iter(found.details or ()), Detail())
    issue = detail.issue or ""
    word = issue if issue.replace("_", "").isalnum() and issue.isupper() else ""
    sentence = detail.description or ("" if word else issue) or found.message or found.error_description or ""
    return Problem(
        status=status,
        name=found.name or (found.error or "").upper(),
        issue=word,
        message=sentence[:500],
        debug_id=found.debug_id or debug_id,
        links=tuple(found.links or ()),
    )


def refused(problem: Problem) -> ProviderRefused:
    """PayPal's no, for the caller."""
    failure = problem.failure()
    details = details_of(failure)
    if problem.debug_id:
        details["debug_id"] = problem.debug_id
    return ProviderRefused(f"PayPal refused: {problem.code}", fix=ADVICE[failure.category], metadata=details)


def unknown(why: str) -> OutcomeUnknown:
    """That nobody knows yet what PayPal did."""
    return OutcomeUnknown(why, fix="repeat the call with the same request_id, or wait: PayPal is asked again")


def _by_status(status: int) -> Meaning:
    if status in {401, 403}:
        return "permission_denied", _CREDENTIALS, False
    return "invalid_request", _INVALID, False
