"""Building events: ids, times, raw descriptions. The same for every codec, so that ids are the same everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.spi import Context
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.event_pb2 import CAUSE_WEBHOOK, Event, Raw
from orchestratorx_prism.v1.reference_pb2 import Reference

SCHEMA_VERSION = 1
_ID_NAMESPACE = b"orchestratorx event 1\x00"
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_MIN_SECONDS = -62_135_596_800  # 0001-01-01, the least that Timestamp allows
_MAX_SECONDS = 253_402_300_799  # 9999-12-31, the most
_NS = 1_000_000_000


def event_id(
    connector: str, merchant_id: str, account: str, environment: int, dedup_key: str, item_index: int = 0
) -> str:
    """The event's deterministic id, a UUID (version 8) in text form. The same webhook makes the same id everywhere.

    `dedup_key` is what the provider itself keeps unique: Stripe's event id; Adyen's pspReference, eventCode and
    success. `item_index` tells apart several events made from one key.
    """
    name = f"{connector}\x1f{merchant_id}\x1f{account}\x1f{environment}\x1f{dedup_key}\x1f{item_index}"
    digest = hashlib.sha256(_ID_NAMESPACE + name.encode("utf-8", "surrogatepass")).hexdigest()
    variant = _VARIANTS[digest[16]]
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def raw_of(body: bytes, context: Context) -> Raw:
    """Describes the body; once a body, shared by its events."""
    return Raw(sha256=hashlib.sha256(body).digest(), size=len(body), stored=context.keep_raw)


def new_event(
    context: Context,
    raw: Raw,
    *,
    connector: str,
    type: str,
    dedup_key: str,
    item_index: int = 0,
    account: str = "",
    environment: Environment.ValueType | None = None,
    provider_event_id: str = "",
    provider_event_type: str = "",
    provider_api_version: str = "",
    occurred_at: Timestamp | None = None,
    references: Iterable[Reference] = (),
    merchant_transaction_id: str = "",
    connector_transaction_id: str = "",
) -> Event:
    """An event with everything but its data and its verification. The caller sets one member of `data`.

    Args:
        environment: What the body itself says; None: the context's.
        occurred_at: The provider's time; None: the time of receipt.
    """
    env = context.environment if environment is None else environment
    event = Event(
        id=event_id(connector, context.merchant_id, account, env, dedup_key, item_index),
        type=type,
        schema_version=SCHEMA_VERSION,
        connector=connector,
        environment=env,
        merchant_id=context.merchant_id,
        provider_event_id=provider_event_id,
        provider_event_type=provider_event_type,
        provider_api_version=provider_api_version,
        merchant_transaction_id=merchant_transaction_id,
        connector_transaction_id=connector_transaction_id,
        cause=CAUSE_WEBHOOK,
    )
    if account:
        event.account = account
    if context.correlation_id:
        event.correlation_id = context.correlation_id
    if context.traceparent:
        event.traceparent = context.traceparent
    # In place: as a keyword, a message is serialized and parsed again.
    received_at = event.received_at
    received_at.seconds, received_at.nanos = divmod(context.received_at_ns, _NS)
    event.occurred_at.CopyFrom(received_at if occurred_at is None else occurred_at)
    event.raw.CopyFrom(raw)
    for reference in references:
        event.references.add().CopyFrom(reference)
    return event


def unix_time(seconds: float | int) -> Timestamp:
    """Timestamp from Unix seconds.

    Raises:
        PayloadRejected: Outside the years 1 to 9999.
    """
    whole = int(seconds)
    if not _MIN_SECONDS <= whole <= _MAX_SECONDS:
        raise PayloadRejected("a time is outside the years 1 to 9999", reason="PAYLOAD_FIELD_INVALID")
    return Timestamp(seconds=whole)


def iso_time(text: str) -> Timestamp:
    """Timestamp from ISO 8601 text with an offset or Z; without either it is taken as UTC.

    Raises:
        PayloadRejected: Not such a text.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PayloadRejected("a time is not ISO 8601", reason="PAYLOAD_FIELD_INVALID") from None
    return datetime_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def local_time(text: str, layout: str, offset_hours: int) -> Timestamp:
    """Timestamp from text in a fixed layout (`strptime`) and a fixed offset from UTC.

    Raises:
        PayloadRejected: Not such a text.
    """
    try:
        moment = datetime.strptime(text, layout)
    except ValueError:
        raise PayloadRejected(f"a time is not of the form {layout}", reason="PAYLOAD_FIELD_INVALID") from None
    return datetime_time(moment.replace(tzinfo=timezone(timedelta(hours=offset_hours))))


def datetime_time(moment: datetime) -> Timestamp:
    """Timestamp from an aware datetime.

    Raises:
        PayloadRejected: Outside the years 1 to 9999 once in UTC.
    """
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = delta.days * 86_400 + delta.seconds
    if not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        raise PayloadRejected("a time is outside the years 1 to 9999", reason="PAYLOAD_FIELD_INVALID")
    return Timestamp(seconds=seconds, nanos=delta.microseconds * 1000)
