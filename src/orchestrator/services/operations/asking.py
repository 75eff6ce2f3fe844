"""Calls to providers: what is declared, and a breaker for each connector and merchant. Asking changes no money."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from connectors.spi import Capability, Label
from connectors.spi.operations import Call
from orchestrator.plugins import installed_connectors
from orchestrator.services.observing import Observer, SilentObserver
from orchestrator.services.operations.breaker import Breaker
from orchestratorx_prism.errors import NotSupported, OutcomeUnknown, PrismError, ProviderUnavailable

T = TypeVar("T")
_CALM: Final = {"RATE_LIMITED", "PROVIDER_BUSY"}
"""Reasons of ProviderUnavailable with which a healthy provider asks for patience."""


class Asking:
    """Guards every call that goes out."""

    def __init__(self, observer: Observer | None = None, *, now: Callable[[], float] = time.monotonic) -> None:
        self._observer = observer or SilentObserver()
        self._now = now
        self._breakers: dict[tuple[str, str], Breaker] = {}

    async def ask(self, label: Label, merchant_id: str, ask: Callable[[Call], Awaitable[T]], call: Call) -> T:
        """One call.

        Raises:
            ProviderUnavailable: CIRCUIT_OPEN: the provider has failed often in a row, and is left alone for a while.
        """
        breaker = self._breakers.setdefault((label.name, merchant_id), Breaker())
        wait_s = breaker.wait_s(self._now())
        if wait_s > 0:
            raise ProviderUnavailable(
                f"{label.title} has not answered for a while, and is left alone until it may be well again",
                reason="CIRCUIT_OPEN",
                fix="repeat the call later; nothing was sent",
                retry_after_s=round(wait_s, 1),
            )
        began, outcome = self._now(), "answered"
        try:
            answer = await ask(call)
        except PrismError as error:
            outcome = error.reason
            if isinstance(error, ProviderUnavailable | OutcomeUnknown) and error.reason not in _CALM:
                breaker.failed(self._now())
            else:
                breaker.succeeded()
            raise
        except BaseException as error:
            outcome = type(error).__name__
            breaker.succeeded()
            raise
        finally:
            self._observer.called(label.name, call.capability, outcome, self._now() - began)
        breaker.succeeded()
        return answer

    def is_open(self, connector: str, merchant_id: str) -> bool:
        """Whether the provider is being left alone. For routers."""
        breaker = self._breakers.get((connector, merchant_id))
        return breaker is not None and breaker.is_open(self._now())


def check_declared(label: Label, capability: Capability) -> None:
    """Raises NotSupported, naming those that can, if the connector does not declare it."""
    if capability in label.capabilities and label.make_client is not None:
        return
    able = [other.name for other in installed_connectors().values() if capability in other.capabilities]
    raise NotSupported(
        f"{label.title} does not do {capability} here",
        fix=f"those that do: {', '.join(able)}" if able else "no installed connector does",
        metadata={"operation": str(capability), "connector": label.name, "connectors": ",".join(able)},
    )
