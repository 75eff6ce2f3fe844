"""What M-Pesa's bodies are, and what becomes of each. Tables only; result codes are in `codes.py`.

M-Pesa gives its callbacks no type names. Ours are `family.variant`: the family is told by the shape of the body (and,
for asynchronous results, by the keys in it), the variant by the result code. They stand in `provider_event_type`, and
`TYPES` is the whole list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.mpesa.codes import ACCEPTED, EXPIRED, FAILED, PROCESSING, SUCCESS, TIMEOUT, UNKNOWN

SAFARICOM_ADDRESSES: Final[tuple[str, ...]] = (
    *(f"196.201.214.{last}/32" for last in (200, 206, 207, 208)),
    *(f"196.201.213.{last}/32" for last in (44, 114)),
    *(f"196.201.212.{last}/32" for last in (69, 74, 127, 128, 129, 132, 136, 138)),
)
"""Where callbacks come from. For `allowed_addresses` in the settings; never on by itself, for proxies hide the sender.

Source: Daraja documentation, "Getting started", list of whitelisted addresses.
"""

_PAYMENT: Final[dict[str, str]] = {
    SUCCESS: "payment.captured",
    "insufficient_funds": "payment.failed",
    "canceled": "payment.failed",
    "wrong_pin": "payment.failed",
    FAILED: "payment.failed",
    EXPIRED: "payment.expired",
    TIMEOUT: "payment.pending",
    PROCESSING: "payment.pending",
    UNKNOWN: "payment.pending",
}
_PAYOUT: Final[dict[str, str]] = {
    ACCEPTED: "payout.pending",
    SUCCESS: "payout.succeeded",
    FAILED: "payout.failed",
    TIMEOUT: "payout.pending",
    PROCESSING: "payout.pending",
    UNKNOWN: "payout.pending",
}
_REFUND: Final[dict[str, str]] = {
    ACCEPTED: "refund.pending",
    SUCCESS: "refund.succeeded",
    FAILED: "refund.failed",
    TIMEOUT: "refund.pending",
    PROCESSING: "refund.pending",
    UNKNOWN: "refund.pending",
}
_STATUS_VARIANTS: Final = (SUCCESS, FAILED, PROCESSING, UNKNOWN)
_UNMAPPED: Final = "connector.unmapped"

UNRECOGNISED: Final = "unrecognised"
"""`provider_event_type` of a body of no known shape. Not in `TYPES`, for no such type is known."""

TYPES: Final[Mapping[str, str]] = {
    **{f"stk.{variant}": ours for variant, ours in _PAYMENT.items()},
    **{f"stk_query.{variant}": ours for variant, ours in _PAYMENT.items()},
    "stk_push.accepted": "payment.pending",
    "stk_push.unknown": "payment.pending",
    "c2b.confirmation": "payment.captured",
    "c2b.validation": "payment.pending",
    "c2b.accepted": _UNMAPPED,
    "pull.transaction": "payment.captured",
    "pull.unknown": "payment.pending",
    "pull.empty": _UNMAPPED,
    "bill_manager.payment": "payment.captured",
    "b2b_express.accepted": "payment.pending",
    **{f"b2b_express.{v}": _PAYMENT[v] for v in (SUCCESS, "canceled", FAILED, TIMEOUT, UNKNOWN)},
    **{f"b2c.{variant}": ours for variant, ours in _PAYOUT.items()},
    **{f"b2b.{variant}": ours for variant, ours in _PAYOUT.items()},
    **{f"result.{variant}": ours for variant, ours in _PAYOUT.items()},
    **{f"reversal.{variant}": ours for variant, ours in _REFUND.items()},
    **{f"status.{variant}": _PAYMENT[variant] for variant in (*_STATUS_VARIANTS, EXPIRED)},
    **{f"payout_status.{variant}": _PAYOUT[variant] for variant in _STATUS_VARIANTS},
    "payout_status.expired": "payout.expired",
    **{f"reversal_status.{variant}": _REFUND[variant] for variant in _STATUS_VARIANTS},
    "reversal_status.expired": "refund.failed",
    "status.unanswered": _UNMAPPED,
    "status.accepted": _UNMAPPED,
    "balance.result": _UNMAPPED,
    "balance.accepted": _UNMAPPED,
    "ratiba.success": "mandate.active",
    "ratiba.failed": "mandate.failed",
    "ratiba.accepted": _UNMAPPED,
    "ratiba.unknown": _UNMAPPED,
    "api.processing": "payment.pending",
    "api.refused": _UNMAPPED,
}
"""`family.variant` → our type.

