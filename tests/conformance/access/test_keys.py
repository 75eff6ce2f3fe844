"""Keys from making to their end, on several replicas; what is in the database of them; who may make which."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from orchestrator.access.keyring import FRESH_S
from orchestrator.access.keys import hash_of
from orchestrator.access.principal import EVERYBODY, Principal, enter
from orchestrator.bootstrap import Application
from orchestrator.ledger.schema_access import api_keys, audit_log, revisions
from orchestrator.ledger.tables import Work, now_us
from orchestratorx_prism.errors import (
    NotFound,
    PermissionRefused,
    PrismError,
    RequestRejected,
    TooManyCalls,
    Unauthenticated,
)
from orchestratorx_prism.v1 import api_key_service_pb2 as pb

HERE = "192.0.2.1"
GET = "PaymentService.Get"
OpenReplica = Callable[..., Awaitable[Application]]


async def made(replica: Application, **wanted: Any) -> pb.ApiKeyServiceCreateResponse:
    """A key of acme that reads payments, unless told otherwise."""
    request = pb.ApiKeyServiceCreateRequest(**{"merchant_id": "acme", "scopes": ["payments:read"], **wanted})
    return await replica.services.api_keys.create(request)


async def refusal(replica: Application, key: str, method: str = GET, address: str = HERE) -> PrismError:
    """How a caller is refused."""
    with pytest.raises(PrismError) as refused:
        await replica.access.guard.admit(key, method, address)
    return refused.value


async def actions(replica: Application) -> list[tuple[str, str]]:
    """(action, target) of the audit log, once everything was written down."""
    await replica.access.stop()
    rows = await replica.ledger.tables.read(select(audit_log.c.action, audit_log.c.target).order_by(audit_log.c.n))
    replica.access.start()
    return [(row[0], row[1]) for row in rows]


async def past_the_refresh() -> None:
    """Until every replica has asked anew."""
    await asyncio.sleep(FRESH_S + 0.05)


async def set_end(replica: Application, key_id: str, in_us: int) -> None:
    """Moves a key's end behind everybody's back but the database's."""

    def work() -> Work[None]:
        yield update(api_keys).where(api_keys.c.key_id == key_id).values(expires_at=now_us() + in_us)
        yield update(revisions).values(n=revisions.c.n + 1)

    await replica.ledger.tables.transact(work)
    replica.access.keys_changed()


async def test_a_key_opens_what_its_scopes_say_and_nothing_else(replica: Application) -> None:
    key = await made(replica)
    principal = await replica.access.guard.admit(key.secret, GET, HERE)
    assert principal.actor == key.api_key.key_id
    assert (principal.merchant_id, principal.scopes) == ("acme", {"payments:read"})
    assert principal.limit is not None
    refused = await refusal(replica, key.secret, "PaymentService.Capture")
    assert isinstance(refused, PermissionRefused)
    assert (refused.reason, refused.metadata["scope"]) == ("SCOPE_MISSING", "payments:write")
    assert isinstance(await refusal(replica, key.secret, "NewService.Sweep"), PermissionRefused)


async def test_even_the_installations_keys_do_not_open_what_has_no_scope(replica: Application) -> None:
    key = await made(replica, merchant_id="*", scopes=["*"])
    assert isinstance(await refusal(replica, key.secret, "NewService.Sweep"), PermissionRefused)


async def test_from_the_first_key_on_keys_are_asked_for_and_the_end_of_the_last_opens_nothing(
    replica: Application,
) -> None:
    guard = replica.access.guard
    assert (await guard.admit(None, GET, HERE)).actor == "anonymous"
    assert (await guard.admit("whatever", GET, HERE)).actor == "anonymous"
    key = await made(replica)
    with pytest.raises(Unauthenticated):
        await guard.admit(None, GET, HERE)
    await replica.services.api_keys.revoke(pb.ApiKeyServiceRevokeRequest(key_id=key.api_key.key_id, merchant_id="acme"))
    with pytest.raises(Unauthenticated):
        await guard.admit(None, GET, HERE)


