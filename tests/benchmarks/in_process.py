"""The codec and the embedded client, beside the cost of hashing the same body."""

from __future__ import annotations

import asyncio
import hmac
import time

from bodies import SECRET, webhooks
from measuring import Result, cpu_us

from connectors.spi import Context, Environment, Material, Webhook
from orchestrator.plugins import connector_named
from orchestratorx_prism import EventClient

FLOOR = "hmac.digest of the body"


def hash_floor_us() -> float:
    """CPU microseconds of `hmac.digest` over the body."""
    body, key = webhooks(1)[0].body, SECRET.encode()
    return cpu_us(lambda: hmac.digest(key, body, "sha256"), times=20_000)


def codec(floor_us: float) -> Result:
    """verify + normalize + serialize."""
    label = connector_named("stripe")
    made = webhooks(1)[0]
    webhook = Webhook(made.body, {name.lower(): value for name, value in made.headers.items()})
    material = Material(secrets=(SECRET,))
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, time.time_ns())
    now_s = int(time.time())

    def work() -> None:
        opened = label.open(webhook, material, now_s)
        for event in label.normalize(opened.parsed, context, made.body):
            event.verification.CopyFrom(opened.verification)
            event.SerializeToString()

    name = f"verify + normalize + serialize, {len(made.body)} bytes"
    return Result(name, cpu_us(work, times=5_000), FLOOR, floor_us, limit_us=25, limit_ratio=9)


def embedded(floor_us: float) -> Result:
    """`await EventClient(connector="stripe").handle_event(…)`, each webhook new."""
    count, rounds = 4_000, 5
    made = webhooks(count * rounds)

    async def run() -> list[float]:
        taken = []
        async with EventClient(connector="stripe") as client:
            for number in range(rounds):
                requests = [
                    {"payload": one.body, "headers": dict(one.headers), "webhook_secret": SECRET}
                    for one in made[number * count : (number + 1) * count]
                ]
                began = time.process_time()
                for request in requests:
                    await client.handle_event(request)
                taken.append((time.process_time() - began) / count * 1e6)
        return taken

    us = sorted(asyncio.run(run()))[rounds // 2]
    return Result("embedded handle_event", us, FLOOR, floor_us, limit_us=45, limit_ratio=16)
