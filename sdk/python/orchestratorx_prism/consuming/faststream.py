"""For teams on FastStream: a parser and a decoder, so that their subscribers get our events.

    from orchestratorx_prism.consuming.faststream import decoder, parser

    @broker.subscriber("payments.events.>", stream=…, parser=parser, decoder=decoder)
    async def on_event(event: PrismEvent) -> None: ...

FastStream's own message stays what it is; the parser adds the event's id as its `message_id` and `correlation_id`.
Nothing here imports FastStream: what is used of its messages is `body`, `headers`, `message_id` and `correlation_id`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote

from orchestratorx_prism.brokers.base import Message
from orchestratorx_prism.consuming.reading import StreamEvent, read_event, read_stream_event
from orchestratorx_prism.wrappers import PrismEvent

__all__ = ["decoder", "parser", "stream_decoder"]


class StreamMessage(Protocol):
    """What is used of a FastStream message of any broker."""

    body: Any
    headers: Any
    message_id: str
    correlation_id: str


M = TypeVar("M", bound=StreamMessage)


async def parser(raw: Any, original: Callable[[Any], Awaitable[M]]) -> M:
    """FastStream's own parsing, and the event's id in place of a random one: logs and middlewares then name it."""
    message = await original(raw)
    event_id = unquote(_text_headers(message).get("ce-id", ""))
    if event_id:
        message.message_id = message.correlation_id = event_id
    return message


async def decoder(message: StreamMessage) -> PrismEvent:
    """The event in the message, as `PaymentEventConsumer` gives it to handlers.

    Raises:
        PayloadRejected: It is no event of ours and no CloudEvent. FastStream then rejects or repeats it, as set up.
    """
    return read_event(_message(message))


async def stream_decoder(message: StreamMessage) -> StreamEvent:
    """The message as stream consumers get it, of every channel. Raises PayloadRejected."""
    return read_stream_event(_message(message))


def _message(message: StreamMessage) -> Message:
    body = message.body
    return Message(
        id=message.message_id,
        address="",
        key="",
        body=body if isinstance(body, bytes) else bytes(body),
        headers=_text_headers(message),
    )


def _text_headers(message: StreamMessage) -> dict[str, str]:
    """Some brokers' headers are bytes."""
    headers: Mapping[Any, Any] = message.headers or {}
    return {_text(name).lower(): _text(value) for name, value in headers.items()}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
