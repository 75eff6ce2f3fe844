"""An event for each endpoint that was given up: `webhook_endpoint.failed`, for the merchant's other endpoints and for
whoever reads the channels.

The transaction that gives an endpoint up leaves a row; here the event of it is recorded, and then the row goes. The
event's id is made of the row: after a crash in between it is recorded once more, and is the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import delete, select

from connectors.spi.building import SCHEMA_VERSION, event_id
from orchestrator.delivery.endpoint_ids import endpoint_id
from orchestrator.ledger.schema_delivery import endpoint_failures
from orchestrator.ledger.tables import Tables, Work
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.event_data_pb2 import WebhookEndpointData
from orchestratorx_prism.v1.event_pb2 import Event

SOURCE: Final = "orchestratorx"
"""Where a connector's name stands in events of providers."""
_AT_ONCE: Final = 100

Record = Callable[[Event], Awaitable[object]]
EnvironmentOf = Callable[[str], Environment.ValueType]
"""Merchant → in which world it works."""


class Telling:
    """Records what is not told yet."""

    def __init__(self, tables: Tables, record: Record, environment_of: EnvironmentOf) -> None:
        self._tables = tables
        self._record = record
        self._environment_of = environment_of

    async def tell(self) -> int:
        """Returns how many events were recorded.

        Raises:
            Unavailable: The database cannot answer; what is not told yet is told later.
        """
        kept = endpoint_failures.c
        query = select(kept.endpoint, kept.failed_at, kept.merchant_id, kept.url, kept.reason)
        rows = await self._tables.read(query.order_by(kept.failed_at).limit(_AT_ONCE))
        for endpoint, failed_at, merchant_id, url, reason in rows:
            data = WebhookEndpointData(endpoint_id=endpoint_id(endpoint), url=url, state_reason=reason)
            await self._record(failed_event(merchant_id, self._environment_of(merchant_id), failed_at, data))
            await self._tables.transact(partial(_forget, endpoint, failed_at))
        return len(rows)


def _forget(endpoint: int, failed_at: int) -> Work[None]:
    kept = endpoint_failures.c
    yield delete(endpoint_failures).where(kept.endpoint == endpoint, kept.failed_at == failed_at)


def failed_event(
    merchant_id: str, environment: Environment.ValueType, failed_us: int, data: WebhookEndpointData
) -> Event:
    """`webhook_endpoint.failed`. `failed_us`: when. Microseconds since 1970, UTC."""
    seconds, rest = divmod(failed_us, 1_000_000)
    at = Timestamp(seconds=seconds, nanos=rest * 1_000)
    return Event(
        # Not of the environment, which may have changed before a second attempt.
        id=event_id(SOURCE, merchant_id, "", 0, f"{data.endpoint_id} {failed_us}"),
        type="webhook_endpoint.failed",
        schema_version=SCHEMA_VERSION,
        connector=SOURCE,
        environment=environment,
        merchant_id=merchant_id,
        occurred_at=at,
        received_at=at,
        webhook_endpoint=data,
    )
