"""The frame of every Stripe webhook: the event around the object, snapshot or thin, and how an event of ours begins.

What the object inside means is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from connectors.spi import Context, Environment
from connectors.spi.building import iso_time, new_event, unix_time
from connectors.spi.decoding import decode
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.event_pb2 import Event, Raw
from orchestratorx_prism.v1.reference_pb2 import Reference

NAME: Final = "stripe"
SNAPSHOT: Final = "event"
THIN: Final = "v2.core.event"
T = TypeVar("T")


class Request(msgspec.Struct, gc=False):
    """The API request that caused the event. Before 2017-05-25 only its id, as text."""

    idempotency_key: str | None = None


class Reason(msgspec.Struct, gc=False):
    """Thin events: what caused them."""

    idempotency_key: str | None = None
    request: Request | None = None


class Related(msgspec.Struct, gc=False):
    """Thin events: the object they are about, to be fetched."""

    id: str | None = None
    type: str | None = None
    stripe_context: str | None = None


class Data(msgspec.Struct, gc=False):
    """Snapshot events: the object as JSON text, decoded by whoever knows its family."""

    object: msgspec.Raw = msgspec.Raw(b"")
    previous_attributes: msgspec.Raw = msgspec.Raw(b"")


class Envelope(msgspec.Struct, gc=False):
    """A snapshot event (`object: "event"`) or a thin one (`object: "v2.core.event"`).

    Source: Stripe API reference, "The Event object"; Stripe docs, "Event destinations" on thin events.
    """

    id: str = ""
    object: str = ""
    type: str = ""
    created: int | str | None = None
    """Unix seconds; ISO 8601 text in thin events."""
    api_version: str | None = None
    livemode: bool | None = None
    account: str | None = None
    """Connect: the connected account."""
    user_id: str | None = None
    """What `account` was called before 2017-05-25."""
    context: str | None = None
    """Thin events and newer snapshots: what `account` is called there."""
    request: Request | str | None = None
    reason: Reason | None = None
    related_object: Related | None = None
    data: Data | None = None


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_ANYTHING: Final = msgspec.json.Decoder()


def read_envelope(body: bytes) -> Envelope:
    """Decodes the frame of a webhook body; the object inside stays JSON text.

    Raises:
        PayloadRejected: Not JSON, not an object, not a Stripe event.
    """
    envelope = decode(_ENVELOPE, body)
    if envelope.object not in {SNAPSHOT, THIN}:
        raise PayloadRejected(
            'the body is not a Stripe event: its "object" is neither "event" nor "v2.core.event"',
            reason="PAYLOAD_FIELD_INVALID" if envelope.object else "PAYLOAD_FIELD_MISSING",
            fix="pass the webhook's body, not the API object inside it",
        )
    if not envelope.id or not envelope.type:
        raise missing("id" if not envelope.id else "type")
    return envelope


def missing(field: str) -> PayloadRejected:
    """The refusal for a field that every body of its kind has."""
    return PayloadRejected(
        f'the body lacks "{field}"', reason="PAYLOAD_FIELD_MISSING", fix="pass the body as Stripe sent it"
    )


@dataclass(slots=True)
class Arrival:
    """One webhook on its way to become events: the frame, where it belongs, and its raw description."""

    envelope: Envelope
    context: Context
    raw: Raw

    def read(self, decoder: msgspec.json.Decoder[T]) -> T:
        """The object inside, decoded by its family's decoder.

        Raises:
            PayloadRejected: There is none, or a field that is read has the wrong type.
        """
        data = self.envelope.data
        text = bytes(data.object) if data is not None else b""
        if not text:
            raise missing("data.object")
        return decode(decoder, text)

    def previous(self) -> dict[str, Any]:
        """The changed fields' values before, as far as Stripe states them; empty if it does not.

        Its shape follows the change, so nothing about it can be wrong: what is no object counts as not stated.
        """
        data = self.envelope.data
        if data is None or not bytes(data.previous_attributes):
            return {}
        before = decode(_ANYTHING, bytes(data.previous_attributes))
        return before if isinstance(before, dict) else {}

    def merchant_reference(self, *metadata: Any) -> str:
        """The merchant's reference from the first of `metadata` that carries it under the configured key."""
        return metadata_value(self.context.merchant_reference_key, *metadata)

    def begin(
        self,
        type: str,
        *,
        references: Iterable[Reference] = (),
        merchant_transaction_id: str = "",
        connector_transaction_id: str = "",
    ) -> Event:
        """An event of ours with all that the frame says; the caller fills its data."""
        envelope = self.envelope
        event = new_event(
            self.context,
            self.raw,
            connector=NAME,
            type=type,
            dedup_key=envelope.id,
            account=account_of(envelope),
            environment=_environment(envelope),
            provider_event_id=envelope.id,
            provider_event_type=envelope.type,
            provider_api_version=envelope.api_version or "",
            occurred_at=_occurred_at(envelope),
            references=references,
            merchant_transaction_id=merchant_transaction_id,
            connector_transaction_id=connector_transaction_id,
        )
        key = _idempotency_key(envelope)
        if key:
            event.idempotency_key = key
        return event


def metadata_value(key: str, *metadata: Any) -> str:
    """The value of `key` in the first of `metadata` that has it. Metadata is free text: other shapes count as none."""
    for values in metadata:
        if isinstance(values, dict):
            value = values.get(key)
            if isinstance(value, str) and value:
                return value
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
    return ""


def whole(value: Any) -> int | None:
    """An integer of `previous_attributes`; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def account_of(envelope: Envelope) -> str:
    """The Connect account the event belongs to; empty for the merchant's own."""
    related = envelope.related_object
    return (
        envelope.account
        or envelope.context
        or envelope.user_id
        or (related.stripe_context if related is not None else "")
        or ""
    )


def _environment(envelope: Envelope) -> Environment.ValueType | None:
    if envelope.livemode is None:
        return None
    return Environment.ENVIRONMENT_PRODUCTION if envelope.livemode else Environment.ENVIRONMENT_SANDBOX


def _occurred_at(envelope: Envelope) -> Timestamp | None:
    created = envelope.created
    if created is None:
        return None
    return iso_time(created) if isinstance(created, str) else unix_time(created)


def _idempotency_key(envelope: Envelope) -> str:
    request = envelope.request
    if isinstance(request, Request):
        return request.idempotency_key or ""
    reason = envelope.reason
    if reason is None:
        return ""
    return reason.idempotency_key or (reason.request.idempotency_key if reason.request is not None else "") or ""
