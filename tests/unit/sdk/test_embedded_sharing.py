"""Finding the embedded application, and sharing one among the clients of the same settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import pytest

from orchestratorx_prism import DriverMissing, EventClient, RequestRejected, SettingsRejected
from orchestratorx_prism.transports import embedded
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import GetEventResponse


class FakeApplication:
    """Answers GetEvent with its own number as the id."""

    def __init__(self, number: int, settings: Mapping[str, Any] | None, *, loop_bound: bool) -> None:
        self.number, self.settings, self.loop_bound = number, settings, loop_bound
        self.closed = 0

    async def unary(self, *_args: Any, **_kwargs: Any) -> GetEventResponse:
        return GetEventResponse(event=Event(id=str(self.number)))

    async def close(self) -> None:
        self.closed += 1


class Opener:
    def __init__(self) -> None:
        self.opened: list[FakeApplication] = []
        self.loop_bound = True

    def __call__(self, settings: Mapping[str, Any] | None) -> FakeApplication:
        if settings and "bad" in settings:
            raise SettingsRejected("bad: no such setting")
        self.opened.append(FakeApplication(len(self.opened), settings, loop_bound=self.loop_bound))
        return self.opened[-1]


@pytest.fixture
def opener(monkeypatch: pytest.MonkeyPatch) -> Opener:
    made = Opener()
    monkeypatch.setattr(embedded, "find_embedded", lambda: made)
    monkeypatch.setattr(embedded, "_pool", embedded._Pool())
    return made


async def _number(client: EventClient) -> int:
    return int((await client.get_event("any")).id)


async def test_clients_of_the_same_settings_share_one_application(opener: Opener) -> None:
    one, two = EventClient(connector="stripe"), EventClient(connector="adyen")
    other = EventClient(settings={"database_url": "memory:", "port": 1})
    same = EventClient(settings={"port": 1, "database_url": "memory:"})
    assert [await _number(c) for c in (one, two, other, same)] == [0, 0, 1, 1]
    assert opener.opened[1].settings == {"database_url": "memory:", "port": 1}


async def test_the_last_to_leave_closes_it(opener: Opener) -> None:
    one, two = EventClient(), EventClient()
    await _number(one)
    await _number(two)
    await one.aclose()
    await one.aclose()
    assert opener.opened[0].closed == 0
    await two.aclose()
    assert opener.opened[0].closed == 1
    async with EventClient() as later:
        assert await _number(later) == 1
    with pytest.raises(RequestRejected) as caught:
        await _number(one)
    assert caught.value.reason == "CLIENT_CLOSED"


async def test_an_application_for_any_loop_outlives_its_clients(opener: Opener) -> None:
    opener.loop_bound = False
    async with EventClient() as client:
        assert await _number(client) == 0
        assert await asyncio.to_thread(asyncio.run, _number(client)) == 0
    async with EventClient() as later:
        assert await _number(later) == 0
    assert opener.opened[0].closed == 0


async def test_an_application_of_one_loop_is_not_used_on_another(opener: Opener) -> None:
    client = EventClient()
    assert await _number(client) == 0
    assert await asyncio.to_thread(asyncio.run, _number(client)) == 1
    assert await _number(client) == 0
    await client.aclose()
    assert opener.opened[0].closed == 1


def test_an_application_whose_loop_was_closed_is_given_up_with_a_warning(opener: Opener) -> None:
    client = EventClient(settings={"database_url": "sqlite:///x.db"})
    assert asyncio.run(_number(client)) == 0
    with pytest.warns(ResourceWarning, match="aclose"):
        assert asyncio.run(_number(client)) == 1


def test_an_application_without_settings_has_nothing_to_lose_with_its_loop(opener: Opener) -> None:
    client = EventClient()
    assert asyncio.run(_number(client)) == 0
    assert asyncio.run(_number(client)) == 1


def test_faults_of_the_settings_show_when_the_client_is_made(opener: Opener) -> None:
    with pytest.raises(SettingsRejected, match="bad"):
        EventClient(settings={"bad": 1})
    with pytest.raises(SettingsRejected, match="plain values"):
        EventClient(settings={"database_url": object()})
    assert EventClient(settings={"key": b"1", "path": os.fspath("x")})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_its_own(opener: Opener) -> None:
    EventClient()
    assert embedded._pool._open
    # What the child would do first; forking the test process itself would fork its threads' locks too.
    embedded._pool.forget()
    assert not embedded._pool._open
    EventClient()
    assert len(opener.opened) == 2


def test_without_the_orchestrator_the_error_says_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "entry_points", lambda **_: ())
    monkeypatch.setattr(embedded, "_pool", embedded._Pool())
    embedded.find_embedded.cache_clear()
    with pytest.raises(DriverMissing) as caught:
        EventClient(connector="stripe")
    assert "pip install orchestratorx" in caught.value.fix
    assert "target=" in caught.value.fix


def test_an_orchestrator_that_cannot_be_imported_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def load(self) -> None:
            raise ModuleNotFoundError("No module named 'sqlalchemy'")

    monkeypatch.setattr(embedded, "entry_points", lambda **_: (Broken(),))
    monkeypatch.setattr(embedded, "_pool", embedded._Pool())
    embedded.find_embedded.cache_clear()
    with pytest.raises(DriverMissing, match="sqlalchemy"):
        EventClient(connector="stripe")
