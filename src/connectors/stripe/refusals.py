"""What Stripe's error answers mean: which are declines, refusals, "later", or no answer at all. Pure.

Source: Stripe API reference, "Errors", "Idempotent requests"; Stripe docs, "Advanced error handling", "Rate limits".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from connectors.spi.operations import ADVICE, details_of
from connectors.stripe.failures import failure_of
from orchestratorx_prism.errors import ProviderRefused
from orchestratorx_prism.v1.error_pb2 import (
    FAILURE_CATEGORY_CREDENTIALS,
    FAILURE_CATEGORY_DECLINED,
    FAILURE_CATEGORY_INVALID_REQUEST,
    FAILURE_CATEGORY_UNSPECIFIED,
    Failure,
    FailureCategory,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """Stripe's answer as received."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""


class StripeError(msgspec.Struct, gc=False):
    """`error` of an error answer."""

    type: str | None = None
    code: str | None = None
    decline_code: str | None = None
    network_decline_code: str | None = None
    message: str | None = None
    param: str | None = None
    payment_intent: msgspec.Raw = msgspec.Raw(b"")


class _ErrorBody(msgspec.Struct, gc=False):
    error: StripeError = msgspec.field(default_factory=StripeError)


_DECODER: Final = msgspec.json.Decoder(_ErrorBody)

IN_USE: Final = "idempotency_key_in_use"
"""Another request with this key is being carried out: nothing is known of it yet."""
LATER: Final = frozenset({"rate_limit", "lock_timeout"})
"""Codes of what was not begun, whatever the status: try again in a moment."""

# Source: Stripe API reference, "Errors": HTTP status code summary.
BY_STATUS: Final[dict[int, tuple[str, FailureCategory.ValueType]]] = {
    400: ("invalid_request", FAILURE_CATEGORY_INVALID_REQUEST),
    401: ("credentials_refused", FAILURE_CATEGORY_CREDENTIALS),
    402: ("declined", FAILURE_CATEGORY_DECLINED),
    403: ("permission_refused", FAILURE_CATEGORY_CREDENTIALS),
    404: ("not_found", FAILURE_CATEGORY_INVALID_REQUEST),
}
"""For errors whose code is in no table: our code and category."""

_FIXES: Final[dict[FailureCategory.ValueType, str]] = {
    FAILURE_CATEGORY_CREDENTIALS: "check STRIPE_API_KEY: Developers > API keys; test keys begin with sk_test_, rk_test_"
}
_LONGEST_MESSAGE: Final = 500
# Anything that gives access or pays: keys, client secrets, tokens, long numbers.
_SECRETS: Final = re.compile(
    r"\b[sr]k_[A-Za-z0-9*_]+|\bwhsec_\w+|\w+_secret_\w+|\b(?:c?tok|ctoken|src|pm)_\w+|\b(?:\d[ -]?){11,}\d"
)


def error_of(reply: Reply) -> StripeError:
    """The error inside; an empty one where the body is none of Stripe's."""
    try:
        return _DECODER.decode(reply.body).error
    except (msgspec.DecodeError, RecursionError):
        return StripeError()


def safe(text: str | None) -> str:
    """Stripe's sentence for people, without what it may quote of the request."""
    return _SECRETS.sub("…", text or "")[:_LONGEST_MESSAGE]


def is_later(status: int, error: StripeError) -> bool:
    """Whether Stripe certainly did nothing, and asks for a repeat."""
    return status == 429 or error.code in LATER


def is_in_use(status: int, error: StripeError) -> bool:
    """Whether a request with the same key is being carried out right now."""
    return error.code == IN_USE or (status == 409 and error.code not in LATER)


def is_decline(reply: Reply, error: StripeError) -> bool:
    """Whether a payment failed, as opposed to a request that was refused."""
    return reply.status == 402 or (error.type == "card_error" and reply.status < 500)


def failure_in(reply: Reply, error: StripeError) -> Failure:
    """Why it failed, in our words and Stripe's, with nothing secret."""
    code, category = BY_STATUS.get(reply.status, ("", FAILURE_CATEGORY_UNSPECIFIED))
    failure = failure_of(
        error.code or error.type,
        safe(error.message),
        issuer_code=error.decline_code,
        network_code=error.network_decline_code,
    ) or Failure(provider_code=str(reply.status))
    if failure.category == FAILURE_CATEGORY_UNSPECIFIED:
        if error.type == "idempotency_error":
            code = "idempotency_key_reused"
        failure.code, failure.category = code, category
        failure.retryable = category == FAILURE_CATEGORY_DECLINED
    return failure


def refused(reply: Reply) -> ProviderRefused:
    """The refusal that an error answer is."""
    error = error_of(reply)
    failure = failure_in(reply, error)
    return refused_for(failure, _place(reply, error))


def refused_for(failure: Failure, where: str = "") -> ProviderRefused:
    """The refusal for a reason that is known."""
    what = failure.provider_message or failure.provider_code or failure.code
    return ProviderRefused(
        f"Stripe refused: {what}{where}",
        fix=_FIXES.get(failure.category) or ADVICE[failure.category],
        metadata=details_of(failure),
    )


def _place(reply: Reply, error: StripeError) -> str:
    parts = [f"HTTP {reply.status}"]
    request_id = reply.headers.get("request-id", "")
    if request_id.startswith("req_") and request_id.replace("_", "").isalnum():
        parts.append(request_id)
    if error.param and len(error.param) < 80 and safe(error.param) == error.param:
        parts.append(f"parameter {error.param}")
    return f" ({', '.join(parts)})"
