"""The README's Python, run as it stands."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestratorx_prism import StreamEvent
from orchestratorx_prism.brokers import BrokerSettings, Message, open_broker
from orchestratorx_prism.envelopes.cloudevents import encode_json
from orchestratorx_prism.from_values import event_from_dict
from orchestratorx_prism.testing import signed_webhook

README = Path(__file__).resolve().parents[3] / "README.md"
SECRET = "whsec_…"


def _run(number: int, **names: Any) -> dict[str, Any]:
    """The block's names, once it ran."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 3
    lesson: dict[str, Any] = {"__name__": "lesson", **names}
    exec(compile(blocks[number], "README.md", "exec"), lesson)  # noqa: S102 - that is the test
    return lesson


async def test_the_ten_lines_take_a_signed_webhook(capsys: pytest.CaptureFixture[str]) -> None:
    lesson = _run(0)
    made = signed_webhook("stripe", "payment_intent.succeeded", secret=SECRET, now_s=int(time.time()))
    transport = httpx.ASGITransport(app=lesson["app"])
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post("/webhooks/stripe", content=made.body, headers=dict(made.headers))
        forged = await client.post("/webhooks/stripe", content=made.body + b" ", headers=dict(made.headers))
    assert answer.status_code == 200
    assert capsys.readouterr().out.startswith("paid: ")
    assert (forged.status_code, forged.json()["reason"]) == (401, "SIGNATURE_MISMATCH")


async def test_the_consumer_prints_what_was_captured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "payment_config.json").write_text('{"messaging": {"broker_type": "memory", "url": "memory://readme"}}')
    broker = open_broker(BrokerSettings(url="memory://readme"))
    running = asyncio.create_task(_run(1)["main"]())
    amount = {"minor_units": 1099, "currency": "USD"}
    values = {"id": "e-1", "type": "payment.captured", "schema_version": 1, "environment": "SANDBOX"}
    body, headers = encode_json(event_from_dict({**values, "data": {"amount": amount}}))
    assert await broker.publish([Message("e-1", "payments.events", "pay-1", body, headers)]) == [None]
    async with asyncio.timeout(20):
        while not (printed := capsys.readouterr().out):  # noqa: ASYNC110 - there is no event of it
            await asyncio.sleep(0.01)
    assert printed == "paid: 1099 USD\n"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_stream_consumer_sets_its_row_however_often_a_capture_is_told() -> None:
    class Session:
        def __init__(self) -> None:
            self.rows: dict[str, dict[str, str]] = {}

        async def merge(self, row: dict[str, str]) -> None:
            self.rows[row["order"]] = row

    session = Session()
    on_event = _run(2, Paid=dict)["on_event"]
    for _ in ("payment_intent.succeeded", "charge.succeeded"):
        await on_event(StreamEvent("payment.captured", {"merchant_transaction_id": "order-1"}), session)
    await on_event(StreamEvent("payment.failed", {}), session)
    assert session.rows == {"order-1": {"order": "order-1"}}
