"""What users write, over every broker: a handler, the defaults, an event of their own, and a stream consumer."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from orchestratorx_prism import StreamWorker, load_config
from orchestratorx_prism.brokers import open_broker
from orchestratorx_prism.brokers.base import Message
from orchestratorx_prism.envelopes.cloudevents import encode_json
from orchestratorx_prism.v1.event_pb2 import Event

PAGE = Path(__file__).parents[3] / "docs" / "consuming.md"
BROKERS = ["memory", *(pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("nats", "redis", "kafka"))]
BROKERS.append(pytest.param("rabbitmq", marks=pytest.mark.rabbitmq))


class Base(DeclarativeBase):
    """The application's tables."""


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    paid: Mapped[bool] = mapped_column(default=False)


def block(marker: str) -> str:
    """The Python block of the page that has this in it."""
    found = [
        text for text in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S) if marker in text
    ]
    return str(found[0])


@pytest.fixture(params=BROKERS)
def config_file(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`payment_config.json` in the working directory, as the page has it."""
    name = str(request.param)
    if name == "memory":
        url = f"memory://{uuid.uuid4().hex}"
    elif name == "rabbitmq":
        node = request.getfixturevalue("rabbit_server")
        url = node.url(node.virtual_host)
    else:
        url = request.getfixturevalue(f"{name}_server").url
    messaging = {"broker_type": name, "url": url}
    if name == "kafka":
        messaging["topic_prefix"] = f"test-{uuid.uuid4().hex}"
    file = tmp_path / "payment_config.json"
    file.write_text(json.dumps({"messaging": messaging}))
    monkeypatch.chdir(tmp_path)
    return file


async def until(look: Callable[[], Any], within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while not await asyncio.to_thread(look):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def run(source: str, names: dict[str, Any]) -> None:
    code = compile(source, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)  # noqa: S307 - our own page
    if asyncio.iscoroutine(result):
        await result


async def test_a_handler_the_defaults_and_an_event_of_ones_own(config_file: Path) -> None:
    names: dict[str, Any] = {}
    await run(block("setup_default_consumers(consumer)"), names)
    consumer = names["consumer"]
    seen: list[str] = []
    consumer.on("payment.custom.event")(lambda event: seen.append(event.data["order"]))
    await run(block("PaymentEventPublisher"), names)
    await until(lambda: seen == ["order-42"])
    await consumer.stop()


async def test_a_stream_consumer_marks_an_order_paid_once(config_file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Order(id="order-1"))
        session.commit()

    names: dict[str, Any] = {"Order": Order}
    await run(block("match event.event_type"), names)
    config = load_config(str(config_file))
    event = Event(
        id=str(uuid.uuid4()), type="payment.captured", connector="stripe", merchant_id="default", schema_version=1
    )
    event.merchant_transaction_id = event.payment.merchant_transaction_id = "order-1"
    event.payment_id = event.partition_key = "pay_1"
    body, headers = encode_json(event)
    message = Message(event.id, "payments.events", "pay_1", body, headers, "payment.captured")
    broker = open_broker(config.messaging)
    await broker.connect()
    worker = StreamWorker(config.messaging, url, consumers=[names["on_event"]])
    async with worker:
        assert await broker.publish([message]) == [None]
        await until(lambda: _paid(engine))
        await until(lambda: worker.counters.ended_by_outcome["acknowledged"] == 1)
    await broker.close()
    engine.dispose()


def _paid(engine: Any) -> bool:
    with Session(engine) as session:
        return bool(session.scalars(select(Order.paid)).one())
