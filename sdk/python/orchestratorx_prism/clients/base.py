"""What every client shares: where its calls go, who makes them, how requests are made of dicts and keywords."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import cache
from types import TracebackType
from typing import Any, ClassVar, Final, Generic, Self, TypeVar, cast
from uuid import uuid4

from google.protobuf.message import Message

from orchestratorx_prism.errors import RequestRejected, SettingsRejected
from orchestratorx_prism.from_values import from_dict
from orchestratorx_prism.transports.base import Transport
from orchestratorx_prism.transports.embedded import EmbeddedTransport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestratorx_prism.transports.grpc import Tls

DEFAULT_TIMEOUT_S: Final = 20.0
DEFAULT_MERCHANT: Final = "default"

M = TypeVar("M", bound=Message)
R = TypeVar("R", bound=Message)
T = TypeVar("T")


class ServiceClient:
    """Base of all clients. Cheap to make; close it with `await client.aclose()` or use it in `async with`."""

    service: ClassVar[str]
    """Full name of the gRPC service."""

    def __init__(
        self,
        *,
        connector: str = "",
        api_key: str | None = None,
        target: str | None = None,
        merchant_id: str = DEFAULT_MERCHANT,
        settings: Mapping[str, Any] | None = None,
        timeout_s: float | None = None,
        tls: Tls | None = None,
        insecure: bool = False,
        transport: Transport | None = None,
    ) -> None:
        """
        Args:
            connector: "stripe": goes into every request that names no connector.
            api_key: The caller's key, where the server asks for one.
            target: "host:port" of a server. None: the orchestrator runs in this process.
            merchant_id: Whose events and payments; goes into every request that names no merchant.
            settings: In this process only: as in the server's settings file. None: nothing on disk, no broker.
            timeout_s: How long one call may take, if the call itself does not say. Seconds. None: 20 to a server, no
                limit in this process, where a timer would cost a fifth of the call.
            tls: With `target`: certificates. None: the system's roots; no TLS where the target is this machine.
            insecure: With `target`: send keys and webhooks in clear, wherever to.
            transport: Instead of `target` and `settings`: another client's, to share. Whoever made it closes it.

        Raises:
            DriverMissing: No target, and the orchestrator is not installed.
            SettingsRejected: Arguments or settings that do not hold together.
        """
        if sum(given is not None for given in (target, settings, transport)) > 1:
            raise SettingsRejected(
                "target, settings and transport exclude each other",
                fix="a server has its own settings; give target, or settings, or neither",
            )
        self._connector = connector
        self._owns_transport = transport is None
        self._transport = transport or _open(target, settings, tls, insecure)
        self._metadata = _metadata(api_key)
        self._merchant_id = merchant_id
        self._timeout_s = DEFAULT_TIMEOUT_S if timeout_s is None and _is_remote(self._transport) else timeout_s

    @property
    def transport(self) -> Transport:
        """What carries the calls; pass it to another client to share it."""
        return self._transport

    async def aclose(self) -> None:
        """Closes what this client opened. Closing twice does nothing."""
        if self._owns_transport:
            await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        target = getattr(self._transport, "target", None)
        return f"<{type(self).__name__} {'in this process' if target is None else f'at {target}'}>"

    async def _unary(self, method: str, request: Message, answer: type[M], timeout_s: float | None) -> M:
        return await self._transport.unary(
            self.service,
            method,
            request,
            response_type=answer,
            timeout_s=self._timeout_s if timeout_s is None else timeout_s,
            metadata=self._metadata,
        )

    async def _pages(
        self, method: str, request: Message, answer: type[Message], items: str, timeout_s: float | None
    ) -> AsyncIterator[Any]:
        """Every item of every page, from the request's page on."""
        asked: Any = type(request)()
        asked.CopyFrom(request)
        while True:
            page: Any = await self._unary(method, asked, answer, timeout_s)
            for item in getattr(page, items):
                yield item
            if not page.next_page_token:
                return
            asked.page_token = page.next_page_token

    def _request(self, kind: type[R], request: R | Mapping[str, Any] | None, fields: Mapping[str, Any]) -> R:
        """The request as a message, with the client's merchant and, for writes, an idempotency key.

        Raises:
            RequestRejected: It does not fit the message; the fix names the nearest right field.
        """
        if isinstance(request, kind):
            if fields:
                raise RequestRejected("give a message, or keywords, not both", fix="set the fields in the message")
            message = kind()
            message.CopyFrom(request)
        else:
            message = from_dict(kind, _nested(kind, merged(cast(Mapping[str, Any] | None, request), fields)))
        self._fill(message)
        return message

    def _fill(self, message: Any) -> None:
        if self._connector and "connector" in message.DESCRIPTOR.fields_by_name and not message.connector:
            message.connector = self._connector
        own, filtered = _merchant_places(message.DESCRIPTOR)
        if self._merchant_id != DEFAULT_MERCHANT:
            if own and not message.merchant_id:
                message.merchant_id = self._merchant_id
            if filtered and not message.filter.merchant_id:
                message.filter.merchant_id = self._merchant_id
        if "request_id" in message.DESCRIPTOR.fields_by_name and not message.request_id:
            # So that our own retry, after a connection broke, is the same request to the server (AIP-155).
            message.request_id = str(uuid4())


