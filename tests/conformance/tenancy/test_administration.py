"""MerchantService and CredentialService: what they take, what they refuse, and what the audit log has of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select
from tenants import create, put

from connectors.spi import Environment
from orchestrator.access.principal import Acting, Principal, acting
from orchestrator.bootstrap import Application, build
from orchestrator.ledger.schema_access import audit_log
from orchestrator.settings_loading import settings_from
from orchestratorx_prism.errors import NotFound, NotSupported, RequestRejected, UnknownConnector
from orchestratorx_prism.v1 import credential_service_pb2 as credentials_pb
from orchestratorx_prism.v1 import merchant_service_pb2 as pb

Replica = Callable[..., Awaitable[Application]]

PRODUCTION = Environment.ENVIRONMENT_PRODUCTION
FROM_FILE = {
    "merchants": {
        "filed": {"environment": "PRODUCTION", "connectors": {"stripe": {"webhook_secrets": ["whsec_file_1"]}}}
    }
}


async def audited(application: Application) -> list[tuple[str, ...]]:
    query = select(audit_log.c.action, audit_log.c.target, audit_log.c.merchant_id).order_by(audit_log.c.n)
    return [tuple(row) for row in await application.ledger.tables.read(query)]


async def listed(application: Application, **values: Any) -> tuple[list[str], str]:
    page = await application.services.merchants.list(pb.MerchantServiceListRequest(**values))
    return [one.merchant_id for one in page.merchants], page.next_page_token


async def test_a_merchant_is_made_shown_and_changed(replica: Replica) -> None:
    here, there = await replica(), await replica()
    merchants = here.services.merchants
    made = (await merchants.create(pb.MerchantServiceCreateRequest(merchant_id="acme", display_name=" Acme "))).merchant
    assert (made.merchant_id, made.display_name, made.disabled, made.from_settings) == ("acme", "Acme", False, False)
    assert made.environment == Environment.ENVIRONMENT_SANDBOX
    assert made.created_at.seconds > 1_700_000_000
    request = pb.MerchantServiceUpdateRequest(merchant_id="acme", environment=PRODUCTION)
    changed = (await merchants.update(request)).merchant
    assert (changed.environment, changed.display_name) == (PRODUCTION, "Acme")
    assert changed.created_at == made.created_at
    unchanged = (await merchants.update(pb.MerchantServiceUpdateRequest(merchant_id="acme"))).merchant
    assert unchanged == changed
    shown = await there.services.merchants.get(pb.MerchantServiceGetRequest(merchant_id="acme"))
    assert shown.merchant == changed
    assert await audited(here) == [
        ("merchant.created", "acme", "acme"),
        ("merchant.updated", "acme", "acme"),
    ]


@pytest.mark.parametrize("merchant_id", ["", "Acme", "a b", "a/b", "*", "é", "x" * 65, "a\n"])
async def test_an_id_that_cannot_stand_in_a_url_is_refused(replica: Replica, merchant_id: str) -> None:
    here = await replica()
    with pytest.raises(RequestRejected) as refused:
        await create(here, merchant_id)
    assert refused.value.metadata == {"field": "merchant_id"}


async def test_what_there_is_already_is_not_made_again_however_many_try_at_once(replica: Replica) -> None:
    here, there = await replica(**FROM_FILE), await replica(**FROM_FILE)
    tried = await asyncio.gather(*(create(one, "acme") for one in (here, there, here, there)), return_exceptions=True)
    refused = [one for one in tried if isinstance(one, RequestRejected)]
    assert [one.reason for one in refused] == ["MERCHANT_EXISTS"] * 3
    for taken in ("default", "filed", "acme"):
        with pytest.raises(RequestRejected, match="already"):
            await create(here, taken)
    assert [row[0] for row in await audited(here)] == ["merchant.created"]


async def test_lists_have_everybody_by_id_in_pages(replica: Replica) -> None:
    here = await replica(**FROM_FILE)
    for merchant_id in ("zoo", "acme", "a-1", "a_1"):
        await create(here, merchant_id)
    assert await listed(here) == (["a-1", "a_1", "acme", "default", "filed", "zoo"], "")
    first, token = await listed(here, page_size=4)
    rest, end = await listed(here, page_size=4, page_token=token)
    assert (first + rest, end) == (["a-1", "a_1", "acme", "default", "filed", "zoo"], "")
    with pytest.raises(RequestRejected):
        await listed(here, page_token="another")


async def test_a_merchants_own_key_lists_that_merchant_alone(replica: Replica) -> None:
    here = await replica()
    for merchant_id in ("acme", "rival"):
        await create(here, merchant_id)
    token = acting.set(Acting("key_1", "", Principal("key_1", "acme", frozenset({"merchant:read"}))))
    try:
        assert await listed(here) == (["acme"], "")
    finally:
        acting.reset(token)


async def test_what_is_not_there_is_not_found(replica: Replica) -> None:
    here = await replica()
    services = here.services
    with pytest.raises(NotFound):
        await services.merchants.get(pb.MerchantServiceGetRequest(merchant_id="nobody"))
    with pytest.raises(NotFound):
        await services.merchants.update(pb.MerchantServiceUpdateRequest(merchant_id="nobody", disabled=True))
    with pytest.raises(NotFound):
        await put(here, "nobody", webhook_secrets=["whsec_1"])
    for merchant_id in ("default", "nobody"):
        request = credentials_pb.CredentialServiceGetRequest(merchant_id=merchant_id, connector="stripe")
        with pytest.raises(NotFound):
            await services.credentials.get(request)
    with pytest.raises(NotFound):
        await services.credentials.list(credentials_pb.CredentialServiceListRequest(merchant_id="nobody"))


async def test_credentials_are_put_shown_masked_and_audited_by_name(replica: Replica) -> None:
    here = await replica()
    await create(here, "acme")
    values = {"STRIPE_API_KEY": "sk_test_canary_4242"}
    shown = await put(here, "acme", values=values, webhook_secrets=["whsec_canary_0001"], environment=PRODUCTION)
    assert dict(shown.masked_values) == {"STRIPE_API_KEY": "····4242"}
    assert list(shown.masked_webhook_secrets) == ["····0001"]
    assert (shown.environment, shown.from_settings, shown.shadowed, shown.fault) == (PRODUCTION, False, False, "")
    request = credentials_pb.CredentialServiceGetRequest(merchant_id="acme", connector="stripe", environment=PRODUCTION)
    assert (await here.services.credentials.get(request)).credentials == shown
    again = await put(here, "acme", values=values, environment=PRODUCTION)
    assert again.created_at == shown.created_at
    assert list(again.masked_webhook_secrets) == []
    assert (await audited(here))[1:] == [("credentials.changed", "stripe/PRODUCTION", "acme")] * 2
    details = await here.ledger.tables.read(select(audit_log.c.details))
    assert "canary" not in repr(details)


async def test_the_settings_credentials_are_shown_beside_those_kept(replica: Replica) -> None:
    here = await replica(**FROM_FILE)
    await put(here, "filed", webhook_secrets=["whsec_kept_0002"])
    await put(here, "filed", connector="adyen", values={"ADYEN_API_KEY": "AQE_kept_0003"})
    request = credentials_pb.CredentialServiceListRequest(merchant_id="filed")
    found = (await here.services.credentials.list(request)).credentials
    assert [(one.connector, one.from_settings, one.shadowed) for one in found] == [
        ("adyen", False, False),
        ("stripe", False, True),
        ("stripe", True, False),
    ]
    assert [list(one.masked_webhook_secrets) for one in found[1:]] == [["····0002"], ["····le_1"]]


async def test_an_unknown_connector_is_refused_with_the_nearest(replica: Replica) -> None:
    here = await replica()
    with pytest.raises(UnknownConnector) as refused:
        await put(here, "", connector="strip", webhook_secrets=["whsec_1"])
    assert refused.value.fix.startswith("did you mean stripe?")


async def test_a_refused_change_changes_nothing_and_is_not_audited(replica: Replica) -> None:
    here = await replica()
    await create(here, "acme")
    for fault in ({"display_name": "x" * 201}, {"display_name": "a\x07"}, {"environment": 7}, {"environment": 0}):
        with pytest.raises(RequestRejected):
            await here.services.merchants.update(pb.MerchantServiceUpdateRequest(merchant_id="acme", **fault))
    with pytest.raises(RequestRejected):
        await put(here, "acme", keep_webhook_secrets=1, webhook_secrets=["whsec_1"])
    assert [row[0] for row in await audited(here)] == ["merchant.created"]


async def test_a_ledger_in_memory_shows_the_settings_and_keeps_nothing() -> None:
    application = build(settings_from({"database_url": "memory:", **FROM_FILE}))
    await application.start()
    try:
        assert await listed(application) == (["default", "filed"], "")
        with pytest.raises(NotSupported) as refused:
            await create(application, "acme")
        assert refused.value.reason == "DATABASE_NEEDED"
        request = credentials_pb.CredentialServiceListRequest(merchant_id="filed")
        (shown,) = (await application.services.credentials.list(request)).credentials
        assert shown.from_settings
    finally:
        await application.stop()
