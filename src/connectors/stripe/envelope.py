"""The frame of every Stripe webhook: the event around the object, snapshot or thin, and how an event of ours begins.

What the object inside means is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from connectors.spi import Context, Environment
from connectors.spi.building import iso_time, new_event, unix_time
from connectors.spi.decoding import decode
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.event_pb2 import Event, Raw

NAME: Final = "stripe"
SNAPSHOT: Final = "event"
THIN: Final = "v2.core.event"
SAMPLE_ID: Final = "00000000000000"
"""How the ids of all events end that the Dashboard's "Send test webhook" makes: "evt_00000000000000" for every one, at
times with the event's type instead of "evt". Two of them are two events, though their id is one."""
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
    account: str | None = None
    """Connect: the connected account."""
    api_version: str | None = None
    context: str | None = None
    """Thin events and newer snapshots: what `account` is called there."""
    created: int | str | None = None
    """Unix seconds; ISO 8601 text in thin events."""
    data: Data | None = None
    livemode: bool | None = None
    reason: Reason | None = None
    related_object: Related | None = None
    request: Request | str | None = None
    type: str = ""
    user_id: str | None = None
    """What `account` was called before 2017-05-25."""


_ENVIRONMENT: Final[dict[bool | None, Environment.ValueType | None]] = {
    None: None,
    True: Environment.ENVIRONMENT_PRODUCTION,
    False: Environment.ENVIRONMENT_SANDBOX,
}
"""`livemode` → environment; where Stripe does not say, the context's."""
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
        if data is None:
            raise missing("data.object")
        try:
            return decoder.decode(data.object)
        except (msgspec.DecodeError, RecursionError):
            text = bytes(data.object)
            if not text:
                raise missing("data.object") from None
            return decode(decoder, text)  # the same fault again, in our words

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

    def begin(self, our_type: str, *, merchant_transaction_id: str = "", connector_transaction_id: str = "") -> Event:
        """An event of ours with all that the frame says; the caller adds references and data."""
        envelope = self.envelope
        event = new_event(
            self.context,
            self.raw,
            connector=NAME,
            type=our_type,
            dedup_key=_dedup_key(envelope.id, self.raw),
            account=account_of(envelope),
            environment=_ENVIRONMENT[envelope.livemode],
            provider_event_id=envelope.id,
            provider_event_type=envelope.type,
            provider_api_version=envelope.api_version or "",
            occurred_at=_occurred_at(envelope),
            merchant_transaction_id=merchant_transaction_id,
            connector_transaction_id=connector_transaction_id,
        )
        request = envelope.request
        key = request.idempotency_key if isinstance(request, Request) else _key_of_thin(envelope.reason)
        if key:
            event.idempotency_key = key
        return event


def _dedup_key(event_id: str, raw: Raw) -> str:
    """What Stripe keeps unique: the event's id. A sample's says nothing: there the body itself is the key."""
    return event_id + raw.sha256.hex() if event_id.endswith(SAMPLE_ID) else event_id


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
    if account := envelope.account:
        return account
    related = envelope.related_object
    path = envelope.context or (related.stripe_context if related is not None else None)
    if path:
        return path.rpartition("/")[2]  # "org_…/acct_…": the last is whose the object is
    return envelope.user_id or ""


def _occurred_at(envelope: Envelope) -> Timestamp | None:
    created = envelope.created
    if created is None:
        return None
    return iso_time(created) if isinstance(created, str) else unix_time(created)


def _key_of_thin(reason: Reason | None) -> str | None:
    if reason is None:
        return None
    return reason.idempotency_key or (reason.request.idempotency_key if reason.request is not None else None)
