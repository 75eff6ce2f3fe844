"""Adyen's refusals of whole requests as our errors. Pure.

A decline of a payment is no refusal: it comes as 200 with a `resultCode`, and `answers.py` makes an event of it.

Source: Adyen docs, "Error codes and messages"; "API idempotency"; "Response handling".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import msgspec

from connectors.adyen.failures import Cause
from connectors.adyen.shapes import text
from connectors.adyen.shapes_answers import ERROR, ErrorAnswer
from connectors.spi.operations import ADVICE, details_of
from orchestratorx_prism.errors import OutcomeUnknown, PrismError, ProviderRefused, ProviderUnavailable
from orchestratorx_prism.v1.error_pb2 import (
    FAILURE_CATEGORY_CREDENTIALS,
    FAILURE_CATEGORY_INVALID_REQUEST,
    Failure,
)

_INVALID = FAILURE_CATEGORY_INVALID_REQUEST
IN_PROGRESS: Final = "704"
"""A request with this idempotency key is being carried out, or was. 422, or 409."""

# errorCode. Those that say what the merchant can do about it; others are passed on by their HTTP status alone.
ERROR_CODES: Final[dict[str, Cause]] = {
    "010": ("not_allowed", FAILURE_CATEGORY_CREDENTIALS, False),
    "901": ("invalid_merchant_account", FAILURE_CATEGORY_CREDENTIALS, False),
    "100": ("amount_missing", _INVALID, False),
    "101": ("invalid_card_number", _INVALID, False),
    "102": ("unknown_card_brand", _INVALID, False),
    "103": ("invalid_cvc", _INVALID, False),
    "107": ("recurring_not_enabled", _INVALID, False),
    "109": ("invalid_payment_method", _INVALID, False),
    "112": ("country_not_supported", _INVALID, False),
    "125": ("invalid_recurring_contract", _INVALID, False),
    "129": ("invalid_expiry", _INVALID, False),
    "130": ("reference_missing", _INVALID, False),
    "137": ("invalid_amount", _INVALID, False),
    "138": ("currency_not_supported", _INVALID, False),
    "139": ("customer_missing", _INVALID, False),
    "140": ("invalid_expiry", _INVALID, False),
    "141": ("invalid_expiry", _INVALID, False),
    "167": ("payment_not_found", _INVALID, False),
    "172": ("token_expired", _INVALID, False),
    "174": ("token_unreadable", _INVALID, False),
    "177": ("metadata_too_large", _INVALID, False),
    "178": ("metadata_too_large", _INVALID, False),
    "180": ("invalid_customer", _INVALID, False),
    "800": ("payment_method_not_found", _INVALID, False),
    "803": ("payment_method_not_found", _INVALID, False),
    "905": ("payment_method_not_supported", _INVALID, False),
    "905_1": ("payment_method_not_supported", _INVALID, False),
    "916": ("amount_limit_exceeded", _INVALID, False),
}
_BY_STATUS: Final[dict[int, Cause]] = {
    401: ("credentials_refused", FAILURE_CATEGORY_CREDENTIALS, False),
    403: ("not_allowed", FAILURE_CATEGORY_CREDENTIALS, False),
    404: ("not_found", _INVALID, False),
}
_REFUSED: Final[Cause] = ("request_refused", _INVALID, False)
_CREDENTIALS_FIX: Final = (
    "check ADYEN_API_KEY and ADYEN_MERCHANT_ACCOUNT: of this environment, with the roles for this operation"
)
_LONG: Final = re.compile(r"\d{12,}|\S{33,}")
_MESSAGE_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """What Adyen answered."""

    status: int
    body: bytes = field(repr=False)
    transient: bool = False
    """The header `transient-error` is true: the same request with the same key may be sent again."""
    retry_after_s: float | None = None

    @property
    def done(self) -> bool:
        """Whether it is an answer to the operation."""
        return 200 <= self.status < 300


def error_code(reply: Reply) -> str:
    """`errorCode` of a refusal; empty if it has none."""
    return text(_error(reply).error_code)


def may_repeat(reply: Reply) -> bool:
    """Whether the same request with the same key may be answered otherwise in a moment. 429 waits longer than that."""
    return reply.status >= 500 or reply.transient or error_code(reply) == IN_PROGRESS


def error_of(reply: Reply) -> PrismError:
    """The error that an answer other than 2xx stands for.

    "Later" is only said where certainly nothing was done; all that could be otherwise is an unknown outcome.
    """
    if reply.status == 429:
        return ProviderUnavailable(
            "Adyen takes no more requests for now", reason="RATE_LIMITED", retry_after_s=reply.retry_after_s
        )
    if reply.status >= 500 or reply.status < 400 or reply.status == 408 or may_repeat(reply):
        return lost(f"Adyen answered {reply.status} to the request")
    failure = failure_of(reply)
    credentials = failure.category == FAILURE_CATEGORY_CREDENTIALS
    return refused(failure, fix=_CREDENTIALS_FIX if credentials else "")


def failure_of(reply: Reply) -> Failure:
    """Why a request was refused."""
    said = _error(reply)
    code = text(said.error_code)
    cause = ERROR_CODES.get(code) or _BY_STATUS.get(reply.status) or _REFUSED
    message = text(said.message) or text(said.detail) or text(said.title)
    return Failure(
        code=cause[0],
        category=cause[1],
        retryable=cause[2],
        provider_code=code or str(reply.status),
        provider_message=harmless(message),
    )


def refusal_in_words(code: str, message: str) -> ProviderRefused:
    """A refusal that comes as 200: with a sentence, from the Disputes API."""
    return refused(Failure(code=code, category=_INVALID, provider_message=harmless(message)))


def refused(failure: Failure, fix: str = "") -> ProviderRefused:
    """An operation that Adyen did not carry out."""
    said = failure.provider_message or failure.code
    return ProviderRefused(
        f"Adyen refused the operation: {said}", fix=fix or ADVICE[failure.category], metadata=details_of(failure)
    )


def lost(message: str) -> OutcomeUnknown:
    """An operation of which it is not known whether it was carried out."""
    return OutcomeUnknown(
        message, fix="repeat with the same request_id, never with a new one; the webhook tells the outcome, too"
    )


def harmless(message: str) -> str:
    """A sentence of Adyen's without anything that could be a card number, a token or a key."""
    return _LONG.sub("…", message)[:_MESSAGE_LENGTH]


def _error(reply: Reply) -> ErrorAnswer:
    """A refusal's body; an empty one if a proxy answered instead of Adyen: its status alone counts then."""
    try:
        return ERROR.decode(reply.body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return ErrorAnswer()
