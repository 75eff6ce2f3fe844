"""Channels: selection, addresses, keys, and what is refused at start."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.publishing.channels import BUILT_IN, Channel, Selection, address_word, built_in_channels
from orchestratorx_prism.envelopes.cloudevents import decode
from orchestratorx_prism.errors import PayloadRejected, SettingsRejected
from orchestratorx_prism.v1.event_pb2 import Event

MakeEvent = Callable[..., Event]


def test_the_events_channel_publishes_by_payment_to_payments_events(event: MakeEvent) -> None:
    (channel,) = built_in_channels()
    made = event("pay_9", 3)

    message = channel.message_of(made)

    assert (message.id, message.address, message.routing_key) == (made.id, "payments.events", "payment.captured")
    assert message.key == "pay_9"
    assert decode(message) == made


def test_another_channel_gives_its_messages_ids_of_their_own(event: MakeEvent) -> None:
    made = event()
    message = Channel("audit", address="audit").message_of(made)
    assert message.id == f"{made.id}.audit"


def test_addresses_and_keys_are_filled_from_the_event(event: MakeEvent) -> None:
    channel = Channel(
        "own",
        address="payments.{environment}.{merchant}.{connector}",
        routing_key="",
        key="{merchant}/{payment_id}",
        envelope="cloudevents+protobuf",
    )
    channel.check()
    message = channel.message_of(event("pay_1", merchant_id="Café 1.2"))
    assert message.address == "payments.sandbox.Caf__C3__A9__201__2E2.stripe"
    assert (message.routing_key, message.key) == ("", "Café 1.2/pay_1")


@given(st.text(), st.text())
def test_two_merchants_never_share_an_address_word(one: str, two: str) -> None:
    assert (address_word(one) == address_word(two)) == (one == two)
    assert re.fullmatch(r"[A-Za-z0-9_-]*", address_word(one))


@pytest.mark.parametrize(("one", "two"), [("a.b", "a__2Eb"), ("a__b", "a_.b"), ("_", "__"), ("a_", "a_5F")])
def test_texts_that_look_like_escapes_stay_apart(one: str, two: str) -> None:
    assert address_word(one) != address_word(two)


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(types=("payment.captured",)), True),
        (Selection(types=("payment.transaction.succeeded",)), True),
        (Selection(types=("payment.*",)), True),
        (Selection(types=("*",)), True),
        (Selection(types=("refund.*", "payment.failed")), False),
        (Selection(types=("payment_method.*",)), False),
        (Selection(connectors=("stripe", "adyen")), True),
        (Selection(connectors=("adyen",)), False),
        (Selection(merchants=("default",)), True),
        (Selection(merchants=("other",)), False),
        (Selection(types=("payment.*",), connectors=("stripe",), merchants=("other",)), False),
    ],
)
def test_a_selection_takes_what_it_names(event: MakeEvent, selection: Selection, taken: bool) -> None:
    assert selection.takes(event()) is taken


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"address": "payments.{stage}"}, r"address: takes .*\{merchant\}, not \{stage\}"),
        ({"address": "payments.{type!r}"}, "address: takes"),
        ({"address": "payments.{}"}, "address: takes"),
        ({"address": "payments.{type"}, "address: a brace is not closed"),
        ({"address": ""}, "address: missing"),
        ({"routing_key": "{payment_id}"}, "routing_key: takes"),
        ({"key": "{type}"}, "key: takes"),
        ({"envelope": "cloudevent+json"}, r"did you mean cloudevents\+json\?"),
        ({"selection": Selection(types=("payment.captred",))}, r"did you mean payment\.captured\?"),
        ({"selection": Selection(types=("paymnt.*",))}, "there is no paymnt"),
    ],
)
def test_a_wrong_channel_is_refused_at_start(changes: dict[str, object], fault: str) -> None:
    channel = replace(BUILT_IN["events"], **changes)  # type: ignore[arg-type]
    with pytest.raises(SettingsRejected, match=fault):
        channel.check()


def test_every_fault_of_a_channel_is_reported_at_once() -> None:
    channel = Channel("x", address="{a}", routing_key="{b}", key="{c}", envelope="d", selection=Selection(("e",)))
    with pytest.raises(SettingsRejected) as refused:
        channel.check()
    assert all(part in refused.value.message for part in ("{a}", "{b}", "{c}", "no d", "no e"))


def test_a_channel_that_is_not_built_in_is_refused_with_the_nearest() -> None:
    with pytest.raises(SettingsRejected, match=r"did you mean events\?"):
        built_in_channels(["event"])


def payout(event: MakeEvent, before: int, after: int, **fields: object) -> Event:
    made = event("", 0, type="payout.succeeded", partition_key="po_1", **fields)
    made.payout.payout_id = "pyo_1"
    made.payout.request_status_before, made.payout.request_status = before, after  # type: ignore[assignment]
    return made


def test_the_payments_channel_publishes_to_the_environments_topic_by_payment(event: MakeEvent) -> None:
    channel = replace(BUILT_IN["payments"], sandbox_env="sit")
    test, real = event("pay_9"), event("pay_9", environment=2)

    messages = [channel.message_of(each) for each in (test, real)]

    assert [message.address for message in messages] == ["payments.sit.events", "payments.prod.events"]
    assert {message.key for message in messages} == {"pay_9"}
    assert messages[0].id == f"{test.id}.payments"
    assert b'"environment":"sit"' in messages[0].body
    assert b'"environment":"prod"' in messages[1].body


def test_a_payment_request_that_begins_and_ends_at_once_is_two_messages_in_order(event: MakeEvent) -> None:
    channel = BUILT_IN["payment_requests"]
    made = payout(event, 0, 3)

    first, second = channel.messages_of(made)

    assert b"PaymentRequestCreated" in first.body
    assert b"PaymentRequestUpdated" in second.body
    assert (first.id, second.id) == (f"{made.id}.payment_requests.1", f"{made.id}.payment_requests")
    assert {message.key for message in (first, second)} == {"pyo_1"}
    assert {message.address for message in (first, second)} == {"stream:payment_gateway:payment_request_events"}
    assert channel.messages_of(made) == [first, second], "the same each time it is sent"


@pytest.mark.parametrize(
    ("name", "taken"), [("events", [True, True]), ("payments", [True, False]), ("payment_requests", [False, True])]
)
def test_a_channel_takes_what_its_format_has_words_for(event: MakeEvent, name: str, taken: list[bool]) -> None:
    assert [BUILT_IN[name].takes(each) for each in (event(), payout(event, 0, 3))] == taken


def test_a_payout_that_tells_nothing_new_is_no_message(event: MakeEvent) -> None:
    made = payout(event, 3, 3)
    channel = BUILT_IN["payment_requests"]
    assert not channel.takes(made)
    assert channel.messages_of(made) == []
    with pytest.raises(PayloadRejected):
        channel.message_of(made)


def test_a_channel_that_selects_and_a_format_that_holds_must_both_agree(event: MakeEvent) -> None:
    channel = replace(BUILT_IN["payments"], selection=Selection(merchants=("other",)))
    assert not channel.takes(event())
    assert channel.takes(event(merchant_id="other"))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"address": "payments.*"}, "address: without spaces"),
        ({"address": "payments events"}, "address: without spaces"),
        ({"routing_key": "a.>"}, "routing_key: without spaces"),
        ({"name": "a.b"}, "name: 1 to 64"),
        ({"envelope": "payment_requests", "selection": Selection(types=("payout.*",))}, "types: payment_requests"),
    ],
)
def test_what_a_broker_would_read_otherwise_is_refused_at_start(changes: dict[str, object], fault: str) -> None:
    with pytest.raises(SettingsRejected, match=fault):
        replace(BUILT_IN["events"], **changes).check()  # type: ignore[arg-type]
