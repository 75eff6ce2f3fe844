"""One call's requests: repeated where PayPal's key makes it safe, within the call's time. I/O by the session alone.

What is lost is remembered for the whole call: after a request that may have been carried out nothing may be told as
"certainly nothing happened".
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from connectors.paypal.issues import Problem, read_problem, unknown
from connectors.paypal.request import Request
from connectors.paypal.session import AnswerLost, CredentialsRefused, NotSent, Reply, Session
from connectors.spi.operations import details_of
from orchestratorx_prism.errors import PrismError, ProviderRefused, ProviderUnavailable
from orchestratorx_prism.v1.error_pb2 import Failure, FailureCategory

ATTEMPTS = 3
BACKOFF_S = 0.2
"""Before the first repeat; four times as much before the next. Half of it is chance."""
LATER_S = 5.0
"""When to come again where PayPal does not say."""
_TOO_MANY = 429


class Exchange:
    """The requests of one call."""

    def __init__(self, session: Session, timeout_s: float) -> None:
        self._session = session
        self._deadline_s = time.monotonic() + timeout_s
        self.lost = False
        """Whether a request that changes something may have been carried out, and its answer is not known."""
        self.repeated = False
        """Whether one was lost at any time: what is refused then may have been done by it."""
        self.under_way = False
        """Whether one is out just now."""
        self.changed = False
        """Whether one was sent at all."""

    async def ask(self, request: Request) -> Reply:
        """Sends a request; again while it may be repeated and its answer is lost. A refusal is an answer, too.

        Raises:
            ProviderUnavailable: PayPal did nothing in this call.
            OutcomeUnknown: It may have.
            ProviderRefused: It refused the credentials.
        """
        why = "PayPal did not answer"
        for attempt in range(ATTEMPTS if request.repeatable else 1):
            if attempt:
                await asyncio.sleep(BACKOFF_S * 4 ** (attempt - 1) * (1 + random.random()) / 2)  # noqa: S311 (jitter)
            try:
                reply = await self._once(request, attempt)
            except CredentialsRefused as error:
                raise self._credentials_refused(error) from error
            except NotSent as error:
                why, self.under_way = error.message, False
                continue
            except AnswerLost as error:
                why = error.message
                self._may_be_done(request)
                continue
            if reply.status >= 500 or reply.status == 408:
                why = _described(reply)
                self._may_be_done(request)
                continue
            if reply.status == _TOO_MANY:
                raise self.unavailable("PayPal says that there are too many requests", _retry_after(reply))
            if reply.status >= 400 and problem_of(reply).in_progress:
                # Ours: nobody else has the key. What becomes of it is not known yet.
                why = _described(reply)
                self._may_be_done(request)
                continue
            if request.method != "GET":
                self.lost = False  # the last word on what was repeated
            return reply
        raise self.unavailable(why)

    def unavailable(self, why: str, retry_after_s: float | None = None) -> PrismError:
        """That there is no answer: certainly nothing done, or not known."""
        if self.lost:
            return unknown(why)
        return ProviderUnavailable(why, retry_after_s=retry_after_s or LATER_S, fix="nothing was done; repeat the call")

    async def _once(self, request: Request, attempt: int) -> Reply:
        left_s = self._deadline_s - time.monotonic()
        # The first attempts leave time for another.
        limit_s = left_s if attempt == ATTEMPTS - 1 or not request.repeatable else left_s / 2
        if limit_s <= 0:
            raise NotSent("the call's time is over")
        self.under_way = request.method != "GET"
        self.changed = self.changed or self.under_way
        reply = await self._session.ask(
            request.method, request.path, request.headers, request.content, timeout_s=limit_s
        )
        self.under_way = False
        return reply

    def _may_be_done(self, request: Request) -> None:
        self.under_way = False
        if request.method != "GET":
            self.lost = self.repeated = True

    def _credentials_refused(self, error: CredentialsRefused) -> PrismError:
        if self.lost:
            return unknown(error.message)
        failure = Failure(
            code="credentials_refused",
            category=FailureCategory.FAILURE_CATEGORY_CREDENTIALS,
            provider_message=error.message,
        )
        return ProviderRefused(error.message, fix=error.fix, metadata=details_of(failure))


def problem_of(reply: Reply) -> Problem:
    """The error in an answer of 400 and above."""
    return read_problem(reply.status, reply.body, reply.headers.get("paypal-debug-id", ""))


def _described(reply: Reply) -> str:
    problem = problem_of(reply)
    return f"PayPal answered {reply.status} {problem.code}" + (f" ({problem.debug_id})" if problem.debug_id else "")


def _retry_after(reply: Reply) -> float | None:
    said: Any = reply.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdigit() and len(said) < 6 else None
