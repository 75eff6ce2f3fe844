"""Two merchants with the same names at the provider, the same request ids and data of every kind: neither sees nor
touches what is the other's, and whoever tries is told what they are told of an id that there is not."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import pytest_asyncio
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from tenants import create, put, webhook

from connectors.spi import Capability
from connectors.spi.building import new_event, raw_of
from connectors.spi.operations import REQUEST, Answer, Call
from orchestrator import plugins
from orchestrator.bootstrap import Application
from orchestrator.services.naming import snake_case
from orchestratorx_prism.errors import NotFound, PrismError, RequestRejected
from orchestratorx_prism.v1 import event_service_pb2 as events_pb
from orchestratorx_prism.v1 import payment_service_pb2 as payments_pb
from orchestratorx_prism.v1 import refund_service_pb2 as refunds_pb
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_AUTHORIZED
from orchestratorx_prism.v1.reference_pb2 import Reference

Replica = Callable[..., Awaitable[Application]]

ACME, RIVAL = "acme", "rival"
SECRETS = {ACME: "whsec_acme_1", RIVAL: "whsec_rival_1"}
TOLD = ("payment_intent.succeeded", "refund.created", "charge.dispute.created", "payout.paid", "customer.created")
RAW_KEY = base64.b64encode(b"r" * 32).decode()

OF_A_THING = {
    "payment_id": "PaymentService.ConfirmRedirect PaymentService.IncrementAuthorization PaymentService.Capture "
    "PaymentService.Void PaymentService.Get RefundService.Create",
    "refund_id": "RefundService.Get",
    "dispute_id": "DisputeService.Defend DisputeService.SubmitEvidence DisputeService.Accept DisputeService.Get",
    "payout_id": "PayoutService.Get",
    "event_id": "EventService.GetEvent",
}
"""Field that names a thing of ours → the rpcs that it names it for."""
NAMES_NOTHING_OF_OURS = frozenset(
    # What is made, or told by the provider.
    "PaymentService.Authorize PayoutService.Create EventService.HandleEvent EventService.HandleEvents "
    "EventService.BatchHandleEvents EventService.ParseEvent "
    # Lists: see the tests of lists.
    "PaymentService.List RefundService.List DisputeService.List PayoutService.List EventService.ListEvents "
    "EventService.ReplayEvents EventService.SubscribeEvents "
    # What the provider keeps: named by its ids, and asked for with the merchant's own credentials.
    "CustomerService.Create CustomerService.Get CustomerService.Update CustomerService.Delete "
    "PaymentMethodService.Attach PaymentMethodService.Get PaymentMethodService.List PaymentMethodService.Detach "
    "MandateService.Setup MandateService.Charge MandateService.Revoke SubscriptionService.Create "
    "SubscriptionService.Get SubscriptionService.Update SubscriptionService.Cancel SubscriptionService.RecordUsage "
    # Named by the merchant itself, which the guard of the front doors compares with the caller's.
    "MerchantService.Create MerchantService.Get MerchantService.List MerchantService.Update CredentialService.Put "
    "CredentialService.Get CredentialService.List CredentialService.Delete ReconciliationService.Run "
    "ReconciliationService.Register".split()
)
OF_OTHERS = frozenset({"ApiKeyService", "AuditService", "WebhookEndpointService", "DeliveryService"})
"""Services with tests of their own for this."""


@dataclass
class Provider:
    """Answers every merchant with the same names."""

    calls: list[Call] = field(default_factory=list)
    account: str = ""

    async def call(self, call: Call) -> Answer:
        self.calls.append(call)
        event = new_event(
            call.context,
            raw_of(b"{}", call.context),
            connector="stripe",
            type="payment.authorized",
            dedup_key="api:same",
            references=[
                Reference(kind=REQUEST, value=call.key),
                Reference(kind="payment_intent", value="pi_same"),
            ],
        )
        event.payment.status = PAYMENT_STATUS_AUTHORIZED
        event.payment.amount.CopyFrom(call.request.amount)
        return Answer([event], b"{}")

    async def resolve(self, call: Call) -> Answer | None:
        raise AssertionError("nothing is unknown here")

    async def aclose(self) -> None: ...


@dataclass
class Two:
    """The installation, and what the ledger has of each merchant: field → id."""

    application: Application
    provider: Provider
    ids: dict[str, dict[str, str]]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Every merchant's, behind a connector that declares everything."""
    provider = Provider()
    stripe = plugins.installed_connectors()["stripe"]
    ready = replace(stripe, capabilities=frozenset(Capability), make_client=lambda config, environment: provider)
    installed = {**plugins.installed_connectors(), "stripe": ready}
    monkeypatch.setattr(plugins, "installed_connectors", lambda: installed)
    return provider


