"""Events of your own, beside those of the system: published as CloudEvents, read by every consumer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from orchestratorx_prism.brokers import Broker, BrokerSettings, Message, open_broker
from orchestratorx_prism.consuming.consumer import EVENTS_ADDRESS
from orchestratorx_prism.envelopes.cloudevents import CONTENT_TYPE, JSON_CONTENT, SPEC_VERSION, header_value
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.event_types import DATA_MEMBER

_SCHEMA: Final = "urn:orchestratorx:custom-event:1"
_TYPE_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class PaymentEventPublisher:
    """Publishes custom events. Each call returns once the broker has the event for good."""

    def __init__(
        self,
        messaging: BrokerSettings,
        *,
        address: str = EVENTS_ADDRESS,
        source: str = "/application",
        broker: Broker | None = None,
    ) -> None:
        """
        Args:
            messaging: Which broker: `load_config(…).messaging`.
            address: Topic or stream.
            source: Who publishes, as a URI reference: "/shop/checkout".
            broker: An open one to share, which is not closed here. None: one of its own.

        Raises:
            SettingsRejected, DriverMissing: The settings do not hold together, or the broker's driver is missing.
        """
        self._address = address
        self._source = source
        self._broker = broker or open_broker(messaging)
        self._owns_broker = broker is None

    async def publish_event(
        self, *, event_type: str, data: Mapping[str, Any], key: str = "", event_id: str = ""
    ) -> str:
        """Publishes one event; returns its id.

        Args:
            event_type: Words with dots between: "payment.custom.event". None of the system's own types.
            data: What JSON can hold; consumers find it in `event.data`.
            key: Events with the same key keep their order: the payment's id, where it is about one.
            event_id: Yours, to publish again under the same id after a failure. Empty: a new one.

        Raises:
            BrokerUnavailable: The broker did not acknowledge; publish again, with the same id.
            RequestRejected: The type is one of the system's own or none, or the data is not JSON.
        """
        message = custom_message(
            event_type, data, address=self._address, source=self._source, key=key, event_id=event_id
        )
        (failure,) = await self._broker.publish([message])
        if failure is not None:
            raise failure
        return message.id

    async def close(self) -> None:
        """Waits for what is being published, then disconnects."""
        if self._owns_broker:
            await self._broker.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def custom_message(
    event_type: str, data: Mapping[str, Any], *, address: str, source: str, key: str, event_id: str
) -> Message:
    """The event as a message: a structured CloudEvent. Raises RequestRejected."""
    if event_type in DATA_MEMBER:
        raise RequestRejected(
            "this type is one of the system's own, which only the system publishes",
            reason="EVENT_TYPE_RESERVED",
            fix='choose a type of your own: "payment.custom.event"',
        )
    if not all(word and _TYPE_LETTERS.issuperset(word) for word in event_type.split(".")):
        raise RequestRejected("event_type: words of letters, digits, _ and -, with dots between them")
    document: dict[str, object] = {
        "specversion": SPEC_VERSION,
        "id": event_id or str(uuid.uuid4()),
        "source": source,
        "type": event_type,
        "time": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "dataschema": _SCHEMA,
        "datacontenttype": "application/json",
        "data": dict(data),
    }
    if key:
        document["partitionkey"] = key
    try:
        body = msgspec.json.encode(document)
    except (TypeError, ValueError, RecursionError) as unfit:
        raise RequestRejected(f"data: not JSON: {type(unfit).__name__}") from unfit
    headers = {CONTENT_TYPE: JSON_CONTENT, "ce-id": header_value(str(document["id"])), "ce-type": event_type}
    return Message(str(document["id"]), address, key, body, headers, event_type)
