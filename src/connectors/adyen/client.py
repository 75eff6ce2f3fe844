"""Carries out operations at Adyen. With `exchange.py`, which it alone uses, the only I/O of this folder.

The official SDK blocks, so each attempt runs on a thread of a bounded pool. Adyen makes repeats safe for every POST:
the same idempotency key is never carried out twice (keys live for seven days at least). So an attempt without an answer
is repeated, and a lost answer is asked for by sending the same request again, which is Adyen's own advice: there is no
other way to look a payment up.

Source: Adyen docs, "API idempotency".
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from connectors.adyen.endpoints import Endpoints, read_endpoints
from connectors.adyen.exchange import Exchange, Pool, Trouble
from connectors.adyen.operations import ANSWER, GONE_IS_DONE, PREPARE
from connectors.adyen.prepared import Endpoint, Prepared
from connectors.adyen.replies import IN_PROGRESS, Reply, error_code, error_of, lost, may_repeat
from connectors.adyen.requests import as_before
from connectors.spi import Environment
from connectors.spi.operations import Answer, Call
from orchestratorx_prism.errors import (
    NotSupported,
    OutcomeUnknown,
    PayloadRejected,
    ProviderUnavailable,
    RequestRejected,
)

ATTEMPTS: Final = 3
PAUSE_S: Final = 0.2
"""Before the second attempt, about; twice that before the third."""
THREADS: Final = 32
"""Calls to Adyen at once, for one merchant; more wait for their turn, within their own time."""
GRACE_S: Final = 0.5
"""How much longer than its deadline a thread is waited for."""
KEY_LIFE_S: Final = 6 * 24 * 3_600.0
"""How old a request may be to be repeated with its key: a day less than what Adyen promises."""
_NS: Final = 1_000_000_000

_NOT_SENT_FIX: Final = "nothing was sent, or Adyen said later; call again"


def make_client(config: Mapping[str, str], environment: Environment.ValueType) -> AdyenOperations:
    """The operations of one merchant.

    Raises:
        SettingsRejected: A credential is missing or malformed; in production, the live prefix too.
    """
    return AdyenOperations(read_endpoints(config, environment))


@dataclass(frozen=True, slots=True)
class _Ending:
    """How the attempts ended."""

    outcome: Reply | Trouble
    lost_before: bool
    """An earlier attempt may have been carried out."""


class AdyenOperations:
    """See `connectors.spi.operations.Client`. Belongs to one event loop."""

    def __init__(self, endpoints: Endpoints, *, now_s: Callable[[], float] = time.time) -> None:
        self._endpoints = endpoints
        self._now_s = now_s
        self._connections = Pool(THREADS)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="adyen")
        self._chance = random.Random()  # noqa: S311 - spreads repeats

    @property
    def account(self) -> str:
        """The merchant account."""
        return self._endpoints.merchant_account

    async def call(self, call: Call) -> Answer:
        """See the protocol. An answer that says "in progress" is an unknown outcome: somebody's request is under way.

        Raises:
            RequestRejected, ProviderRefused, ProviderUnavailable, OutcomeUnknown: As the protocol says.
            NotSupported: The operation is not declared.
        """
        prepared = self._prepare(call)
        try:
            return await self._carried_out(call, prepared)
        except OutcomeUnknown as error:
            if prepared.endpoint is not Endpoint.LIST_STORED:
                raise
            raise ProviderUnavailable(error.message, fix="nothing was to be changed; call again") from None

    async def _carried_out(self, call: Call, prepared: Prepared) -> Answer:
        ending = await self._attempts(call, prepared)
        reply = ending.outcome
        if reply is Trouble.LOST:
            raise lost("Adyen's answer was lost")
        if reply is Trouble.NOT_SENT:
            if ending.lost_before:
                raise lost("Adyen's answer was lost")
            raise ProviderUnavailable("Adyen could not be reached", fix=_NOT_SENT_FIX)
        if not (reply.done or (ending.lost_before and _is_gone(call, reply))):
            error = error_of(reply)
            # Credentials and limits are checked before a key is looked up: they say nothing of an earlier attempt.
            early = isinstance(error, ProviderUnavailable) or reply.status in {401, 403}
            raise lost("Adyen's answer was lost") if ending.lost_before and early else error
        return self._answer(call, reply)

    async def resolve(self, call: Call) -> Answer | None:
        """Sends the same request with the same key, while the key is known to live. Adyen carries it out once.

        `call.context.received_at_ns` is the time at which the call was first made. Where the request was made of the
        payment's totals, which may have moved since, it is also sent as it was before that.

        Raises:
            ProviderRefused: Adyen refused the call.
            ProviderUnavailable: Adyen does not answer now.
        """
        if self._now_s() - call.context.received_at_ns / _NS > KEY_LIFE_S:
            return None
        answer, found = await self._ask_again(call)
        before = None if found else as_before(call)
        return answer if before is None else (await self._ask_again(before))[0]

    async def _ask_again(self, call: Call) -> tuple[Answer | None, bool]:
        """(the answer or None, whether this can be the request that was sent)."""
        try:
            prepared = self._prepare(call)
        except RequestRejected:
            return None, False
        ending = await self._attempts(call, prepared)
        reply = ending.outcome
        if reply is Trouble.NOT_SENT:
            raise ProviderUnavailable("Adyen could not be reached", fix=_NOT_SENT_FIX)
        if reply is Trouble.LOST:
            return None, True
        if reply.done or _is_gone(call, reply):
            return self._resolved(call, reply), True
        if reply.status in {401, 403}:
            raise ProviderUnavailable("Adyen refused the credentials", fix=error_of(reply).fix)
        error = error_of(reply)
        if isinstance(error, OutcomeUnknown):
            return None, reply.transient or error_code(reply) != IN_PROGRESS
        raise error

    async def aclose(self) -> None:
        """Waits for calls under way, then closes connections."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        self._connections.close()

    def _prepare(self, call: Call) -> Prepared:
        prepare = PREPARE.get(call.capability)
        if prepare is None:
            raise NotSupported(f"adyen does not do {call.capability}")
        try:
            return prepare(call, self._endpoints)
        except PayloadRejected as error:  # an unknown currency
            raise RequestRejected(error.message, reason=error.reason, metadata={"field": "amount"}) from None

    def _answer(self, call: Call, reply: Reply) -> Answer:
        try:
            return ANSWER[call.capability](call, reply, self._endpoints)
        except PayloadRejected as error:
            raise lost(f"Adyen's answer cannot be read: {error.message}") from None

    def _resolved(self, call: Call, reply: Reply) -> Answer | None:
        try:
            return self._answer(call, reply)
        except OutcomeUnknown:
            return None

    async def _attempts(self, call: Call, prepared: Prepared) -> _Ending:
        """Sends until there is an answer, time is over, or it was tried often enough."""
        deadline_s = time.monotonic() + call.timeout_s
        pause_s, lost_before = PAUSE_S, False
        for attempt in range(1, ATTEMPTS + 1):
            outcome = await self._attempt(call, prepared, deadline_s)
            if isinstance(outcome, Reply) and not may_repeat(outcome):
                break
            wait_s = pause_s * self._chance.uniform(0.5, 1.0)
            if attempt == ATTEMPTS or time.monotonic() + wait_s >= deadline_s:
                break
            lost_before = lost_before or outcome is not Trouble.NOT_SENT
            await asyncio.sleep(wait_s)
            pause_s *= 2
        return _Ending(outcome, lost_before)

    async def _attempt(self, call: Call, prepared: Prepared, deadline_s: float) -> Reply | Trouble:
        exchange = Exchange(self._connections, self._endpoints, prepared, key=call.key, deadline_s=deadline_s)
        running = asyncio.get_running_loop().run_in_executor(self._threads, exchange.run)
        try:
            async with asyncio.timeout(max(deadline_s - time.monotonic(), 0.0) + GRACE_S):
                await running
        except TimeoutError:
            exchange.abandoned = True  # before `started` is read: the thread sets the one, then reads the other
            return Trouble.LOST if exchange.started else Trouble.NOT_SENT
        finally:
            exchange.abandoned = True
        return exchange.outcome


def _is_gone(call: Call, reply: Reply) -> bool:
    """Whether a repeat does not find what an earlier attempt was to remove."""
    return call.capability in GONE_IS_DONE and reply.status in {404, 422}
