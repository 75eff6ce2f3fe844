"""Runs the demo: posts the bag through the SDK, in this process, and checks that the stream came out right."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.demonstration.posting import Letter, Mischief, post_bag
from orchestrator.demonstration.stories import Story
from orchestratorx_prism import EventClient, PaymentClient
from orchestratorx_prism.brokers import BrokerSettings, Subscription, open_broker
from orchestratorx_prism.envelopes.cloudevents import decode
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.values import to_dict

IN_FLIGHT = 8
PATIENCE_S = 10.0
ADDRESS = "payments.events*"


@dataclass(slots=True)
class Outcome:
    """What became of one webhook."""

    letter: Letter
    kind: str
    """One of "recorded", "duplicate", "refused"."""
    what: str
    """Our event type, or the reason of the refusal."""
    payment_id: str = ""
    sequence: int = 0


@dataclass(slots=True)
class Report:
    """What came out, and everything that was not as it must be."""

    outcomes: list[Outcome] = field(default_factory=list)
    published: int = 0
    payments: list[tuple[Story, str, dict[str, Any]]] = field(default_factory=list)
    """Story, merchant's reference, the payment's state."""
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, kind: str) -> int:
        """How many webhooks ended so."""
        return sum(outcome.kind == kind for outcome in self.outcomes)


async def run(rounds: int, *, seed: int, pace_s: float, show: Callable[[Outcome], None]) -> Report:
    """Posts every webhook of the bag to `EventClient`s over one SQLite ledger, and consumes what the broker delivers.

    Args:
        pace_s: Pause after each webhook, so that people can follow.
        show: Called with each outcome as it happens.
    """
    report = Report()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="orchestratorx-demo-") as folder:
        broker_url = f"memory://{Path(folder).name}"
        settings = {"database_url": f"sqlite:///{Path(folder) / 'demo.db'}", "messaging": {"url": broker_url}}
        bag = post_bag(rounds, seed=seed, now_s=int(time.time()))
        async with contextlib.AsyncExitStack() as stack:
            clients = {
                name: await stack.enter_async_context(EventClient(connector=name, settings=settings))
                for name in sorted({letter.story.connector for letter in bag})
            }
            subscription = await _subscribe(stack, broker_url)
            await _post_all(bag, clients, pace_s, report, show)
            heard = await _consume(subscription, report.count("recorded"))
            report.published = len(heard)
            report.payments = await _payments(bag, report, settings)
            report.faults = _faults(report, heard)
    report.seconds = time.monotonic() - began
    return report


async def _subscribe(stack: contextlib.AsyncExitStack, broker_url: str) -> Subscription:
    """As a consumer anywhere would; the broker happens to be in this process."""
    broker = open_broker(BrokerSettings(broker_type="memory", url=broker_url))
    await broker.connect()
    stack.push_async_callback(broker.close)
    subscription = await broker.subscribe([ADDRESS], group="demo")
    stack.push_async_callback(subscription.close)
    return subscription


async def _consume(subscription: Subscription, expected: int) -> list[Event]:
    """Every event delivered, in order; what is missing when patience ends is a fault of the report."""
    heard: list[Event] = []
    while len(heard) < expected:
        deliveries = await subscription.fetch(limit=100, timeout_s=PATIENCE_S)
        if not deliveries:
            break
        for delivery in deliveries:
            heard.append(decode(delivery.message))
            await delivery.ack()
    return heard


async def _post_all(
    bag: list[Letter],
    clients: dict[str, EventClient],
    pace_s: float,
    report: Report,
    show: Callable[[Outcome], None],
) -> None:
    waiting = iter(bag)

    async def postman() -> None:
        for letter in waiting:
            outcome = await _post(letter, clients[letter.story.connector])
            report.outcomes.append(outcome)
            show(outcome)
            await asyncio.sleep(pace_s)

    await asyncio.gather(*(postman() for _ in range(IN_FLIGHT)))


async def _post(letter: Letter, client: EventClient) -> Outcome:
    try:
        handled = await client.handle_event(letter.request())
    except PrismError as error:
        return Outcome(letter, "refused", error.reason)
    event = handled.events[0]
    kind = "duplicate" if event["id"] in handled.duplicates else "recorded"
    return Outcome(letter, kind, event["type"], event.message.payment_id, event.message.sequence)


async def _payments(
    bag: list[Letter], report: Report, settings: dict[str, Any]
) -> list[tuple[Story, str, dict[str, Any]]]:
    ids = {outcome.letter.payment: outcome.payment_id for outcome in report.outcomes if outcome.payment_id}
    stories = {letter.payment: letter.story for letter in bag}
    async with PaymentClient(settings=settings) as client:
        return [
            (stories[number], f"order-{number}", to_dict((await client.get(payment_id=ids[number])).payment))
            for number in sorted(ids)
        ]


def _faults(report: Report, heard: list[Event]) -> list[str]:
    """Everything that is not as it must be; empty in a good run."""
    faults = []
    for outcome in report.outcomes:
        forged = outcome.letter.mischief is Mischief.FORGED
        if forged != (outcome.kind == "refused"):
            faults.append(f"{outcome.letter.story.connector} {outcome.letter.step.event_type}: {outcome.kind}")
    for event_id, times in Counter(event.id for event in heard).items():
        if times > 1:
            faults.append(f"event {event_id} came {times} times")
    if len(heard) != report.count("recorded"):
        faults.append(f"{report.count('recorded')} recorded, but {len(heard)} published")
    by_payment = defaultdict(list)
    for event in heard:
        by_payment[event.payment_id].append(event.sequence)
    faults += [f"payment {p}: sequence {s}" for p, s in by_payment.items() if p and s != sorted(set(s))]
    for story, reference, payment in report.payments:
        if payment["status"] != story.ends_as:
            faults.append(f"{story.connector} {reference} ({story.title}) ended as {payment['status']}")
    return faults