async def test_the_database_has_no_keys_text(replica: Application) -> None:
    key = await made(replica, name="shop")
    [row] = await replica.ledger.tables.read(select(*api_keys.c))
    public, _, secret = key.secret.rpartition("_")
    assert (row[3], bytes(row[4])) == (public, hash_of(key.secret))
    assert secret not in repr([bytes(value) if isinstance(value, memoryview) else value for value in row])


async def test_a_revoked_key_is_refused_here_at_once_and_elsewhere_within_a_second(open_replica: OpenReplica) -> None:
    here, there = await open_replica(), await open_replica()
    key = await made(here)
    for replica in (here, there):
        await replica.access.guard.admit(key.secret, GET, HERE)
    await here.services.api_keys.revoke(pb.ApiKeyServiceRevokeRequest(key_id=key.api_key.key_id, merchant_id="acme"))
    assert (await refusal(here, key.secret)).reason == "KEY_REVOKED"
    revoked_at = time.monotonic()
    while True:
        asked_at = time.monotonic()
        try:
            await there.access.guard.admit(key.secret, GET, HERE)
        except Unauthenticated:
            break
        assert asked_at - revoked_at <= 1.0
        await asyncio.sleep(0.01)


async def test_a_stream_of_a_revoked_key_ends(open_replica: OpenReplica) -> None:
    here, there = await open_replica(), await open_replica()
    key = await made(here)
    principal = await there.access.guard.admit(key.secret, GET, HERE)
    await there.access.guard.still(principal)
    await here.services.api_keys.revoke(pb.ApiKeyServiceRevokeRequest(key_id=key.api_key.key_id, merchant_id="acme"))
    await past_the_refresh()
    with pytest.raises(Unauthenticated) as refused:
        await there.access.guard.still(principal)
    assert refused.value.reason == "KEY_ENDED"


async def test_a_strangers_stream_ends_when_keys_begin_to_be_asked_for(replica: Application) -> None:
    stranger = await replica.access.guard.admit(None, GET, HERE)
    await replica.access.guard.still(stranger)
    await made(replica)
    with pytest.raises(Unauthenticated):
        await replica.access.guard.still(stranger)


async def test_both_keys_of_a_rotation_work_until_the_overlap_ends(replica: Application) -> None:
    old = await made(replica, name="shop", calls_per_minute=77)
    new = await replica.services.api_keys.rotate(
        pb.ApiKeyServiceRotateRequest(key_id=old.api_key.key_id, merchant_id="acme", overlap_s=600)
    )
    assert (new.api_key.name, new.api_key.calls_per_minute, list(new.api_key.scopes)) == ("shop", 77, ["payments:read"])
    assert not new.api_key.HasField("expires_at")
    assert new.previous.expires_at.seconds - new.api_key.created_at.seconds == 600
    for secret in (old.secret, new.secret):
        await replica.access.guard.admit(secret, GET, HERE)
    await set_end(replica, old.api_key.key_id, 0)
    assert (await refusal(replica, old.secret)).reason == "KEY_EXPIRED"
    await replica.access.guard.admit(new.secret, GET, HERE)


async def test_a_key_that_expires_within_the_overlap_does_not_live_longer_for_it(replica: Application) -> None:
    old = await made(replica)
    await set_end(replica, old.api_key.key_id, 60_000_000)
    new = await replica.services.api_keys.rotate(
        pb.ApiKeyServiceRotateRequest(key_id=old.api_key.key_id, merchant_id="acme")
    )
    ends_in_s = new.previous.expires_at.ToMicroseconds() - new.api_key.created_at.ToMicroseconds()
    assert ends_in_s <= 60_000_000
    life_us = new.api_key.expires_at.ToMicroseconds() - new.api_key.created_at.ToMicroseconds()
    assert 60_000_000 <= life_us <= 70_000_000


async def test_an_ended_key_cannot_be_rotated_into_a_new_one(replica: Application) -> None:
    key = await made(replica)
    rotation = pb.ApiKeyServiceRotateRequest(key_id=key.api_key.key_id, merchant_id="acme")
    await set_end(replica, key.api_key.key_id, 0)
    with pytest.raises(RequestRejected, match="ended"):
        await replica.services.api_keys.rotate(rotation)
    await replica.services.api_keys.revoke(pb.ApiKeyServiceRevokeRequest(key_id=key.api_key.key_id, merchant_id="acme"))
    with pytest.raises(RequestRejected, match="ended"):
        await replica.services.api_keys.rotate(rotation)


