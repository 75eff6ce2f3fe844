"""Carrying out operations at Daraja. The HTTP itself is in `session.py`.

What is never done: to send a push or a reversal a second time once it may have been received. M-Pesa has no
idempotency key for them, and asking a payer twice takes money twice. A payout may be repeated, for M-Pesa refuses to
see an OriginatorConversationID again. Questions may be repeated.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

from connectors.mpesa import answers, pulls, requests
from connectors.mpesa.account import Account, read_account, stk_question
from connectors.mpesa.confirming import QUERY_PATH
from connectors.mpesa.notices import Notice
from connectors.mpesa.refusals import check_answer, credentials_refused, is_being_processed, unknown
from connectors.mpesa.requests import Draft
from connectors.mpesa.session import Answered, NoAnswer, Session, TokenRefused
from connectors.spi import Capability, Environment, NotSupported, PayloadRejected, ProviderUnavailable
from connectors.spi.operations import REQUEST, Answer, Call
from orchestratorx_prism.errors import OutcomeUnknown, PrismError, ProviderRefused, RequestRejected
from orchestratorx_prism.v1.event_pb2 import Event

CAPABILITIES: Final = frozenset(
    {Capability.AUTHORIZE, Capability.REFRESH_PAYMENT, Capability.REFUND, Capability.CREATE_PAYOUT}
)
"""What `call` can do."""

_PAUSES_S: Final = (0.2, 1.0)
"""Before each repeat, give or take half of it. Seconds."""


def make_client(config: Mapping[str, str], environment: Environment.ValueType) -> DarajaClient:
    """The client of one merchant.

    Raises:
        SettingsRejected: A credential or the callback address is missing or cannot be used.
    """
    return DarajaClient(config, environment)


class DarajaClient:
    """See `connectors.spi.operations.Client`. Belongs to one event loop."""

    def __init__(
        self,
        config: Mapping[str, str],
        environment: Environment.ValueType,
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._account: Account = read_account(config)
        self._session = Session(config, environment, now_s)
        self._now_s = now_s
        self._registered = False
        self._operations: Mapping[Capability, Callable[[Call], Awaitable[Answer]]] = {
            Capability.AUTHORIZE: self._authorize,
            Capability.REFRESH_PAYMENT: self._refresh,
            Capability.REFUND: self._refund,
            Capability.CREATE_PAYOUT: self._pay_out,
        }

    @property
    def account(self) -> str:
        """The shortcode."""
        return self._account.shortcode

    async def call(self, call: Call) -> Answer:
        """Carries out one operation; see `connectors.spi.operations.Client.call` for what is raised."""
        operation = self._operations.get(call.capability)
        if operation is None:
            raise NotSupported(f"M-Pesa has no {call.capability}")
        return await operation(call)

    async def resolve(self, call: Call) -> Answer | None:
        """What became of a call whose answer was lost, as far as M-Pesa tells at once.

        A push is asked about by its CheckoutRequestID. A push whose answer was lost has none; it is looked for among
        the transactions that M-Pesa lists, if MPESA_PULL_NUMBER is set. That it is not there proves nothing. A payout
        is asked about by our key, and M-Pesa answers by a callback. A reversal cannot be asked about; its callback
        names the payment.
        """
        try:
            return await self._resolve(call)
        except ProviderRefused as refused:
            # Only our question was refused: that says nothing of the call, and must not be taken for its end.
            raise ProviderUnavailable(
                f"M-Pesa refused a question about a request: {refused.message}", fix=refused.fix
            ) from refused

    async def aclose(self) -> None:
        """Closes connections."""
        await self._session.aclose()

    async def _resolve(self, call: Call) -> Answer | None:
        match call.capability:
            case Capability.AUTHORIZE if requests.checkouts_of(call.payment):
                answer = await self._refresh(call)
                for event in answer.events:
                    event.references.add(kind=REQUEST, value=call.key)
                return answer if answer.events else None
            case Capability.AUTHORIZE if self._account.pull_number:
                return await self._look_for(call)
            case Capability.REFRESH_PAYMENT:
                return await self._refresh(call)
            case Capability.CREATE_PAYOUT:
                await self._ask(requests.status_of_payout(call, self._account), call.timeout_s)
                return None
            case _:
                return None

    async def _authorize(self, call: Call) -> Answer:
        answer = await self._once(requests.push(call, self._account, self._now_s()), call.timeout_s)
        return answers.pushed(call, answer.body, self._account)

    async def _refund(self, call: Call) -> Answer:
        answer = await self._once(requests.reversal(call, self._account), call.timeout_s)
        return answers.reversal_accepted(call, answer.body, self._account)

    async def _pay_out(self, call: Call) -> Answer:
        answer = await self._repeating(requests.payout(call, self._account), call.timeout_s)
        return answers.payout_accepted(call, answer.body, self._account)

    async def _refresh(self, call: Call) -> Answer:
        """How the payment's pushes ended; no event for one that is being processed."""
        checkouts = requests.checkouts_of(call.payment)
        if not checkouts:
            raise RequestRejected(
                "M-Pesa can be asked at once about STK pushes only, and this payment has none that is known",
                fix="wait for M-Pesa's callback, or reconcile",
                metadata={"field": "payment_id"},
            )
        events: list[Event] = []
        body = b""
        for checkout in checkouts:
            question = stk_question(self._account.shortcode, self._account.passkey, self._now_s(), checkout)
            answer = await self._ask(Draft(QUERY_PATH, question), call.timeout_s / len(checkouts))
            if answer is None:
                continue
            body = answer.body
            try:
                events.append(answers.queried(call, checkout, body, self._account))
            except PayloadRejected as error:
                raise ProviderUnavailable(f"M-Pesa's answer to an STK query: {error.message}") from error
        return Answer(events=events, body=body)

    async def _look_for(self, call: Call) -> Answer | None:
        """A push whose answer was lost, found by what it asked for among what was paid since."""
        ends_s = time.monotonic() + call.timeout_s
        span = pulls.span_of(call, self._now_s())
        if span is None:
            return None
        if not self._registered:
            # Whether a second registration is refused is not documented; whether one is needed, the list itself tells.
            with suppress(ProviderRefused, ProviderUnavailable):
                await self._ask(pulls.registration(call, self._account), call.timeout_s / 2)
                self._registered = True
        notices: list[Notice] = []
        for _ in range(pulls.MOST_PAGES):
            draft = pulls.page(self._account, span, len(notices))
            answer = await self._ask(draft, ends_s - time.monotonic())
            found = pulls.transactions(answer.body) if answer is not None else []
            if not found:
                return pulls.match(call, notices, self._account)
            notices += found
        return None  # so many that one of the same reference and amount may be among those not read

    async def _ask(self, draft: Draft, timeout_s: float) -> Answered | None:
        """The answer to a question, which changes nothing; None where it is that the push is being processed."""
        ends_s = time.monotonic() + timeout_s
        for pause_s in (*_PAUSES_S, None):
            try:
                answer = await self._post(draft, ends_s - time.monotonic())
                if is_being_processed(answer):
                    return None
                check_answer(answer)
            except (NoAnswer, OutcomeUnknown) as error:
                if not _time_for(pause_s, ends_s):
                    raise ProviderUnavailable("M-Pesa did not answer a question") from error
            else:
                return answer
            await _pause(pause_s)
        raise AssertionError("the last attempt has no pause, and so ends here")

    async def _once(self, draft: Draft, timeout_s: float) -> Answered:
        """An answer that says the request was taken."""
        try:
            answer = await self._post(draft, timeout_s)
        except NoAnswer as error:
            raise unknown(error.message) from error
        check_answer(answer)
        return answer

    async def _repeating(self, draft: Draft, timeout_s: float) -> Answered:
        """Like `_once`, and again while the outcome is unknown. The request must carry an id that M-Pesa keeps unique.

        Once an attempt may have been received, a refusal of a later one says nothing of the first.
        """
        ends_s = time.monotonic() + timeout_s
        lost: OutcomeUnknown | None = None
        for pause_s in (*_PAUSES_S, None):
            try:
                return await self._once(draft, ends_s - time.monotonic())
            except OutcomeUnknown as error:
                lost = error
            except PrismError:
                if lost is None:
                    raise
            if lost is not None and not _time_for(pause_s, ends_s):
                raise lost
            await _pause(pause_s)
        raise AssertionError("the last attempt has no pause, and so ends here")

    async def _post(self, draft: Draft, timeout_s: float) -> Answered:
        try:
            return await self._session.request(draft.path, draft.body, timeout_s, draft.method)
        except TokenRefused as error:
            raise credentials_refused(error.message) from error


def _time_for(pause_s: float | None, ends_s: float) -> bool:
    """Whether there is time for the pause and an attempt after it."""
    return pause_s is not None and time.monotonic() + 3 * pause_s < ends_s


async def _pause(pause_s: float | None) -> None:
    await asyncio.sleep((pause_s or 0.0) * random.uniform(0.5, 1.5))  # noqa: S311 - spreads repeats
