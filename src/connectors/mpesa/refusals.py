"""What Daraja's refusals of a request mean. Pure; tables.

An answer other than success proves one of three things: that nothing was done and may be tried later, that nothing was
done and never will be, or nothing at all. The third is for everything that is not in the tables and is not an HTTP 4xx:
a push that may have reached a phone is never sent again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from connectors.mpesa import codes as c
from connectors.mpesa import mapping as m
from connectors.mpesa.codes import Decline
from connectors.mpesa.session import Answered
from connectors.mpesa.values import text, without_phones
from connectors.spi.operations import ADVICE, details_of
from orchestratorx_prism.errors import OutcomeUnknown, PayloadRejected, PrismError, ProviderRefused, ProviderUnavailable
from orchestratorx_prism.v1 import error_pb2 as e

MAY_BE_PROCESSING: Final = "500.001.1001"

_LATER_S: Final = 5.0
_LOCK_S: Final = 60.0
"""How long a prompt stays on the phone that holds the lock. Seconds, roughly."""


class Later(NamedTuple):
    """Nothing was done, and may be asked for again. With the reasons given here M-Pesa is well, and only busy."""

    retry_after_s: float
    reason: str = "PROVIDER_BUSY"


class Lost(NamedTuple):
    """The answer itself says that another request with this id was received: what became of it is not known."""


LOST: Final = Lost()
_TOO_FAST: Final = Later(_LATER_S, "RATE_LIMITED")
_CREDENTIALS: Final = Decline("credentials_refused", e.FAILURE_CATEGORY_CREDENTIALS, False)
_INVALID: Final = Decline("fields_invalid", e.FAILURE_CATEGORY_INVALID_REQUEST, False)

# (errorCode, words of errorMessage in lower case; empty: any) → what it means. The first that fits.
# Source: Daraja documentation, "M-Pesa Express", "Business To Customer", "Reversals", response error codes.
REFUSALS: Final[tuple[tuple[str, str, Later | Lost | Decline], ...]] = (
    ("500.001.1001", "unable to lock subscriber", Later(_LOCK_S)),
    ("500.001.1001", "merchant does not exist", _CREDENTIALS),
    ("500.001.1001", "wrong credentials", _CREDENTIALS),
    ("500.001.1001", "invalid access token", _CREDENTIALS),
    ("500.002.1001", "duplicate originatorconversationid", LOST),
    ("500.002.1001", "maintenance", Later(300.0, "PROVIDER_UNAVAILABLE")),
    ("500.003.02", "spike arrest", _TOO_FAST),
    ("500.003.02", "", Later(_LATER_S)),
    ("500.003.03", "", _TOO_FAST),
    ("400.002.02", "invalid phonenumber", Decline("phone_invalid", e.FAILURE_CATEGORY_INVALID_REQUEST, False)),
    ("400.002.02", "invalid partya", Decline("phone_invalid", e.FAILURE_CATEGORY_INVALID_REQUEST, False)),
    ("400.002.02", "invalid amount", Decline("amount_invalid", e.FAILURE_CATEGORY_INVALID_REQUEST, False)),
    ("400.002.02", "", _INVALID),
    ("400.002.05", "", _INVALID),
    *((code, "", _CREDENTIALS) for code in ("404.001.03", "400.003.01", "401.002.01", "401.003.01", "404.001.04")),
)

_CREDENTIALS_FIX: Final = "check the app's key, secret, products, passkey and shortcode on the Daraja portal"


def check_answer(answer: Answered) -> None:
    """Passes if Daraja took the request: HTTP 2xx, and a response code that is absent or "0".

    Raises:
        ProviderUnavailable: Nothing was done; later it may be.
        ProviderRefused: Nothing was done. `metadata` says why.
        OutcomeUnknown: Nobody knows.
    """
    said = answer.said
    if answer.ok:
        if said is None:
            raise unknown("M-Pesa's answer cannot be read")
        code = _text(said.get("ResponseCode"))
        # A push with a CheckoutRequestID exists, whatever the code: its own reading tells the rest. Pull Transactions,
        # which alone has a ResponseRefID, counts otherwise: 1000 is success, 1001 an empty list.
        if code not in {"", "0"} and not (said.get("CheckoutRequestID") or said.get("ResponseRefID")):
            raise _by_response(code, _text(said.get("ResponseDescription")))
        return
    code, sentence = answer.error_code, _text((said or {}).get("errorMessage"))
    meaning = _meaning(code, sentence)
    if meaning is not None:
        raise _told(meaning, answer.status, code, sentence)
    if answer.status == 429:
        raise _told(_TOO_FAST, answer.status, code, sentence)
    if answer.status in {401, 403}:
        raise _told(_CREDENTIALS, answer.status, code, sentence)
    if 400 <= answer.status < 500 and answer.status != 408:
        raise _told(_INVALID, answer.status, code, sentence)
    raise unknown(f"M-Pesa answered HTTP {answer.status} ({code or 'no error code'})")


def is_being_processed(answer: Answered) -> bool:
    """Whether an STK query was answered by "the transaction is being processed", in whatever words."""
    if answer.ok or answer.error_code != MAY_BE_PROCESSING:
        return False
    sentence = _text((answer.said or {}).get("errorMessage")).lower()
    return not any(words in sentence for words in m.REFUSED_CALLS)


def unknown(message: str) -> OutcomeUnknown:
    """The error of a request whose outcome nobody knows."""
    return OutcomeUnknown(
        f"{message}: the request may have been carried out",
        fix="wait for M-Pesa's callback; never send a new request for the same thing meanwhile",
    )


def refused(decline: Decline, provider_code: str, sentence: str, message: str = "") -> ProviderRefused:
    """A refusal with its reason in the metadata. Phone numbers in the provider's sentence are cut."""
    failure = e.Failure(
        code=decline.code,
        category=decline.category,
        retryable=decline.retryable,
        provider_code=provider_code,
        provider_message=without_phones(sentence),
    )
    fix = _CREDENTIALS_FIX if decline.category == e.FAILURE_CATEGORY_CREDENTIALS else ADVICE[decline.category]
    return ProviderRefused(
        message or f"M-Pesa refused the request ({provider_code or decline.code})",
        fix=fix,
        metadata=details_of(failure),
    )


