"""What a broker's own client takes to publish, with no orchestrator around it: the floors of the relay.

Each is given the URL, the messages and how many may be in flight; it publishes them with the acknowledgement that the
relay waits for, and returns the seconds on the clock. What it made at the server it takes away again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence

from orchestratorx_prism.brokers import Message

Bare = Callable[[str, Sequence[Message], int], Awaitable[float]]


async def _bare_nats(url: str, messages: Sequence[Message], in_flight: int) -> float:
    import nats

    client = await nats.connect(url)
    jetstream = client.jetstream()
    prefix = f"bare{time.time_ns()}"
    await jetstream.add_stream(name=prefix, subjects=[f"{prefix}.>"])
    began = time.perf_counter()
    for at in range(0, len(messages), in_flight):
        await asyncio.gather(
            *(
                jetstream.publish(
                    f"{prefix}.{one.address}.{one.routing_key}",
                    one.body,
                    headers={**one.headers, "Nats-Msg-Id": one.id},
                )
                for one in messages[at : at + in_flight]
            )
        )
    taken = time.perf_counter() - began
    await jetstream.delete_stream(prefix)
    await client.close()
    return taken


async def _bare_kafka(url: str, messages: Sequence[Message], in_flight: int) -> float:
    from aiokafka import AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    topic, servers = f"bare{time.time_ns()}", url.removeprefix("kafka://")
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, acks="all", enable_idempotence=True, max_batch_size=512 * 1024
    )
    await producer.start()
    await (await producer.send(topic, b"warm up"))
    began = time.perf_counter()
    for at in range(0, len(messages), in_flight):
        sent = [
            await producer.send(
                topic,
                one.body,
                key=one.key.encode(),
                headers=[(name, text.encode()) for name, text in one.headers.items()],
            )
            for one in messages[at : at + in_flight]
        ]
        await asyncio.gather(*sent)
    taken = time.perf_counter() - began
    await producer.stop()
    return taken


async def _bare_redis(url: str, messages: Sequence[Message], in_flight: int) -> float:
    """The server writes through at every acknowledgement (`appendfsync always`), as the one of `scripts/services`."""
    import redis.asyncio

    client = redis.asyncio.from_url(url)
    stream = f"bare{time.time_ns()}"
    await client.ping()
    began = time.perf_counter()
    for at in range(0, len(messages), in_flight):
        pipeline = client.pipeline(transaction=False)
        for one in messages[at : at + in_flight]:
            headers = json.dumps(dict(one.headers))
            pipeline.xadd(
                stream, {"i": one.id, "k": one.key, "r": one.routing_key, "h": headers, "b": one.body}, maxlen=1_000_000
            )
        await pipeline.execute()
    taken = time.perf_counter() - began
    await client.delete(stream)
    await client.aclose()
    return taken


async def _bare_rabbitmq(url: str, messages: Sequence[Message], in_flight: int) -> float:
    """A durable exchange and a stream behind it, persistent, confirmed and mandatory, as the relay publishes."""
    import aio_pika

    connection = await aio_pika.connect(url)
    channel = await connection.channel(publisher_confirms=True)
    name = f"bare{time.time_ns()}"
    exchange = await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC, durable=True)
    queue = await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "stream"})
    await queue.bind(exchange, "#")
    began = time.perf_counter()
    for at in range(0, len(messages), in_flight):
        await asyncio.gather(
            *(
                exchange.publish(
                    aio_pika.Message(
                        one.body,
                        headers=dict(one.headers),
                        message_id=one.id,
                        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                    ),
                    one.routing_key,
                    mandatory=True,
                )
                for one in messages[at : at + in_flight]
            )
        )
    taken = time.perf_counter() - began
    await queue.delete(if_unused=False, if_empty=False)
    await exchange.delete()
    await connection.close()
    return taken


BARE: dict[str, Bare] = {"redis": _bare_redis, "nats": _bare_nats, "kafka": _bare_kafka, "rabbitmq": _bare_rabbitmq}
