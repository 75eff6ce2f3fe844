"""Lesson 7: an effect in your database that happens exactly once. Run it: `python examples/07_exactly_once.py [URL]`.

Needs the extra `sqlalchemy`. URL: sqlite+aiosqlite:///shop.db, or postgresql+asyncpg://user:password@host/name.
Default: a new SQLite file.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from sqlalchemy import String, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from orchestratorx_prism import (
    PaymentEventPublisher,
    StreamEvent,
    StreamWorker,
    load_config,
    stream_consumer,
)

STREAM = "payments.events"


class Base(DeclarativeBase):
    """The application's tables."""


class Balance(Base):
    """What a customer has."""

    __tablename__ = "balances"
    customer: Mapped[str] = mapped_column(String(40), primary_key=True)
    minor_units: Mapped[int]


@stream_consumer(STREAM, name="balances")
async def on_event(event: StreamEvent, session: AsyncSession) -> None:
    """Adding is what must not happen twice. The worker commits; `session.commit()` would be refused."""
    match event.event_type:
        case "payment.custom.topped_up":
            customer, amount_minor = event.payload["customer"], event.payload["amount_minor"]
            balance = await session.get(Balance, customer, with_for_update=True)
            if balance is None:
                session.add(Balance(customer=customer, minor_units=amount_minor))
            else:
                balance.minor_units += amount_minor
        case _:
            pass


async def main(database_url: str) -> None:
    config = load_config()
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    worker = StreamWorker(config.messaging, engine)
    async with worker, PaymentEventPublisher(config.messaging) as publisher:
        for amount_minor in (1000, 99):
            data = {"customer": "ada", "amount_minor": amount_minor}
            await publisher.publish_event(event_type="payment.custom.topped_up", data=data, key="ada")
        while worker.counters.ended_by_outcome["acknowledged"] < 2:  # noqa: ASYNC110 - only a lesson waits like this
            await asyncio.sleep(0.01)
        async with AsyncSession(engine) as session:
            print("balance:", await session.scalar(select(Balance.minor_units)))
    await engine.dispose()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        default = f"sqlite+aiosqlite:///{Path(folder)}/shop.db"
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else default))
