"""What M-Pesa's result codes and status words mean. Tables only.

Which codes are final failures? Only those that say that M-Pesa refused, and so that no money moved. A code that says
that somebody did not answer in time says nothing about the money: it is pending, and so is every code that is not in
these tables. Charging again after a timeout is how payers are charged twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from orchestratorx_prism.v1 import error_pb2 as e

SUCCESS: Final = "success"
FAILED: Final = "failed"
EXPIRED: Final = "expired"
TIMEOUT: Final = "timeout"
PROCESSING: Final = "processing"
UNKNOWN: Final = "unknown"
ACCEPTED: Final = "accepted"


class Decline(NamedTuple):
    """A failure in our words."""

    code: str
    category: e.FailureCategory.ValueType
    retryable: bool


class Meaning(NamedTuple):
    """What a result code says: the variant of the event, and, where it says no, why."""

    variant: str
    decline: Decline | None = None


OK: Final = Meaning(SUCCESS)
STILL_PROCESSING: Final = Meaning(PROCESSING)
NO_ANSWER: Final = Meaning(TIMEOUT)
NOT_KNOWN: Final = Meaning(UNKNOWN)
"""For a code that is in no table, and for a missing one: pending, never failed."""


def meaning_of(codes: Mapping[str, Meaning], code: str) -> Meaning:
    """What `code` says by one of the tables below; `NOT_KNOWN` where it does not stand there."""
    found = codes.get(code)
    return NOT_KNOWN if found is None else found


def _no(variant: str, code: str, category: e.FailureCategory.ValueType, *, retryable: bool) -> Meaning:
    return Meaning(variant, Decline(code, category, retryable))


_SHARED: Final[dict[str, Meaning]] = {
    "0": OK,
    "2": _no(FAILED, "amount_too_small", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "3": _no(FAILED, "amount_too_large", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "4": _no(FAILED, "daily_limit_exceeded", e.FAILURE_CATEGORY_DECLINED, retryable=True),
    "8": _no(FAILED, "balance_limit_exceeded", e.FAILURE_CATEGORY_DECLINED, retryable=False),
    "26": _no(FAILED, "system_busy", e.FAILURE_CATEGORY_RATE_LIMIT, retryable=True),
    "2006": _no(FAILED, "account_inactive", e.FAILURE_CATEGORY_DECLINED, retryable=False),
    "2028": _no(FAILED, "not_permitted", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "4999": STILL_PROCESSING,
    "500.001.1001": STILL_PROCESSING,
}

# Source: Daraja documentation, "M-Pesa Express", error and result codes; the same for callback and query.
STK_CODES: Final[Mapping[str, Meaning]] = {
    **_SHARED,
    "1": _no("insufficient_funds", "insufficient_funds", e.FAILURE_CATEGORY_INSUFFICIENT_FUNDS, retryable=True),
    # "Rule limited": the same amount from the same payer within two minutes. Refused before anything moved.
    "17": _no(FAILED, "repeated_too_soon", e.FAILURE_CATEGORY_RATE_LIMIT, retryable=True),
    "1001": _no(FAILED, "payer_busy", e.FAILURE_CATEGORY_DECLINED, retryable=True),
    # The network itself ended it; nothing can follow.
    "1019": _no(EXPIRED, "expired", e.FAILURE_CATEGORY_EXPIRED, retryable=True),
    # The prompt could not be sent, so no PIN can have been entered.
    "1025": _no(FAILED, "push_failed", e.FAILURE_CATEGORY_PROVIDER_DOWN, retryable=True),
    "9999": _no(FAILED, "push_failed", e.FAILURE_CATEGORY_PROVIDER_DOWN, retryable=True),
    "1032": _no("canceled", "canceled_by_payer", e.FAILURE_CATEGORY_CANCELED_BY_PAYER, retryable=True),
    # "SMSC ACK timeout" and "DS timeout user cannot be reached": the prompt may have arrived, and the PIN may follow.
    "1036": NO_ANSWER,
    "1037": NO_ANSWER,
    "2001": _no("wrong_pin", "wrong_pin", e.FAILURE_CATEGORY_AUTHENTICATION_REQUIRED, retryable=True),
    "8006": _no(FAILED, "payer_locked", e.FAILURE_CATEGORY_DECLINED, retryable=False),
    "SFC_IC0003": _no(FAILED, "wrong_receiver", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
}

_BY_PAYER: Final = ("request cancelled by user", "request canceled by user")


def stk_meaning(code: str, sentence: str) -> Meaning:
    """What the code says; of a code in no table, what the sentence says, if it is that the payer cancelled.

    1031 is such a code: M-Pesa sends it as "Request cancelled by user", and the documentation has it not.
    """
    found = meaning_of(STK_CODES, code)
    if found is NOT_KNOWN and code and any(words in sentence.lower() for words in _BY_PAYER):
        return STK_CODES["1032"]
    return found


# Source: Daraja documentation, "Business To Customer", "Business Pay Bill", "Reversals", "Account Balance", result
# codes. Two look like refusals and are not: 15 "duplicate detected" (the first of the two may have gone through) and
# 17 "internal failure" (nobody knows). Sending money again on them is how payouts are paid twice.
API_CODES: Final[Mapping[str, Meaning]] = {
    **_SHARED,
    "1": _no(FAILED, "insufficient_funds", e.FAILURE_CATEGORY_INSUFFICIENT_FUNDS, retryable=True),
    "5": _no(FAILED, "insufficient_funds", e.FAILURE_CATEGORY_INSUFFICIENT_FUNDS, retryable=True),
    "6": _no(FAILED, "unresolved_sender", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "7": _no(FAILED, "unresolved_receiver", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "11": _no(FAILED, "sender_account_invalid", e.FAILURE_CATEGORY_DECLINED, retryable=False),
    "12": _no(FAILED, "receiver_account_invalid", e.FAILURE_CATEGORY_DECLINED, retryable=False),
    "13": _no(FAILED, "unresolved_sender_account", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "14": _no(FAILED, "unresolved_receiver_account", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "15": NOT_KNOWN,
    "17": NOT_KNOWN,
    "18": _no(FAILED, "initiator_credential_refused", e.FAILURE_CATEGORY_CREDENTIALS, retryable=False),
    "20": _no(FAILED, "initiator_unknown", e.FAILURE_CATEGORY_CREDENTIALS, retryable=False),
    "21": _no(FAILED, "initiator_not_allowed", e.FAILURE_CATEGORY_CREDENTIALS, retryable=False),
    "24": _no(FAILED, "fields_missing", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "25": _no(FAILED, "fields_invalid", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "29": _no(FAILED, "command_invalid", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "2001": _no(FAILED, "initiator_invalid", e.FAILURE_CATEGORY_CREDENTIALS, retryable=False),
    "2040": _no(FAILED, "receiver_not_registered", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "8006": _no(FAILED, "initiator_locked", e.FAILURE_CATEGORY_CREDENTIALS, retryable=False),
    "R000001": _no(FAILED, "already_reversed", e.FAILURE_CATEGORY_DECLINED, retryable=False),
    "R000002": _no(FAILED, "original_transaction_invalid", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "SFC_IC0003": _no(FAILED, "operator_unknown", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
}

# Source: Daraja documentation, "B2B Express CheckOut", error codes.
EXPRESS_CODES: Final[Mapping[str, Meaning]] = {
    "0": OK,
    "4001": _no("canceled", "canceled_by_payer", e.FAILURE_CATEGORY_CANCELED_BY_PAYER, retryable=True),
    "4102": _no(FAILED, "payer_kyc_failed", e.FAILURE_CATEGORY_DECLINED, retryable=False),
    "4104": _no(FAILED, "payer_number_missing", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    # USSD network and exception errors: the menu was open, and nobody knows what was entered.
    "4201": NO_ANSWER,
    "4203": NO_ANSWER,
}

# Source: Daraja documentation, "M-Pesa Ratiba", error codes.
RATIBA_CODES: Final[Mapping[str, Meaning]] = {
    **{code: STK_CODES[code] for code in ("0", "1001", "1019", "1025", "1032", "1036", "1037", "2001", "4999")},
    "1050": _no(FAILED, "name_already_used", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
    "1051": _no(FAILED, "fields_invalid", e.FAILURE_CATEGORY_INVALID_REQUEST, retryable=False),
}

# The word `Status` of a callback, where the code does not say that the order was refused: 1037 with ERROR. No order was
# made, and no money moves when one is; should it come to exist after all, another callback says so.
# Source: Daraja documentation, "M-Pesa Ratiba", callback.
RATIBA_REFUSALS: Final[Mapping[str, Meaning]] = {
    "cancelled": _no(FAILED, "canceled_by_payer", e.FAILURE_CATEGORY_CANCELED_BY_PAYER, retryable=True),
    "error": _no(FAILED, "not_created", e.FAILURE_CATEGORY_DECLINED, retryable=True),
    "failed": _no(FAILED, "not_created", e.FAILURE_CATEGORY_DECLINED, retryable=True),
}

# Source: Daraja documentation, "Transaction Status", transaction statuses. "Authorized" is a stage of one movement of
# money, not a reservation that we could capture.
TRANSACTION_STATUSES: Final[Mapping[str, Meaning]] = {
    "completed": OK,
    "initiated": STILL_PROCESSING,
    "pending": STILL_PROCESSING,
    "authorized": STILL_PROCESSING,
    "pending authorized": STILL_PROCESSING,
    "cancelled": _no(FAILED, "canceled", e.FAILURE_CATEGORY_DECLINED, retryable=True),
    "declined": _no(FAILED, "declined", e.FAILURE_CATEGORY_DECLINED, retryable=True),
    "failed": _no(FAILED, "declined", e.FAILURE_CATEGORY_DECLINED, retryable=True),
    "expired": _no(EXPIRED, "expired", e.FAILURE_CATEGORY_EXPIRED, retryable=True),
}
