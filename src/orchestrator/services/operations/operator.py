"""Carries out operations: each once for a request id, whoever asks how often, and whatever crashes in between.

The intent is written first, then the provider is called, then the events are recorded, then the answer is kept.
Whoever goes away meanwhile changes nothing: the call is finished regardless. What is not finished when this process
ends is found by the resolver.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from connectors.spi import Capability, Context, Environment, Label
from connectors.spi.operations import Answer, Call, Client
from orchestrator.ledger.base import Ledger, Recording
from orchestrator.ledger.intents import Intent, State, intent_key
from orchestrator.plugins import connector_named
from orchestrator.services.checks import field_fault
from orchestrator.services.merchants import Merchants
from orchestrator.services.operations import outcomes
from orchestrator.services.operations.asking import Asking, check_declared
from orchestrator.services.operations.kept import digest_of, known_before, without_card
from orchestrator.services.operations.repeats import note_repeat
from orchestrator.services.operations.specs import ASKING, CHANGING, Done, Spec, Subject, subject_of
from orchestrator.services.raw_cards import refuse_raw_card
from orchestrator.settings import SCHEDULE_S
from orchestratorx_prism.errors import (
    NothingToRefund,
    NotSupported,
    OutcomeUnknown,
    PrismError,
    ProviderRefused,
    ProviderUnavailable,
    RequestIdReused,
    RequestInFlight,
    RequestRejected,
    SettingsRejected,
)
from orchestratorx_prism.v1.event_pb2 import Cause, Event
from orchestratorx_prism.wire import from_rpc_status, to_rpc_status

MARGIN_S: Final = 30.0
"""What a holder has, besides the provider's time, for writing."""
_LOOK_AGAIN_S: Final = 0.05
_MOST_REQUEST_ID: Final = 255

_NOTHING_DONE: Final = (RequestRejected, NothingToRefund, NotSupported, ProviderUnavailable, SettingsRejected)
"""What a client raises when it is certain that nothing was carried out. Of anything else, that is not known."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with all that is needed to carry it out."""

    spec: Spec
    request: Any
    merchant_id: str
    label: Label
    client: Client
    subject: Subject
    environment: Environment.ValueType


