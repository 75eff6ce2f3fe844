"""Finds out what became of operations whose answer was lost, or whose process ended. It never starts one anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import structlog

from connectors.spi import Capability
from orchestrator.ledger.base import Ledger
from orchestrator.ledger.intents import Intent, intent_key
from orchestrator.services.observing import Observer, SilentObserver
from orchestrator.services.operations.operator import Operator, Prepared
from orchestrator.services.operations.specs import CHANGING
from orchestrator.settings import SCHEDULE_S
from orchestratorx_prism.errors import PrismError, ProviderRefused, Unavailable

DAILY_S: Final = 86_400.0
"""At what intervals the provider is asked, once those of the schedule are over."""
KEEP_S: Final = 31 * 86_400.0
"""How long ended intents keep their answers."""
_EVERY_S: Final = 1.0
_PURGE_EVERY_S: Final = 600.0
_REPORT_EVERY_S: Final = 15.0
_AT_ONCE: Final = 16

_log = structlog.get_logger(__name__)


class Resolver:
    """Asks while it runs. Several processes may do so at once: each holds what it asks about."""

    def __init__(
        self,
        operator: Operator,
        ledger: Ledger,
        observer: Observer | None = None,
        *,
        every_s: float = _EVERY_S,
        schedule_s: Sequence[float] = SCHEDULE_S,
    ) -> None:
        self._observer = observer or SilentObserver()
        self._operator = operator
        self._ledger = ledger
        self._every_s = every_s
        self._schedule_s = schedule_s
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins, with a first look at once."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._report(), name="operations report"),
                asyncio.create_task(self._look(), name="operation resolver"),
                asyncio.create_task(self._purge(), name="intent retention"),
            ]

    async def stop(self) -> None:
        """Ends. What it was asking about is asked again when its lease has ended."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def round(self) -> int:
        """Asks about everything that is due. Returns how many there were."""
        due = await self._ledger.intents.claim_due(limit=_AT_ONCE, lease_s=self._operator.lease_s)
        await asyncio.gather(*(self._ask(intent) for intent in due))
        return len(due)

    async def _ask(self, intent: Intent) -> None:
        spec = CHANGING.get(Capability(intent.capability)) if intent.capability in set(Capability) else None
        try:
            if spec is None:
                raise Unavailable("an operation of a newer release", reason="OPERATION_UNKNOWN")
            prepared = await self._operator.prepare(
                spec, spec.request.FromString(intent.request), connector=intent.connector
            )
            _check_environment(prepared, intent)
            await self._operator.resolve(prepared, intent)
        except ProviderRefused as refused:
            _log.info("operation.resolved", capability=intent.capability, outcome=refused.reason)
        except PrismError as error:
            await self._later(intent, error.reason)
        except Exception:
            _log.error("operation.not_resolved", capability=intent.capability, exc_info=True)
            await self._later(intent, "INTERNAL")

    async def _later(self, intent: Intent, reason: str) -> None:
        # Of the schedule the first interval was waited for by the operation itself.
        tries = intent.tries
        delay_s = self._schedule_s[tries] if tries < len(self._schedule_s) else DAILY_S
        age_s = time.time() - intent.created_us / 1e6
        _log.warning(
            "operation.still_unknown",
            capability=intent.capability,
            connector=intent.connector,
            reason=reason,
            age_s=round(age_s),
            again_in_s=delay_s,
        )
        await self._ledger.intents.postpone(intent, delay_s=delay_s)

    async def _look(self) -> None:
        while True:
            found = 0
            try:
                found = await self.round()
            except PrismError as error:
                _log.warning("resolver.postponed", reason=error.reason)
            except Exception:  # a defect must not end the only thing that finds lost answers
                _log.error("resolver.failed", exc_info=True)
            await asyncio.sleep(0 if found == _AT_ONCE else self._every_s)

    async def _purge(self) -> None:
        while True:
            purged = 0
            try:
                purged = await self._ledger.intents.purge(older_than_s=KEEP_S, limit=500)
            except PrismError as error:
                _log.warning("intents.not_purged", reason=error.reason)
            except Exception:
                _log.error("intents.not_purged", exc_info=True)
            await asyncio.sleep(0 if purged == 500 else _PURGE_EVERY_S)

    async def _report(self) -> None:
        while True:
            try:
                self._observer.unresolved(*await self._ledger.intents.unresolved())
            except PrismError as error:
                _log.warning("operations.not_counted", reason=error.reason)
            await asyncio.sleep(_REPORT_EVERY_S)


def _check_environment(prepared: Prepared, intent: Intent) -> None:
    # The provider's other world knows nothing of it, and would say that it never came: of money that may have moved.
    began = intent_key(prepared.merchant_id, prepared.environment, prepared.spec.capability, intent.request_id)
    if began != intent.key:
        raise Unavailable("the merchant works in another environment now", reason="ENVIRONMENT_CHANGED")
