"""Merchants and credentials of the database are used: here at once, elsewhere within a second, each in its place."""

from __future__ import annotations

import asyncio
import base64
import gc
import sys
import time
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import update
from tenants import create, put, webhook

from connectors.spi import Environment
from connectors.spi.operations import Answer, Call
from orchestrator.bootstrap import Application
from orchestrator.ledger.schema_tenancy import provider_credentials
from orchestrator.ledger.tables import Work
from orchestrator.plugins import connector_named
from orchestrator.services import directory
from orchestratorx_prism.errors import (
    NotFound,
    PermissionRefused,
    PrismError,
    RequestRejected,
    SettingsRejected,
    SignatureRejected,
    Unauthenticated,
    Unavailable,
)
from orchestratorx_prism.v1 import api_key_service_pb2 as keys_pb
from orchestratorx_prism.v1 import credential_service_pb2 as credentials_pb
from orchestratorx_prism.v1 import merchant_service_pb2 as merchants_pb
from orchestratorx_prism.v1 import payment_service_pb2 as payments_pb
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest

Replica = Callable[..., Awaitable[Application]]

SANDBOX, PRODUCTION = Environment.ENVIRONMENT_SANDBOX, Environment.ENVIRONMENT_PRODUCTION


async def change(application: Application, merchant_id: str, **values: Any) -> None:
    request = merchants_pb.MerchantServiceUpdateRequest(merchant_id=merchant_id, **values)
    await application.services.merchants.update(request)


async def taken(application: Application, merchant_id: str, secret: str, seed: int = 1) -> bool:
    try:
        await application.services.events.handle_event(webhook(merchant_id, secret, seed=seed))
    except SignatureRejected:
        return False
    return True


async def within(seconds: float, holds: Any) -> None:
    """Waits for it; much longer than it should take, for slow machines."""
    end = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < end, "never came to hold"
        await asyncio.sleep(0.05)


async def test_what_is_put_is_used_here_at_once_and_by_other_replicas_by_themselves(replica: Replica) -> None:
    here, there = await replica(), await replica()
    await create(here, "acme")
    with pytest.raises(SignatureRejected):
        await here.services.events.handle_event(webhook("acme", "whsec_one"))
    await put(here, "acme", webhook_secrets=["whsec_one"])
    assert await taken(here, "acme", "whsec_one")

    async def knows() -> bool:
        try:
            return await taken(there, "acme", "whsec_one")
        except RequestRejected:
            return False

    await within(20, knows)


async def test_a_merchant_that_is_not_there_is_unknown_until_it_is_made(replica: Replica) -> None:
    here = await replica()
    with pytest.raises(RequestRejected) as refused:
        await here.services.events.handle_event(webhook("acme", "whsec_one"))
    assert refused.value.reason == "MERCHANT_UNKNOWN"
    await create(here, "acme")
    assert here.merchants.ids() == ["acme", "default"]


async def test_while_the_provider_rotates_its_secret_both_are_good(replica: Replica) -> None:
    here = await replica()
    await create(here, "acme")
    await put(here, "acme", webhook_secrets=["whsec_old"], values={"STRIPE_API_KEY": "sk_test_canary"})
    shown = await put(here, "acme", webhook_secrets=["whsec_new"], keep_others=True, keep_webhook_secrets=1)
    assert len(shown.masked_webhook_secrets) == 2
    assert await taken(here, "acme", "whsec_old", seed=1)
    assert await taken(here, "acme", "whsec_new", seed=2)
    shown = await put(here, "acme", keep_others=True, keep_webhook_secrets=1)
    assert len(shown.masked_webhook_secrets) == 1
    assert list(shown.masked_values) == ["STRIPE_API_KEY"]
    assert not await taken(here, "acme", "whsec_old", seed=3)
    assert await taken(here, "acme", "whsec_new", seed=4)


