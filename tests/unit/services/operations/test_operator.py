"""An operation is carried out once for a request id, and what came of it is known, or known not to be known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from connectors.spi import Capability, Context, Environment
from connectors.spi.building import new_event, raw_of
from connectors.spi.operations import Answer, Call
from orchestrator.ledger.memory import MemoryLedger
from orchestrator.plugins import connector_named
from orchestrator.services.directory import KnownMerchant
from orchestrator.services.observing import SilentObserver
from orchestrator.services.operations import Operator, Resolver
from orchestrator.services.operations.asking import Asking
from orchestratorx_prism.errors import (
    Internal,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    PayloadRejected,
    PermissionRefused,
    PrismError,
    ProviderRefused,
    ProviderUnavailable,
    RequestIdReused,
    RequestRejected,
    Unavailable,
)
from orchestratorx_prism.v1.event_pb2 import (
    CAUSE_API_RESPONSE,
    CAUSE_POLL,
    VERIFICATION_METHOD_OWN_CALL,
    Event,
)
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_UNKNOWN
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceCaptureRequest, PaymentServiceVoidRequest

Make = Callable[..., Any]
AUTHORIZE = Capability.AUTHORIZE
LOST = OutcomeUnknown("the reply was lost")


async def events_of(ledger: MemoryLedger) -> list[Event]:
    events, _ = await ledger.list_events(EventFilter(), page_size=100, page_token="")
    return events[::-1]


async def test_the_answer_is_recorded_as_an_event_and_returned(
    operator: Operator, ledger: MemoryLedger, request_of: Make
) -> None:
    answer = await operator.run(AUTHORIZE, request_of())
    assert answer.payment.status == PAYMENT_STATUS_AUTHORIZED
    (event,) = await events_of(ledger)
    assert (event.type, event.cause, event.idempotency_key) == ("payment.authorized", CAUSE_API_RESPONSE, "r-1")
    assert event.verification.method == VERIFICATION_METHOD_OWN_CALL
    assert answer.payment.id == event.payment_id


async def test_a_hundred_calls_at_once_make_one_call_and_one_answer(
    operator: Operator, provider: Any, request_of: Make
) -> None:
    does = provider.does

    async def slowly(call: Any) -> Any:
        await asyncio.sleep(0.01)
        return does(call)

    provider.does = slowly
    answers = await asyncio.gather(*(operator.run(AUTHORIZE, request_of()) for _ in range(100)))
    assert len(provider.calls) == 1
    assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1


async def test_a_repeat_later_gets_the_saved_answer(operator: Operator, provider: Any, request_of: Make) -> None:
    first = await operator.run(AUTHORIZE, request_of())
    assert await operator.run(AUTHORIZE, request_of()) == first
    assert len(provider.calls) == 1


async def test_the_same_id_with_another_body_is_refused(operator: Operator, provider: Any, request_of: Make) -> None:
    await operator.run(AUTHORIZE, request_of())
    with pytest.raises(RequestIdReused):
        await operator.run(AUTHORIZE, request_of(minor=1))
    together = await asyncio.gather(
        operator.run(AUTHORIZE, request_of("r-2")),
        operator.run(AUTHORIZE, request_of("r-2", minor=1)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in together) == ["PaymentServiceAuthorizeResponse", "RequestIdReused"]
    assert len(provider.calls) == 2


async def test_a_wrong_repeat_that_is_being_looked_up_does_not_turn_a_right_one_away(
    operator: Operator, provider: Any, request_of: Make
) -> None:
    first = await operator.run(AUTHORIZE, request_of())  # another process may have carried it out
    wrong, right = await asyncio.gather(
        operator.run(AUTHORIZE, request_of(minor=1)), operator.run(AUTHORIZE, request_of()), return_exceptions=True
    )
    assert isinstance(wrong, RequestIdReused)
    assert right == first
    assert len(provider.calls) == 1


async def test_the_key_is_the_same_for_a_repeat_and_another_for_another_request(
    operator: Operator, provider: Any, request_of: Make
) -> None:
    provider.does = lambda call: ProviderUnavailable("later")
    for request_id in ("r-1", "r-1", "r-2"):
        with pytest.raises(ProviderUnavailable):
            await operator.run(AUTHORIZE, request_of(request_id))
    one, again, other = (call.key for call in provider.calls)
    assert one == again != other


async def test_a_refusal_is_kept_and_told_again_without_a_call(
    operator: Operator, provider: Any, request_of: Make
) -> None:
    provider.does = lambda call: ProviderRefused("no", metadata={"category": "INVALID_REQUEST", "code": "amount"})
    for _ in range(2):
        with pytest.raises(ProviderRefused) as refused:
            await operator.run(AUTHORIZE, request_of())
        assert refused.value.metadata["code"] == "amount"
    assert len(provider.calls) == 1


@pytest.mark.parametrize(
    "error",
    [
        ProviderUnavailable("later"),
        RequestRejected("return_url: is needed"),
        ProviderRefused("who are you", metadata={"category": "CREDENTIALS"}),
    ],
)
async def test_what_did_nothing_may_be_tried_again_with_the_same_id(
    operator: Operator, provider: Any, request_of: Make, error: PrismError
) -> None:
    does, provider.does = provider.does, lambda call: error
    with pytest.raises(type(error)):
        await operator.run(AUTHORIZE, request_of())
    provider.does = does
    answer = await operator.run(AUTHORIZE, request_of())
    assert answer.payment.status == PAYMENT_STATUS_AUTHORIZED


async def test_a_lost_reply_is_unknown_and_is_resolved_and_never_called_again(
    operator: Operator, provider: Any, ledger: MemoryLedger, resolver: Resolver, request_of: Make
) -> None:
    does, provider.does = provider.does, lambda call: LOST
    with pytest.raises(OutcomeUnknown) as unknown:
        await operator.run(AUTHORIZE, request_of())
    payment_id = unknown.value.metadata["payment_id"]
    payment = await ledger.get_payment("default", payment_id)
    assert payment is not None
    assert payment.status == PAYMENT_STATUS_UNKNOWN

    assert await resolver.round() == 0, "the first look is five seconds later"
    provider.says = does
    answer = await operator.run(AUTHORIZE, request_of())
    assert answer.payment.status == PAYMENT_STATUS_AUTHORIZED
    assert answer.payment.id == payment_id
    assert len(provider.calls) == 1
    types = [(event.type, event.cause) for event in await events_of(ledger)]
    assert types == [
        ("payment.unknown", CAUSE_API_RESPONSE),
        ("payment.authorized", CAUSE_POLL),
        ("payment.reconciled", CAUSE_POLL),
    ]
    assert {event.payment_id for event in await events_of(ledger)} == {payment_id}


async def test_the_resolver_asks_on_until_the_provider_can_tell(
    operator: Operator, provider: Any, ledger: MemoryLedger, resolver: Resolver, request_of: Make
) -> None:
    does, provider.does = provider.does, lambda call: LOST
    with pytest.raises(OutcomeUnknown):
        await operator.run(AUTHORIZE, request_of())
    with pytest.raises(OutcomeUnknown):
        await operator.run(AUTHORIZE, request_of())
    (intent,) = ledger.intents._rows.values()  # type: ignore[attr-defined]
    ledger.intents._due[intent.key] = 0.0  # type: ignore[attr-defined]
    assert await resolver.round() == 1
    provider.says = lambda call: ProviderUnavailable("down")
    ledger.intents._due[intent.key] = 0.0  # type: ignore[attr-defined]
    assert await resolver.round() == 1
    assert (await ledger.intents.unresolved())[0] == 1
    provider.says = does
    ledger.intents._due[intent.key] = 0.0  # type: ignore[attr-defined]
    assert await resolver.round() == 1
    assert (await ledger.intents.unresolved())[0] == 0
    assert len(provider.calls) == 1
    assert [event.type for event in await events_of(ledger)].count("payment.unknown") == 1
    assert {call.key for call in provider.asked} == {provider.calls[0].key}


async def test_callers_who_repeat_do_not_use_up_the_schedule(
    operator: Operator, provider: Any, ledger: MemoryLedger, request_of: Make
) -> None:
    provider.does = lambda call: LOST
    resolver = Resolver(operator, ledger, schedule_s=[5.0, 30.0])
    for _ in range(10):
        with pytest.raises(OutcomeUnknown):
            await operator.run(AUTHORIZE, request_of())
    (intent,) = ledger.intents._rows.values()  # type: ignore[attr-defined]
    due = ledger.intents._due  # type: ignore[attr-defined]
    due[intent.key] = 0.0
    before = time.monotonic()
    assert await resolver.round() == 1
    assert 30 <= due[intent.key] - before < 60, "asked again daily, though the schedule has only begun"


async def test_what_a_dead_process_began_is_asked_about_and_not_begun_again(
    operator: Operator, provider: Any, ledger: MemoryLedger, resolver: Resolver, request_of: Make
) -> None:
    never, begun = asyncio.Event(), asyncio.Event()

    async def hangs(call: Any) -> Any:
        begun.set()
        await never.wait()

    does, provider.does = provider.does, hangs
    caller = asyncio.create_task(operator.run(AUTHORIZE, request_of()))
    await begun.wait()
    (running,) = operator._running.values()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    (intent,) = ledger.intents._rows.values()  # type: ignore[attr-defined]
    ledger.intents._due[intent.key] = 0.0  # type: ignore[attr-defined]
    provider.says = does
    assert await resolver.round() == 1
    answer = await operator.run(AUTHORIZE, request_of())
    assert answer.payment.status == PAYMENT_STATUS_AUTHORIZED
    assert len(provider.calls) == 1


async def test_a_defect_in_one_round_does_not_end_the_resolver(
    operator: Operator, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = asyncio.Queue[int]()

    async def claim_due(*, limit: int, lease_s: float) -> list[Any]:
        looked.put_nowait(limit)
        raise RuntimeError("a defect")

    monkeypatch.setattr(ledger.intents, "claim_due", claim_due)
    resolver = Resolver(operator, ledger, every_s=0.0)
    resolver.start()
    try:
        async with asyncio.timeout(5):
            for _ in range(3):
                await looked.get()
    finally:
        await resolver.stop()


async def test_whoever_goes_away_changes_nothing(
    operator: Operator, provider: Any, ledger: MemoryLedger, request_of: Make
) -> None:
    go_on, does = asyncio.Event(), provider.does

    async def waits(call: Any) -> Any:
        await go_on.wait()
        return does(call)

    provider.does = waits
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await operator.run(AUTHORIZE, request_of())
    go_on.set()
    await operator.stop()
    assert [event.type for event in await events_of(ledger)] == ["payment.authorized"]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a defect"),
        PayloadRejected("the answer cannot be read"),
        Internal("a defect that was noticed"),
        Unavailable("something else that was asked on the way"),
    ],
)
async def test_what_says_nothing_of_the_request_is_an_unknown_outcome(
    operator: Operator, provider: Any, request_of: Make, error: Exception
) -> None:
    provider.does = lambda call: error
    with pytest.raises(OutcomeUnknown):
        await operator.run(AUTHORIZE, request_of())
    with pytest.raises(OutcomeUnknown):
        await operator.run(AUTHORIZE, request_of())
    assert len(provider.calls) == 1


async def test_after_failures_in_a_row_the_provider_is_left_alone(
    operator: Operator, provider: Any, request_of: Make
) -> None:
    provider.does = lambda call: ProviderUnavailable("down")
    for number in range(8):
        with pytest.raises(ProviderUnavailable) as away:
            await operator.run(AUTHORIZE, request_of(f"r-{number}"))
    assert len(provider.calls) == 5
    assert away.value.reason == "CIRCUIT_OPEN"
    assert away.value.retry_after_s


async def test_an_operation_is_about_a_payment_that_is_there_and_goes_to_its_connector(
    operator: Operator, provider: Any, request_of: Make
) -> None:
    with pytest.raises(NotFound):
        await operator.run(Capability.VOID, PaymentServiceVoidRequest(request_id="v", payment_id="pay_none"))
    payment = (await operator.run(AUTHORIZE, request_of())).payment
    provider.does = lambda call: Answer()
    voided = await operator.run(Capability.VOID, PaymentServiceVoidRequest(request_id="v", payment_id=payment.id))
    assert voided.payment.id == payment.id
    assert provider.calls[-1].payment.id == payment.id


async def test_what_is_not_declared_is_refused_before_any_call_and_names_who_can(
    operator: Operator, provider: Any, request_of: Make
) -> None:
    payment = (await operator.run(AUTHORIZE, request_of())).payment
    provider.does = lambda call: Answer([_captured(call)])
    part = Money(minor_units=100, currency="USD")
    await operator.run(
        Capability.CAPTURE, PaymentServiceCaptureRequest(request_id="c-1", payment_id=payment.id, amount=part)
    )
    with pytest.raises(NotSupported) as refused:
        await operator.run(
            Capability.CAPTURE, PaymentServiceCaptureRequest(request_id="c-2", payment_id=payment.id, amount=part)
        )
    assert refused.value.metadata["operation"] == "payment.capture.multiple"
    assert len(provider.calls) == 2


def _captured(call: Any) -> Event:
    event = new_event(
        call.context,
        raw_of(b"{}", call.context),
        connector="stripe",
        type="payment.partially_captured",
        dedup_key=f"api:{call.key}",
        references=call.payment.references,
    )
    event.payment.amount.CopyFrom(call.request.amount)
    event.payment.operation_id = "cap_1"
    return event


async def test_a_call_without_a_request_id_is_refused(operator: Operator, request_of: Make) -> None:
    with pytest.raises(RequestRejected) as refused:
        await operator.run(AUTHORIZE, request_of(""))
    assert refused.value.metadata["field"] == "request_id"


async def test_calls_are_counted_by_what_came_of_them(provider: Any, ledger: MemoryLedger, request_of: Make) -> None:
    counted: list[tuple[str, str, str]] = []

    class Counting(SilentObserver):
        def called(self, connector: str, operation: str, outcome: str, seconds: float) -> None:
            assert seconds >= 0
            counted.append((connector, operation, outcome))

    asking = Asking(Counting())
    stripe = connector_named("stripe")
    call = Call(AUTHORIZE, request_of(), "key", Context("default", 1, 1), 1.0)
    await asking.ask(stripe, "default", provider.call, call)
    provider.does = lambda _: LOST
    with pytest.raises(OutcomeUnknown):
        await asking.ask(stripe, "default", provider.call, call)
    assert counted == [("stripe", AUTHORIZE, "answered"), ("stripe", AUTHORIZE, "OUTCOME_UNKNOWN")]


def known(*, environment: Environment.ValueType = Environment.ENVIRONMENT_SANDBOX, disabled: bool = False) -> Any:
    """The default merchant, as the database has it."""
    return KnownMerchant("default", "default", environment, disabled, 1, 1)


async def test_an_operation_that_was_begun_is_recorded_whatever_becomes_of_its_merchant_meanwhile(
    operator: Operator, provider: Any, ledger: MemoryLedger, request_of: Make
) -> None:
    does = provider.does
    directory = operator._merchants._directory

    def changes(call: Any) -> Any:
        directory._merchants["default"] = known(environment=Environment.ENVIRONMENT_PRODUCTION, disabled=True)
        return does(call)

    provider.does = changes
    answer = await operator.run(AUTHORIZE, request_of())
    assert answer.payment.status == PAYMENT_STATUS_AUTHORIZED
    assert {event.environment for event in await events_of(ledger)} == {Environment.ENVIRONMENT_SANDBOX}
    with pytest.raises(PermissionRefused) as refused:
        await operator.run(AUTHORIZE, request_of("r-2"))
    assert refused.value.reason == "MERCHANT_CLOSED"


async def test_the_providers_other_world_is_not_asked_what_became_of_a_lost_call(
    operator: Operator, provider: Any, ledger: MemoryLedger, resolver: Resolver, request_of: Make
) -> None:
    does, provider.does = provider.does, lambda call: LOST
    with pytest.raises(OutcomeUnknown):
        await operator.run(AUTHORIZE, request_of())
    (intent,) = ledger.intents._rows.values()  # type: ignore[attr-defined]
    directory = operator._merchants._directory
    provider.says = does
    for away in (known(environment=Environment.ENVIRONMENT_PRODUCTION), known(disabled=True)):
        directory._merchants["default"] = away
        ledger.intents._due[intent.key] = 0.0  # type: ignore[attr-defined]
        assert await resolver.round() == 1
        assert not provider.asked
    assert (await ledger.intents.unresolved())[0] == 1
    directory._merchants["default"] = known()
    ledger.intents._due[intent.key] = 0.0  # type: ignore[attr-defined]
    assert await resolver.round() == 1
    assert (await ledger.intents.unresolved())[0] == 0
