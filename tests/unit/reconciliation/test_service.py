"""ReconciliationService: what a run came to, in the words of its rpc; and connections whose credentials change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.spi import Environment
from connectors.spi.reconciling import Page
from orchestrator.plugins import connector_named
from orchestrator.reconciliation import Report, Unmatched
from orchestrator.reconciliation.backfills import Backfills
from orchestrator.reconciliation.service import ReconciliationService
from orchestrator.services.merchants import Merchants
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.errors import NotFound, NotSupported, ProviderUnavailable, RequestRejected, UnknownConnector
from orchestratorx_prism.v1 import reconciliation_service_pb2 as pb
from orchestratorx_prism.v1.money_pb2 import Money

NOW_S = 1_800_000_000
MakeBench = Callable[..., Any]


def service_of(reconciler: Any) -> ReconciliationService:
    return ReconciliationService(reconciler, Merchants(settings_from({"database_url": "memory:"})))


def asked(**values: Any) -> pb.ReconciliationServiceRunRequest:
    return pb.ReconciliationServiceRunRequest(**{"connector": "stripe", **values})


async def test_what_is_missing_is_synced_once_and_skipped_from_then_on(bench: MakeBench, item: Any) -> None:
    made = bench(lambda window, cursor: Page([item(1), item(2)] if window.until_s == NOW_S - 120 else []))
    service = service_of(made.reconciler)
    first = await service.run(asked())
    assert (first.synced, first.skipped, first.not_found, list(first.unmatched)) == (2, 0, 0, [])
    assert first.fetched_until.seconds == NOW_S - 120
    again = await service.run(asked())
    assert (again.synced, again.skipped) == (0, 2)
    assert made.listing.asked[-1][0].since_s == NOW_S - 120 - 600, "from the watermark on, with the overlap"


async def test_a_span_may_be_named(bench: MakeBench) -> None:
    made = bench(lambda window, cursor: Page())
    request = asked()
    request.since.seconds, request.until.seconds = NOW_S - 2_000, NOW_S - 1_000
    answer = await service_of(made.reconciler).run(request)
    assert answer.fetched_until.seconds == NOW_S - 1_000
    assert [(window.since_s, window.until_s) for window, _ in made.listing.asked] == [(NOW_S - 2_000, NOW_S - 1_000)]


async def test_money_that_nobody_announced_is_named_up_to_a_hundred() -> None:
    class Reconciles:
        async def catch_up(self, connector: str, merchant_id: str) -> Report:
            report = Report(connector, merchant_id, 0, 10, 10, recorded=101)
            report.unmatched = [Unmatched(f"pay_{n}", f"R{n}", "", Money(), "UNANNOUNCED") for n in range(101)]
            return report

    answer = await service_of(Reconciles()).run(asked())
    assert (answer.synced, answer.not_found, len(answer.unmatched)) == (101, 101, 100)
    assert answer.unmatched[0] == "R0"


@pytest.mark.parametrize(("since", "until"), [(None, 5), (5, 5), (6, 5)])
async def test_times_that_do_not_follow_each_other_are_refused(bench: MakeBench, since: int | None, until: int) -> None:
    request = asked()
    request.until.seconds = until
    if since is not None:
        request.since.seconds = since
    made = bench(lambda window, cursor: Page())
    with pytest.raises(RequestRejected) as refused:
        await service_of(made.reconciler).run(request)
    assert refused.value.metadata == {"field": "until"}
    assert not made.listing.asked


async def test_whoever_is_not_there_is_refused_before_anything_is_asked(bench: MakeBench) -> None:
    made = bench(lambda window, cursor: Page())
    service = service_of(made.reconciler)
    with pytest.raises(NotFound):
        await service.run(asked(merchant_id="nobody"))
    with pytest.raises(NotFound):
        await service.register(pb.ReconciliationServiceRegisterRequest(merchant_id="nobody", connector="stripe"))
    with pytest.raises(UnknownConnector):
        await service.run(asked(connector="strip"))
    with pytest.raises(NotSupported):
        await service.run(asked(connector="adyen"))
    with pytest.raises(NotSupported):
        await service.register(pb.ReconciliationServiceRegisterRequest(connector="stripe"))
    assert not made.listing.asked


async def test_a_provider_that_breaks_off_is_the_answer_and_what_came_is_kept(bench: MakeBench, item: Any) -> None:
    def pages(window: Any, cursor: str) -> Page:
        if cursor:
            raise ProviderUnavailable("stripe does not answer")
        return Page([item(1)], "more")

    made = bench(pages)
    with pytest.raises(ProviderUnavailable):
        await service_of(made.reconciler).run(asked())
    assert await made.types() == ["payment.captured"]


class Listing:
    """A provider's list that notes whether it was closed."""

    def __init__(self, config: dict[str, str], environment: Environment.ValueType) -> None:
        self.account = config["key"]
        self.closed = False

    async def aclose(self) -> None:
        assert not self.closed
        self.closed = True


async def test_other_credentials_get_another_connection_and_a_run_keeps_its_own() -> None:
    backfills = Backfills()
    label = connector_named("stripe")
    made: list[Any] = []

    class Lists:
        @staticmethod
        def make(config: Any, environment: Any) -> Any:
            made.append(Listing(config, environment))
            return made[-1]

    def using(key: str) -> Any:
        lists: Any = Lists
        return backfills.using(label, lists, "default", {"key": key}, Environment.ENVIRONMENT_SANDBOX)

    async with using("one"):
        pass
    async with using("one") as first:
        assert made == [first]
        async with using("two") as second:
            assert (first.account, second.account) == ("one", "two")
            assert not first.closed
        assert not first.closed
    assert (first.closed, second.closed) == (True, False)
    async with using("two") as again:
        await backfills.aclose()
        assert again is second
        assert not second.closed
    assert second.closed