async def test_the_merchants_environment_decides_which_credentials_are_used(replica: Replica) -> None:
    here = await replica()
    label = connector_named("stripe")
    await create(here, "acme")
    await put(here, "acme", values={"STRIPE_API_KEY": "sk_test_1"})
    await put(here, "acme", values={"STRIPE_API_KEY": "sk_live_1"}, environment=PRODUCTION)
    assert here.merchants.credentials(label, "acme") == ({"STRIPE_API_KEY": "sk_test_1"}, SANDBOX)
    client = here.merchants.client(label, "acme")[0]
    await change(here, "acme", environment=PRODUCTION)
    assert here.merchants.credentials(label, "acme") == ({"STRIPE_API_KEY": "sk_live_1"}, PRODUCTION)
    assert here.merchants.client(label, "acme") != (client, PRODUCTION)


async def test_settings_win_where_both_name_the_same(replica: Replica) -> None:
    named = {"stripe": {"webhook_secrets": ["whsec_file"]}, "mpesa": {"allowed_addresses": ["192.0.2.0/24"]}}
    here = await replica(merchants={"acme": {"environment": "SANDBOX", "connectors": named}})
    shown = await put(here, "acme", webhook_secrets=["whsec_database"])
    assert shown.shadowed
    assert await taken(here, "acme", "whsec_file")
    assert not await taken(here, "acme", "whsec_database")
    # Rules without secrets are the settings', and the secrets beside them the database's.
    await put(here, "acme", connector="mpesa", values={"MPESA_URL_TOKEN": "token-of-the-database"})
    desk = here.merchants.desk(HandleEventRequest(connector="mpesa", merchant_id="acme"))
    assert desk.material.secrets == ("token-of-the-database",)
    assert desk.material.allowed_addresses == ("192.0.2.0/24",)
    with pytest.raises(RequestRejected) as refused:
        await change(here, "acme", disabled=True)
    assert refused.value.reason == "FROM_SETTINGS"
    without = await replica()
    with pytest.raises(RequestRejected):
        await taken(without, "acme", "whsec_database")
    await create(without, "acme")
    assert await taken(without, "acme", "whsec_database")


async def test_a_closed_merchant_is_refused_and_its_history_stays(replica: Replica) -> None:
    here = await replica()
    await create(here, "acme")
    await put(here, "acme", webhook_secrets=["whsec_one"], values={"STRIPE_API_KEY": "sk_test_1"})
    handled = await here.services.events.handle_event(webhook("acme", "whsec_one"))
    await change(here, "acme", disabled=True)
    with pytest.raises(RequestRejected) as closed:
        await here.services.events.handle_event(webhook("acme", "whsec_one", seed=2))
    with pytest.raises(RequestRejected) as unknown:
        await here.services.events.handle_event(webhook("nobody", "whsec_one", seed=2))
    assert (closed.value.reason, str(closed.value)) == (unknown.value.reason, str(unknown.value))
    request = payments_pb.PaymentServiceAuthorizeRequest(merchant_id="acme", connector="stripe", request_id="r1")
    request.amount.minor_units, request.amount.currency = 5, "USD"
    request.instrument.token = "tok_visa"
    with pytest.raises(PermissionRefused) as refused:
        await here.services.payments.authorize(request)
    assert refused.value.reason == "MERCHANT_CLOSED"
    assert "acme" not in here.merchants.ids()
    assert [source.merchant_id for source in here.reconciler.sources()] == []
    payment_id = handled.events[0].payment_id
    asked = payments_pb.PaymentServiceGetRequest(merchant_id="acme", payment_id=payment_id)
    assert (await here.services.payments.get(asked)).payment.id == payment_id
    await change(here, "acme", disabled=False)
    assert await taken(here, "acme", "whsec_one", seed=2)


async def test_the_default_merchant_can_be_closed_and_have_credentials_like_any_other(replica: Replica) -> None:
    here = await replica()
    await put(here, "", webhook_secrets=["whsec_one"])
    assert await taken(here, "", "whsec_one")
    await change(here, "", disabled=True, display_name="The shop")
    shown = (await here.services.merchants.get(merchants_pb.MerchantServiceGetRequest())).merchant
    assert (shown.merchant_id, shown.display_name, shown.disabled) == ("default", "The shop", True)
    with pytest.raises(RequestRejected):
        await taken(here, "", "whsec_one")
    assert here.merchants.ids() == []


