"""Runs reconciliation: windows of a provider's own list are fetched, read by the webhook codec, and recorded once.

The watermark moves behind a window only when all of it is recorded. So a page that fails, or a process that ends, costs
nothing but a repeat, and a repeat changes nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from connectors.spi import Capability, Label
from connectors.spi.reconciling import Backfill, Reconciling, Registering, Window
from orchestrator.ledger.base import Ledger, Recorded, Recording
from orchestrator.ledger.watermarks import Source
from orchestrator.plugins import connector_named, installed_connectors
from orchestrator.reconciliation.asker import Asker, Desk
from orchestrator.reconciliation.backfills import Backfills
from orchestrator.reconciliation.items import Item, read_item
from orchestrator.reconciliation.matcher import Matcher
from orchestrator.reconciliation.report import Report, Tally
from orchestrator.reconciliation.windows import earliest_s, may_advance, windows_of
from orchestrator.services.merchants import Merchants
from orchestrator.services.operations import Operator
from orchestratorx_prism.errors import (
    NotSupported,
    PayloadRejected,
    PrismError,
    ProviderRefused,
    ProviderUnavailable,
    RequestRejected,
    SettingsRejected,
)

FIRST_S: Final = 3_600
"""How far back the first scheduled run looks: what is older happened before anybody asked us to keep watch."""
MOST_HELD: Final = 5_000
"""Items of a window that are held in memory, to be recorded oldest first."""
BATCH: Final = 100

Progress = Callable[[Report], None]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run works with."""

    desk: Desk
    backfill: Backfill
    report: Report


