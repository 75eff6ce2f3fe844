"""The Python blocks of docs/consuming.md run, one after the other, as far as they need no server."""

from __future__ import annotations

import ast
import asyncio
import inspect
import itertools
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestratorx_prism import EventClient, StreamEvent
from orchestratorx_prism.testing import signed_webhook

PAGE = Path(__file__).parents[3] / "docs" / "consuming.md"


async def test_the_blocks_of_the_page_run(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "payment_config.json").write_text('{"messaging": {"broker_type": "memory", "url": "memory://page"}}')
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    handlers, _told_again, publisher, stream, worker, faststream = (
        compile(block, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT) for block in blocks
    )
    assert "StreamWorker" in worker.co_names  # runs until it is stopped; what it does, the conformance suite says

    names: dict[str, Any] = {}
    for code in (handlers, publisher):
        result = eval(code, names)  # noqa: S307 - our own page
        assert inspect.iscoroutine(result)
        await result
    consumer = names["consumer"]
    async with asyncio.timeout(20):
        while consumer.counters.ended_by_outcome["acknowledged"] < 1:  # noqa: ASYNC110 - there is no event of it
            await asyncio.sleep(0.01)
    assert consumer.counters.handled_by_type == {"payment.custom.event": 2}
    await consumer.stop()

    order = SimpleNamespace(paid=False)

    async def get(kind: type, key: str) -> Any:
        assert key == "order-1"
        return order

    scope: dict[str, Any] = {"Order": object}
    exec(stream, scope)  # noqa: S102
    event = StreamEvent("payment.captured", {"merchant_transaction_id": "order-1"})
    await scope["on_event"](event, SimpleNamespace(get=get))
    assert order.paid

    def subscriber(*_args: Any, **options: Any) -> Any:
        assert {"parser", "decoder"} <= set(options)
        return lambda function: function

    exec(faststream, {"broker": SimpleNamespace(subscriber=subscriber)})  # noqa: S102


SECRETS = {"stripe": "whsec_page", "paypal": "WH-page"}


@pytest.mark.parametrize(
    ("connector", "webhooks"),
    [
        ("stripe", ("payment_intent.created", "payment_intent.succeeded", "charge.succeeded", "charge.refunded")),
        ("paypal", ("CHECKOUT.ORDER.COMPLETED", "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.REFUNDED")),
    ],
)
async def test_goods_are_sent_once_in_whatever_order_a_capture_is_told(
    connector: str, webhooks: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1], names)  # noqa: S102
    made = [signed_webhook(connector, each, secret=SECRETS[connector], seed=7) for each in webhooks]
    for order in itertools.permutations(made):
        told = 0
        async with EventClient(connector=connector, settings={"database_url": "memory:"}) as client:
            for webhook in order:
                for event in (await client.handle_event(webhook.request())).events:
                    if event.type == "payment.captured":
                        told += 1
                        await names["on_captured"](event)
        assert told == 2
        assert capsys.readouterr().out == "send the goods of order-1\n"