async def test_deleted_credentials_are_used_no_more_and_can_be_put_again(replica: Replica) -> None:
    here, there = await replica(), await replica()
    await create(here, "acme")
    await put(here, "acme", webhook_secrets=["whsec_one"])
    await there.directory.refresh()
    assert await taken(there, "acme", "whsec_one")
    request = credentials_pb.CredentialServiceDeleteRequest(merchant_id="acme", connector="stripe")
    await here.services.credentials.delete(request)
    with pytest.raises(NotFound):
        await here.services.credentials.delete(request)
    await there.directory.refresh()
    for each in (here, there):
        assert not await taken(each, "acme", "whsec_one", seed=2)
        assert not each.directory.credentials_of("acme")
    await put(here, "acme", webhook_secrets=["whsec_two"])
    assert await taken(here, "acme", "whsec_two", seed=3)


async def test_a_closed_merchants_key_is_refused_until_it_is_open_again(replica: Replica) -> None:
    here = await replica()
    with pytest.raises(PrismError):
        await here.services.api_keys.create(
            keys_pb.ApiKeyServiceCreateRequest(merchant_id="acme", scopes=["payments:read"])
        )
    await create(here, "acme")
    request = keys_pb.ApiKeyServiceCreateRequest(merchant_id="acme", scopes=["payments:read"])
    key = (await here.services.api_keys.create(request)).secret
    assert (await here.guard.admit(key, "PaymentService.Get", "")).merchant_id == "acme"
    await change(here, "acme", disabled=True)
    with pytest.raises(Unauthenticated) as refused:
        await here.guard.admit(key, "PaymentService.Get", "")
    assert refused.value.reason == "MERCHANT_CLOSED"
    await change(here, "acme", disabled=False)
    assert (await here.guard.admit(key, "PaymentService.Get", "")).merchant_id == "acme"


class Slow:
    """A client whose answer comes when it is let."""

    account = ""

    def __init__(self) -> None:
        self.answers, self.closed, self.called = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def call(self, call: Call) -> Answer:
        self.called.set()
        await self.answers.wait()
        assert not self.closed.is_set()
        return Answer([], b"")

    async def resolve(self, call: Call) -> Answer | None:
        return None

    async def aclose(self) -> None:
        self.closed.set()


async def test_connections_are_closed_after_a_change_and_never_under_a_call(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Slow] = []

    class Label:
        name = "stripe"
        webhook_secret_key = webhook_id_key = ""

        @staticmethod
        def make_client(_config: object, _environment: object) -> Slow:
            made.append(Slow())
            return made[-1]

    here = await replica()
    await create(here, "acme")
    await put(here, "acme", values={"STRIPE_API_KEY": "sk_test_1"})
    label: Any = Label
    client, _ = here.merchants.client(label, "acme")
    assert here.merchants.client(label, "acme")[0] is client
    call: Any = None
    calling = asyncio.create_task(client.call(call))
    await made[0].called.wait()
    del client
    await put(here, "acme", values={"STRIPE_API_KEY": "sk_test_2"})
    gc.collect()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not made[0].closed.is_set()
    again, _ = here.merchants.client(label, "acme")
    assert len(made) == 2
    made[0].answers.set()
    await calling
    del calling
    gc.collect()
    await asyncio.wait_for(made[0].closed.wait(), 10)
    await here.merchants.aclose()
    assert made[1].closed.is_set()
    del again


async def test_one_merchants_change_leaves_the_others_desks_and_clients(replica: Replica) -> None:
    here = await replica()
    label = connector_named("stripe")
    for merchant in ("acme", "rival"):
        await create(here, merchant)
        await put(here, merchant, webhook_secrets=["whsec_1"], values={"STRIPE_API_KEY": "sk_test_1"})
    desk, client = here.merchants.desk(webhook("rival", "whsec_1")), here.merchants.client(label, "rival")
    await put(here, "acme", webhook_secrets=["whsec_2"])
    assert here.merchants.desk(webhook("rival", "whsec_1")) is desk
    assert here.merchants.client(label, "rival") == client


async def test_without_a_key_nothing_is_put_and_the_refusal_says_how_to_make_one(replica: Replica) -> None:
    here = await replica(vault_keys={})
    with pytest.raises(SettingsRejected) as refused:
        await put(here, "", webhook_secrets=["whsec_one"])
    assert refused.value.reason == "VAULT_KEY_NEEDED"
    assert "openssl rand -base64 32" in refused.value.fix
    assert await here.ledger.tables.read(provider_credentials.select()) == []


