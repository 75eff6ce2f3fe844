"""Gets and lists, in one SQL for both databases. Marks are `?`; who runs the query translates them.

A list goes through its index from the newest on. What a filter leaves out costs time, so a list is looked through in
slices: no single query takes long, however rare what is wanted may be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from orchestrator.ledger.filters import DEFAULT_MERCHANT, Wanted, like_pattern, wanted
from orchestrator.ledger.orders import NEWEST_FIRST, PAYMENT_ORDERS, Order
from orchestrator.ledger.paging import fingerprint, position_of, token_after
from orchestrator.ledger.payouts import DECODE as DECODE_PAYOUT
from orchestrator.ledger.raw import RawVault
from orchestrator.ledger.records import DECODE, PaymentRecord
from orchestrator.ledger.references import (
    DISPUTE_ID,
    PAYMENT_ID,
    PAYOUT_ID,
    REFUND_ID,
    base_key,
    column_text,
    event_key,
    key_of_id,
    reference_base,
)
from orchestrator.ledger.rows import published
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.dispute_service_pb2 import DisputeServiceListRequest
from orchestratorx_prism.v1.event_data_pb2 import PayoutData
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceListRequest
from orchestratorx_prism.v1.payout_service_pb2 import PayoutServiceListRequest
from orchestratorx_prism.v1.refund_pb2 import Refund
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceListRequest

Fetch = Callable[[str, Sequence[Any]], Awaitable[list[Any]]]
"""(query, values) → rows as sequences."""

PUBLISHED: Final = "(SELECT min(s.sent_at) FROM sent s WHERE s.event = e.n)"
"""When an event was first published, as a column; NULL if it was not."""

SLICE: Final = 5_000
"""How many rows of a list one query looks at."""

_BEFORE_ALL: Final = -(1 << 62)
_AFTER_ALL: Final = 1 << 62
T = TypeVar("T")


class Conditions:
    """Parts of a WHERE clause and their values."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.values: list[Any] = []

    def add(self, part: str, *values: Any) -> None:
        """One condition; all of them must hold."""
        self.parts.append(part)
        self.values += values

    def one_of(self, column: str, values: Iterable[Any]) -> None:
        """The column has one of the values. None given: no condition."""
        chosen = list(values)
        if chosen:
            self.add(f"{column} IN ({','.join('?' * len(chosen))})", *chosen)

    def text(self) -> str:
        """The clause."""
        return " AND ".join(self.parts) or "TRUE"


def event_conditions(wants: Wanted) -> Conditions:
    """What is wanted besides merchant, payment and time."""
    conditions = Conditions()
    types = ["type = ?"] * len(wants.types) + ["type LIKE ? ESCAPE '\\'"] * len(wants.patterns)
    if types:
        conditions.add(f"({' OR '.join(types)})", *wants.types, *map(like_pattern, wants.patterns))
    conditions.one_of("connector", map(column_text, wants.connectors))
    return conditions


