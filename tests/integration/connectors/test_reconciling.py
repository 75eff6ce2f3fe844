"""What webhooks did not bring is fetched from the provider's own list, over a real socket."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from provider_desk import Desk, desk_of, serving

from connectors.spi import Environment
from connectors.spi.reconciling import Window
from connectors.spi.simulating import SimulatorOptions
from orchestrator.bootstrap import build
from orchestrator.plugins import connector_named
from orchestrator.reconciliation import Report, Schedule
from orchestrator.serving import Server
from orchestrator.telemetry.metrics import Metrics
from orchestratorx_prism import PaymentClient
from orchestratorx_prism.errors import NotSupported, ProviderRefused, ProviderUnavailable, SettingsRejected
from orchestratorx_prism.v1.dispute_service_pb2 import DisputeServiceListRequest
from orchestratorx_prism.v1.event_pb2 import CAUSE_RECONCILIATION, CAUSE_WEBHOOK, VERIFICATION_METHOD_OWN_CALL, Event
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED, Payment

AGO_S = 200
"""The providers' clocks are so much behind: long enough for a list, and not too long for a signature."""
INSTRUMENTS: Mapping[str, Any] = {
    "stripe": {"token": "pm_card_visa"},
    "paypal": {"token": "card-visa"},
    "mpesa": {"phone": "254708374149"},
}


@asynccontextmanager
async def open_desk(connector: str, **options: Any) -> AsyncIterator[Desk]:
    async with desk_of(connector, **options) as desk:
        await desk.application.ledger.open()
        yield desk
        await desk.application.reconciler.aclose()


def ago() -> float:
    return time.time() - AGO_S


async def pay(desk: Desk, order: str, *, currency: str = "EUR", instrument: Any = None) -> Payment:
    payments = PaymentClient(connector=desk.connector, transport=desk.transport)
    answer = await payments.authorize(
        request_id=order,
        amount={"minor_units": 10_000, "currency": currency},
        merchant_transaction_id=order,
        instrument=instrument or INSTRUMENTS[desk.connector],
        capture_mode="AUTOMATIC",
        return_url="https://shop.example/return",
    )
    return answer.payment


async def fetch(desk: Desk) -> Report:
    report = await desk.application.reconciler.reconcile(desk.connector, "default", int(time.time()) - 3_600)
    assert report.stopped_by is None
    return report


async def recorded(desk: Desk, cause: int) -> list[Event]:
    found: list[Event] = []
    token = ""
    while True:
        page, token = await desk.application.ledger.list_events(EventFilter(), page_size=1_000, page_token=token)
        found += [event for event in page if event.cause == cause]
        if not token:
            return found


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    fresh: str = request.getfixturevalue("fresh_postgres_url")
    return fresh


@pytest.mark.parametrize("connector", ["stripe", "paypal"])
async def test_what_was_lost_is_recorded_and_what_came_is_known(connector: str, database_url: str) -> None:
    async with open_desk(connector, database_url=database_url, lost_callbacks=0.5, now_s=ago, seed=5) as desk:
        for number in range(12):
            await pay(desk, f"order-{number}")
        await desk.simulator.aclose()
        assert desk.refused == []
        came = await recorded(desk, CAUSE_WEBHOOK)
        report = await fetch(desk)
        found = await recorded(desk, CAUSE_RECONCILIATION)
        assert (report.known, report.recorded) == (len(came), len(found))
        assert len(came) > 3, "nothing came"
        assert len(found) > 3, "nothing was lost"
        assert report.fetched == report.known + report.recorded
        assert not {event.id for event in came} & {event.id for event in found}
        assert {event.verification.method for event in found} == {VERIFICATION_METHOD_OWN_CALL}
        again = await fetch(desk)
        assert (again.fetched, again.known, again.recorded) == (report.fetched, report.fetched, 0)


@pytest.mark.parametrize(("connector", "payments"), [("stripe", 60), ("paypal", 30)])
async def test_a_list_of_several_pages_is_fetched_to_its_end(connector: str, payments: int) -> None:
    async with open_desk(connector, lost_callbacks=1.0, now_s=ago) as desk:
        for number in range(payments):
            await pay(desk, f"order-{number}")
        report = await fetch(desk)
        assert report.recorded == report.fetched
        assert report.fetched > (100 if connector == "stripe" else 20)
        told = Counter(event.payment_id for event in await recorded(desk, CAUSE_RECONCILIATION))
        assert len(told) == payments


async def test_what_only_a_webhook_tells_is_found() -> None:
    async with open_desk("stripe", lost_callbacks=1.0, now_s=ago) as desk:
        payment = await pay(desk, "order-1", instrument={"token": "pm_card_createDispute"})
        ledger = desk.application.ledger
        listing = DisputeServiceListRequest(merchant_id="default", page_size=10)
        assert (await ledger.list_disputes(listing))[0] == []
        await fetch(desk)
        (dispute,) = (await ledger.list_disputes(listing))[0]
        assert dispute.payment_id == payment.id


