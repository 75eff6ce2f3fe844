"""One broker's connections to the cluster: a producer, and a client that asks questions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

from aiokafka import AIOKafkaClient, AIOKafkaProducer, TopicPartition
from aiokafka.client import CoordinationType
from aiokafka.errors import (
    BrokerResponseError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaConnectionError,
    NotCoordinatorForGroupError,
    RequestTimedOutError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.metadata import MetadataRequest

from orchestratorx_prism.brokers.kafka_connection import (
    CLIENT_ERRORS,
    RETRY_EVERY_MS,
    ended,
    options_of,
    translated,
    unavailable,
)
from orchestratorx_prism.brokers.settings import BrokerSettings

_log = logging.getLogger(__name__)

BATCH_BYTES = 512 * 1024
"""Of one batch to one partition; a single larger message goes alone. Servers take 1 MiB by default."""
_COMING = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError)
"""Said while a group moves to another server, or the cluster makes the topic that groups are kept in."""
_REQUEST_BYTES = 64 * 1024 * 1024


class Link:
    """Connects when asked, and anew when what it has is of no use any more. Every call is bounded in time."""

    def __init__(self, settings: BrokerSettings) -> None:
        self.settings = settings
        self.options = options_of(settings) | {"request_timeout_ms": int(settings.publish_timeout_s * 1000)}
        self._producer: Any = None
        self._client: Any = None
        self._opening = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def producer(self) -> Any:
        """An idempotent producer, started. Raises BrokerUnavailable."""
        if self._producer is None:
            async with self._opening:
                if self._producer is None:
                    self._producer = await self._started(
                        AIOKafkaProducer(
                            **self.options,
                            acks="all",
                            enable_idempotence=True,
                            max_batch_size=BATCH_BYTES,
                            max_request_size=_REQUEST_BYTES,
                        )
                    )
        return self._producer

    def retire(self, producer: Any, *, at_once: bool) -> None:
        """Something of it failed: the next call gets another. A batch that was refused leaves a gap in its sequence.

        `at_once`: what it has not sent is never sent. aiokafka tries for ever to send what an idempotent producer has
        taken; but its sender was told that it failed, and will send it again. Otherwise that is waited for.
        """
        if self._producer is producer:
            self._producer = None
            self._end(_give_up(producer) if at_once else _drained(producer, self.settings.publish_timeout_s))

    async def ask(self, request: Any, *, node_id: int | None = None) -> Any:
        """The answer of this server, or of the first that gives one. Raises BrokerUnavailable."""

        async def of_any(client: Any) -> Any:
            nodes = [broker.nodeId for broker in client.cluster.brokers()]
            random.shuffle(nodes)
            failure: BaseException = KafkaConnectionError("no server is known")
            for node in nodes if node_id is None else [node_id]:
                try:
                    return await client.send(node, request)
                except CLIENT_ERRORS as error:
                    failure = error
            raise failure

        return await self._call(of_any)

    async def topics(self, names: Collection[str]) -> dict[str, int]:
        """Those of the topics that are there, and how many partitions each has. Raises BrokerUnavailable.

        With no names it asks whether the cluster answers, and nothing more.
        """
        answer = (await self.ask(MetadataRequest(list(names), allow_auto_topic_creation=False))).to_object()
        return {one["topic"]: len(one["partitions"]) for one in answer["topics"] if not one["error_code"]}

    async def nodes(self) -> list[int]:
        """Ids of the cluster's servers. Raises BrokerUnavailable."""
        answer = (await self.ask(MetadataRequest([], allow_auto_topic_creation=False))).to_object()
        return [one["node_id"] for one in answer["brokers"]]

    async def ask_coordinator(self, group: str, request: Any, codes: Callable[[Any], Iterable[int]]) -> Any:
        """The answer of the server that keeps the group; one that is about to is waited for. Raises BrokerUnavailable.

        Args:
            codes: The error codes in an answer.
        """

        async def asked(client: Any) -> Any:
            while True:
                try:
                    node_id = await client.coordinator_lookup(CoordinationType.GROUP, group)
                    answer = await client.send(node_id, request)
                    for code in filter(None, codes(answer)):
                        raise for_code(code)
                    return answer
                except _COMING:
                    await asyncio.sleep(RETRY_EVERY_MS / 1000)

        return await self._call(asked)

    async def committed(self, group: str, partitions: Collection[Any] | None) -> dict[Any, tuple[int, str]]:
        """The group's offsets and notes, of those partitions that have one; None: of all. Raises BrokerUnavailable.

        aiokafka's own consumer does not look at the answer's error code, and takes "the group is being loaded" for
        "the group has no offset".
        """
        wanted: dict[str, list[int]] = {}
        for one in partitions or ():
            wanted.setdefault(one.topic, []).append(one.partition)
        request = OffsetFetchRequest(group, None if partitions is None else list(wanted.items()))

        def codes(answer: Any) -> list[int]:
            inner = [code for _, entries in answer.topics for _, _, _, code in entries]
            return [getattr(answer, "error_code", 0), *inner]

        answer = await self.ask_coordinator(group, request, codes)
        found = {TopicPartition(topic, entry[0]): entry for topic, entries in answer.topics for entry in entries}
        if not frozenset(partitions or ()) <= found.keys():
            raise unavailable("the group's offsets are not all in the answer")
        return {one: (offset, note) for one, (_, offset, note, _) in found.items() if offset >= 0}

    async def close(self) -> None:
        """What the producer has taken was awaited before, or is given up."""
        self._closed = True
        producer, self._producer = self._producer, None
        if producer is not None:
            self._end(_give_up(producer))
        client, self._client = self._client, None
        if client is not None:
            self._end(client.close())
        if self._ending:
            await asyncio.wait(self._ending)

    async def _call(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    self._client = await self._started(AIOKafkaClient(**self.options))
        client = self._client
        try:
            async with asyncio.timeout(self.settings.publish_timeout_s):
                return await ask(client)
        except CLIENT_ERRORS as error:
            # The servers may have other addresses now: the next call begins at those of the URL again.
            answered = isinstance(error, BrokerResponseError) and not isinstance(error, RequestTimedOutError)
            if self._client is client and not answered:
                self._client = None
                self._end(client.close())
            raise translated(error) from error

    async def _started(self, client: Any) -> Any:
        """Starts a client or a producer. Every server of the URL is tried once."""
        if self._closed:
            raise unavailable("the broker was closed here")
        begin = getattr(client, "bootstrap", None) or client.start
        end = getattr(client, "stop", None) or client.close
        try:
            async with asyncio.timeout((1 + len(self.settings.servers)) * self.settings.publish_timeout_s):
                await begin()
        except CLIENT_ERRORS as error:
            await end()
            raise unavailable(
                f"cannot connect to {self.settings.address}: {translated(error).message.removeprefix('kafka: ')}",
                fix="see that a server answers there, and takes this user and encryption",
            ) from error
        except BaseException:
            await end()
            raise
        return client

    def _end(self, closing: Awaitable[None]) -> None:
        task = asyncio.ensure_future(ended(closing, 2 * self.settings.publish_timeout_s))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _drained(producer: Any, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await producer.flush()
    except CLIENT_ERRORS as error:
        _log.info("kafka: a producer that was replaced could not send all it had: %s", type(error).__name__)
    await _give_up(producer)


async def _give_up(producer: Any) -> None:
    """Stops sending at once; what is on its way gets its answer, or none.

    aiokafka has no public way to throw away what a producer has taken: `stop` would wait for ever until it is sent. A
    conformance test notices if these names move.
    """
    accumulator, sender = producer._message_accumulator, producer._sender.sender_task
    sender.cancel()
    await asyncio.wait([sender])
    waiting = [batch for batches in accumulator._batches.values() for batch in batches]
    # A batch that is to be sent again is not among the pending ones, from where aiokafka removes it when it fails.
    accumulator._pending_batches.update(waiting)
    accumulator.fail_all(KafkaConnectionError("given up"))
    for batch in waiting:
        # Nobody waits for these; an exception that nobody looks at is reported by asyncio.
        with contextlib.suppress(asyncio.InvalidStateError):
            batch._drain_waiter.exception()
    await producer.stop()
