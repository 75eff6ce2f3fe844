"""Collected real bodies, none of them in this repository: `pytest --corpus FOLDER`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestratorx_prism.v1.event_pb2 import Event

NO_WORD = {"balance.result", "c2b.accepted"}
"""An account balance and a registration of URLs: neither is of a payment, refund or payout."""


def test_every_collected_body_becomes_events_and_none_of_a_transaction_is_unmapped(
    corpus: Path, normalized: Callable[..., list[Event]]
) -> None:
    paths = sorted((corpus / "mpesa").glob("*/*.json"))
    assert len(paths) > 30
    for path in paths:
        events = normalized(path.read_bytes())
        assert events, path.name
        for event in events:
            assert event.type != "connector.unmapped" or event.provider_event_type in NO_WORD, path.name


def test_what_the_collected_bodies_say_is_what_their_names_say(
    corpus: Path, normalized: Callable[..., list[Event]]
) -> None:
    expected = {
        "callbacks_real/stk_success_2023.json": "payment.captured",
        "callbacks_real/stk_1036_smsc_timeout.json": "payment.pending",
        "callbacks_real/stk_query_1032_string.json": "payment.failed",
        "callbacks_real/c2b_confirmation_2017.json": "payment.captured",
        "callbacks_real/b2c_result_success_2017.json": "payout.succeeded",
        "callbacks_real/reversal_result_2017.json": "refund.succeeded",
        "callbacks_real/transaction_status_result_2017.json": "payout.succeeded",
        "callbacks_real/account_balance_result_2017.json": "connector.unmapped",
        "callbacks_mpesakit/result_business_paybill_184.json": "payout.succeeded",
        "callbacks_mpesakit/result_test_business_buy_goods_130.json": "payout.pending",
        "callbacks_mpesakit/b2bexpress_b2b_express_checkout_90.json": "payment.captured",
        "callbacks_mpesakit/stk_test_schemas_349.json": "payment.pending",
    }
    found = {name: normalized((corpus / "mpesa" / name).read_bytes())[0].type for name in expected}
    assert found == expected


def test_no_collected_phone_number_is_told(corpus: Path, normalized: Callable[..., list[Event]]) -> None:
    for path in sorted((corpus / "mpesa").glob("*/*.json")):
        for event in normalized(path.read_bytes()):
            del event.references[:]
            event.ClearField("connector_transaction_id")
            event.payment.ClearField("connector_transaction_id") if event.HasField("payment") else None
            assert "2547" not in str(event), path.name