class Ended(Generic[T]):
    """Ends the call behind `items` when the block is left, not when the garbage collector finds it."""

    def __init__(self, items: AsyncIterator[T]) -> None:
        self._items = items

    async def __aenter__(self) -> AsyncIterator[T]:
        return self._items

    async def __aexit__(self, *_: object) -> None:
        close = getattr(self._items, "aclose", None)
        if close is not None:
            await close()


def merged(request: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """A dict and keywords as one; keywords win.

    Raises:
        RequestRejected: The request is neither a message of the right type nor a dict.
    """
    if request is None:
        return fields
    if not isinstance(request, Mapping):
        raise RequestRejected(
            f"a request is a dict, a message or keywords, not {type(request).__name__}", fix="pass a dict"
        )
    return {**request, **fields} if fields else request


def _nested(kind: type[Message], values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Moves what belongs into `filter` there, so that `list_events(types=["payment.*"])` is enough."""
    fields = kind.DESCRIPTOR.fields_by_name
    if "filter" not in fields:
        return values
    inner = fields["filter"].message_type
    assert inner is not None  # noqa: S101 - protos are checked by tests: a filter is a message
    moved = {name: value for name, value in values.items() if name not in fields and name in inner.fields_by_name}
    if not moved:
        return values
    kept = {name: value for name, value in values.items() if name not in moved}
    given = kept.get("filter")
    if given is not None and not isinstance(given, Mapping):
        raise RequestRejected("give the filter as a message, or its fields, not both", fix="set the filter's fields")
    return kept | {"filter": {**(given or {}), **moved}}


@cache
def _merchant_places(descriptor: Any) -> tuple[bool, bool]:
    """Whether a request has `merchant_id`, and whether its filter has."""
    fields = descriptor.fields_by_name
    inner = fields["filter"].message_type.fields_by_name if "filter" in fields else {}
    return "merchant_id" in fields, "merchant_id" in inner


def _open(target: str | None, settings: Mapping[str, Any] | None, tls: Tls | None, insecure: bool) -> Transport:
    if target is None:
        if tls is not None or insecure:
            raise SettingsRejected("tls and insecure go with a target", fix="name the server: target=…")
        return EmbeddedTransport(settings)
    from orchestratorx_prism.transports.grpc import GrpcTransport

    return GrpcTransport(target, tls=tls, insecure=insecure)


def _is_remote(transport: Transport) -> bool:
    return not isinstance(transport, EmbeddedTransport)


def _metadata(api_key: str | None) -> tuple[tuple[str, str], ...]:
    if not api_key:
        return ()
    if not api_key.isascii() or not api_key.isprintable():
        raise SettingsRejected("the API key holds characters that no key has", fix="copy it again, without line ends")
    return (("x-api-key", api_key),)
