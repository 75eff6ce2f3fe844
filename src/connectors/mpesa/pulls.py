"""Looking for a push whose answer was lost, by Pull Transactions. Pure.

The list knows neither CheckoutRequestID nor our key. A transaction is taken for ours only if account reference, amount,
the payer's last digits and the time all fit, and no other transaction does. Two requests of one order, for the same
amount from the same payer, may so find one receipt: then the ledger makes them one payment, which was paid once.

Source: Daraja documentation, "Pull Transaction": the last 48 hours; GET for the query.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from connectors.mpesa.account import Account
from connectors.mpesa.customer import read_pulled
from connectors.mpesa.events import build
from connectors.mpesa.notices import Notice
from connectors.mpesa.requests import Draft, account_reference, normalized_phone
from connectors.mpesa.shapes import DECODER
from connectors.mpesa.values import EAT
from connectors.spi import PayloadRejected, ProviderUnavailable
from connectors.spi.building import raw_of
from connectors.spi.decoding import decode
from connectors.spi.operations import REQUEST, Answer, Call

REGISTER_PATH: Final = "/pulltransactions/v1/register"
QUERY_PATH: Final = "/pulltransactions/v1/query"

KEPT_S: Final = 48 * 3_600
"""How far back M-Pesa's list reaches."""
MOST_PAGES: Final = 50
_BEFORE_S: Final = 60
"""How far our clock may be ahead of M-Pesa's."""
_AFTER_S: Final = 3_600
"""How long after a push its payment may come."""
_LAYOUT: Final = "%Y-%m-%d %H:%M:%S"
_NS: Final = 1_000_000_000


class Span(NamedTuple):
    """From when to when, Unix seconds."""

    start_s: int
    end_s: int


def span_of(call: Call, now_s: float) -> Span | None:
    """When the push can have been paid; None where M-Pesa's list reaches that far no more."""
    asked_s = call.context.received_at_ns // _NS
    if now_s - asked_s > KEPT_S - _BEFORE_S:
        return None
    return Span(asked_s - _BEFORE_S, min(asked_s + _AFTER_S, int(now_s)))


def registration(call: Call, account: Account) -> Draft:
    """Registers the shortcode for pulling; to do so again changes nothing."""
    body = {
        "ShortCode": account.shortcode,
        "RequestType": "Pull",
        "NominatedNumber": normalized_phone(account.pull_number, "MPESA_PULL_NUMBER"),
        "CallBackURL": account.callback(call.context.merchant_id),
    }
    return Draft(REGISTER_PATH, body)


def page(account: Account, span: Span, offset: int) -> Draft:
    """One page of what came in. Times are in EAT."""
    start, end = (datetime.fromtimestamp(at_s, UTC).astimezone(EAT).strftime(_LAYOUT) for at_s in span)
    body = {"ShortCode": account.shortcode, "StartDate": start, "EndDate": end, "OffSetValue": str(offset)}
    return Draft(QUERY_PATH, body, "GET")


def transactions(body: bytes) -> list[Notice]:
    """What a page lists.

    Raises:
        ProviderUnavailable: It cannot be read.
    """
    try:
        return read_pulled(decode(DECODER, body))
    except PayloadRejected as error:
        raise ProviderUnavailable(f"M-Pesa's list of transactions: {error.message}") from error


def match(call: Call, notices: Sequence[Notice], account: Account) -> Answer | None:
    """The one transaction that fits the push, as its answer; None if none does, or several."""
    reference, amount = account_reference(call), call.request.amount
    last4 = normalized_phone(call.request.instrument.phone, "instrument.phone")[-4:]
    receipts = {
        notice.receipt: notice
        for notice in notices
        if notice.provider_type == "pull.transaction"
        and (notice.merchant_reference, notice.amount, notice.payer_last4) == (reference, amount, last4)
    }
    if len(receipts) != 1:
        return None
    ((receipt, notice),) = receipts.items()
    # An event of its own: the list told otherwise carries no reference to the request.
    notice = msgspec.structs.replace(
        notice,
        dedup_key=f"poll:{call.key}:{receipt}",
        account=account.shortcode,
        merchant_reference=call.request.merchant_transaction_id,
    )
    # The list is not kept as the event's body: it tells of other payers, too.
    event = build(notice, call.context, raw_of(b"", call.context))
    event.references.add(kind=REQUEST, value=call.key)
    return Answer(events=(event,))
