"""Every request becomes its caller's own merchant's, or is refused: tried with every rpc that the protos know of."""

from __future__ import annotations

from typing import Any

import pytest
from every_rpc import every_rpc, name_of, named_in, places_in, requests_naming
from google.protobuf.message_factory import GetMessageClass

from orchestrator.access.confining import MERCHANTLESS, Confiner
from orchestrator.access.principal import ANYBODY, EVERYBODY, Principal
from orchestrator.access.scopes import INSTALLATION_ONLY
from orchestratorx_prism.errors import NotFound, PermissionRefused
from orchestratorx_prism.v1 import event_service_pb2 as events
from orchestratorx_prism.v1.event_service_pb2 import EventFilter, HandleEventRequest

ACME = Principal("key_1", "acme", frozenset({EVERYBODY}))
RPCS = pytest.mark.parametrize("method", every_rpc(), ids=name_of)


@pytest.fixture
def confiner() -> Confiner:
    return Confiner()


@RPCS
def test_another_merchants_name_is_refused_wherever_it_stands(confiner: Confiner, method: Any) -> None:
    requests = list(requests_naming(method, "globex"))
    if name_of(method) in INSTALLATION_ONLY:
        with pytest.raises(PermissionRefused):
            confiner.confine(ACME, name_of(method), GetMessageClass(method.input_type)())
        return
    assert requests or name_of(method) in MERCHANTLESS
    for request in requests:
        with pytest.raises(NotFound) as refused:
            confiner.confine(ACME, name_of(method), request)
        assert refused.value.reason.endswith("NOT_FOUND")
        assert "globex" not in str(refused.value)


@RPCS
def test_an_empty_merchant_becomes_the_keys_own(confiner: Confiner, method: Any) -> None:
    if name_of(method) in INSTALLATION_ONLY | MERCHANTLESS:
        return
    for place in places_in(method.input_type, ()):
        request: Any = GetMessageClass(method.input_type)()
        holder = request
        for field in place[:-1]:
            holder = getattr(holder, field.name).add() if field.is_repeated else getattr(holder, field.name)
        confiner.confine(ACME, name_of(method), request)
        assert holder.merchant_id == "acme"
        assert set(named_in(request)) == {"acme"}


@RPCS
def test_nobody_but_the_installation_names_all_merchants(confiner: Confiner, method: Any) -> None:
    for request in requests_naming(method, EVERYBODY):
        with pytest.raises(PermissionRefused):
            confiner.confine(ACME, name_of(method), request)


@RPCS
def test_the_installations_own_callers_name_whom_they_like(confiner: Confiner, method: Any) -> None:
    for merchant_id in ("globex", EVERYBODY, ""):
        for request in requests_naming(method, merchant_id):
            before = request.SerializeToString()
            confiner.confine(ANYBODY, name_of(method), request)
            assert request.SerializeToString() == before


def test_one_of_many_webhooks_of_another_merchant_takes_all_of_the_call_with_it(confiner: Confiner) -> None:
    mixed = events.BatchHandleEventsRequest(
        requests=[HandleEventRequest(), HandleEventRequest(merchant_id="globex"), HandleEventRequest()]
    )
    with pytest.raises(NotFound):
        confiner.confine(ACME, "EventService.BatchHandleEvents", mixed)
    assert [one.merchant_id for one in mixed.requests] == ["", "globex", ""]


def test_a_replay_without_a_choice_stays_without_one(confiner: Confiner) -> None:
    request = events.ReplayEventsRequest(event_ids=["evt_1"])
    confiner.confine(ACME, "EventService.ReplayEvents", request)
    assert request.filter == EventFilter(merchant_id="acme")


def test_a_method_whose_requests_name_no_merchant_is_refused_until_somebody_has_thought_of_it(
    confiner: Confiner,
) -> None:
    with pytest.raises(PermissionRefused):
        confiner.confine(ACME, "NewService.Sweep", events.ParseEventRequest())


def test_a_name_that_is_almost_the_own_one_is_another(confiner: Confiner) -> None:
    for almost in ("Acme", "acme ", "acme\0", "acm", "acme/x", "\uff41cme"):
        with pytest.raises(NotFound):
            confiner.confine(ACME, "EventService.GetEvent", events.GetEventRequest(merchant_id=almost))
