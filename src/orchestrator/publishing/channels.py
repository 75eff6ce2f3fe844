"""Channels: which events are published, where, under which key and in which envelope.

An address is a topic, a stream or an exchange; a routing key is what brokers that route add to it:

| broker | the `events` channel publishes to |
|---|---|
| memory | topic `payments.events` |
| nats | subject `payments.events.payment.captured`, in the stream of the settings |
| kafka, redis | topic or stream `payments.events`, partitioned by the key |
| rabbitmq | exchange `payments.events`, routing key `payment.captured` |

A new channel is one entry in `BUILT_IN`, or a section of the settings (`channel_settings`); a new format is one in
`orchestratorx_prism.envelopes.FORMATS`. docs/channels.md shows them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from string import Formatter
from types import MappingProxyType
from typing import Final

from orchestratorx_prism.brokers.base import Message
from orchestratorx_prism.config import DEFAULT_BROKER
from orchestratorx_prism.envelopes import FORMATS
from orchestratorx_prism.envelopes.payment_requests import STREAM
from orchestratorx_prism.envelopes.payments import SANDBOX_ENV, env_of
from orchestratorx_prism.errors import PayloadRejected, SettingsRejected
from orchestratorx_prism.event_types import DATA_MEMBER, OLDER_NAMES
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.event_pb2 import Event

DEFAULT_CHANNEL: Final = "events"
__all__ = [
    "BUILT_IN",
    "DEFAULT_BROKER",
    "DEFAULT_CHANNEL",
    "Channel",
    "Selection",
    "address_word",
    "built_in_channels",
]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNFIT_IN_ADDRESS = re.compile(r"[\s*>#\x00-\x1f]")
"""What brokers read as wildcards, or do not take. Parts of an address are made fit; what is written there must be."""
_UNSAFE = re.compile(r"_(?=_|[^A-Za-z0-9_-])|[^A-Za-z0-9_-]")


def address_word(text: str) -> str:
    """The text as one word of an address in every broker: bytes other than letters, digits, _ and - become `__XX`.

    Two texts never become one word, so that no merchant can be taken for another.
    """
    return _UNSAFE.sub(lambda match: "".join(f"__{byte:02X}" for byte in match[0].encode()), text)


def _environment(event: Event) -> str:
    return Environment.Name(event.environment).removeprefix("ENVIRONMENT_").lower()


_ADDRESS_PARTS: Final[Mapping[str, Callable[[Event], str]]] = {
    "type": lambda event: event.type,
    "environment": _environment,
    "env": lambda event: env_of(event, SANDBOX_ENV),
    "connector": lambda event: address_word(event.connector),
    "merchant": lambda event: address_word(event.merchant_id),
}
_KEY_PARTS: Final[Mapping[str, Callable[[Event], str]]] = {
    "partition_key": lambda event: event.partition_key,
    "payment_id": lambda event: event.payment_id,
    "merchant": lambda event: event.merchant_id,
    "connector": lambda event: event.connector,
    "account": lambda event: event.account,
    "payment_request_id": lambda event: event.payout.payout_id,
}


@dataclass(frozen=True)
class Selection:
    """Which events a channel takes. Empty: all of them."""

    types: tuple[str, ...] = ()
    """"payment.captured", an older name of it, or a pattern that ends in `*`: "payment.*"."""
    connectors: tuple[str, ...] = ()
    merchants: tuple[str, ...] = ()

    def takes(self, event: Event) -> bool:
        return (
            (not self.types or event.type in self._exact or event.type.startswith(self._beginnings))
            and (not self.connectors or event.connector in self.connectors)
            and (not self.merchants or event.merchant_id in self.merchants)
        )

    def faults(self) -> list[str]:
        """Types that there are none of, with the nearest that there is."""
        found = []
        for name in self.types:
            if name.endswith("*"):
                known = any(known.startswith(name[:-1]) for known in DATA_MEMBER)
            else:
                known = name in DATA_MEMBER or name in OLDER_NAMES
            if not known:
                found.append(f"types: there is no {name}{_nearest(name, [*DATA_MEMBER, *OLDER_NAMES])}")
        return found

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(OLDER_NAMES.get(name, name) for name in self.types)

    @cached_property
    def _beginnings(self) -> tuple[str, ...]:
        return tuple(name[:-1] for name in self.types if name.endswith("*"))


@dataclass(frozen=True)
class Channel:
    """One way of publishing events. `check` it before use."""

    name: str
    address: str
    """Template. May hold {type}, {environment} (sandbox, production), {env} (dev, sit, prod), {connector} and
    {merchant}."""
    routing_key: str = "{type}"
    """Template of the same parts. Empty: the address is all there is."""
    key: str = "{partition_key}"
    """Template of the partition key: {partition_key} (the payment's id, else the object's), {payment_id},
    {payment_request_id} (the payout's), {merchant}, {connector}, {account}. The outbox keeps the order of
    {partition_key}: a finer key gains nothing."""
    envelope: str = "cloudevents+json"
    selection: Selection = Selection()
    broker: str = DEFAULT_BROKER
    """Which of the configured brokers."""
    sandbox_env: str = SANDBOX_ENV
    """What {env} is for test money: "dev" or "sit"."""

    def check(self) -> None:
        """Raises SettingsRejected with everything that is wrong."""
        faults = self.faults()
        if faults:
            raise SettingsRejected(f"channel {self.name}: " + "; ".join(faults), reason="CHANNEL_INVALID")

    def faults(self) -> list[str]:
        """Everything that is wrong, each with the field it is in; empty if all is well."""
        faults = [
            *_template_faults("address", self.address, _ADDRESS_PARTS),
            *_template_faults("routing_key", self.routing_key, _ADDRESS_PARTS),
            *_template_faults("key", self.key, _KEY_PARTS),
            *self.selection.faults(),
        ]
        if not _NAME.fullmatch(self.name):
            faults.append("name: 1 to 64 letters, digits, _ and -")
        if not self.address:
            faults.append("address: missing")
        faults += [
            f"{what}: without spaces, *, > and #"
            for what, template in (("address", self.address), ("routing_key", self.routing_key))
            if _UNFIT_IN_ADDRESS.search(template)
        ]
        written = FORMATS.get(self.envelope)
        if written is None:
            faults.append(f"envelope: there is no {self.envelope}{_nearest(self.envelope, FORMATS)}")
        elif written.whole_lives and self.selection.types:
            faults.append(
                f"types: {self.envelope} tells whole lives; leave them out, and select connectors or merchants"
            )
        return faults

    @cached_property
    def takes(self) -> Callable[[Event], bool]:
        """Whether the channel publishes an event, as recorded: it is selected, and its format has words for it."""
        selects, holds = self.selection.takes, FORMATS[self.envelope].holds
        return selects if holds is None else lambda event: selects(event) and holds(event)

    def messages_of(self, event: Event) -> list[Message]:
        """The event as this channel publishes it: one message, or as many as its format makes of it, in order.

        A message's id is the event's; other channels add their name to it, because a broker that drops a second message
        of an id would drop what a second channel sends. Of several messages the last has that id, and those before it
        have a number behind it.

        Raises:
            PayloadRejected: The format cannot hold the event.
        """
        written = self._encode(event)
        message_id = event.id if self.name == DEFAULT_CHANNEL else f"{event.id}.{self.name}"
        address, key, routing_key = self._address(event), self._key(event), self._routing_key(event)
        last = len(written) - 1
        return [
            Message(
                id=message_id if place == last else f"{message_id}.{place + 1}",
                address=address,
                key=key,
                body=body,
                headers=headers,
                routing_key=routing_key,
            )
            for place, (body, headers) in enumerate(written)
        ]

    def message_of(self, event: Event) -> Message:
        """The last message that the event is. Raises PayloadRejected if the format cannot hold it."""
        messages = self.messages_of(event)
        if not messages:
            raise PayloadRejected("the channel's format has no words for the event", reason="ENVELOPE_UNFIT")
        return messages[-1]

    @cached_property
    def _encode(self) -> Callable[[Event], Sequence[tuple[bytes, dict[str, str]]]]:
        return FORMATS[self.envelope].encoder(self.sandbox_env)

    @cached_property
    def _address(self) -> Callable[[Event], str]:
        return _compiled(self.address, self._address_parts)

    @cached_property
    def _routing_key(self) -> Callable[[Event], str]:
        return _compiled(self.routing_key, self._address_parts)

    @cached_property
    def _key(self) -> Callable[[Event], str]:
        return _compiled(self.key, _KEY_PARTS)

    @property
    def _address_parts(self) -> Mapping[str, Callable[[Event], str]]:
        sandbox_env = self.sandbox_env
        return {**_ADDRESS_PARTS, "env": lambda event: env_of(event, sandbox_env)}


BUILT_IN: Final[Mapping[str, Channel]] = MappingProxyType(
    {
        channel.name: channel
        for channel in (
            Channel(DEFAULT_CHANNEL, address="payments.events"),
            Channel("payments", address="payments.{env}.events", envelope="payments", key="{payment_id}"),
            Channel(
                "payment_requests",
                address=STREAM,
                routing_key="",
                key="{payment_request_id}",
                envelope="payment_requests",
            ),
        )
    }
)
"""The channels that need no settings, by name."""


def built_in_channels(names: Sequence[str] = (DEFAULT_CHANNEL,)) -> list[Channel]:
    """The named channels, checked.

    Raises:
        SettingsRejected: There is no such channel.
    """
    unknown = [name for name in names if name not in BUILT_IN]
    if unknown:
        texts = [f"there is no channel {name}{_nearest(name, BUILT_IN)}" for name in unknown]
        raise SettingsRejected("; ".join(texts), reason="CHANNEL_UNKNOWN", fix=f"channels are: {', '.join(BUILT_IN)}")
    channels = [BUILT_IN[name] for name in names]
    for channel in channels:
        channel.check()
    return channels


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _template_faults(what: str, template: str, parts: Mapping[str, object]) -> list[str]:
    try:
        names = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(template)]
    except ValueError:
        return [f"{what}: a brace is not closed"]
    found = []
    for name, spec, conversion in names:
        if name is not None and (name not in parts or spec or conversion):
            found.append(f"{what}: takes {', '.join(f'{{{part}}}' for part in parts)}, not {{{name}}}")
    return found


def _compiled(template: str, parts: Mapping[str, Callable[[Event], str]]) -> Callable[[Event], str]:
    """The template as a function; parsed once a channel, not once an event."""
    pieces: list[str | Callable[[Event], str]] = []
    for text, name, _, _ in Formatter().parse(template):
        pieces += [text] if text else []
        pieces += [parts[name]] if name is not None else []
    if len(pieces) == 1:
        only = pieces[0]
        return only if callable(only) else lambda _: only
    return lambda event: "".join(piece if isinstance(piece, str) else piece(event) for piece in pieces)