class Reconciler:
    """Fetches for every merchant and connector that has credentials for it."""

    def __init__(
        self,
        merchants: Merchants,
        ledger: Ledger,
        operator: Operator,
        *,
        timeout_s: float,
        tally: Tally | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """`timeout_s`: what a provider has for one page, repeats included."""
        self._merchants = merchants
        self._ledger = ledger
        self._timeout_s = timeout_s
        self._tally = tally
        self._now_s = now_s
        self._backfills = Backfills()
        self._unopened: dict[tuple[str, str], str] = {}
        """Connector and merchant → why the credentials cannot be used. Asked every half a minute, and told once."""
        self._asker = Asker(ledger, operator, timeout_s=timeout_s, now_s=now_s)

    def sources(self) -> list[Source]:
        """Whose lists can be fetched: declared, and with the credentials it takes."""
        found = []
        for label in installed_connectors().values():
            if label.reconciling is None or Capability.RECONCILE not in label.capabilities:
                continue
            for merchant_id in self._merchants.ids():
                try:
                    credentials, environment = self._merchants.credentials(label, merchant_id)
                except PrismError as error:  # one merchant's fault, not the others'
                    self._tell_once(label.name, merchant_id, error)
                    continue
                self._unopened.pop((label.name, merchant_id), None)
                if all(credentials.get(key) for key in label.reconciling.needs):
                    found.append(Source(merchant_id, label.name, environment))
        return found

    def _tell_once(self, connector: str, merchant_id: str, error: PrismError) -> None:
        if self._unopened.get((connector, merchant_id)) == error.reason:
            return
        self._unopened[connector, merchant_id] = error.reason
        about = {"connector": connector, "merchant_id": merchant_id}
        _log.warning("reconciliation.no_credentials", reason=error.reason, fix=error.fix, **about)

    async def reconcile(
        self,
        connector: str,
        merchant_id: str,
        since_s: int,
        until_s: int | None = None,
        *,
        progress: Progress | None = None,
        last_run_s: float = math.inf,
    ) -> Report:
        """Fetches and records what the provider has of a span of time.

        Args:
            since_s: Unix seconds; no earlier than the provider's list goes back.
            until_s: Unix seconds; None: until what is so new that its webhook may still be on its way.
            progress: Called after every page and window, with the report so far.
            last_run_s: How long ago the run before was: what was asked about then is not asked about each time.

        Returns:
            The report. If the provider refused or did not answer, it says so and how far everything is recorded.

        Raises:
            NotSupported: The provider has no such list.
            UnknownConnector, RequestRejected: No such connector or merchant.
            SettingsRejected: A credential is missing.
            Unavailable: The database is away.
        """
        desk = self._desk(connector, merchant_id)
        now_s = self._now_s()
        until_s = min(int(now_s), int(now_s) - desk.reconciling.settle_s if until_s is None else until_s)
        since_s = max(since_s, earliest_s(now_s, desk.reconciling))
        report = Report(desk.label.name, desk.merchant_id, since_s, until_s, since_s)
        try:
            async with self._backfill(desk) as backfill:
                await self._fetch(_Run(desk, backfill, report), since_s, until_s, progress)
            if desk.reconciling.asks_open:
                await self._asker.about_payments(desk, report, last_run_s)
                await self._asker.about_refunds(desk, report)
                await self._asker.about_payouts(desk, report, last_run_s)
        except (ProviderUnavailable, ProviderRefused) as error:
            report.stopped_by = error
        if self._tally is not None:
            self._tally.reconciled(report)
        return report

    async def _fetch(self, run: _Run, since_s: int, until_s: int, progress: Progress | None) -> None:
        for window in windows_of(since_s, until_s, run.desk.reconciling.window_s):
            await self._window(run, window, progress)
            run.report.reached_s = window.until_s
            await self._advance(run.desk, window)
            if progress is not None:
                progress(run.report)

    async def catch_up(self, connector: str, merchant_id: str, *, progress: Progress | None = None) -> Report:
        """Fetches from where the last run ended. Raises as `reconcile` does."""
        label = connector_named(connector)
        reconciling = self._declared(label)
        environment = self._merchants.credentials(label, merchant_id)[1]
        watermark_s = await self._ledger.watermarks.get(Source(merchant_id, connector, environment))
        now_s = self._now_s()
        begin_s = int(now_s) - FIRST_S if watermark_s is None else watermark_s
        last_run_s = math.inf if watermark_s is None else now_s - reconciling.settle_s - watermark_s
        return await self.reconcile(
            connector, merchant_id, begin_s - reconciling.overlap_s, progress=progress, last_run_s=last_run_s
        )

    async def register(self, connector: str, merchant_id: str) -> str:
        """Tells the provider once that its list will be asked for. Returns what it said.

        Raises:
            NotSupported: It wants no registration, or has no list.
            ProviderRefused, ProviderUnavailable, SettingsRejected: As `Registering.register` does.
        """
        desk = self._desk(connector, merchant_id)
        async with self._backfill(desk) as backfill:
            if not isinstance(backfill, Registering):
                raise NotSupported(f"{desk.label.title} wants no registration", fix="reconcile without --register")
            return await backfill.register(desk.merchant_id, timeout_s=self._timeout_s)

    async def aclose(self) -> None:
        """Closes connections to providers."""
        await self._backfills.aclose()

    def _declared(self, label: Label) -> Reconciling:
        if label.reconciling is None or Capability.RECONCILE not in label.capabilities:
            able = ",".join(each.name for each in installed_connectors().values() if each.reconciling is not None)
            raise NotSupported(
                f"{label.title} has no list of what it sent, so there is nothing to reconcile with",
                fix=f"those that have one: {able}; the others send again what they could not deliver",
                metadata={"operation": str(Capability.RECONCILE), "connector": label.name, "connectors": able},
            )
        return label.reconciling

    def _backfill(self, desk: Desk) -> AbstractAsyncContextManager[Backfill]:
        credentials, environment = self._merchants.credentials(desk.label, desk.merchant_id)
        return self._backfills.using(desk.label, desk.reconciling, desk.merchant_id, credentials, environment)

    def _desk(self, connector: str, merchant_id: str) -> Desk:
        label = connector_named(connector)
        reconciling = self._declared(label)
        self._merchants.credentials(label, merchant_id)  # refuses merchants that are unknown or closed
        context = self._merchants.context(label, merchant_id, int(self._now_s() * 1e9))
        context = msgspec.structs.replace(context, keep_raw=self._ledger.keeps_raw)
        client = None
        if reconciling.asks_open and label.make_client is not None:
            try:
                client = self._merchants.client(label, merchant_id)[0]
            except SettingsRejected as error:
                # Enough is configured for the list, which says most.
                _log.info("reconciliation.asks_nothing", connector=label.name, reason=error.reason)
        return Desk(label, reconciling, merchant_id, context, client)

    async def _window(self, run: _Run, window: Window, progress: Progress | None) -> None:
        bodies: list[bytes] = []
        matcher = None
        if run.desk.reconciling.matches is not None:
            matcher = Matcher(self._ledger, self._asker, run.desk, run.desk.reconciling.matches)
        try:
            cursor = ""
            while True:
                page = await run.backfill.page(window, cursor, timeout_s=self._timeout_s)
                bodies += page.bodies
                run.report.fetched += len(page.bodies)
                if progress is not None:
                    progress(run.report)
                if page.cursor and page.cursor == cursor:
                    raise ProviderUnavailable(f"{run.desk.label.title}'s list does not end")
                cursor = page.cursor
                if len(bodies) >= MOST_HELD:
                    held, bodies = bodies, []
                    await self._record(run, matcher, held)
                if not cursor:
                    return
        finally:
            await self._record(run, matcher, bodies)  # what did come counts, whatever becomes of the next page

    async def _record(self, run: _Run, matcher: Matcher | None, bodies: list[bytes]) -> None:
        items = []
        for body in bodies:
            try:
                items.append(read_item(run.desk.label, run.desk.context, run.backfill.account, body))
            except (PayloadRejected, RequestRejected) as error:
                run.report.refused[error.reason] += 1
                _log.warning("reconciliation.refused", connector=run.desk.label.name, reason=error.reason)
        items.sort(key=lambda item: item.happened)
        if matcher is not None:
            for item in items:
                await matcher.take(item, run.report)
            return
        for start in range(0, len(items), BATCH):
            await self._record_batch(run.report, items[start : start + BATCH])

    async def _record_batch(self, report: Report, items: list[Item]) -> None:
        ends = await self._ledger.record_many([Recording(item.events, item.body) for item in items])
        for end in ends:
            if isinstance(end, PrismError):
                raise end
        for end in ends:
            assert isinstance(end, Recorded)  # noqa: S101 - for the type checker
            if len(end.duplicate_ids) < len(end.events):
                report.recorded += 1
            else:
                report.known += 1

    async def _advance(self, desk: Desk, window: Window) -> None:
        source = Source(desk.merchant_id, desk.label.name, desk.context.environment)
        watermark_s = await self._ledger.watermarks.get(source)
        if not may_advance(window, watermark_s, self._now_s(), desk.reconciling):
            return
        await self._ledger.watermarks.advance(source, window.until_s)
        if self._tally is not None:
            self._tally.reconciled_until(desk.label.name, desk.merchant_id, max(window.until_s, watermark_s or 0))
