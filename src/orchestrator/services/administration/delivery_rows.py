"""Deliveries in the tables: the queries of lists, and rows as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, and_, false, or_, select

from orchestrator.delivery.endpoint_ids import delivery_id, endpoint_id, endpoint_number
from orchestrator.ledger.filters import DEFAULT_MERCHANT, like_pattern
from orchestrator.ledger.references import PAYMENT_ID, column_text, column_word, event_key, key_of_id
from orchestrator.ledger.schema import events, names
from orchestrator.ledger.schema_delivery import attempts, deliveries, delivery_queue
from orchestrator.ledger.tables import Row
from orchestrator.services.checks import field_fault
from orchestratorx_prism.event_types import OLDER_NAMES
from orchestratorx_prism.v1.delivery_service_pb2 import Delivery, DeliveryAttempt, DeliveryFilter
from orchestratorx_prism.v1.event_pb2 import Event

_d, _q, _a = deliveries.c, delivery_queue.c, attempts.c
COLUMNS: Final = (
    _d.n,
    _d.key,
    _d.merchant_id,
    _d.endpoint,
    _d.type,
    _d.state,
    _d.tries,
    _d.last_status,
    _d.created_at,
    _d.delivered_at,
    _q.due_at,
    events.c.message,
)
_MOST_VALUES: Final = 200
_decode_headers = msgspec.json.Decoder(dict[str, str]).decode


def query_of(conditions: Sequence[ColumnElement[bool]]) -> Any:
    """COLUMNS of the deliveries that meet all of these."""
    joined = deliveries.join(events, events.c.n == _d.event).outerjoin(delivery_queue, _q.n == _d.n)
    return select(*COLUMNS).select_from(joined).where(*conditions)


def conditions_of(where: DeliveryFilter) -> list[ColumnElement[bool]]:
    """What a filter asks of `deliveries`.

    Raises:
        RequestRejected: It selects by what nothing can be selected by.
    """
    found: list[ColumnElement[bool]] = [_d.merchant_id == column_word(where.merchant_id or DEFAULT_MERCHANT)]
    if where.endpoint_id:
        found.append(_d.endpoint == endpoint_number(where.endpoint_id))
    if where.states:
        found.append(_d.state.in_(list(where.states)[:_MOST_VALUES]))
    if where.event_types:
        found.append(_types(where.event_types))
    if where.event_id:
        found.append(_d.event.in_(select(events.c.n).where(events.c.key == event_key(where.event_id))))
    if where.payment_id:
        key = key_of_id(PAYMENT_ID, where.payment_id)
        payment = select(names.c.payment).where(names.c.key == key).scalar_subquery()
        found.append(_d.event.in_(select(events.c.n).where(events.c.payment == payment)) if key else false())
    for field in ("created_from", "created_until"):
        if where.HasField(field):
            try:
                moment = getattr(where, field).ToMicroseconds()
            except ValueError:
                raise field_fault(f"filter.{field}", "not a time between the years 1 and 9999") from None
            found.append(_d.created_at >= moment if field == "created_from" else _d.created_at < moment)
    return found


def _types(types: Sequence[str]) -> ColumnElement[bool]:
    if len(types) > _MOST_VALUES:
        raise field_fault("filter.event_types", f"at most {_MOST_VALUES} values")
    exact = [column_text(OLDER_NAMES.get(name, name)) for name in types if "*" not in name]
    patterns = [like_pattern(name) for name in types if "*" in name]
    if any("\x00" in pattern or len(pattern) > 200 for pattern in patterns):
        raise field_fault("filter.event_types", 'types as "payment.captured", or patterns of them: "payment.*"')
    return or_(_d.type.in_(exact), *(_d.type.like(pattern, escape="\\") for pattern in patterns))


def message_of(row: Row) -> Delivery:
    """A row of COLUMNS."""
    event = Event.FromString(row[11])
    shown = Delivery(
        delivery_id=delivery_id(bytes(row[1])),
        merchant_id=event.merchant_id,
        endpoint_id=endpoint_id(row[3]),
        event_id=event.id,
        event_type=event.type,
        payment_id=event.payment_id,
        state=row[5],
        attempts=row[6],
        last_status_code=row[7],
    )
    shown.created_at.FromMicroseconds(row[8])
    if row[9] is not None:
        shown.delivered_at.FromMicroseconds(row[9])
    if row[10] is not None:
        shown.next_attempt_at.FromMicroseconds(row[10])
    return shown


def attempts_of(n: int) -> Any:
    """The query of a delivery's attempts, oldest first."""
    return select(attempts).where(_a.delivery == n).order_by(_a.number)


def attempt_message(row: Row) -> DeliveryAttempt:
    """A row of `attempts`."""
    shown = DeliveryAttempt(
        number=row[1],
        duration_ms=row[3],
        url=row[4],
        request_headers=_decode_headers(row[5]),
        status_code=row[6],
        response_headers=_decode_headers(row[7]),
        response_body=bytes(row[8]).decode("utf-8", "replace"),
        error=row[9],
    )
    shown.started_at.FromMicroseconds(row[2])
    return shown


def after(position: tuple[int, int] | None) -> list[ColumnElement[bool]]:
    """What comes behind a page's end, newest first."""
    return [] if position is None else [_d.n < position[0]]


def numbers_of(conditions: Sequence[ColumnElement[bool]], after_n: int, most: int) -> Any:
    """The query of numbers, oldest first: for sending again in order."""
    return select(_d.n).where(and_(*conditions), _d.n > after_n).order_by(_d.n).limit(most)
