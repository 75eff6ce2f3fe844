"""Every operation that a connector declares: carried out, refused, and with an answer that never comes.

The cases come from the labels: a capability that is declared and has no good request here fails, and so does one whose
bad request is taken.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from every_operation import GOOD, Counter, refused
from provider_desk import desk_of

from connectors.spi import Capability
from connectors.spi.simulating import App, Receive, Scope, Send
from connectors.stripe import repeating
from orchestrator.plugins import installed_connectors
from orchestrator.services.operations.specs import ASKING, CHANGING
from orchestratorx_prism.errors import Internal, OutcomeUnknown, PrismError, Unavailable

NEEDS_NO_ANSWER = {("stripe", Capability.CONFIRM_REDIRECT)}
"""Stripe keeps what the payer did: it is read, and what is read can be read again."""


def declared() -> Iterator[tuple[str, Capability]]:
    for name, label in sorted(installed_connectors().items()):
        for capability in (*CHANGING, *ASKING):
            if capability in label.capabilities:
                yield name, capability


every_operation = pytest.mark.parametrize(
    ("connector", "capability"), [pytest.param(*pair, id="-".join(pair)) for pair in declared()]
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe is tried several times with pauses that make every lost answer two seconds long."""
    monkeypatch.setattr(repeating, "FIRST_PAUSE_S", 0.01)


class Silence:
    """A provider that does what it is asked, and whose answers are lost on the way, from a certain one on."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers_left = 1_000_000

    def after(self, answers: int) -> None:
        """So many answers still come."""
        self.asked, self.answers_left = 0, answers

    def around(self, app: App) -> App:
        async def silent(scope: Scope, receive: Receive, send: Send) -> None:
            self.asked += 1
            self.answers_left -= 1
            if self.answers_left >= 0:
                await app(scope, receive, send)
                return

            async def nowhere(_message: Any) -> None:
                """Nobody gets it."""

            await app(scope, receive, nowhere)
            # An answer that ends before it is whole: the connection is closed.
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1024")]})
            await send({"type": "http.response.body", "body": b"", "more_body": True})

        return silent


@asynccontextmanager
async def counter_of(connector: str, silence: Silence) -> AsyncIterator[Counter]:
    async with desk_of(connector, watch=silence.around) as desk:
        await desk.application.start()
        yield Counter(desk)


async def outcome_of(counter: Counter, capability: Capability, fields: dict[str, Any], request_id: str = "") -> Any:
    """The answer, or the error that is said."""
    try:
        return await counter.ask(capability, fields, request_id)
    except PrismError as error:
        return error


def test_each_connector_that_has_operations_is_tried() -> None:
    assert {connector for connector, _ in declared()} == set(GOOD)


@every_operation
async def test_a_good_request_is_carried_out(connector: str, capability: Capability) -> None:
    async with counter_of(connector, Silence()) as counter:
        done = await outcome_of(counter, capability, await counter.good(capability))
        assert not refused(done), done


@every_operation
async def test_a_bad_request_is_refused_in_words_of_its_own(connector: str, capability: Capability) -> None:
    async with counter_of(connector, Silence()) as counter:
        fields = await counter.good(capability)
        await outcome_of(counter, capability, fields)
        no = await outcome_of(counter, capability, await counter.bad(capability, fields))
        assert refused(no), no
        if isinstance(no, PrismError):
            assert not isinstance(no, Internal | OutcomeUnknown | Unavailable), repr(no)
            assert no.fix
        else:
            subject = next(getattr(no, name) for name in ("payment", "mandate", "payment_method") if hasattr(no, name))
            assert subject.failure.category, subject


@every_operation
async def test_a_lost_answer_is_an_unknown_outcome_and_nothing_is_done_twice(
    connector: str, capability: Capability
) -> None:
    silence = Silence()
    outcomes: list[Any] = []
    async with counter_of(connector, silence) as counter:
        fields = await counter.good(capability)
        silence.after(1_000)
        await outcome_of(counter, capability, fields)
        steps = silence.asked
        assert steps, "the provider was not asked"
        for step in range(steps):
            silence.after(1_000)
            fields, request_id = await counter.good(capability), counter.name()
            silence.after(step)
            lost = await outcome_of(counter, capability, fields, request_id)
            if silence.asked <= step:
                continue  # the first time, something was fetched besides that is kept: an access token
            silence.after(1_000)
            outcomes.append(lost)
            # Or it was done already, and what was lost is a look at it.
            assert isinstance(lost, OutcomeUnknown | Unavailable) or (step and not refused(lost)), repr(lost)
            before = len(counter.desk.simulator.truths())
            after = await outcome_of(counter, capability, fields, request_id)
            assert not isinstance(after, Internal), repr(after)
            if isinstance(lost, OutcomeUnknown):
                # The answer as it was found out meanwhile, or that it is not known yet: never a second time.
                assert len(counter.desk.simulator.truths()) == before
    if capability in CHANGING and (connector, capability) not in NEEDS_NO_ANSWER:
        assert any(isinstance(one, OutcomeUnknown) for one in outcomes), outcomes
    else:
        assert isinstance(outcomes[0], Unavailable), outcomes
