"""What applications pass to handle_event, as the request that is sent."""

from __future__ import annotations

from email.message import Message as MailHeaders
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestratorx_prism.clients.webhooks import LIKELY, header_dict, webhook_request
from orchestratorx_prism.errors import PayloadRejected, PrismError, RequestRejected
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest


def _request(values: dict[Any, Any]) -> HandleEventRequest:
    return webhook_request(values, connector="stripe", environment=1, merchant_id="m1")


@pytest.mark.parametrize("payload", [b"{}", bytearray(b"{}"), memoryview(b"{}"), "{}"])
def test_a_body_is_bytes_or_text(payload: Any) -> None:
    assert _request({"payload": payload}).payload == b"{}"


def test_text_is_sent_as_utf_8() -> None:
    assert _request({"payload": "ü"}).payload == b"\xc3\xbc"
    with pytest.raises(PayloadRejected) as caught:
        _request({"payload": "\ud800"})
    assert caught.value.reason == "PAYLOAD_NOT_UTF8"


@pytest.mark.parametrize("payload", [{"id": "evt_hidden"}, ["hidden"], 5])
def test_a_parsed_body_is_refused_with_the_way_to_the_raw_one(payload: Any) -> None:
    with pytest.raises(RequestRejected) as caught:
        _request({"payload": payload})
    assert caught.value.reason == "PAYLOAD_ALREADY_PARSED"
    assert caught.value.metadata == {"field": "payload"}
    for framework in ("FastAPI", "Flask", "Django"):
        assert framework in caught.value.fix
    assert "hidden" not in str(caught.value)


def test_a_missing_body_is_refused() -> None:
    with pytest.raises(RequestRejected, match="payload is missing"):
        _request({"headers": {}})


@pytest.mark.parametrize(("given_name", "right"), [*LIKELY.items(), ("webhook_secrt", "webhook_secret")])
def test_a_wrong_name_is_refused_with_the_right_one(given_name: str, right: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        _request({"payload": b"", given_name: "hidden"})
    assert caught.value.fix == f"did you mean {right}?"
    assert "hidden" not in str(caught.value)
    assert right in HandleEventRequest.DESCRIPTOR.fields_by_name


def test_a_name_like_no_other_is_refused_with_all_of_them() -> None:
    with pytest.raises(RequestRejected, match="payload, headers"):
        _request({"payload": b"", "xyz": 1})


def test_empty_values_take_the_clients_own() -> None:
    request = _request({"payload": b"x", "connector": None, "merchant_id": "", "environment": None, "url_token": None})
    assert (request.connector, request.merchant_id, request.environment) == ("stripe", "m1", 1)


def test_a_known_request_may_be_a_dict_and_certificates_text() -> None:
    known = {"connector_request_id": "ws_1", "amount": {"minor_units": 100, "currency": "KES"}}
    request = _request({"payload": b"x", "known_request": known, "certificates": ["-----BEGIN"]})
    assert request.known_request.amount.minor_units == 100
    assert list(request.certificates) == [b"-----BEGIN"]


class LikeWerkzeug:
    """Headers with `items`, which are no Mapping."""

    def items(self) -> list[tuple[str, str]]:
        return [("A", "1"), ("B", "2")]


@pytest.mark.parametrize("name", ["webhook_secrets", "certificates"])
@pytest.mark.parametrize("value", ["whsec_hunter2", b"whsec_hunter2", {"whsec_hunter2": 1}, 5])
def test_one_secret_is_not_taken_for_a_list_of_its_characters(name: str, value: Any) -> None:
    with pytest.raises(RequestRejected, match=f"{name}: takes a list") as caught:
        _request({"payload": b"{}", name: value})
    assert caught.value.metadata == {"field": name}
    assert "hunter2" not in str(caught.value)


def test_secrets_come_in_any_kind_of_list() -> None:
    for given_secrets in (["a", "b"], ("a", "b"), iter(["a", "b"]), dict.fromkeys(["a", "b"]).keys()):
        assert list(_request({"payload": b"{}", "webhook_secrets": given_secrets}).webhook_secrets) == ["a", "b"]


def test_headers_come_in_every_framework_s_form() -> None:
    mail = MailHeaders()
    mail["A"], mail["B"] = "1", "2"
    for headers in ({"A": "1", "B": "2"}, [("A", "1"), ("B", "2")], [(b"A", b"1"), (b"B", b"2")], LikeWerkzeug(), mail):
        assert dict(_request({"payload": b"x", "headers": headers}).headers) == {"A": "1", "B": "2"}


def test_repeated_headers_are_joined_whatever_their_case() -> None:
    assert header_dict([("Via", "a"), ("via", "b"), ("X", "c")]) == {"Via": "a, b", "X": "c"}


@pytest.mark.parametrize("headers", [5, "A: b", {"A": ["hidden"]}, [("A",)], [("A", 5)], {5: "x"}])
def test_headers_of_another_form_are_refused(headers: Any) -> None:
    with pytest.raises(RequestRejected) as caught:
        _request({"payload": b"x", "headers": headers})
    assert caught.value.metadata["field"] == "headers"
    assert "hidden" not in str(caught.value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(HandleEventRequest.DESCRIPTOR.fields_by_name)) | st.text(), ANYTHING))
def test_whatever_is_given_becomes_a_request_or_a_typed_refusal(values: dict[str, Any]) -> None:
    try:
        request = _request(values)
    except PrismError as refused:
        assert refused.reason  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(request, HandleEventRequest)
