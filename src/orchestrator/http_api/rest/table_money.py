"""The routes of payments and what follows from them: history, refunds, disputes; and payouts."""

from __future__ import annotations

from typing import Final

from orchestrator.http_api.rest.known_names import SAVED_CARD, with_saved_card
from orchestrator.http_api.rest.rows import Row

_PAYMENT: Final = {
    "connector": "stripe",
    "amount": {"minor_units": 1099, "currency": "USD"},
    "merchant_transaction_id": "order-1001",
    "instrument": {"token": "pm_card_visa"},
}
_PART: Final = {"amount": {"minor_units": 500, "currency": "USD"}}
_HISTORY: Final = {"connectors": "provider", "order": "sort"}
_HISTORY_NOTES: Final = "`amount_from`, `amount_until` and sorting by amount want `currency`."

MONEY: Final[tuple[Row, ...]] = (
    Row(
        "POST",
        "/v1/payments",
        "PaymentService.Authorize",
        "Pay",
        "Payments",
        201,
        needs=("amount",),
        location="/v1/payments/{payment.id}",
        adapt=with_saved_card,
        adapted=SAVED_CARD,
        example=_PAYMENT,
        notes="An instrument, or a `saved_card_id`, is needed. A payment that needs the payer has the status "
        "ACTION_REQUIRED and a `next_action`. One without the payer (`off_session`) that the issuer wants "
        "authenticated has the status FAILED and the failure's category AUTHENTICATION_REQUIRED: ask the payer back, "
        "and pay again with `off_session` false.",
    ),
    Row("GET", "/v1/payments", "PaymentService.List", "List payments", "Payments", notes=_HISTORY_NOTES),
    Row(
        "GET",
        "/v1/payments/{payment_id}",
        "PaymentService.Get",
        "One payment",
        "Payments",
        only=("payment_id", "merchant_id", "refresh"),
    ),
    Row("POST", "/v1/payments/{payment_id}/capture", "PaymentService.Capture", "Capture", "Payments", example=_PART),
    Row("POST", "/v1/payments/{payment_id}/void", "PaymentService.Void", "Void", "Payments", example={}),
    Row(
        "POST",
        "/v1/payments/{payment_id}/increment",
        "PaymentService.IncrementAuthorization",
        "Reserve more",
        "Payments",
        needs=("amount",),
        example=_PART,
    ),
    Row(
        "POST",
        "/v1/payments/{payment_id}/confirm",
        "PaymentService.ConfirmRedirect",
        "Go on after a redirect",
        "Payments",
        example={"parameters": {"redirectResult": "X6XtfGC3"}},
    ),
    Row(
        "GET",
        "/v1/transactions",
        "PaymentService.List",
        "History of payments",
        "Transactions",
        names=_HISTORY,
        serve="transactions_negotiated",
        media="",
        notes=f"{_HISTORY_NOTES} `Accept: text/csv` gives all pages as one CSV file, as /v1/transactions.csv does.",
    ),
    Row(
        "GET",
        "/v1/transactions.csv",
        "PaymentService.List",
        "History of payments as CSV",
        "Transactions",
        names=_HISTORY,
        only=(
            *("merchant_id", "statuses", "connectors", "currency", "merchant_transaction_id"),
            *("created_from", "created_until", "amount_from", "amount_until", "order"),
        ),
        serve="transactions",
        media="text/csv",
        notes=f"{_HISTORY_NOTES} Everything that the filter chooses, as a stream; a file that was cut off is not ended "
        "properly. Amounts are in minor units. Texts that a spreadsheet would take for a formula begin with `'`.",
    ),
    Row(
        "POST",
        "/v1/refunds",
        "RefundService.Create",
        "Refund",
        "Refunds",
        201,
        needs=("payment_id",),
        location="/v1/refunds/{refund.id}",
        example={
            "payment_id": "pay_7872a5358e2a2b51876b9ea7042eb8b672c273de85904255",
            **_PART,
            "refund_reason": "returned",
        },
        notes="409 with reason NOTHING_TO_REFUND when no captured money of the payment is left.",
    ),
    Row("GET", "/v1/refunds", "RefundService.List", "List refunds", "Refunds"),
    Row("GET", "/v1/refunds/{refund_id}", "RefundService.Get", "One refund", "Refunds"),
    Row("GET", "/v1/disputes", "DisputeService.List", "List disputes", "Disputes"),
    Row("GET", "/v1/disputes/{dispute_id}", "DisputeService.Get", "One dispute", "Disputes"),
    Row("POST", "/v1/disputes/{dispute_id}/accept", "DisputeService.Accept", "Accept", "Disputes", example={}),
    Row("POST", "/v1/disputes/{dispute_id}/defend", "DisputeService.Defend", "Defend", "Disputes", example={}),
    Row(
        "POST",
        "/v1/disputes/{dispute_id}/evidence",
        "DisputeService.SubmitEvidence",
        "Hand in evidence",
        "Disputes",
        example={"texts": {"uncategorized_text": "Delivered on 2026-01-03."}},
    ),
    Row(
        "POST",
        "/v1/payouts",
        "PayoutService.Create",
        "Send money",
        "Payouts",
        201,
        needs=("connector", "amount", "destination"),
        location="/v1/payouts/{payout.payout_id}",
        example={
            "connector": "mpesa",
            "amount": {"minor_units": 50000, "currency": "KES"},
            "destination": {"phone": "254708374149"},
            "merchant_payout_id": "payout-7",
        },
    ),
    Row("GET", "/v1/payouts", "PayoutService.List", "List payouts", "Payouts"),
    Row("GET", "/v1/payouts/{payout_id}", "PayoutService.Get", "One payout", "Payouts"),
)