async def test_credentials_whose_key_is_missing_are_refused_and_disturb_nobody_else(replica: Replica) -> None:
    first = await replica()
    await create(first, "acme")
    await put(first, "acme", webhook_secrets=["whsec_one"], values={"STRIPE_API_KEY": "sk_test_1"})
    other_key = {"k2": base64.b64encode(b"2" * 32).decode()}
    here = await replica(vault_keys=other_key)
    with pytest.raises(SettingsRejected) as refused:
        await taken(here, "acme", "whsec_one")
    assert refused.value.reason == "VAULT_KEY_MISSING"
    request = credentials_pb.CredentialServiceListRequest(merchant_id="acme")
    (shown,) = (await here.services.credentials.list(request)).credentials
    assert (shown.fault, list(shown.masked_values)) == ("VAULT_KEY_MISSING", [])
    await put(here, "", webhook_secrets=["whsec_two"], values={"STRIPE_API_KEY": "sk_test_2"})
    assert await taken(here, "", "whsec_two")
    assert [source.merchant_id for source in here.reconciler.sources()] == ["default"]


async def test_a_row_that_was_moved_to_another_merchant_does_not_open_there(replica: Replica) -> None:
    here = await replica()
    for merchant in ("acme", "rival"):
        await create(here, merchant)
    await put(here, "acme", webhook_secrets=["whsec_one"])

    def move() -> Work[None]:
        yield update(provider_credentials).values(merchant_id="rival")

    await here.ledger.tables.transact(move)
    fresh = await replica()
    with pytest.raises(PrismError) as refused:
        await taken(fresh, "rival", "whsec_one")
    assert refused.value.reason == "VAULT_UNREADABLE"


async def test_puts_at_the_same_time_that_keep_the_others_lose_nothing(replica: Replica) -> None:
    here, there = await replica(), await replica()
    await create(here, "acme")
    await put(here, "acme", webhook_secrets=["whsec_0"])
    await there.directory.refresh()
    await asyncio.gather(
        put(here, "acme", keep_others=True, values={"STRIPE_API_KEY": "sk_test_1"}),
        put(there, "acme", keep_others=True, values={"STRIPE_API_BASE": "http://127.0.0.1:1"}),
        put(here, "acme", keep_others=True, webhook_secrets=["whsec_1"], keep_webhook_secrets=4),
        put(there, "acme", keep_others=True, webhook_secrets=["whsec_2"], keep_webhook_secrets=4),
    )
    await here.directory.refresh()
    known = here.directory.credentials("acme", "stripe", SANDBOX)
    assert known is not None
    assert known.secrets is not None
    assert known.secrets.values == {"STRIPE_API_KEY": "sk_test_1", "STRIPE_API_BASE": "http://127.0.0.1:1"}
    assert {*known.secrets.webhook_secrets} == {"whsec_0", "whsec_1", "whsec_2"}


class KeyService:
    """Gives data keys away as they are, turned round; or is away."""

    key_id = "m1"
    away = False

    async def wrap(self, data_key: bytes) -> bytes:
        return self._turned(data_key)

    async def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        return self._turned(wrapped)

    def _turned(self, text: bytes) -> bytes:
        if self.away:
            raise ConnectionError
        return text[::-1]


async def test_a_key_service_that_was_away_at_the_start_is_asked_again(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = KeyService()
    hook = ModuleType("a_key_service_for_tests")
    hook.make = lambda: service  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, hook.__name__, hook)
    monkeypatch.setattr(directory, "_ASK_AGAIN_S", directory.EVERY_S)
    settings = {"vault_keys": {}, "vault_kms": "a_key_service_for_tests:make"}
    here = await replica(**settings)
    await create(here, "acme")
    await put(here, "acme", webhook_secrets=["whsec_one"])
    service.away = True
    there = await replica(**settings)
    with pytest.raises(Unavailable) as refused:
        await taken(there, "acme", "whsec_one")
    assert refused.value.reason == "KEY_SERVICE_UNAVAILABLE"
    service.away = False

    async def opened() -> bool:
        try:
            return await taken(there, "acme", "whsec_one")
        except Unavailable:
            return False

    await within(20, opened)