async def test_a_key_expires_by_the_databases_clock_also_while_it_is_known_in_memory(
    replica: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await made(replica)
    await set_end(replica, key.api_key.key_id, 60_000_000)
    await replica.access.guard.admit(key.secret, GET, HERE)
    ring = replica.access.ring
    assert ring is not None
    read_at = ring._read_at
    monkeypatch.setattr(ring, "_clock", lambda: read_at)  # as if no time passed here
    await replica.access.guard.admit(key.secret, GET, HERE)
    monkeypatch.setattr(ring, "_now_us", ring._now_us + 60_000_000)
    assert (await refusal(replica, key.secret)).reason == "KEY_EXPIRED"


async def test_two_keys_that_begin_alike_are_told_apart(replica: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = iter(["ox_samesame_" + "a" * 32, "ox_samesame_" + "b" * 32])
    monkeypatch.setattr("orchestrator.services.administration.api_keys.new_text", lambda: next(texts))
    first, second = await made(replica), await made(replica, merchant_id="globex")
    assert first.api_key.prefix == second.api_key.prefix
    assert (await replica.access.guard.admit(first.secret, GET, HERE)).merchant_id == "acme"
    assert (await replica.access.guard.admit(second.secret, GET, HERE)).merchant_id == "globex"
    assert isinstance(await refusal(replica, "ox_samesame_" + "c" * 32), Unauthenticated)


@pytest.mark.parametrize(
    "text", ["\0", "ox_\ud800", "ä" * 50, "x" * 100_000, "ox_12345678_" + "x" * 32, "%", "' OR 1=1"]
)
async def test_odd_texts_are_wrong_keys_and_nothing_worse(replica: Application, text: str) -> None:
    await made(replica)
    assert isinstance(await refusal(replica, text), Unauthenticated)


async def test_ten_wrong_keys_from_an_address_put_it_off_and_nobody_else(replica: Application) -> None:
    good, fresh = await made(replica), await made(replica)
    await replica.access.guard.admit(good.secret, GET, HERE)
    for number in range(10):
        assert isinstance(await refusal(replica, f"wrong {number}"), Unauthenticated)
    put_off = await refusal(replica, "wrong again")
    assert isinstance(put_off, TooManyCalls)
    assert 290 <= (put_off.retry_after_s or 0) <= 310
    assert isinstance(await refusal(replica, fresh.secret), TooManyCalls)
    await replica.access.guard.admit(good.secret, GET, HERE)
    await replica.access.guard.admit(fresh.secret, GET, "192.0.2.2")


async def test_a_caller_without_a_key_is_refused_and_does_not_lock_its_address_out(replica: Application) -> None:
    key = await made(replica)
    for _ in range(30):
        with pytest.raises(Unauthenticated):
            await replica.access.guard.admit(None, GET, HERE)
    await replica.access.guard.admit(key.secret, GET, HERE)


async def test_a_key_has_its_own_limit_or_the_installations(open_replica: OpenReplica) -> None:
    replica = await open_replica({"calls_per_minute": 3})
    usual, more = await made(replica), await made(replica, calls_per_minute=5)
    for key, most in ((usual, 3), (more, 5)):
        left = [(await replica.access.guard.admit(key.secret, GET, HERE)).limit for _ in range(most)]
        assert [limit.remaining for limit in left if limit] == list(range(most - 1, -1, -1))
        put_off = await refusal(replica, key.secret)
        assert isinstance(put_off, TooManyCalls)
        assert put_off.metadata == {"by": "key", "limit": str(most)}


async def test_no_limit_means_none(open_replica: OpenReplica) -> None:
    replica = await open_replica({"calls_per_minute": 0})
    key = await made(replica)
    assert (await replica.access.guard.admit(key.secret, GET, HERE)).limit is None


def as_caller(merchant_id: str, *scopes: str) -> None:
    enter(Principal("key_caller", merchant_id, frozenset(scopes)), HERE)


async def test_no_key_reaches_further_than_its_maker(replica: Application) -> None:
    as_caller("acme", "keys:write", "payments:read")
    for beyond in (["payments:write"], ["payments:read", "audit:read"], ["*"]):
        with pytest.raises(PermissionRefused) as refused:
            await made(replica, scopes=beyond)
        assert refused.value.reason == "SCOPE_BEYOND_MAKER"
    for merchant_id in ("globex", "*"):
        with pytest.raises(NotFound):
            await made(replica, merchant_id=merchant_id)
    own = await made(replica, merchant_id="")
    assert own.api_key.merchant_id == "acme"


async def test_rotating_does_not_hand_over_what_the_caller_does_not_have(replica: Application) -> None:
    strong = await made(replica, scopes=["payments:write", "keys:write"])
    as_caller("acme", "keys:write")
    with pytest.raises(PermissionRefused):
        await replica.services.api_keys.rotate(pb.ApiKeyServiceRotateRequest(key_id=strong.api_key.key_id))


async def test_another_merchants_key_is_not_there(replica: Application) -> None:
    foreign = (await made(replica, merchant_id="globex")).api_key.key_id
    as_caller("acme", "*")
    service = replica.services.api_keys
    missing = []
    for key_id in (foreign, "key_" + "0" * 22, "nonsense"):
        for merchant_id in ("", "acme", "globex"):
            for call in (
                service.get(pb.ApiKeyServiceGetRequest(key_id=key_id, merchant_id=merchant_id)),
                service.rotate(pb.ApiKeyServiceRotateRequest(key_id=key_id, merchant_id=merchant_id)),
                service.revoke(pb.ApiKeyServiceRevokeRequest(key_id=key_id, merchant_id=merchant_id)),
            ):
                with pytest.raises(NotFound) as refused:
                    await call
                missing.append(str(refused.value))
    assert len(set(missing)) == 1
    assert (await service.list(pb.ApiKeyServiceListRequest())).api_keys == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"scopes": []},
        {"scopes": ["payments:delete"]},
        {"scopes": ["payments:read\0"]},
        {"merchant_id": "nobody"},
        {"merchant_id": "a\0"},
        {"name": "x" * 201},
        {"name": "two\nlines"},
        {"calls_per_minute": -1},
        {"expires_at": {"seconds": 1}},
        {"expires_at": {"seconds": 2**60}},
    ],
)
async def test_what_no_key_can_be_is_refused(replica: Application, wanted: dict[str, Any]) -> None:
    with pytest.raises((RequestRejected, NotFound)):
        await made(replica, **wanted)
    assert await actions(replica) == []


