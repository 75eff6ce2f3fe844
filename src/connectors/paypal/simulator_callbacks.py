"""The simulator's webhooks: signed, delayed, lost or sent twice as the options say."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime

from connectors.paypal.samples import envelope
from connectors.paypal.simulator import signed
from connectors.paypal.simulator_world import Object
from connectors.spi import SampleWebhook
from connectors.spi.simulating import SimulatorOptions


class Callbacks:
    """Sends webhooks in the background, each in its own time."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._chance = random.Random(options.seed)  # noqa: S311 (tests want to repeat it)
        self._sent = 0
        self._under_way: set[asyncio.Task[None]] = set()
        self.events: list[Object] = []
        """Everything that happened, in order, sent or lost."""

    def emit(self, event_type: str, resource_type: str, version: str, resource: Object) -> None:
        """Sends one webhook about the resource as it is now."""
        options = self._options
        self._sent += 1
        lost = self._chance.random() < options.lost_callbacks
        times = 2 if self._chance.random() < options.duplicate_callbacks else 1
        now_s = options.now_s()
        event_id = f"WH-{options.seed:08d}{self._sent:09d}-{self._sent:017d}"
        time = datetime.fromtimestamp(now_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = envelope(event_id, event_type, resource_type, version, time, public(resource))
        self.events.append(event)
        if options.deliver is None or lost:
            return
        webhook = signed(event, options.webhook_secret, int(now_s))
        for _ in range(times):
            task = asyncio.create_task(self._deliver(webhook))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def drain(self) -> None:
        """Waits until all that is due was sent."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    async def _deliver(self, webhook: SampleWebhook) -> None:
        if self._options.callback_delay_s:
            await asyncio.sleep(self._options.callback_delay_s)
        if self._options.deliver is not None:
            await self._options.deliver(webhook)


def public(value: Object) -> Object:
    """A copy of an object without what the simulator keeps for itself: names that begin with an underscore."""
    return {name: _public(inner) for name, inner in value.items() if not name.startswith("_")}


def _public(value: object) -> object:
    if isinstance(value, dict):
        return public(value)
    return [_public(inner) for inner in value] if isinstance(value, list) else value
