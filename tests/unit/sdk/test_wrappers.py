"""Events read as dicts and as objects, and convert nothing until they are looked at."""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Callable

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from orchestratorx_prism.v1.connector_pb2 import ENVIRONMENT_SANDBOX
from orchestratorx_prism.v1.event_data_pb2 import UnmappedData
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_HMAC, Event, Verification
from orchestratorx_prism.v1.event_service_pb2 import Acknowledgement, HandleEventRequest, HandleEventResponse
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED, NextAction, PaymentData
from orchestratorx_prism.v1.reference_pb2 import Reference
from orchestratorx_prism.values import to_dict
from orchestratorx_prism.wrappers import HandledEvent, MessageView, PrismEvent, StreamedEvent


def _message(event_id: str = "id-1") -> Event:
    return Event(
        id=event_id,
        type="payment.captured",
        connector="stripe",
        environment=ENVIRONMENT_SANDBOX,
        merchant_transaction_id="order-1",
        occurred_at=Timestamp(seconds=1_769_860_800),
        references=[Reference(kind="charge", value="ch_1")],
        payment=PaymentData(
            merchant_transaction_id="order-1",
            status=PAYMENT_STATUS_CAPTURED,
            amount=Money(minor_units=1099, currency="USD"),
        ),
    )


def _response() -> HandleEventResponse:
    return HandleEventResponse(
        events=[_message("id-1"), _message("id-2")],
        duplicate_event_ids=["id-2"],
        verification=Verification(method=VERIFICATION_METHOD_HMAC, detail="HMAC-SHA256"),
        acknowledgement=Acknowledgement(status=200, headers={"Content-Type": "text/plain"}, body=b"[accepted]"),
    )


def test_items_and_attributes_say_the_same() -> None:
    event = PrismEvent(_message())
    assert event["type"] == event.type == "payment.captured"
    assert event["data"]["merchant_transaction_id"] == event.data.merchant_transaction_id == "order-1"
    assert event["data"]["status"] == event.data.status == "CAPTURED"
    assert event.data.amount.minor_units == event["data"]["amount"]["minor_units"] == 1099
    assert event.environment == "SANDBOX"
    assert event.occurred_at == "2026-01-31T12:00:00Z"
    assert event.references[0].value == "ch_1"


def test_an_event_reads_as_the_dict_it_converts_to() -> None:
    event = PrismEvent(_message())
    assert event == event.to_dict()
    assert dict(event).keys() == event.to_dict().keys()
    assert list(event.data) == list(event.to_dict()["data"])
    assert len(event.data.amount) == 2
    assert event.message.payment.amount.minor_units == 1099


def test_what_is_not_set_is_a_missing_item_and_an_attribute_that_is_none() -> None:
    event = PrismEvent(Event(type="payment.captured"))
    for name in ("data", "raw", "published_at"):
        assert name not in event
        assert event.get(name) is None
        assert getattr(event, name) is None
        with pytest.raises(KeyError):
            event[name]


def test_a_wrong_name_is_an_error_that_knows_the_right_one() -> None:
    event = PrismEvent(_message())
    with pytest.raises(AttributeError, match="did you mean merchant_transaction_id"):
        _ = event.data.merchant_transaction
    with pytest.raises(KeyError):
        event["payment"]
    assert "merchant_id" in dir(event)


def test_equality_is_by_content_and_sets_go_by_id() -> None:
    assert PrismEvent(_message()) == PrismEvent(_message())
    assert PrismEvent(_message()) != PrismEvent(_message("id-2"))
    assert len({PrismEvent(_message()), PrismEvent(_message()), PrismEvent(_message("id-2"))}) == 2
    assert PrismEvent(_message()) != 5


def test_events_can_be_copied_and_pickled() -> None:
    event = PrismEvent(_message())
    assert copy.deepcopy(event) == event
    assert pickle.loads(pickle.dumps(event)) == event  # noqa: S301 - our own bytes


def test_a_repr_is_short_and_keeps_bodies_secrets_and_links_to_itself() -> None:
    assert repr(PrismEvent(_message())) == "<PrismEvent payment.captured from stripe order-1 id=id-1>"
    assert repr(MessageView(Money(minor_units=5, currency="USD"))) == "<Money minor_units=5 currency='USD'>"
    hidden = [
        HandleEventRequest(payload=b"hidden", webhook_secret="hidden", webhook_secrets=["hidden"], url_token="hidden"),
        NextAction(redirect_url="https://hidden"),
        UnmappedData(body=b"hidden"),
    ]
    for message in hidden:
        assert "hidden" not in repr(MessageView(message))
        assert "=…" in repr(MessageView(message))


def test_a_handled_webhook_reads_as_its_first_event_and_has_the_rest() -> None:
    handled = HandledEvent(_response())
    assert handled
    assert handled["type"] == "payment.captured"
    assert handled.data.amount.currency == "USD"
    assert handled == PrismEvent(_message("id-1"))
    assert [event.id for event in handled.events] == ["id-1", "id-2"]
    assert handled.duplicates == ("id-2",)
    assert [event.id for event in handled.fresh] == ["id-1"]
    assert handled.verification.method == "HMAC"
    assert handled.acknowledgement.status == 200
    assert handled.acknowledgement.body == b"[accepted]"
    assert handled.acknowledgement.headers == {"Content-Type": "text/plain"}
    assert handled.to_dict() == PrismEvent(_message("id-1")).to_dict()
    assert repr(handled) == (
        "<HandledEvent payment.captured from stripe order-1 id=id-1 and 1 more, 1 recorded before>"
    )


def test_a_webhook_without_events_is_false_and_says_so() -> None:
    handled = HandledEvent(HandleEventResponse(acknowledgement=Acknowledgement(status=200)))
    assert not handled
    assert handled.events == ()
    assert handled.to_dict() == {}
    assert repr(handled) == "<HandledEvent without events>"
    with pytest.raises(KeyError, match="no event"):
        handled["type"]
    with pytest.raises(AttributeError, match="no event"):
        _ = handled.type
    assert not copy.deepcopy(handled)


def test_a_streamed_event_knows_where_to_resume() -> None:
    event = StreamedEvent(_message(), "41")
    assert event.cursor == "41"
    assert event == PrismEvent(_message())


def test_wrapping_converts_nothing() -> None:
    """A fifth of what converting the one event costs; the limit is the whole, for any machine."""
    response = _response()
    wrapping = min(_seconds_for_1000(lambda: HandledEvent(response)) for _ in range(5))
    converting = min(_seconds_for_1000(lambda: to_dict(response.events[0])) for _ in range(5))
    assert wrapping < converting


def _seconds_for_1000(act: Callable[[], object]) -> float:
    """Of this process's own CPU time: what others do meanwhile does not count."""
    start = time.process_time()
    for _ in range(1000):
        act()
    return time.process_time() - start