class Reading:
    """The reading half of a `Ledger` over SQL."""

    def __init__(self, fetch: Fetch, vault: RawVault) -> None:
        self._fetch = fetch
        self._vault = vault

    async def get_event(self, merchant_id: str, event_id: str) -> Event | None:
        """See `Ledger`."""
        query = f"SELECT e.message, {PUBLISHED} FROM events e WHERE e.key = ? AND e.merchant_id = ?"  # noqa: S608
        rows = await self._fetch(query, (event_key(event_id), column_text(merchant_id)))
        return published(*rows[0]) if rows else None

    async def get_raw(self, merchant_id: str, event_id: str) -> bytes | None:
        """See `Ledger`."""
        rows = await self._fetch(
            "SELECT e.message, r.body FROM events e JOIN raw_bodies r ON r.n = e.raw "
            "WHERE e.key = ? AND e.merchant_id = ?",
            (event_key(event_id), column_text(merchant_id)),
        )
        if not rows:
            return None
        event = Event.FromString(rows[0][0])
        return self._vault.open(merchant_id, event.raw.sha256, rows[0][1])

    async def list_events(self, where: EventFilter, *, page_size: int, page_token: str) -> tuple[list[Event], str]:
        """See `Ledger`."""
        wants, mark = wanted(where), fingerprint("events", where)
        place = Conditions()
        if wants.payment_id:
            payment = await self._payment_number(wants.payment_id)
            place.add("payment = ?", payment)
        place.add("merchant_id = ?", column_text(wants.merchant_id))
        if wants.from_us is not None:
            place.add("received_at >= ?", wants.from_us)
        if wants.until_us is not None:
            place.add("received_at < ?", wants.until_us)
        rows, token = await self._page(
            "events", Order("received_at"), "message, n", place, event_conditions(wants), mark, page_size, page_token
        )
        times = await self._sent([row[3] for row in rows])
        return [published(row[2], times.get(row[3])) for row in rows], token

    async def _sent(self, numbers: Sequence[int]) -> dict[int, int]:
        """When those of the events that were published were first."""
        if not numbers:
            return {}
        marks = ",".join("?" * len(numbers))
        query = f"SELECT event, min(sent_at) FROM sent WHERE event IN ({marks}) GROUP BY event"  # noqa: S608
        return {row[0]: row[1] for row in await self._fetch(query, numbers)}

    async def get_payment(self, merchant_id: str, payment_id: str) -> Payment | None:
        """See `Ledger`."""
        record = await self._record(merchant_id, payment_id)
        return None if record is None else record.payment()

    async def _record(self, merchant_id: str, payment_id: str) -> PaymentRecord | None:
        """By our id of it, or by one that it had before: the id holds the key of a name."""
        key = key_of_id(PAYMENT_ID, payment_id)
        if key is None:
            return None
        query = "SELECT p.record FROM names k JOIN payments p ON p.n = k.payment WHERE k.key = ? AND p.merchant_id = ?"
        rows = await self._fetch(query, (key, column_text(merchant_id)))
        record = DECODE(rows[0][0]) if rows else None
        return record if record is not None and payment_id in (record.id, *record.aliases) else None

    async def _payment_number(self, payment_id: str) -> int:
        """Its row, whosever it is: for queries that ask for the merchant besides. -1 if there is none."""
        key = key_of_id(PAYMENT_ID, payment_id)
        rows = await self._fetch("SELECT payment FROM names WHERE key = ?", (key,)) if key is not None else []
        return rows[0][0] if rows else -1

    async def find_payment(self, merchant_id: str, connector: str, reference: str) -> Payment | None:
        """See `Ledger`. Of several accounts' payments of that name, the one recorded first."""
        base = base_key(reference_base(merchant_id, connector, reference))
        rows = await self._fetch(
            "SELECT p.record FROM names k JOIN payments p ON p.n = k.payment "
            "WHERE k.key >= ? AND k.key <= ? ORDER BY p.n LIMIT 1",
            (base + bytes(8), base + b"\xff" * 8),
        )
        return DECODE(rows[0][0]).payment() if rows else None

    async def list_payments(self, request: PaymentServiceListRequest) -> tuple[list[Payment], str]:
        """See `Ledger`."""
        place, rest = Conditions(), Conditions()
        place.add("merchant_id = ?", column_text(request.merchant_id or DEFAULT_MERCHANT))
        if request.merchant_transaction_id:
            place.add("merchant_transaction_id = ?", column_text(request.merchant_transaction_id))
        if request.HasField("created_from"):
            place.add("created_at >= ?", request.created_from.ToMicroseconds())
        if request.HasField("created_until"):
            place.add("created_at < ?", request.created_until.ToMicroseconds())
        rest.one_of("status", request.statuses)
        rest.one_of("connector", map(column_text, request.connectors))
        order = PAYMENT_ORDERS[request.order]
        by_amount = place if order.column == "amount" else rest  # in that order, an index finds what an amount selects
        if request.currency:
            by_amount.add("currency = ?", column_text(request.currency))
        if request.HasField("amount_from"):
            by_amount.add("amount >= ?", request.amount_from)
        if request.HasField("amount_until"):
            by_amount.add("amount <= ?", request.amount_until)
        mark = fingerprint("payments", request)
        rows, token = await self._page(
            "payments", order, "record", place, rest, mark, request.page_size, request.page_token
        )
        return [DECODE(row[2]).payment() for row in rows], token

    async def get_refund(self, merchant_id: str, refund_id: str) -> Refund | None:
        """See `Ledger`."""
        message = await self._child("refunds", merchant_id, key_of_id(REFUND_ID, refund_id))
        return None if message is None else Refund.FromString(message)

    async def list_refunds(self, request: RefundServiceListRequest) -> tuple[list[Refund], str]:
        """See `Ledger`."""
        messages, token = await self._children("refunds", request)
        return [Refund.FromString(message) for message in messages], token

    async def get_dispute(self, merchant_id: str, dispute_id: str) -> Dispute | None:
        """See `Ledger`."""
        message = await self._child("disputes", merchant_id, key_of_id(DISPUTE_ID, dispute_id))
        return None if message is None else Dispute.FromString(message)

    async def list_disputes(self, request: DisputeServiceListRequest) -> tuple[list[Dispute], str]:
        """See `Ledger`."""
        messages, token = await self._children("disputes", request)
        return [Dispute.FromString(message) for message in messages], token

    async def get_payout(self, merchant_id: str, payout_id: str) -> PayoutData | None:
        """See `Ledger`."""
        key = key_of_id(PAYOUT_ID, payout_id)
        if key is None:
            return None
        query = "SELECT record FROM payouts WHERE key = ? AND merchant_id = ?"
        rows = await self._fetch(query, (key, column_text(merchant_id)))
        return DECODE_PAYOUT(rows[0][0]).view() if rows else None

    async def list_payouts(self, request: PayoutServiceListRequest) -> tuple[list[PayoutData], str]:
        """See `Ledger`."""
        place, rest = Conditions(), Conditions()
        place.add("merchant_id = ?", column_text(request.merchant_id or DEFAULT_MERCHANT))
        if request.HasField("created_from"):
            place.add("created_at >= ?", request.created_from.ToMicroseconds())
        if request.HasField("created_until"):
            place.add("created_at < ?", request.created_until.ToMicroseconds())
        rest.one_of("status", request.statuses)
        rest.one_of("connector", map(column_text, request.connectors))
        mark = fingerprint("payouts", request)
        rows, token = await self._page(
            "payouts", NEWEST_FIRST, "record", place, rest, mark, request.page_size, request.page_token
        )
        return [DECODE_PAYOUT(row[2]).view() for row in rows], token

    async def _child(self, table: str, merchant_id: str, key: bytes | None) -> bytes | None:
        if key is None:
            return None
        query = f"SELECT message FROM {table} WHERE key = ? AND merchant_id = ?"  # noqa: S608 - one of two names
        rows = await self._fetch(query, (key, column_text(merchant_id)))
        return rows[0][0] if rows else None

    async def _children(
        self, table: str, request: RefundServiceListRequest | DisputeServiceListRequest
    ) -> tuple[list[bytes], str]:
        place, rest = Conditions(), Conditions()
        if request.payment_id:
            place.add("payment = ?", await self._payment_number(request.payment_id))
        place.add("merchant_id = ?", column_text(request.merchant_id or DEFAULT_MERCHANT))
        rest.one_of("status", request.statuses)
        rest.one_of("connector", map(column_text, request.connectors))
        mark = fingerprint(table, request)
        rows, token = await self._page(
            table, NEWEST_FIRST, "message", place, rest, mark, request.page_size, request.page_token
        )
        return [row[2] for row in rows], token

    async def _page(
        self,
        table: str,
        order: Order,
        columns: str,
        place: Conditions,
        rest: Conditions,
        mark: bytes,
        page_size: int,
        page_token: str,
    ) -> tuple[list[Any], str]:
        """One page of (the order's column, n, columns…), and the next page's token.

        Args:
            place: What an index finds.
            rest: What is left out of what it finds.
        """
        column = order.column
        after = position_of(page_token, mark) or ((_BEFORE_ALL, 0) if order.ascending else (_AFTER_ALL, 0))
        page: list[Any] = []
        along, against = ("ASC", "DESC") if order.ascending else ("DESC", "ASC")
        further, up_to = (">", "<=") if order.ascending else ("<", ">=")
        in_order = f"ORDER BY {column} {along}, n {along}"
        while True:
            slice_ = f"FROM {table} WHERE {place.text()} AND ({column}, n) {further} (?, ?)"
            values = [*place.values, *after]
            last: tuple[int, int] | None = None
            rows = f"(SELECT * {slice_} {in_order} LIMIT {SLICE}) AS slice"
            if rest.parts:
                # Where the slice ends is settled before it is read: what is recorded meanwhile moves no row out of it.
                inner = f"SELECT {column}, n {slice_} {in_order} LIMIT {SLICE}"
                query = f"SELECT {column}, n FROM ({inner}) AS slice ORDER BY {column} {against}, n {against} LIMIT 1"  # noqa: S608
                ends = await self._fetch(query, values)
                if not ends:
                    return page, ""
                last = (ends[0][0], ends[0][1])
                rows, values = f"(SELECT * {slice_} AND ({column}, n) {up_to} (?, ?)) AS slice", [*values, *last]
            query = f"SELECT {column}, n, {columns} FROM {rows} WHERE {rest.text()} {in_order} LIMIT ?"  # noqa: S608
            page += await self._fetch(query, [*values, *rest.values, page_size + 1 - len(page)])
            if len(page) > page_size:
                return page[:page_size], token_after(mark, (page[page_size - 1][0], page[page_size - 1][1]))
            if last is None:
                return page, ""
            after = last
