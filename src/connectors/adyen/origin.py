"""Where a platform, management, tokenization or classic message comes from, and new events with that said. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from connectors.adyen.parts import (
    CONNECTOR,
    live_environment,
    named_environment,
    optional_time,
    required_time,
    unmapped,
)
from connectors.adyen.shapes import Message, text
from connectors.spi import Context
from connectors.spi.building import new_event
from connectors.spi.decoding import decode
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.event_pb2 import Event, Raw
from orchestratorx_prism.v1.reference_pb2 import Reference

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Origin:
    """What all events of one message share."""

    context: Context
    raw: Raw
    message: Message
    environment: Environment.ValueType | None

    def key(self, *parts: Any) -> str:
        """A dedup key: the type and what Adyen keeps unique. Without parts: the body itself.

        Most messages carry no id of the event; two that say the same thing in the same bytes are one, and anything less
        would lose the second of two partial cancellations in one second.
        """
        unique = ":".join(str(part) for part in parts) if parts else self.raw.sha256.hex()
        return f"{self.message.type}:{unique}"

    def read(self, decoder: msgspec.json.Decoder[T]) -> T:
        """The inside: `data`, or `content` of classic platforms.

        Raises:
            PayloadRejected: Missing, or not of the shape that the message's type promises.
        """
        envelope = self.message.envelope
        inside = bytes(envelope.content if self.message.classic else envelope.data)
        if inside in {b"", b"null"}:
            name = "content" if self.message.classic else "data"
            raise PayloadRejected(f"the body has no `{name}`", reason="PAYLOAD_FIELD_MISSING")
        return decode(decoder, inside)

    def time(self, *own: Any, otherwise: tuple[Any, ...] = ()) -> Timestamp | None:
        """When it happened: the first that is there of the object's own times, the message's, and `otherwise`.

        Raises:
            PayloadRejected: It is not ISO 8601.
        """
        envelope = self.message.envelope
        for value in (*own, envelope.timestamp, envelope.created_at, envelope.event_date, *otherwise):
            if value is not None and value != "":
                return required_time(value)
        return None

    def event(
        self,
        type: str,
        *,
        dedup_key: str,
        account: Any,
        occurred_at: Timestamp | None,
        item_index: int = 0,
        references: Iterable[Reference] = (),
        merchant_transaction_id: str = "",
        connector_transaction_id: str = "",
        provider_event_id: Any = "",
    ) -> Event:
        """An event of this message, without its data."""
        envelope = self.message.envelope
        return new_event(
            self.context,
            self.raw,
            connector=CONNECTOR,
            type=type,
            dedup_key=dedup_key,
            item_index=item_index,
            account=text(account),
            environment=self.environment,
            provider_event_id=text(provider_event_id) or text(envelope.event_id),
            provider_event_type=self.message.type,
            provider_api_version=text(envelope.version),
            occurred_at=occurred_at,
            references=references,
            merchant_transaction_id=merchant_transaction_id,
            connector_transaction_id=connector_transaction_id,
        )

    def unmapped(
        self, why: str, *, object_id: Any = "", status: Any = "", account: Any = "", otherwise: Any = None
    ) -> Event:
        """An event without a word of ours. Its times are read leniently: nothing in it may refuse the body."""
        envelope = self.message.envelope
        return unmapped(
            self.context,
            self.raw,
            why=why,
            dedup_key=self.key(),
            provider_event_type=self.message.type,
            provider_event_id=text(envelope.event_id),
            account=text(account),
            environment=self.environment,
            occurred_at=optional_time(envelope.timestamp)
            or optional_time(envelope.created_at)
            or optional_time(envelope.event_date)
            or optional_time(otherwise),
            object_id=object_id,
            status=status,
        )


def origin_of(message: Message, context: Context, raw: Raw) -> Origin:
    """The origin of a decoded message.

    Raises:
        PayloadRejected: `live` of classic platforms is neither true nor false.
    """
    envelope = message.envelope
    environment = live_environment(envelope.live) if message.classic else named_environment(envelope.environment)
    return Origin(context, raw, message, environment)