@pytest_asyncio.fixture
async def two(replica: Replica, provider: Provider) -> Two:
    application = await replica(raw_keys={"r": RAW_KEY})
    ids: dict[str, dict[str, str]] = {}
    for merchant in (ACME, RIVAL):
        await create(application, merchant)
        await put(
            application, merchant, webhook_secrets=[SECRETS[merchant]], values={"STRIPE_API_KEY": f"sk_test_{merchant}"}
        )
        found: dict[str, str] = {}
        for event_type in TOLD:
            handled = await application.services.events.handle_event(
                webhook(merchant, SECRETS[merchant], event_type=event_type)
            )
            (event,) = handled.events
            found.setdefault("event_id", event.id)
            if event.payment_id:
                found.setdefault("payment_id", event.payment_id)
            data = getattr(event, event.WhichOneof("data") or "")
            for name in ("refund_id", "dispute_id", "payout_id"):
                if value := getattr(data, name, ""):
                    found[name] = value
        assert {*found} == {*OF_A_THING}
        ids[merchant] = found
    return Two(application, provider, ids)


def rpcs(application: Application) -> dict[str, tuple[Any, Callable[[Any], Awaitable[Any]]]]:
    """ "PaymentService.Get" → its descriptor and what serves it."""
    return {
        f"{service.name}.{method.name}": (method, getattr(target, snake_case(method.name)))
        for service, target in application.services.by_descriptor().items()
        for method in service.methods
    }


def missing(known: str) -> str:
    """An id of the same form that there is not."""
    return known[:-1] + ("0" if known[-1] != "0" else "1")


async def refusal(serve: Callable[[Any], Awaitable[Any]], request: Message) -> tuple[object, ...]:
    """All that the caller is told."""
    with pytest.raises(PrismError) as refused:
        await serve(request)
    error = refused.value
    return type(error), error.reason, str(error), error.fix, error.metadata, error.retry_after_s


def request_for(method: Any, name: str, value: str, merchant: str) -> Any:
    """A request that would be carried out if the thing were there."""
    request = GetMessageClass(method.input_type)(merchant_id=merchant, **{name: value})
    fields = method.input_type.fields_by_name
    if "request_id" in fields:
        request.request_id = "r-1"
    if "amount" in fields:
        request.amount.minor_units, request.amount.currency = 1, "USD"
    return request


async def test_the_same_names_at_the_provider_are_two_things_of_two_merchants(two: Two) -> None:
    for name in OF_A_THING:
        assert two.ids[ACME][name] != two.ids[RIVAL][name]


async def test_every_rpc_that_names_a_thing_tells_nothing_of_anothers(two: Two) -> None:
    served = rpcs(two.application)
    for name, listed in OF_A_THING.items():
        for rpc in listed.split():
            method, serve = served[rpc]
            others = two.ids[ACME][name]
            tried = await refusal(serve, request_for(method, name, others, RIVAL))
            told = await refusal(serve, request_for(method, name, missing(others), RIVAL))
            assert tried == told, rpc
            assert tried[0] is NotFound, rpc
    assert not two.provider.calls