An STK push, a C2B payment and a B2B Express CheckOut bring money in: payments, captured at once. B2C, B2B, tax and
top-up send it out: payouts. A reversal is a refund. A transaction status tells of what was asked about. Balances, URL
registrations and refused calls tell of no transaction.
"""

UNMAPPED_REASONS: Final[Mapping[str, str]] = {
    "c2b.accepted": "no_counterpart",
    "pull.empty": "no_counterpart",
    "status.unanswered": "no_counterpart",
    "status.accepted": "no_counterpart",
    "balance.result": "no_counterpart",
    "balance.accepted": "no_counterpart",
    "ratiba.accepted": "no_counterpart",
    "ratiba.unknown": "unknown_status",
    "api.refused": "no_counterpart",
    UNRECOGNISED: "unknown_type",
}
"""Why some have no word of ours. A standing order that is not active yet has none, for there is no pending mandate."""

NAMELESS: Final[Mapping[str, str]] = {"api.processing": "checkout_request", "b2b_express.accepted": "request"}
"""Answers to our own calls that name no payment → the kind of reference that the request's id is."""

KINDS: Final = frozenset({"b2c", "b2b", "reversal", "status", "balance"})
"""Kinds of asynchronous result. As a purpose of the URL they settle what a bare body leaves open: "reversal"."""

TIMEOUT_PURPOSE: Final = "timeout"
"""Purpose of a QueueTimeOutURL. With a kind before it, it settles both: "reversal.timeout"."""

VALIDATION_PURPOSE: Final = "validation"
"""Purpose of the C2B validation URL."""

PURPOSES: Final = tuple(sorted({*KINDS, *(f"{kind}.{TIMEOUT_PURPOSE}" for kind in KINDS)}))
"""Every purpose besides the two plain ones."""

INGRESS_ALIAS: Final = "daraja"
"""Our name in webhook URLs, for Safaricom refuses to register URLs that hold its own."""

REFUSED_IN_URLS: Final = ("mpesa", "m-pesa", "safaricom", "exe", "cmd", "sql", "query")
"""Words of URLs that Safaricom refuses to register.

Source: Daraja documentation, "Customer To Business", URL requirements.
"""

# Which ResultParameter tells what was asked. The first that is there decides, so the most telling come first.
# Source: Daraja documentation, result callbacks of each API.
KIND_BY_PARAMETER: Final[Mapping[str, str]] = {
    "AccountBalance": "balance",
    "TransactionStatus": "status",
    "ReceiptNo": "status",
    "Status": "status",
    "OriginalTransactionID": "reversal",
    "B2CRecipientIsRegisteredCustomer": "b2c",
    "B2CUtilityAccountAvailableFunds": "b2c",
    "B2CWorkingAccountAvailableFunds": "b2c",
    "B2CChargesPaidAccountAvailableFunds": "b2c",
    "TransactionReceipt": "b2c",
    "TransactionCompletedDateTime": "b2c",
    "DebitPartyAffectedAccountBalance": "b2b",
    "InitiatorAccountCurrentBalance": "b2b",
    "DebitAccountCurrentBalance": "b2b",
    "CreditAccountBalance": "b2b",
    # After the balances: a transfer between shortcodes, "Disbursement of Funds", has both, and names no bill.
    "CreditPartyPublicName": "reversal",
    "DebitAccountBalance": "b2b",
    "ReceiverPartyPublicName": "b2b",
    "BillReferenceNumber": "b2b",
    "Currency": "b2b",
}

KEYS_OF_STATUS: Final = frozenset({"Occasion", "Occassion"})
"""What a transaction status repeats of its request in ReferenceData, and all of it. The second is how Daraja spells it.

Source: Daraja documentation, "Transaction Status".
"""

# Safaricom's own address for the timeout, which comes back in ReferenceData where the caller's does not.
KIND_BY_QUEUE: Final[Mapping[str, str]] = {
    "/reversalresults/": "reversal",
    "/b2cresults/": "b2c",
    "/b2bresults/": "b2b",
    "/abresults/": "balance",
}

# Words at the start of a transaction's ReasonType → what the transaction was. None of them: it brought money in.
# Source: M-Pesa organization portal, list of reason types.
FAMILY_BY_REASON: Final[Mapping[str, str]] = {
    "salary payment": "payout_status",
    "business payment": "payout_status",
    "promotion payment": "payout_status",
    "business pay bill": "payout_status",
    "business paybill": "payout_status",
    "business buy goods": "payout_status",
    "business pay to": "payout_status",
    "pay tax": "payout_status",
    "transaction reversal": "reversal_status",
    "reversal": "reversal_status",
}

PULLED_PREFIX: Final = "c2b-"
"""Start of the transactiontype of what customers paid in: "c2b-pay-bill-debit". The API lists nothing else, it says.

Source: Daraja documentation, "Pull Transaction".
"""

# 500.001.1001 is many things. These say that the call itself was refused; anything else may be under way.
# Source: Daraja documentation, "M-Pesa Express", error codes.
REFUSED_CALLS: Final = ("wrong credentials", "merchant does not exist", "invalid access token", "internal server error")

REGISTRATION_WORDS: Final = "regist"
"""In the description of an answer: URLs were registered, and no money is meant."""
