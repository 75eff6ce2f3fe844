"""One delivered event: PayPal's envelope, its still undecoded resource, and how both become events of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from connectors.paypal.references import Names, as_references, main_name
from connectors.paypal.times import first_moment
from connectors.spi import Context, Environment
from connectors.spi.building import new_event
from connectors.spi.decoding import decode
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.event_types import UNMAPPED
from orchestratorx_prism.v1.event_data_pb2 import UnmappedData
from orchestratorx_prism.v1.event_pb2 import Event, Raw

CONNECTOR = "paypal"

T = TypeVar("T")


class Envelope(msgspec.Struct):
    """What all PayPal webhooks have in common. The resource stays raw: its shape depends on the type."""

    id: str | None = None
    event_type: str | None = None
    create_time: str | None = None
    resource_version: str | float | None = None
    event_version: str | float | None = None
    resource: msgspec.Raw = msgspec.Raw(b"")


@dataclass(slots=True)
class Parsed:
    """A body, decoded as far as its envelope."""

    envelope: Envelope
    environment: Environment.ValueType | None = None
    """Which of PayPal's worlds it was signed in; None: nobody has looked."""


_ENVELOPE = msgspec.json.Decoder(Envelope)


def parse(body: bytes) -> Parsed:
    """Decodes the envelope, without any trust.

    Raises:
        PayloadRejected: PAYLOAD_EMPTY, _NOT_UTF8, _NOT_JSON, _NOT_OBJECT, _TOO_DEEP, _FIELD_MISSING, _FIELD_INVALID.
    """
    envelope = decode(_ENVELOPE, body)
    for name, value in (("id", envelope.id), ("event_type", envelope.event_type)):
        if not value:
            raise missing(name)
    return Parsed(envelope)


def missing(name: str) -> PayloadRejected:
    """The refusal for a body without a field that it must have."""
    return PayloadRejected(
        f"the body has no {name}",
        reason="PAYLOAD_FIELD_MISSING",
        fix="send PayPal's body unchanged; if PayPal sent this, report the event type",
        metadata={"field": name},
    )


@dataclass(slots=True)
class Delivery:
    """A parsed body on its way to events."""

    event_id: str
    type: str
    """PayPal's type: "PAYMENT.CAPTURE.COMPLETED"."""
    envelope: Envelope
    environment: Environment.ValueType | None
    context: Context
    raw: Raw
    dedup_key: str
    """What PayPal keeps unique: a webhook's id and type. Answers to our own calls have a key of theirs."""
    names: Names = field(default_factory=dict)
    """Names of the payment that are known besides what the resource says."""
    _next_index: int = field(default=0)

    def decode(self, decoder: msgspec.json.Decoder[T]) -> T:
        """The resource, decoded.

        Raises:
            PayloadRejected: It is missing, no object, or a field of it has the wrong type.
        """
        resource = bytes(self.envelope.resource)
        if resource in {b"", b"null"}:
            raise missing("resource")
        if resource[:1] != b"{":
            raise PayloadRejected("the body's resource is not an object", reason="PAYLOAD_FIELD_INVALID")
        return decode(decoder, resource)

    def event(
        self,
        our_type: str,
        *,
        names: Names | None = None,
        merchant_transaction_id: str = "",
        connector_transaction_id: str = "",
        resource_times: Sequence[str | None] = (),
    ) -> Event:
        """An event without its data.

        Args:
            names: The payment's names, for what concerns a payment.
            connector_transaction_id: The payment's main id, where `names` do not tell.
            resource_times: The resource's own times, best first, for a body whose `create_time` cannot be read.
        """
        index = self._next_index
        self._next_index += 1
        known = names or {}
        if self.names:
            known = known | {value: kind for value, kind in self.names.items() if value not in known}
        return new_event(
            self.context,
            self.raw,
            connector=CONNECTOR,
            type=our_type,
            dedup_key=self.dedup_key,
            item_index=index,
            environment=self.environment,
            provider_event_id=self.event_id,
            provider_event_type=self.type,
            provider_api_version=str(self.envelope.resource_version or self.envelope.event_version or ""),
            occurred_at=self._occurred_at(resource_times),
            references=as_references(known),
            merchant_transaction_id=merchant_transaction_id,
            connector_transaction_id=connector_transaction_id or main_name(known),
        )

    def unmapped(
        self,
        reason: str,
        *,
        object_id: str = "",
        status: str = "",
        names: Names | None = None,
        merchant_id: str = "",
        resource_times: Sequence[str | None] = (),
    ) -> Event:
        """`connector.unmapped`, with the ids that were found.

        Args:
            reason: "unknown_type", "unknown_status" or "no_counterpart".
            merchant_id: The merchant's own reference.
            resource_times: See `event`.
        """
        event = self.event(UNMAPPED, names=names, merchant_transaction_id=merchant_id, resource_times=resource_times)
        event.unmapped.CopyFrom(
            UnmappedData(
                unmapped_reason=reason,
                connector_object_id=object_id,
                provider_status=status,
                merchant_transaction_id=merchant_id,
            )
        )
        return event

    def _occurred_at(self, resource_times: Sequence[str | None]) -> Timestamp | None:
        return first_moment(self.envelope.create_time, *resource_times)


class _Anything(msgspec.Struct):
    id: Any = None
    merchant_id: Any = None
    status: Any = None
    state: Any = None
    custom_id: Any = None
    create_time: Any = None
    update_time: Any = None


_ANYTHING = msgspec.json.Decoder(_Anything)


def unmapped(delivery: Delivery, reason: str) -> list[Event]:
    """`connector.unmapped` for a resource whose shape is not our business: it is never refused for it."""
    resource = bytes(delivery.envelope.resource)
    found = decode(_ANYTHING, resource) if resource[:1] == b"{" else _Anything()
    return [
        delivery.unmapped(
            reason,
            object_id=_text(found.id) or _text(found.merchant_id),
            status=_text(found.status) or _text(found.state),
            merchant_id=_text(found.custom_id),
            resource_times=(_text(found.update_time), _text(found.create_time)),
        )
    ]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