def credentials_refused(message: str) -> ProviderRefused:
    """M-Pesa gave no access token for the consumer key and secret."""
    return refused(_CREDENTIALS, "", "", message)


def _meaning(code: str, sentence: str) -> Later | Lost | Decline | None:
    lower = sentence.lower()
    return next((meaning for of, words, meaning in REFUSALS if of == code and words in lower), None)


def _told(meaning: Later | Lost | Decline, status: int, code: str, sentence: str) -> PrismError:
    if isinstance(meaning, Decline):
        return refused(meaning, code or f"HTTP {status}", sentence)
    if isinstance(meaning, Lost):
        return unknown("M-Pesa has received a request with this OriginatorConversationID before")
    return ProviderUnavailable(
        f"M-Pesa cannot take the request now (HTTP {status}, {code or 'no error code'})",
        reason=meaning.reason,
        retry_after_s=meaning.retry_after_s,
    )


def _by_response(code: str, sentence: str) -> PrismError:
    """HTTP 200 with a response code other than "0". The codes are those of results."""
    if "unable to lock subscriber" in sentence.lower():
        return _told(Later(_LOCK_S), 200, code, sentence)
    meaning = c.meaning_of(c.API_CODES, code)
    if meaning.decline is None:
        return unknown(f"M-Pesa answered with response code {code if code.isalnum() else 'of no known form'}")
    return refused(meaning.decline, code, sentence)


def _text(value: object) -> str:
    try:
        return text(value, "an answer")
    except PayloadRejected:
        return ""