class Operator:
    """Runs every changing operation of every service."""

    def __init__(
        self,
        merchants: Merchants,
        ledger: Ledger,
        asking: Asking,
        *,
        timeout_s: float,
        margin_s: float = MARGIN_S,
        first_asked_s: float = SCHEDULE_S[0],
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """
        Args:
            timeout_s: What a provider has for one operation, all attempts together.
            margin_s: What this process has besides, for writing: after both, another one may ask about the operation.
            first_asked_s: How soon after a lost reply the provider is asked what became of the call.
        """
        self._merchants = merchants
        self._ledger = ledger
        self._asking = asking
        self._timeout_s = timeout_s
        self._lease_s = timeout_s + margin_s
        self._first_asked_s = first_asked_s
        self._now_ns = now_ns
        self._running: dict[tuple[bytes, bytes], asyncio.Task[Message]] = {}
        """What is carried out or looked up here now, by key and request: which of two requests came first, the
        ledger knows."""

    @property
    def lease_s(self) -> float:
        """How long whoever carries an operation out holds its intent."""
        return self._lease_s

    async def run(self, capability: Capability, request: Any, *, connector: str = "") -> Any:
        """Carries an operation out, or returns what came of it before. The rpc's answer.

        Raises:
            RequestRejected: The request is wrong, or lacks something that the provider needs.
            NotFound: It is about something that the ledger does not have.
            NotSupported: The connector does not declare it; the fix names those that do.
            ProviderRefused: The provider said no.
            OutcomeUnknown: The provider's answer was lost.
            RequestInFlight: Another process carries the same request out, and has not ended in time.
            RequestIdReused: The request id was used with another request.
            ProviderUnavailable: The provider did nothing, and may be asked again.

        Args:
            connector: Which one, for a request that names none.
        """
        spec = CHANGING[capability]
        if not request.request_id or len(request.request_id) > _MOST_REQUEST_ID:
            raise field_fault("request_id", f"1 to {_MOST_REQUEST_ID} characters: the idempotency key of this call")
        if "instrument" in spec.request.DESCRIPTOR.fields_by_name:
            refuse_raw_card(request.instrument)  # before the intent, which keeps the request
        prepared = await self.prepare(spec, request, connector=connector)
        key = intent_key(prepared.merchant_id, prepared.environment, capability, request.request_id)
        digest = digest_of(request)
        running = self._running.get((key, digest))
        if running is None:
            running = asyncio.create_task(self._once(prepared, self._intent(prepared, key, digest)))
            self._running[key, digest] = running
            running.add_done_callback(lambda ended: self._ended((key, digest), ended))
        else:
            note_repeat()
        return await asyncio.shield(running)

    async def ask(self, capability: Capability, request: Any) -> Any:
        """Carries out an operation that changes nothing, and records what it tells. Raises as `run` does."""
        prepared = await self.prepare(ASKING[capability], request)
        call = Call(
            capability,
            request,
            "",
            self._context(prepared, self._now_ns()),
            self._timeout_s,
            payment=prepared.subject.payment,
        )
        answer = await self._asking.ask(prepared.label, prepared.merchant_id, prepared.client.call, call)
        return await self._response(prepared, answer, outcomes.finished(answer.events, Cause.CAUSE_POLL, ""))

    async def prepare(self, spec: Spec, request: Any, *, connector: str = "") -> Prepared:
        """Finds the merchant, the subject, the connector and its client. Raises as `run` does."""
        merchant_id = request.merchant_id or "default"
        subject = await subject_of(self._ledger, merchant_id, request)
        name = subject.connector or connector or request.connector
        if not name:
            raise field_fault("connector", 'name the connector: "stripe"')
        label = connector_named(name)
        check_declared(label, spec.capability)
        client, environment = self._merchants.client(label, merchant_id)
        return Prepared(spec, request, merchant_id, label, client, subject, environment)

    @property
    def asking(self) -> Asking:
        """What every call to a provider goes through."""
        return self._asking

    def leaves_alone(self, connector: str, merchant_id: str) -> bool:
        """Whether the provider has failed so often that it is not called now."""
        return self._asking.is_open(connector, merchant_id)

    async def stop(self) -> None:
        """Waits for what is being carried out."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def resolve(self, prepared: Prepared, intent: Intent) -> Any:
        """Asks what became of an operation, and keeps the answer. The intent must be held.

        Raises:
            OutcomeUnknown: The provider cannot tell yet. The caller decides when it is asked again.
            ProviderRefused: The provider had refused it.
            ProviderUnavailable: The provider does not answer now.
        """
        call = self._call(prepared, intent)
        try:
            answer = await self._asking.ask(prepared.label, prepared.merchant_id, prepared.client.resolve, call)
        except ProviderRefused as refused:
            await self._ledger.intents.finish(intent, State.REFUSED, to_rpc_status(refused).SerializeToString())
            raise
        if answer is None:
            raise await self._note_unknown(prepared, intent)
        found = []
        if _about_payment(prepared):
            context = self._context(prepared, self._now_ns())
            found = [outcomes.reconciled(intent, context, prepared.client.account, prepared.subject)]
        return await self._keep(prepared, intent, answer, Cause.CAUSE_POLL, found)

    async def _once(self, prepared: Prepared, new: Intent) -> Any:
        intents = self._ledger.intents
        give_up = time.monotonic() + self._timeout_s
        pause_s = _LOOK_AGAIN_S
        while True:
            intent, held = await intents.begin(
                new, lease_s=self._lease_s, known=known_before(prepared.label, prepared.client, new, prepared.request)
            )
            if intent.request_hash != new.request_hash:
                if held:
                    await intents.postpone(intent, delay_s=0.0, counts=False)
                raise _reused()
            if held:
                break
            if intent.state in {State.DONE, State.REFUSED}:
                note_repeat()
            if intent.state is State.DONE:
                return prepared.spec.response.FromString(intent.answer)
            if intent.state is State.REFUSED:
                raise from_rpc_status(Status.FromString(intent.answer))
            if time.monotonic() >= give_up:
                raise RequestInFlight(
                    "a call with this request_id has not ended yet",
                    fix="repeat it with the same request_id",
                    retry_after_s=1.0,
                )
            await asyncio.sleep(pause_s)
            pause_s = min(1.0, pause_s * 1.5)
        if intent.state is State.UNKNOWN:
            if intent.connector != prepared.label.name:  # a router would choose another one now
                prepared = await self.prepare(prepared.spec, prepared.request, connector=intent.connector)
            return await self._again(prepared, intent)
        return await self._first(prepared, intent)

    async def _first(self, prepared: Prepared, intent: Intent) -> Any:
        """Calls the provider. Failure policy: whatever may have reached it, and has no answer, is unknown."""
        intents = self._ledger.intents
        try:
            if prepared.spec.check is not None:
                prepared.spec.check(prepared.subject)
            for part in prepared.spec.parts(prepared.request, prepared.subject) if prepared.spec.parts else ():
                check_declared(prepared.label, part)
            call = self._call(prepared, intent)
            answer = await self._asking.ask(prepared.label, prepared.merchant_id, prepared.client.call, call)
        except OutcomeUnknown:
            error = await self._note_unknown(prepared, intent)
            await intents.postpone(intent, delay_s=self._first_asked_s)
            raise error from None
        except ProviderRefused as refused:
            if refused.metadata.get("category") == "CREDENTIALS":  # mended by the merchant, not by another request
                await intents.forget(intent)
            else:
                await intents.finish(intent, State.REFUSED, to_rpc_status(refused).SerializeToString())
            raise
        except _NOTHING_DONE:
            await intents.forget(intent)
            raise
        except Exception as error:
            _log.error("operation.failed", capability=intent.capability, connector=intent.connector, exc_info=True)
            unknown = await self._note_unknown(prepared, intent)
            await intents.postpone(intent, delay_s=self._first_asked_s)
            raise unknown from error
        return await self._keep(prepared, intent, answer, Cause.CAUSE_API_RESPONSE)

    async def _again(self, prepared: Prepared, intent: Intent) -> Any:
        """The caller repeats what is unknown, or what another process began and did not end."""
        try:
            return await self.resolve(prepared, intent)
        except ProviderRefused:
            raise
        except PrismError:
            await self._ledger.intents.postpone(intent, delay_s=self._first_asked_s, counts=False)
            raise

    async def _keep(
        self, prepared: Prepared, intent: Intent, answer: Answer, cause: Cause.ValueType, more: Sequence[Event] = ()
    ) -> Any:
        events = [*outcomes.finished(answer.events, cause, intent.request_id), *more]
        response = await self._response(prepared, answer, events)
        await self._ledger.intents.finish(intent, State.DONE, response.SerializeToString(), answer.known_request)
        return response

    async def _response(self, prepared: Prepared, answer: Answer, events: Sequence[Event]) -> Any:
        """Records the events, and makes the rpc's answer of what the ledger holds then."""
        recorded: list[Event] = []
        if events:
            recorded = (await self._ledger.record(Recording(events, answer.body))).events
        done = Done(prepared.merchant_id, prepared.subject, answer, recorded)
        return prepared.spec.response(**await prepared.spec.respond(self._ledger, done))

    async def _note_unknown(self, prepared: Prepared, intent: Intent) -> OutcomeUnknown:
        """Records `payment.unknown`, once; returns the error that says so."""
        metadata = {"request_id": intent.request_id}
        if _about_payment(prepared):
            context = self._context(prepared, intent.created_us * 1000)
            amount = prepared.request.amount if prepared.spec.makes_payment else None
            event = outcomes.unknown(intent, context, prepared.client.account, prepared.subject, amount)
            recorded = await self._ledger.record(Recording([event]))
            metadata["payment_id"] = recorded.events[0].payment_id
        return OutcomeUnknown(
            f"{prepared.label.title}'s answer to {intent.capability} was lost",
            fix="wait for the event, or repeat the call with the same request_id; never with a new one",
            metadata=metadata,
            retry_after_s=self._first_asked_s,
        )

    def _intent(self, prepared: Prepared, key: bytes, digest: bytes) -> Intent:
        return Intent(
            key=key,
            merchant_id=prepared.merchant_id,
            connector=prepared.label.name,
            capability=prepared.spec.capability,
            request_id=prepared.request.request_id,
            request_hash=digest,
            request=without_card(prepared.request).SerializeToString(),
            created_us=self._now_ns() // 1000,
        )

    def _call(self, prepared: Prepared, intent: Intent) -> Call:
        return Call(
            prepared.spec.capability,
            prepared.request,
            intent.provider_key,
            self._context(prepared, intent.created_us * 1000),
            self._timeout_s,
            payment=prepared.subject.payment,
            dispute=prepared.subject.dispute,
        )

    def _context(self, prepared: Prepared, at_ns: int) -> Context:
        return self._merchants.context(prepared.label, prepared.merchant_id, at_ns, prepared.environment)

    def _ended(self, key: tuple[bytes, bytes], task: asyncio.Task[Message]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody may have


def _about_payment(prepared: Prepared) -> bool:
    return prepared.spec.makes_payment or prepared.subject.payment is not None


def _reused() -> RequestIdReused:
    return RequestIdReused(
        "the request_id was used with another request",
        fix="take a new request_id for a new request; repeat an old one as it was",
        metadata={"field": "request_id"},
    )
