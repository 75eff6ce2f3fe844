"""The embedded transport: the server's services, called in this process. `orchestratorx` brings them, by entry point.

Here: finding it, and sharing one application among all clients with the same settings. Clients are cheap to make.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
import warnings
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from orchestratorx_prism.errors import DriverMissing, RequestRejected, SettingsRejected
from orchestratorx_prism.transports.base import Metadata, Transport

GROUP: Final = "orchestratorx.transports"
NAME: Final = "embedded"
NO_SETTINGS: Final = ""
"""Key of the application that keeps nothing on disk."""

M = TypeVar("M", bound=Message)

Settings = Mapping[str, Any] | None
Open = Callable[[Settings], Transport]


@cache
def find_embedded() -> Open:
    """What the installed server offers to open its application in this process.

    Raises:
        DriverMissing: `orchestratorx` is not installed, or something that it needs is not.
    """
    points = entry_points(group=GROUP, name=NAME)
    if not points:
        raise DriverMissing(
            "without a target the SDK runs the orchestrator in this process, and it is not installed",
            fix='pip install orchestratorx, or name a server: target="host:50051"',
        )
    try:
        found: Open = next(iter(points)).load()
    except ImportError as error:
        raise DriverMissing(
            f"orchestratorx is installed, but cannot be imported: {error}", fix="pip install --upgrade orchestratorx"
        ) from error
    return found


class EmbeddedTransport:
    """One client's hold on the application of its settings."""

    loop_bound = False

    def __init__(self, settings: Settings = None) -> None:
        """Opens the application if it is the first of these settings; it starts with the first call.

        Args:
            settings: As in the server's settings file. None: nothing on disk, no broker.

        Raises:
            DriverMissing: The orchestrator is not installed.
            SettingsRejected: Every fault of the settings at once.
        """
        self._settings = settings
        self._key = _key_of(settings)
        self._held: dict[asyncio.AbstractEventLoop, _Shared] = {}
        self._closed = False
        _pool.prepare(self._key, settings)

    def unary(
        self,
        service: str,
        method: str,
        request: Message,
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Metadata = (),
    ) -> Coroutine[Any, Any, M]:
        """One request, one answer. See `Transport.unary`. The application's own coroutine: no layer in between."""
        return self._inner().unary(
            service, method, request, response_type=response_type, timeout_s=timeout_s, metadata=metadata
        )

    def server_stream(
        self,
        service: str,
        method: str,
        request: Message,
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Metadata = (),
    ) -> AsyncIterator[M]:
        """One request, many answers. See `Transport.server_stream`."""
        return self._inner().server_stream(
            service, method, request, response_type=response_type, timeout_s=timeout_s, metadata=metadata
        )

    def bidi(
        self,
        service: str,
        method: str,
        requests: AsyncIterable[Message],
        *,
        response_type: type[M],
        timeout_s: float | None = None,
        metadata: Metadata = (),
    ) -> AsyncIterator[M]:
        """Many requests, many answers. See `Transport.bidi`."""
        return self._inner().bidi(
            service, method, requests, response_type=response_type, timeout_s=timeout_s, metadata=metadata
        )

    async def close(self) -> None:
        """Lets go; the last to let go of an application closes it. Closing twice does nothing."""
        self._closed = True
        held, self._held = self._held, {}
        here = asyncio.get_running_loop()
        for loop, shared in held.items():
            if not _pool.release(self._key, shared):
                continue
            if loop is here:
                await shared.transport.close()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(shared.transport.close(), loop)

    def _inner(self) -> Transport:
        loop = asyncio.get_running_loop()
        shared = self._held.get(loop)
        if shared is None:
            if self._closed:
                raise RequestRejected("this client is closed", reason="CLIENT_CLOSED", fix="make a new one")
            self._held = {known: held for known, held in self._held.items() if not known.is_closed()}
            shared = self._held[loop] = _pool.hold(self._key, self._settings, loop)
        return shared.transport


@dataclass(eq=False, slots=True)
class _Shared:
    """An open application and who uses it."""

    transport: Transport
    loop: asyncio.AbstractEventLoop | None = None
    """The only loop it may be used on; None: not used yet, or fit for any."""
    users: int = 0

    def fits(self, loop: asyncio.AbstractEventLoop) -> bool:
        return self.loop is None or self.loop is loop


class _Pool:
    """Open applications by their settings. Used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, list[_Shared]] = {}

    def prepare(self, key: str, settings: Settings) -> None:
        """Opens an application if there is none with these settings, so that faults show when a client is made."""
        with self._lock:
            if not self._open.get(key):
                self._open[key] = [_Shared(find_embedded()(settings))]

    def hold(self, key: str, settings: Settings, loop: asyncio.AbstractEventLoop) -> _Shared:
        """The application with these settings that works on this loop; opened if there is none."""
        with self._lock:
            self._drop_dead(key)
            candidates = self._open[key]
            shared = next((s for s in candidates if s.fits(loop)), None)
            if shared is None:
                shared = _Shared(find_embedded()(settings))
                candidates.append(shared)
            if shared.transport.loop_bound:
                shared.loop = loop
            shared.users += 1
            return shared

    def release(self, key: str, shared: _Shared) -> bool:
        """Counts a user less. True: it was the last, and the caller is to close the application."""
        with self._lock:
            shared.users -= 1
            if shared.users or shared not in self._open.get(key, ()):
                return False
            if not shared.transport.loop_bound:
                return False  # in memory, for any loop: its window of duplicates outlives its clients
            self._open[key].remove(shared)
            return True

    def forget(self) -> None:
        """After a fork: the parent's applications are the parent's."""
        self._lock = threading.Lock()
        self._open = {}

    def _drop_dead(self, key: str) -> None:
        """Gives up applications whose loop is closed; a warning for those that may have held connections."""
        alive = [s for s in self._open.get(key, ()) if s.loop is None or not s.loop.is_closed()]
        lost = len(self._open.get(key, ())) - len(alive)
        self._open[key] = alive
        if lost and key != NO_SETTINGS:
            warnings.warn(
                "an event loop was closed before its client: `await client.aclose()` was not called",
                ResourceWarning,
                stacklevel=4,
            )


_pool = _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.forget)


def _key_of(settings: Settings) -> str:
    """Same settings, same key. A digest: settings hold secrets."""
    if settings is None:
        return NO_SETTINGS
    try:
        text = json.dumps(settings, sort_keys=True, default=_plain)
    except (TypeError, ValueError) as error:
        raise SettingsRejected(
            "settings are plain values: text, numbers, lists and dicts", fix="give them as in the settings file"
        ) from error
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, os.PathLike):
        return {"path": os.fspath(value)}
    raise TypeError("not a plain value")
