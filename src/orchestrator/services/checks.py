"""Faults of requests that every service refuses in the same words."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from orchestrator.services.raw_cards import refuse_raw_card
from orchestratorx_prism.currencies import EXPONENTS
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.dispute_service_pb2 import DisputeServiceListRequest
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceListRequest
from orchestratorx_prism.v1.payout_service_pb2 import PayoutServiceListRequest
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceListRequest

R = TypeVar(
    "R", PaymentServiceListRequest, RefundServiceListRequest, DisputeServiceListRequest, PayoutServiceListRequest
)

MAX_PAGE = 1_000
DEFAULT_PAGE = 50
MOST_VALUES: Final = 200
"""Of one repeated field that selects. More than there are types, connectors or statuses."""

_TYPE: Final = re.compile(r"[A-Za-z0-9_.*]{1,100}")
"""A type or a pattern of types, as far as its letters go."""


def page_size(asked: int) -> int:
    """AIP-158: 0 means the default; more than the maximum means the maximum."""
    if asked < 0:
        raise field_fault("page_size", "must not be negative")
    return min(asked or DEFAULT_PAGE, MAX_PAGE)


def with_page_size(request: R) -> R:
    """A copy of a list request with its page size made good; the caller's own message stays as it is.

    Raises:
        RequestRejected: It selects by what nothing can be selected by.
    """
    _check_fields(request, "")
    asked = type(request)()
    asked.CopyFrom(request)
    asked.page_size = page_size(request.page_size)
    return asked


def check_filter(where: EventFilter) -> None:
    """Raises RequestRejected if no event can be selected so: by text that is no type, by a time that is none."""
    _check_fields(where, "filter.")
    for name in where.types:
        if not _TYPE.fullmatch(name):
            raise field_fault("filter.types", 'name types as "payment.captured", or patterns of them: "payment.*"')


def check_amount(request: Any, *, optional: bool = False) -> None:
    """Raises RequestRejected for an amount that nobody can move: none, not positive, of no currency."""
    if optional and not request.HasField("amount"):
        return
    amount = request.amount
    if amount.minor_units <= 0:
        raise field_fault("amount.minor_units", "a positive number of minor units: 1099 with USD is $10.99")
    if amount.currency not in EXPONENTS:
        raise field_fault("amount.currency", 'an ISO 4217 code in upper case: "USD"')


def check_instrument(instrument: Instrument) -> None:
    """Raises RequestRejected for none, and for a card's own data, which the provider's own fields are for."""
    if not instrument.WhichOneof("instrument"):
        raise field_fault("instrument", "name what the payer pays with: token, phone, redirect_method or a saved one")
    refuse_raw_card(instrument)


def _check_fields(selection: Message, place: str) -> None:
    for field, value in selection.ListFields():
        name = place + field.name
        if field.is_repeated and len(value) > MOST_VALUES:
            raise field_fault(name, f"at most {MOST_VALUES} values")
        if isinstance(value, Timestamp):
            try:
                value.ToMicroseconds()
            except ValueError:
                raise field_fault(name, "not a time between the years 1 and 9999") from None


def field_fault(name: str, fault: str) -> RequestRejected:
    """The refusal of one field; `metadata["field"]` becomes a BadRequest violation on the wire."""
    return RequestRejected(f"{name}: {fault}", fix="mend the request", metadata={"field": name})
