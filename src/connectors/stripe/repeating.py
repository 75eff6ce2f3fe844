"""Repeating exchanges with Stripe: within the caller's time, and only where it is safe. I/O is the transport's.

A POST is repeated with its idempotency key only. Source: Stripe API reference, "Idempotent requests"; Stripe docs,
"Advanced error handling": a lost answer, a conflict and a 5xx are repeated with the same key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from connectors.stripe.asking import Ask
from connectors.stripe.refusals import Reply, StripeError, error_of, is_in_use, is_later, refused
from connectors.stripe.requests_payments import Found
from orchestratorx_prism.errors import OutcomeUnknown, ProviderUnavailable

ATTEMPTS: Final = 4
"""At most, each with the same idempotency key."""
FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 4.0
LEAST_TIME_S: Final = 0.05
"""Less is no time for an attempt."""
LATER_S: Final = 1.0
"""When to come back, where Stripe does not say."""


class NoAnswer(Exception):
    """The exchange ended without a usable answer."""

    def __init__(self, what: str, *, sent: bool) -> None:
        super().__init__(what)
        self.what = what
        self.sent = sent
        """Whether a part of the request left this machine: then it may have been carried out."""


class Transport(Protocol):
    """One exchange, not repeated."""

    async def send(self, ask: Ask, timeout_s: float) -> Reply:
        """Every answer that Stripe gave is a `Reply`, whatever its status.

        Raises:
            NoAnswer: Nobody was reached, the connection broke, time ran out, or what came is not Stripe's.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How one exchange ended: with a definite answer, or with none."""

    what: str = ""
    reply: Reply | None = None
    doubtful: bool = False
    """It may have been carried out."""
    repeat: bool = True
    retry_after_s: float | None = None
    reason: str | None = None
    """Of the error that it ends in, if nothing was done."""


class Sending:
    """The exchanges of one call, within its time. Knows whether any of them may have changed something unheard."""

    def __init__(self, transport: Transport, timeout_s: float, jitter: Callable[[], float]) -> None:
        self._transport = transport
        self._jitter = jitter
        self._ends_at_s = time.monotonic() + timeout_s

    async def definite(self, ask: Ask) -> Reply:
        """Stripe's definite answer: a success or a refusal.

        Raises:
            ProviderUnavailable: Stripe certainly did nothing.
            OutcomeUnknown: It may have been carried out.
            ProviderRefused: The credentials are refused.
        """
        doubtful = False
        for attempt in range(1, ATTEMPTS + 1):
            outcome = await self._once(ask)
            doubtful = doubtful or (outcome.doubtful and ask.changes)
            reply = outcome.reply
            if reply is not None:
                if doubtful and reply.status in {401, 403}:
                    break  # says nothing of the attempt before, which it does not repeat
                return reply
            repeatable = bool(ask.key) or not ask.changes or not outcome.doubtful
            pause_s = self._pause_s(attempt, outcome.retry_after_s)
            if not repeatable or not outcome.repeat or attempt == ATTEMPTS or pause_s + LEAST_TIME_S > self._left_s():
                break
            await asyncio.sleep(pause_s)
        raise _end(outcome, doubtful)

    async def found(self, ask: Ask) -> Found:
        """The decoded answer to a step before the operation itself. Nothing was charged by then.

        Raises:
            ProviderRefused: Stripe refused the step.
            ProviderUnavailable: It did not answer.
        """
        try:
            reply = await self.definite(ask)
        except OutcomeUnknown as error:
            raise ProviderUnavailable("Stripe did not answer a step before the operation itself") from error
        if not 200 <= reply.status < 300:
            raise refused(reply)
        try:
            found = msgspec.json.decode(reply.body)
        except (msgspec.DecodeError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ProviderUnavailable("Stripe answered with what cannot be read")
        return found

    async def _once(self, ask: Ask) -> _Outcome:
        left_s = self._left_s()
        if left_s < LEAST_TIME_S:
            return _Outcome("no time was left", repeat=False)
        try:
            reply = await self._transport.send(ask, left_s)
        except NoAnswer as lost:
            return _Outcome(lost.what, doubtful=lost.sent)
        return _Outcome(reply=reply) if reply.status < 400 else _outcome_of_error(reply, error_of(reply))

    def _pause_s(self, attempt: int, retry_after_s: float | None) -> float:
        pause_s = min(FIRST_PAUSE_S * float(2 ** (attempt - 1)), LONGEST_PAUSE_S) * (0.5 + self._jitter() / 2)
        return max(pause_s, retry_after_s or 0.0)

    def _left_s(self) -> float:
        return self._ends_at_s - time.monotonic()


def _outcome_of_error(reply: Reply, error: StripeError) -> _Outcome:
    after_s = _retry_after_s(reply)
    repeat = reply.headers.get("stripe-should-retry") != "false"
    if is_later(reply.status, error):
        reason = "PROVIDER_BUSY" if error.code == "lock_timeout" else "RATE_LIMITED"
        what = f"HTTP {reply.status}, later"
        return _Outcome(what, repeat=repeat, retry_after_s=after_s or LATER_S, reason=reason)
    if is_in_use(reply.status, error):
        return _Outcome("a request with this key is being carried out", doubtful=True, retry_after_s=after_s)
    if reply.status >= 500:
        repeat = repeat and "idempotent-replayed" not in reply.headers  # the key keeps this answer
        return _Outcome(f"HTTP {reply.status}", doubtful=True, repeat=repeat, retry_after_s=after_s)
    return _Outcome(reply=reply)


def _end(outcome: _Outcome, doubtful: bool) -> OutcomeUnknown | ProviderUnavailable:
    if doubtful:
        return OutcomeUnknown(
            f"Stripe's answer was lost ({outcome.what or 'refused credentials after that'})",
            fix="repeat with the same request id; it is asked for by itself, too",
        )
    return ProviderUnavailable(
        f"Stripe did nothing ({outcome.what})", reason=outcome.reason, retry_after_s=outcome.retry_after_s
    )


def _retry_after_s(reply: Reply) -> float | None:
    value = reply.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 6 else None
