"""Fetching in windows, recording once, and losing nothing where a page fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import structlog.testing

from connectors.spi.reconciling import Page, Window
from orchestrator.ledger.watermarks import Source
from orchestrator.reconciliation import Schedule
from orchestratorx_prism.errors import (
    NotSupported,
    ProviderRefused,
    ProviderUnavailable,
    RequestRejected,
    SettingsRejected,
    UnknownConnector,
)
from orchestratorx_prism.v1.event_pb2 import CAUSE_RECONCILIATION
from orchestratorx_prism.v1.event_service_pb2 import EventFilter

NOW_S = 1_800_000_000
STRIPE = Source("default", "stripe", 1)
Item = Callable[..., bytes]
MakeBench = Callable[..., Any]


async def test_pages_are_followed_and_recorded_oldest_first(bench: MakeBench, item: Item) -> None:
    pages = {
        "": Page([item(3, at_s=NOW_S - 300), item(2, at_s=NOW_S - 400)], "more"),
        "more": Page([item(1, at_s=NOW_S - 500)]),
    }
    made = bench(lambda window, cursor: pages[cursor])
    report = await made.reconciler.reconcile("stripe", "default", NOW_S - 3_600)
    assert (report.fetched, report.recorded, report.known) == (3, 3, 0)
    assert [cursor for _, cursor in made.listing.asked] == ["", "more"]
    events, _ = await made.ledger.list_events(EventFilter(), page_size=10, page_token="")
    assert [event.occurred_at.seconds for event in events] == [NOW_S - 300, NOW_S - 400, NOW_S - 500]
    assert {event.cause for event in events} == {CAUSE_RECONCILIATION}
    assert made.tallied.reports == [report]
    assert made.tallied.until == [("stripe", "default", NOW_S - 120)]


async def test_the_newest_is_left_to_its_webhook_and_windows_leave_no_gap(bench: MakeBench) -> None:
    made = bench(lambda window, cursor: Page())
    report = await made.reconciler.reconcile("stripe", "default", NOW_S - 9_000)
    windows = [window for window, _ in made.listing.asked]
    assert windows == [
        Window(NOW_S - 9_000, NOW_S - 5_400),
        Window(NOW_S - 5_400, NOW_S - 1_800),
        Window(NOW_S - 1_800, NOW_S - 120),
    ]
    assert report.reached_s == report.until_s == NOW_S - 120


async def test_what_lies_further_back_than_the_list_goes_is_not_asked_for(bench: MakeBench) -> None:
    made = bench(lambda window, cursor: Page())
    report = await made.reconciler.reconcile("stripe", "default", 0, NOW_S - 30 * 86_400 + 100)
    assert report.since_s == NOW_S - 30 * 86_400 + 1


async def test_a_page_that_fails_moves_no_watermark_and_loses_nothing(bench: MakeBench, item: Item) -> None:
    away = True

    def pages(window: Window, cursor: str) -> Page:
        if window.since_s == NOW_S - 7_200:
            return Page([item(1, at_s=NOW_S - 7_000)])
        if not cursor:
            return Page([item(2)], "second")
        if away:
            raise ProviderUnavailable("no answer")
        return Page([item(3)])

    made = bench(pages)
    report = await made.reconciler.reconcile("stripe", "default", NOW_S - 7_200)
    assert isinstance(report.stopped_by, ProviderUnavailable)
    assert (report.recorded, report.reached_s) == (2, NOW_S - 3_600)
    assert await made.ledger.watermarks.get(STRIPE) == NOW_S - 3_600
    away = False
    report = await made.reconciler.catch_up("stripe", "default")
    assert (report.since_s, report.stopped_by) == (NOW_S - 4_200, None)
    assert report.recorded == 1, "the item of the page that failed"
    assert sorted(await made.types()) == ["payment.captured"] * 3
    assert await made.ledger.watermarks.get(STRIPE) == NOW_S - 120


async def test_a_later_window_does_not_jump_the_watermark_over_a_gap(bench: MakeBench) -> None:
    made = bench(lambda window, cursor: Page())
    await made.ledger.watermarks.advance(STRIPE, NOW_S - 86_400)
    await made.reconciler.reconcile("stripe", "default", NOW_S - 3_600)
    assert await made.ledger.watermarks.get(STRIPE) == NOW_S - 86_400


async def test_after_a_pause_longer_than_the_list_goes_back_the_watermark_moves_on(bench: MakeBench) -> None:
    made = bench(lambda window, cursor: Page())
    await made.ledger.watermarks.advance(STRIPE, NOW_S - 60 * 86_400)
    report = await made.reconciler.catch_up("stripe", "default")
    assert report.since_s == NOW_S - 30 * 86_400 + 1
    assert await made.ledger.watermarks.get(STRIPE) == NOW_S - 120


async def test_an_item_that_cannot_be_read_is_counted_and_the_others_recorded(bench: MakeBench, item: Item) -> None:
    made = bench(lambda window, cursor: Page([b'{"object":"event"}', item(1), b"[]"]))
    report = await made.reconciler.reconcile("stripe", "default", NOW_S - 3_600)
    assert (report.fetched, report.recorded) == (3, 1)
    assert report.refused.total() == 2
    assert await made.ledger.watermarks.get(STRIPE) == NOW_S - 120


async def test_test_money_in_productions_list_is_refused(bench: MakeBench, item: Item) -> None:
    made = bench(lambda window, cursor: Page([item(1)]), environment="PRODUCTION")
    report = await made.reconciler.reconcile("stripe", "default", NOW_S - 3_600)
    assert report.refused == {"ENVIRONMENT_MISMATCH": 1}
    assert await made.types() == []


async def test_a_list_that_gives_the_same_cursor_again_is_given_up(bench: MakeBench, item: Item) -> None:
    made = bench(lambda window, cursor: Page([item(1)], "again"))
    report = await made.reconciler.reconcile("stripe", "default", NOW_S - 3_600)
    assert isinstance(report.stopped_by, ProviderUnavailable)
    assert len(made.listing.asked) == 2


async def test_a_type_without_a_word_of_ours_keeps_its_body(bench: MakeBench, item: Item) -> None:
    made = bench(lambda window, cursor: Page([item(1, event_type="review.opened")]))
    await made.reconciler.reconcile("stripe", "default", NOW_S - 3_600)
    (event,) = (await made.ledger.list_events(EventFilter(), page_size=10, page_token=""))[0]
    assert event.type == "connector.unmapped"
    assert b"review.opened" in event.unmapped.body


async def test_a_refusal_is_in_the_report(bench: MakeBench) -> None:
    def pages(window: Window, cursor: str) -> Page:
        raise ProviderRefused("no such key", metadata={"category": "CREDENTIALS"})

    report = await bench(pages).reconciler.reconcile("stripe", "default", NOW_S - 3_600)
    assert isinstance(report.stopped_by, ProviderRefused)
    assert report.as_dict()["stopped_by"] == report.stopped_by.reason


@pytest.mark.parametrize(
    ("connector", "merchant", "refusal"),
    [("adyen", "default", NotSupported), ("stirpe", "default", UnknownConnector), ("stripe", "no", RequestRejected)],
)
async def test_what_cannot_be_reconciled_is_refused_before_anything_is_asked(
    bench: MakeBench, connector: str, merchant: str, refusal: type[Exception]
) -> None:
    made = bench(lambda window, cursor: Page())
    with pytest.raises(refusal):
        await made.reconciler.reconcile(connector, merchant, 0)
    assert made.listing.asked == []


async def test_a_provider_that_wants_no_registration_is_not_registered_with(bench: MakeBench) -> None:
    with pytest.raises(NotSupported):
        await bench(lambda window, cursor: Page()).reconciler.register("stripe", "default")


async def test_the_first_scheduled_look_goes_an_hour_back_and_the_next_from_there(bench: MakeBench) -> None:
    made = bench(lambda window, cursor: Page())
    schedule = Schedule(made.reconciler, made.ledger, every_s=900)
    assert await schedule.round() == 1
    assert made.listing.asked[0][0].since_s == NOW_S - 3_600 - 600
    assert await schedule.round() == 0


async def test_a_schedule_that_is_off_does_not_even_begin(bench: MakeBench) -> None:
    made = bench(lambda window, cursor: Page())
    before = asyncio.all_tasks()
    for every_s in (0, 900):
        schedule = Schedule(made.reconciler, made.ledger, every_s=every_s)
        schedule.start()
        assert bool(asyncio.all_tasks() - before) is bool(every_s)
        await schedule.stop()


async def test_a_look_that_fails_in_an_unforeseen_way_does_not_end_the_schedule(bench: MakeBench) -> None:
    def pages(window: Window, cursor: str) -> Page:
        raise KeyError("a defect")

    made = bench(pages)
    assert await Schedule(made.reconciler, made.ledger, every_s=900).round() == 1
    assert await made.ledger.watermarks.get(STRIPE) is None


async def test_only_merchants_with_credentials_are_sources(bench: MakeBench) -> None:
    made = bench(lambda window, cursor: Page())
    assert made.reconciler.sources() == [STRIPE]


async def test_credentials_that_cannot_be_opened_are_told_once_until_that_changes(
    bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench(lambda window, cursor: Page())
    merchants = made.reconciler._merchants
    opened = merchants.credentials

    def sealed(*_: Any) -> Any:
        raise SettingsRejected("sealed", reason="VAULT_KEY_MISSING", fix="set vault_keys")

    with structlog.testing.capture_logs() as logged:
        for credentials in (sealed, sealed, opened, sealed):
            monkeypatch.setattr(merchants, "credentials", credentials)
            made.reconciler.sources()
    told = [
        each for each in logged if each["event"] == "reconciliation.no_credentials" and each["connector"] == "stripe"
    ]
    assert len(told) == 2
    assert (told[0]["merchant_id"], told[0]["fix"]) == ("default", "set vault_keys")


async def test_closing_closes_the_connections(bench: MakeBench) -> None:
    made = bench(lambda window, cursor: Page())
    await made.reconciler.reconcile("stripe", "default", NOW_S - 3_600)
    await made.reconciler.aclose()
    assert made.listing.closed
