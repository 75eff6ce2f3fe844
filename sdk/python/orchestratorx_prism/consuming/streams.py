"""Stream consumers: handlers whose effect on your database happens exactly once.

    @stream_consumer("payments.events", name="orders")
    async def on_event(event: StreamEvent, session: AsyncSession) -> None:
        match event.event_type:
            case "payment.captured":
                session.add(Paid(order=event.payload["merchant_transaction_id"]))

The worker (`StreamWorker`) begins the transaction, notes the message in its inbox, and commits both. It needs the extra
`sqlalchemy`; this file does not. The decorated function stays a function: tests call it with a session of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from orchestratorx_prism.consuming.handling import handler_name, is_async
from orchestratorx_prism.consuming.retrying import RetryPolicy
from orchestratorx_prism.errors import PrismError, RequestRejected

F = TypeVar("F", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


class TransactionOwned(PrismError):
    """A handler tried to end the transaction that its worker owns. Nothing was committed."""

    default_reason = "TRANSACTION_OWNED"

    @classmethod
    def by(cls, what: str) -> TransactionOwned:
        """The refusal of `what` the handler called: "session.commit()"."""
        return cls(
            f"{what}: the worker owns this transaction: it commits your changes together with its note that the "
            "message was handled, so that the effect happens once",
            fix="leave it to the worker: return to commit, raise to roll back; session.begin_nested() is yours to use",
        )


@dataclass(frozen=True, slots=True)
class StreamConsumer:
    """A registered stream consumer."""

    stream: str
    """Topic or stream that it reads."""
    name: str
    """Its consumer group; its inbox is kept under this name, so do not change it."""
    handler: Callable[..., Any]
    """Takes a StreamEvent and a session: an AsyncSession if it is a coroutine function, else a Session, in a thread."""
    retry: RetryPolicy

    @property
    def is_async(self) -> bool:
        return is_async(self.handler)


_registered: Final[dict[str, StreamConsumer]] = {}


def stream_consumer(stream: str, *, name: str, retry: RetryPolicy | None = None) -> Callable[[F], F]:
    """Registers a function of an event and a session, for the worker of this process.

    Args:
        stream: Topic or stream: "payments.events".
        name: Letters, digits, _ and -. Consumers of one name share their messages, each of which is handled once.
        retry: None: `RetryPolicy()`.

    Raises:
        RequestRejected: The name is none, or another function has it.
    """

    def register(handler: F) -> F:
        if not _NAME.fullmatch(name):
            raise RequestRejected("name of a stream consumer: use letters, digits, _ and -, at most 100")
        known = _registered.get(name)
        handler_name(handler)
        if known is not None and _place(known.handler) != _place(handler):
            raise RequestRejected("two stream consumers have one name", fix="choose another name")
        _registered[name] = StreamConsumer(stream, name, handler, retry or RetryPolicy())
        return handler

    return register


def registered_consumers() -> list[StreamConsumer]:
    """Every function that was decorated in this process, in the order of their names."""
    return [_registered[name] for name in sorted(_registered)]


def consumer_of(chosen: StreamConsumer | Callable[..., Any]) -> StreamConsumer:
    """What a decorated function was registered as; what was made by hand is what it is.

    Raises:
        RequestRejected: A function that was not decorated.
    """
    if isinstance(chosen, StreamConsumer):
        return chosen
    found = next((known for known in _registered.values() if _place(known.handler) == _place(chosen)), None)
    if found is None:
        raise RequestRejected(
            f"{getattr(chosen, '__qualname__', chosen)} is no stream consumer", fix="decorate it: @stream_consumer(…)"
        )
    return found


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    """A module that is imported again brings the same function again."""
    return getattr(function, "__module__", ""), getattr(function, "__qualname__", repr(function))