async def test_the_database_does_the_same_for_anothers_id_as_for_one_that_there_is_not(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same statements with as many rows: how long the answer takes says nothing either."""
    ledger: Any = two.application.ledger
    fetch, looked = ledger._fetch, []

    async def noting(query: str, values: Any) -> Any:
        rows = await fetch(query, values)
        looked.append((query, len(rows)))
        return rows

    monkeypatch.setattr(ledger, "_fetch", noting)
    served = rpcs(two.application)
    for name, listed in OF_A_THING.items():
        for rpc in listed.split():
            method, serve = served[rpc]
            done = []
            for value in (two.ids[ACME][name], missing(two.ids[ACME][name])):
                looked.clear()
                await refusal(serve, request_for(method, name, value, RIVAL))
                done.append([*looked])
            assert done[0] == done[1], rpc
            assert done[0], rpc
            assert not any(rows for _, rows in done[0]), rpc


async def test_every_rpc_is_looked_at_here(two: Two) -> None:
    listed = {rpc for line in OF_A_THING.values() for rpc in line.split()} | NAMES_NOTHING_OF_OURS
    served = rpcs(two.application)
    new = {rpc for rpc in served if rpc.partition(".")[0] not in OF_OTHERS} - listed
    assert not new, "say in this file which thing of ours they name, or that they name none"
    for rpc in NAMES_NOTHING_OF_OURS & {*served}:
        method, _ = served[rpc]
        if not rpc.endswith(("List", "ListEvents", "ReplayEvents", "SubscribeEvents")):
            assert not {*OF_A_THING} & {*method.input_type.fields_by_name}, rpc


async def test_what_is_ones_own_is_there(two: Two) -> None:
    served = rpcs(two.application)
    for merchant in (ACME, RIVAL):
        for name, rpc in (
            ("payment_id", "PaymentService.Get"),
            ("refund_id", "RefundService.Get"),
            ("dispute_id", "DisputeService.Get"),
            ("payout_id", "PayoutService.Get"),
            ("event_id", "EventService.GetEvent"),
        ):
            method, serve = served[rpc]
            assert await serve(request_for(method, name, two.ids[merchant][name], merchant))


async def test_a_reference_finds_each_merchants_own_payment_and_nobody_elses(two: Two) -> None:
    payments = two.application.services.payments
    own = await payments.get(
        payments_pb.PaymentServiceGetRequest(merchant_id=ACME, payment_id=two.ids[ACME]["payment_id"])
    )
    reference = own.payment.references[0].value
    await create(two.application, "third")
    for merchant in (ACME, RIVAL):
        asked = payments_pb.PaymentServiceGetRequest(merchant_id=merchant, connector="stripe", reference=reference)
        assert (await payments.get(asked)).payment.id == two.ids[merchant]["payment_id"]
    asked = payments_pb.PaymentServiceGetRequest(merchant_id="third", connector="stripe", reference=reference)
    none = payments_pb.PaymentServiceGetRequest(merchant_id="third", connector="stripe", reference="pi_none")
    assert await refusal(payments.get, asked) == await refusal(payments.get, none)


async def test_lists_hold_ones_own_and_a_filter_by_anothers_payment_holds_nothing(two: Two) -> None:
    services = two.application.services
    others, none = two.ids[ACME]["payment_id"], missing(two.ids[ACME]["payment_id"])
    payments = await services.payments.list(payments_pb.PaymentServiceListRequest(merchant_id=RIVAL))
    assert [one.id for one in payments.payments] == [two.ids[RIVAL]["payment_id"]]
    for service, rows in ((services.refunds, "refunds"), (services.disputes, "disputes")):
        request_type = GetMessageClass(rpcs(two.application)[f"{type(service).__name__}.List"][0].input_type)
        listed = await service.list(request_type(merchant_id=RIVAL))
        (row,) = getattr(listed, rows)
        assert row.merchant_id == RIVAL
        tried = [await service.list(request_type(merchant_id=RIVAL, payment_id=one)) for one in (others, none)]
        assert tried[0] == tried[1] == type(tried[0])()
    where = events_pb.EventFilter(merchant_id=RIVAL)
    found = await services.events.list_events(events_pb.ListEventsRequest(filter=where))
    assert len(found.events) == len(TOLD)
    assert {event.merchant_id for event in found.events} == {RIVAL}
    for payment_id in (others, none):
        where = events_pb.EventFilter(merchant_id=RIVAL, payment_id=payment_id)
        empty = await services.events.list_events(events_pb.ListEventsRequest(filter=where))
        assert empty == events_pb.ListEventsResponse()


async def test_a_page_token_of_anothers_list_is_none(two: Two) -> None:
    payments, events = two.application.services.payments, two.application.services.events
    await two.application.services.events.handle_event(webhook(ACME, SECRETS[ACME], seed=2))
    first = await payments.list(payments_pb.PaymentServiceListRequest(merchant_id=ACME, page_size=1))
    assert first.next_page_token
    told = []
    for token in (first.next_page_token, "bm9uZQ=="):
        request = payments_pb.PaymentServiceListRequest(merchant_id=RIVAL, page_size=1, page_token=token)
        told.append(await refusal(payments.list, request))
    assert told[0] == told[1]
    assert told[0][0] is RequestRejected
    page = await events.list_events(
        events_pb.ListEventsRequest(filter=events_pb.EventFilter(merchant_id=ACME), page_size=1)
    )
    with pytest.raises(RequestRejected):
        await events.list_events(
            events_pb.ListEventsRequest(
                filter=events_pb.EventFilter(merchant_id=RIVAL), page_size=1, page_token=page.next_page_token
            )
        )


async def test_anothers_events_are_neither_replayed_nor_streamed_nor_is_their_body_read(two: Two) -> None:
    events, ledger = two.application.services.events, two.application.ledger
    where = events_pb.EventFilter(merchant_id=RIVAL)
    for event_id, count in ((two.ids[ACME]["event_id"], 0), (two.ids[RIVAL]["event_id"], 1)):
        request = events_pb.ReplayEventsRequest(filter=where, event_ids=[event_id])
        assert (await events.replay_events(request)).replayed == count
    where = events_pb.EventFilter(merchant_id=RIVAL, payment_id=two.ids[ACME]["payment_id"])
    assert (await events.replay_events(events_pb.ReplayEventsRequest(filter=where))).replayed == 0
    streamed, _ = await ledger.events_after("0", events_pb.EventFilter(merchant_id=RIVAL), limit=100)
    assert len(streamed) == len(TOLD)
    assert {event.merchant_id for event, _ in streamed} == {RIVAL}
    assert (await ledger.events_after("0", where, limit=100))[0] == []
    assert await ledger.get_raw(RIVAL, two.ids[ACME]["event_id"]) is None
    assert await ledger.get_raw(RIVAL, two.ids[RIVAL]["event_id"])


async def test_one_request_id_of_two_merchants_is_two_requests(two: Two) -> None:
    payments = two.application.services.payments
    made = {}
    for merchant in (ACME, RIVAL):
        request = payments_pb.PaymentServiceAuthorizeRequest(merchant_id=merchant, connector="stripe", request_id="r-1")
        request.amount.minor_units, request.amount.currency = {ACME: 5, RIVAL: 7}[merchant], "USD"
        request.instrument.token = "tok_visa"
        made[merchant] = (await payments.authorize(request)).payment
    assert made[ACME].id != made[RIVAL].id
    assert (made[ACME].amount.minor_units, made[RIVAL].amount.minor_units) == (5, 7)
    assert len({call.key for call in two.provider.calls}) == 2
    assert [call.context.merchant_id for call in two.provider.calls] == [ACME, RIVAL]


async def test_a_refund_of_anothers_payment_is_refused_before_any_call_and_leaves_no_intent(two: Two) -> None:
    request = refunds_pb.RefundServiceCreateRequest(
        merchant_id=RIVAL, payment_id=two.ids[ACME]["payment_id"], request_id="r-2"
    )
    with pytest.raises(NotFound):
        await two.application.services.refunds.create(request)
    assert not two.provider.calls
    assert (await two.application.ledger.intents.unresolved())[0] == 0


async def test_credentials_are_each_merchants_own(two: Two) -> None:
    label = plugins.connector_named("stripe")
    for merchant in (ACME, RIVAL):
        assert two.application.merchants.credentials(label, merchant)[0]["STRIPE_API_KEY"] == f"sk_test_{merchant}"
    with pytest.raises(PrismError):
        await two.application.services.events.handle_event(webhook(RIVAL, SECRETS[ACME], seed=9))