async def test_keys_are_listed_newest_first_a_page_at_a_time_without_those_that_ended(replica: Application) -> None:
    keys = [(await made(replica)).api_key.key_id for _ in range(5)]
    await made(replica, merchant_id="globex")
    service = replica.services.api_keys
    await service.revoke(pb.ApiKeyServiceRevokeRequest(key_id=keys[1], merchant_id="acme"))
    await set_end(replica, keys[2], 0)

    async def listed(**wanted: Any) -> list[str]:
        request = pb.ApiKeyServiceListRequest(merchant_id="acme", page_size=2, **wanted)
        found: list[str] = []
        while True:
            page = await service.list(request)
            assert len(page.api_keys) <= 2
            found += [key.key_id for key in page.api_keys]
            request.page_token = page.next_page_token
            if not page.next_page_token:
                return found

    assert await listed() == [keys[4], keys[3], keys[0]]
    assert await listed(ended=True) == keys[::-1]


async def test_everything_that_happens_to_a_key_stands_in_the_audit_log(replica: Application) -> None:
    key = (await made(replica)).api_key.key_id
    service = replica.services.api_keys
    await service.rotate(pb.ApiKeyServiceRotateRequest(key_id=key, merchant_id="acme"))
    for _ in range(2):  # the second changes nothing
        await service.revoke(pb.ApiKeyServiceRevokeRequest(key_id=key, merchant_id="acme"))
    assert await actions(replica) == [("key.created", key), ("key.rotated", key), ("key.revoked", key)]