async def test_adyen_has_no_list_and_the_refusal_says_so() -> None:
    async with open_desk("adyen") as desk:
        with pytest.raises(NotSupported) as refused:
            await desk.application.reconciler.reconcile("adyen", "default", 0)
    assert "no list" in refused.value.message
    assert refused.value.metadata["connectors"] == "mpesa,paypal,stripe"


async def test_an_mpesa_shortcode_that_is_not_registered_is_told_to_be() -> None:
    async with open_desk("mpesa", now_s=ago) as desk:
        report = await desk.application.reconciler.reconcile("mpesa", "default", int(time.time()) - 3_600)
        assert isinstance(report.stopped_by, ProviderRefused)
        assert "--register" in report.stopped_by.fix
        assert report.reached_s == report.since_s
        assert "Success" in await desk.application.reconciler.register("mpesa", "default")
        assert "already" in await desk.application.reconciler.register("mpesa", "default")
        assert (await fetch_settled(desk)).fetched == 0


async def fetch_settled(desk: Desk) -> Report:
    """M-Pesa's newest minutes are left to callbacks, unless an end is given."""
    now_s = int(time.time())
    report = await desk.application.reconciler.reconcile("mpesa", "default", now_s - 3_600, now_s)
    assert report.stopped_by is None
    return report


async def test_a_push_whose_callback_was_lost_is_captured_with_its_receipt() -> None:
    async with open_desk("mpesa", lost_callbacks=1.0, now_s=ago) as desk:
        await desk.application.reconciler.register("mpesa", "default")
        payment = await pay(desk, "order-1", currency="KES")
        assert payment.status != PAYMENT_STATUS_CAPTURED
        report = await fetch_settled(desk)
        assert (report.recorded, report.matched, report.unmatched) == (1, 1, [])
        found = await desk.application.ledger.get_payment("default", payment.id)
        assert found is not None
        assert found.status == PAYMENT_STATUS_CAPTURED
        assert found.captured.minor_units == 10_000
        assert "receipt" in {reference.kind for reference in found.references}
        assert (await fetch_settled(desk)).recorded == 0


async def test_money_that_nobody_announced_is_reported_and_recorded() -> None:
    async with open_desk("mpesa", now_s=ago) as desk:
        await desk.application.reconciler.register("mpesa", "default")
        await pay(desk, "order-1", currency="KES")
        simulator: Any = desk.simulator
        for number in range(150):
            simulator.pay_in("254722000111", 5_000, f"till-{number}")
        await simulator.advance()
        report = await fetch_settled(desk)
        assert report.fetched == 151
        assert len(report.unmatched) == 150
        assert {one.merchant_transaction_id for one in report.unmatched} == {f"till-{n}" for n in range(150)}
        payment = await desk.application.ledger.get_payment("default", report.unmatched[0].payment_id)
        assert payment is not None
        assert payment.captured.minor_units == 5_000


async def test_money_for_an_order_whose_push_was_cancelled_is_not_that_push() -> None:
    async with open_desk("mpesa", lost_callbacks=1.0, now_s=ago) as desk:
        await desk.application.reconciler.register("mpesa", "default")
        payment = await pay(desk, "order-1", currency="KES", instrument={"phone": "254700001032"})
        simulator: Any = desk.simulator
        simulator.pay_in("254700001032", 10_000, "order-1")
        report = await fetch_settled(desk)
        assert [one.why for one in report.unmatched] == ["UNANNOUNCED"]
        assert report.unmatched[0].payment_id != payment.id


async def test_a_schedule_runs_each_list_once_in_its_time() -> None:
    async with open_desk("stripe", lost_callbacks=1.0, now_s=ago) as desk:
        await pay(desk, "order-1")
        schedules = [
            Schedule(desk.application.reconciler, desk.application.ledger, every_s=every_s) for every_s in (900, 900)
        ]
        assert [await schedule.round() for schedule in schedules] == [1, 0]
        assert await recorded(desk, CAUSE_RECONCILIATION)


async def test_a_provider_that_is_not_there_stops_the_run_and_moves_nothing() -> None:
    async with open_desk("paypal", now_s=ago) as desk:
        away = desk.application
        desk.faulty._app = _nobody
        report = await away.reconciler.reconcile("paypal", "default", int(time.time()) - 3_600)
        assert isinstance(report.stopped_by, ProviderUnavailable)
        (source,) = away.reconciler.sources()
        assert await away.ledger.watermarks.get(source) is None


