"""What Daraja's refusals mean, by the table and beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.mpesa.refusals import REFUSALS, Later, Lost, check_answer, is_being_processed
from connectors.mpesa.session import Answered
from orchestratorx_prism.errors import OutcomeUnknown, PrismError, ProviderRefused, ProviderUnavailable

EXPECTED: dict[type, type[PrismError]] = {Later: ProviderUnavailable, Lost: OutcomeUnknown}


def answered(status: int, said: Any) -> Answered:
    body = json.dumps(said).encode()
    return Answered(status, body, said if isinstance(said, dict) else None)


def error(code: str, message: str, status: int = 500) -> Answered:
    return answered(status, {"requestId": "1-2-3", "errorCode": code, "errorMessage": message})


@pytest.mark.parametrize(("code", "words", "meaning"), REFUSALS, ids=lambda value: str(value)[:30])
def test_each_row_of_the_table_ends_as_it_says(code: str, words: str, meaning: Any) -> None:
    with pytest.raises(EXPECTED.get(type(meaning), ProviderRefused)) as caught:
        check_answer(error(code, f"Bad Request - {words.title()}."))
    if isinstance(meaning, Later):
        assert (caught.value.retry_after_s, caught.value.reason) == (meaning.retry_after_s, meaning.reason)


def test_an_earlier_row_wins_over_a_wider_one() -> None:
    with pytest.raises(ProviderRefused) as caught:
        check_answer(error("400.002.02", "Bad Request - Invalid PhoneNumber", 400))
    assert caught.value.metadata == {
        "category": "INVALID_REQUEST",
        "code": "phone_invalid",
        "provider_code": "400.002.02",
        "provider_message": "Bad Request - Invalid PhoneNumber",
    }


def test_a_phone_number_in_the_providers_sentence_is_cut() -> None:
    with pytest.raises(ProviderRefused) as caught:
        check_answer(error("400.002.02", "Bad Request - Invalid PhoneNumber 254708374149", 400))
    assert caught.value.metadata["provider_message"].endswith("***4149")
    assert "708374149" not in str(caught.value)


def test_a_busy_system_is_not_one_that_is_asked_too_often() -> None:
    for message, reason in (("System is busy.", "PROVIDER_BUSY"), ("Spike Arrest Violation", "RATE_LIMITED")):
        with pytest.raises(ProviderUnavailable) as caught:
            check_answer(error("500.003.02", message))
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    "answer",
    [
        answered(200, {"ResponseCode": "0"}),
        answered(200, {"ResponseCode": 0}),
        answered(200, {"ResultCode": "1032", "ResponseCode": "0"}),
        answered(200, {"ResponseCode": "17", "CheckoutRequestID": "ws_CO_1"}),
        answered(200, {"ResponseCode": "1001", "ResponseRefID": "1-2-3", "Response": [[]]}),
        answered(201, {"ResponseCode": "0"}),
    ],
    ids=lambda value: str(value.said),
)
def test_what_was_taken_passes(answer: Answered) -> None:
    check_answer(answer)


@pytest.mark.parametrize(
    ("status", "said", "error_type"),
    [
        (500, {}, OutcomeUnknown),
        (500, {"errorCode": "500.001.1001", "errorMessage": "Something new"}, OutcomeUnknown),
        (500, {"errorCode": ["500.003.02"], "errorMessage": 7}, OutcomeUnknown),
        (504, None, OutcomeUnknown),
        (302, None, OutcomeUnknown),
        (408, None, OutcomeUnknown),
        (200, None, OutcomeUnknown),
        (200, {"ResponseCode": "15"}, OutcomeUnknown),
        (200, {"ResponseCode": "<b>"}, OutcomeUnknown),
        (429, None, ProviderUnavailable),
        (400, None, ProviderRefused),
        (404, {"errorCode": "404.009.09"}, ProviderRefused),
        (200, {"ResponseCode": "2001", "ResponseDescription": "no"}, ProviderRefused),
    ],
)
def test_what_is_in_no_table_proves_only_what_http_says(
    status: int, said: dict[str, Any] | None, error_type: type[PrismError]
) -> None:
    with pytest.raises(error_type):
        check_answer(answered(status, said))


def test_an_outcome_that_is_unknown_is_never_called_a_refusal() -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        check_answer(error("500.003.1001", "Internal Server Error"))
    assert "never send a new request" in caught.value.fix


@pytest.mark.parametrize(
    ("answer", "processing"),
    [
        (error("500.001.1001", "The transaction is being processed"), True),
        (error("500.001.1001", "The transaction is still under processing"), True),
        (error("500.001.1001", "Wrong credentials"), False),
        (error("500.003.02", "The transaction is being processed"), False),
        (answered(200, {"errorCode": "500.001.1001"}), False),
    ],
)
def test_being_processed_is_told_from_refused(answer: Answered, processing: bool) -> None:
    assert is_being_processed(answer) is processing