async def test_authentications_stand_in_the_audit_log_and_cannot_fill_it(replica: Application) -> None:
    key = await made(replica)
    key_id = key.api_key.key_id
    for _ in range(50):
        await replica.access.guard.admit(key.secret, GET, HERE)
        await refusal(replica, key.secret, "AuditService.List", "192.0.2.2")
        await refusal(replica, "wrong", address="192.0.2.3")
    await replica.access.guard.admit(key.secret, GET, "192.0.2.4")
    await set_end(replica, key_id, 0)
    await refusal(replica, key.secret, address="192.0.2.5")
    found = await actions(replica)
    counts = {action: sum(one[0] == action for one in found) for action, _ in found}
    assert counts == {
        "key.created": 1,
        "auth.success": 2,
        "auth.scope_denied": 10,
        "auth.failed": 10,
        "auth.rate_limited": 1,
        "auth.key_expired": 1,
    }
    assert ("auth.success", key_id) in found
    assert ("auth.scope_denied", "AuditService.List") in found
    assert ("auth.rate_limited", "192.0.2.3") in found


async def test_a_keys_last_use_is_known_to_the_minute_without_a_write_a_call(replica: Application) -> None:
    key = await made(replica)
    request = pb.ApiKeyServiceGetRequest(key_id=key.api_key.key_id, merchant_id="acme")
    assert not (await replica.services.api_keys.get(request)).api_key.HasField("last_used_at")
    for _ in range(20):
        await replica.access.guard.admit(key.secret, GET, HERE)
    await actions(replica)
    first = (await replica.services.api_keys.get(request)).api_key.last_used_at
    assert 0 <= first.ToMicroseconds() - key.api_key.created_at.ToMicroseconds() < 60_000_000
    replica.access.guard._reporter._used._told.clear()  # as on another replica
    await replica.access.guard.admit(key.secret, GET, HERE)
    await actions(replica)
    assert (await replica.services.api_keys.get(request)).api_key.last_used_at == first


async def test_keys_that_change_on_all_replicas_at_once_wait_for_each_other_and_not_in_a_circle(
    open_replica: OpenReplica,
) -> None:
    replicas = [await open_replica() for _ in range(3)]
    keys = [await made(replicas[0]) for _ in range(4)]

    async def busy(replica: Application, key: pb.ApiKeyServiceCreateResponse) -> None:
        await replica.access.guard.admit(key.secret, GET, f"192.0.2.{replicas.index(replica)}")
        rotation = pb.ApiKeyServiceRotateRequest(key_id=key.api_key.key_id, merchant_id="acme", overlap_s=60)
        await replica.services.api_keys.rotate(rotation)
        await made(replica)

    await asyncio.gather(*(busy(replica, key) for replica in replicas for key in keys))
    found = await actions(replicas[0])
    assert sum(action == "key.rotated" for action, _ in found) == 12
    assert sum(action == "key.created" for action, _ in found) == 16


async def test_a_settings_key_opens_everything_that_has_a_scope_without_limit(open_replica: OpenReplica) -> None:
    replica = await open_replica({"api_keys": ["the installation's ä"], "calls_per_minute": 1})
    for _ in range(5):
        principal = await replica.access.guard.admit("the installation's ä", "MerchantService.Create", HERE)
    assert (principal.actor, principal.merchant_id, principal.limit) == ("settings", EVERYBODY, None)
    assert isinstance(await refusal(replica, "the installation's"), Unauthenticated)
    assert ("auth.success", "settings") in await actions(replica)


async def test_where_keys_are_not_asked_for_one_that_is_sent_is_looked_at_all_the_same(
    open_replica: OpenReplica,
) -> None:
    replica = await open_replica({"require_api_keys": False})
    key = await made(replica)
    assert (await replica.access.guard.admit(None, GET, HERE)).actor == "anonymous"
    assert (await replica.access.guard.admit(key.secret, GET, HERE)).merchant_id == "acme"
    assert isinstance(await refusal(replica, "wrong"), Unauthenticated)