async def _nobody(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def answering(status: int, content: bytes) -> Any:
    """A server that gives tokens, and one answer to everything else."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        token = "oauth" in scope["path"]
        body = b'{"access_token":"t","expires_in":"3599"}' if token else content
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200 if token else status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.mark.parametrize("connector", ["stripe", "paypal", "mpesa"])
@pytest.mark.parametrize(
    ("status", "content"),
    [(200, b""), (200, b"[]"), (200, b'{"hello":"world"}'), (200, b"<html>"), (200, b"\xff"), (500, b""), (502, b"{}")],
    ids=["empty", "an array", "something else", "a page", "no text", "500", "502"],
)
async def test_an_answer_that_is_no_list_does_not_pass_for_an_empty_one(
    connector: str, status: int, content: bytes
) -> None:
    label = connector_named(connector)
    assert label.make_simulator is not None
    assert label.reconciling is not None
    async with serving(answering(status, content)) as address:
        config = dict(label.make_simulator(SimulatorOptions()).config(address))
        backfill = label.reconciling.make(config, Environment.ENVIRONMENT_SANDBOX)
        try:
            with pytest.raises(ProviderUnavailable):
                await backfill.page(Window(1_800_000_000, 1_800_003_600), "", timeout_s=1.0)
        finally:
            await backfill.aclose()


@pytest.mark.parametrize(
    ("connector", "wrong"),
    [("stripe", "STRIPE_API_KEY"), ("paypal", "PAYPAL_CLIENT_SECRET"), ("mpesa", "MPESA_CONSUMER_SECRET")],
)
async def test_wrong_credentials_are_refused_in_words_and_never_shown(connector: str, wrong: str) -> None:
    async with open_desk(connector) as desk:
        label = connector_named(connector)
        assert label.reconciling is not None
        async with serving(desk.simulator) as address:
            config = {**desk.simulator.config(address), wrong: "sk_test_canary4711"}
            backfill = label.reconciling.make(config, Environment.ENVIRONMENT_SANDBOX)
            try:
                with pytest.raises(ProviderRefused) as refused:
                    await backfill.page(Window(1_800_000_000, 1_800_003_600), "", timeout_s=5.0)
            finally:
                await backfill.aclose()
    assert refused.value.metadata["category"] == "CREDENTIALS"
    assert "canary4711" not in f"{refused.value} {refused.value.fix} {refused.value.metadata}"


@pytest.mark.parametrize("connector", ["stripe", "paypal", "mpesa"])
def test_without_credentials_there_is_nothing_to_ask_with(connector: str) -> None:
    reconciling = connector_named(connector).reconciling
    assert reconciling is not None
    with pytest.raises(SettingsRejected):
        reconciling.make({}, Environment.ENVIRONMENT_SANDBOX)


async def test_a_server_reconciles_by_itself_and_counts_it(tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path / 'ledger.db'}"
    async with open_desk("stripe", database_url=database_url, lost_callbacks=1.0, now_s=ago) as desk:
        await pay(desk, "order-1")
        settings = desk.application.settings.model_copy(update={"grpc_port": 0, "http_port": 0})
        metrics = Metrics(["stripe"])
        server = Server(build(settings, metrics), metrics)
        await server.start()
        try:
            async with asyncio.timeout(20):
                while not await recorded(desk, CAUSE_RECONCILIATION):  # noqa: ASYNC110 - another process' database
                    await asyncio.sleep(0.05)
                while b"orchestrator_reconciled_total" not in metrics.exposition():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        finally:
            await server.stop()
        told = metrics.exposition().decode()
        assert 'orchestrator_reconciled_total{connector="stripe",outcome="recorded"}' in told
        assert 'orchestrator_reconciled_until_timestamp_seconds{connector="stripe",merchant="default"}' in told


async def command(folder: Path, credentials: Mapping[str, str], *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from orchestrator.cli import main; main()", "reconcile", *arguments),
        *("--database-url", f"sqlite:///{folder / 'ledger.db'}"),
        env={**os.environ, **credentials, "COLUMNS": "120"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_command_reports_what_it_found_and_exits_3_if_nobody_answers(tmp_path: Path) -> None:
    label = connector_named("mpesa")
    assert label.make_simulator is not None
    simulator = label.make_simulator(SimulatorOptions(seed=1, now_s=ago))
    async with serving(simulator) as address:
        credentials = dict(simulator.config(address))
        code, out, _ = await command(tmp_path, credentials, "mpesa", "--register")
        assert (code, "Successfully" in out) == (0, True)
        simulator.pay_in("254722000111", 5_000, "till-1")
        code, out, err = await command(tmp_path, credentials, "mpesa", "--since", "1h", "--until", "0s")
        assert (code, err) == (0, "")
        assert "1 that were missing" in out
        assert "50.00 KES  account till-1  UNANNOUNCED" in out
        code, out, _ = await command(tmp_path, credentials, "mpesa", "--since", "1h", "--until", "0s", "--json")
        report = json.loads(out)
        assert (code, report["fetched"], report["known"], report["recorded"]) == (0, 1, 1, 0)
    code, out, err = await command(tmp_path, credentials, "mpesa", "--since", "1h", "--until", "0s")
    assert code == 3
    assert "fetched      0" in out
    assert "PROVIDER_UNAVAILABLE" in err
