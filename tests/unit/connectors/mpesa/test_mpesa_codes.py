"""Result codes: which are failures, and that nothing else ever is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.mpesa import codes
from connectors.mpesa.mapping import SAFARICOM_ADDRESSES, TYPES, UNMAPPED_REASONS, UNRECOGNISED
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

TABLES = [codes.STK_CODES, codes.API_CODES, codes.EXPRESS_CODES, codes.RATIBA_CODES, codes.TRANSACTION_STATUSES]
NEVER_A_FAILURE = ["1036", "1037", "4999", "500.001.1001", "4201", "4203"]


def stk(code: object) -> dict[str, object]:
    return {"Body": {"stkCallback": {"CheckoutRequestID": "ws_CO_1", "ResultCode": code}}}


@pytest.mark.parametrize("table", TABLES)
def test_a_meaning_is_a_success_a_refusal_with_its_reason_or_pending(table: dict[str, codes.Meaning]) -> None:
    pending = {codes.TIMEOUT, codes.PROCESSING, codes.UNKNOWN}
    for meaning in table.values():
        assert (meaning.decline is None) == (meaning is codes.OK or meaning.variant in pending)


@pytest.mark.parametrize("code", NEVER_A_FAILURE)
def test_a_timeout_is_not_a_failure(code: str) -> None:
    for table in TABLES:
        assert codes.meaning_of(table, code).decline is None


@settings(deadline=None)
@given(code=st.one_of(st.integers(), st.text(max_size=12), st.none()))
def test_an_unknown_code_is_pending_and_never_failed(code: object, normalized: Callable[..., list[Event]]) -> None:
    said = str(code).strip()
    if said in codes.STK_CODES:
        return
    (event,) = normalized(stk(code))
    assert event.type == "payment.pending"
    assert not event.payment.HasField("failure")


@settings(deadline=None)
@given(code=st.integers(min_value=0, max_value=20_000))
def test_a_code_means_the_same_as_number_and_as_text(code: int, normalized: Callable[..., list[Event]]) -> None:
    (number,), (text,), (decimal,) = normalized(stk(code)), normalized(stk(str(code))), normalized(stk(float(code)))
    assert number.type == text.type == decimal.type
    assert number.payment.provider_status == text.payment.provider_status == decimal.payment.provider_status


def test_every_type_is_one_of_ours_and_every_unmapped_one_says_why() -> None:
    assert set(TYPES.values()) <= set(DATA_MEMBER)
    unmapped = {name for name, ours in TYPES.items() if ours == "connector.unmapped"}
    assert set(UNMAPPED_REASONS) == unmapped | {UNRECOGNISED}


def test_only_balances_registrations_and_questions_have_no_word() -> None:
    unmapped = {name for name, ours in TYPES.items() if ours == "connector.unmapped"}
    assert unmapped == {
        "api.refused",
        "balance.accepted",
        "balance.result",
        "c2b.accepted",
        "pull.empty",
        "ratiba.accepted",
        "ratiba.unknown",
        "status.accepted",
        "status.unanswered",
    }


def test_safaricoms_list_has_fourteen_addresses() -> None:
    assert len(set(SAFARICOM_ADDRESSES)) == 14
    assert {address.rpartition("/")[2] for address in SAFARICOM_ADDRESSES} == {"32"}
