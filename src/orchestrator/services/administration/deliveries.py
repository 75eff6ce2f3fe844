"""DeliveryService: what was sent to endpoints, and sending it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from orchestrator.access import audit
from orchestrator.delivery.completing import CANCELED, FAILED
from orchestrator.delivery.endpoint_ids import delivery_key
from orchestrator.delivery.messages import body_of
from orchestrator.delivery.recovering import BATCH, requeue
from orchestrator.ledger.filters import DEFAULT_MERCHANT
from orchestrator.ledger.paging import fingerprint, position_of, token_after
from orchestrator.ledger.references import column_word
from orchestrator.ledger.schema_delivery import deliveries
from orchestrator.ledger.tables import Row, Tables, Work
from orchestrator.services.administration import delivery_rows as rows
from orchestrator.services.checks import page_size
from orchestratorx_prism.errors import NotFound, RequestRejected
from orchestratorx_prism.v1 import delivery_service_pb2 as pb

_GIVEN_UP: Final = (FAILED, CANCELED)


class DeliveryService:
    """Its methods are the rpcs."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self, request: pb.DeliveryServiceGetRequest) -> pb.DeliveryServiceGetResponse:
        """One delivery with its attempts. Raises NotFound."""
        row = await self._row(request.merchant_id, request.delivery_id)
        found = await self._tables.read(rows.attempts_of(row[0]))
        return pb.DeliveryServiceGetResponse(
            delivery=rows.message_of(row),
            attempts=[rows.attempt_message(one) for one in found],
            request_body=body_of(row[11]),
        )

    async def list(self, request: pb.DeliveryServiceListRequest) -> pb.DeliveryServiceListResponse:
        """A page of them, newest first. Raises RequestRejected for a foreign page token."""
        size = page_size(request.page_size)
        mark = fingerprint("deliveries", request)
        conditions = [*rows.conditions_of(request.filter), *rows.after(position_of(request.page_token, mark))]
        query = rows.query_of(conditions).order_by(deliveries.c.n.desc()).limit(size + 1)
        found = await self._tables.read(query)
        shown, rest = found[:size], found[size:]
        return pb.DeliveryServiceListResponse(
            deliveries=[rows.message_of(row) for row in shown],
            next_page_token=token_after(mark, (shown[-1][0], 0)) if rest else "",
        )

    async def replay(self, request: pb.DeliveryServiceReplayRequest) -> pb.DeliveryServiceReplayResponse:
        """Puts one in line again, under the same id.

        Raises:
            NotFound: There is no such delivery.
            RequestRejected: ENDPOINT_DISABLED: its endpoint gets nothing now.
        """
        row = await self._row(request.merchant_id, request.delivery_id)
        merchant_id = request.merchant_id or DEFAULT_MERCHANT
        target = request.delivery_id
        queued = await self._tables.transact(lambda: _replay([row[0]], target, merchant_id, {}))
        again = await self._row(request.merchant_id, request.delivery_id)
        if not queued and again[10] is None:
            raise RequestRejected(
                "the endpoint is switched off", reason="ENDPOINT_DISABLED", fix="switch it on first, then replay"
            )
        return pb.DeliveryServiceReplayResponse(delivery=rows.message_of(again))

    async def replay_many(self, request: pb.DeliveryServiceReplayManyRequest) -> pb.DeliveryServiceReplayManyResponse:
        """Puts everything in line again that the filter chooses, oldest first; what was put there before a failure
        stays. Raises RequestRejected for a filter by what nothing can be selected by."""
        where = request.filter
        merchant_id = where.merchant_id or DEFAULT_MERCHANT
        conditions = rows.conditions_of(where)
        if not where.states:
            conditions.append(deliveries.c.state.in_(_GIVEN_UP))
        target = where.endpoint_id or "all endpoints"
        after, count = 0, 0
        while True:
            found = await self._tables.read(rows.numbers_of(conditions, after, BATCH))
            numbers = [row[0] for row in found]
            if numbers:
                details = {"deliveries": str(len(numbers))}
                count += await self._tables.transact(partial(_replay, numbers, target, merchant_id, details))
            if len(found) < BATCH:
                return pb.DeliveryServiceReplayManyResponse(count=count)
            after = numbers[-1]

    async def _row(self, merchant_id: str, text: str) -> Row:
        key = delivery_key(text)
        owner = column_word(merchant_id or DEFAULT_MERCHANT)
        mine = [deliveries.c.key == key, deliveries.c.merchant_id == owner]
        found = await self._tables.read(rows.query_of(mine)) if key is not None else []
        if not found:
            raise NotFound("there is no such delivery", reason="DELIVERY_NOT_FOUND", metadata={"field": "delivery_id"})
        return found[0]


def _replay(numbers: Sequence[int], target: str, merchant_id: str, details: Mapping[str, str]) -> Work[int]:
    count = yield from requeue(numbers)
    if count:
        yield from audit.append("delivery.replayed", target, merchant_id, details)
    return count
