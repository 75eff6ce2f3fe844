"""Payments, refunds and saved cards over REST, against the Stripe simulator."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from rest_desk import RestDesk

from connectors.spi.simulating import Faults

EUR: dict[str, Any] = {"minor_units": 1099, "currency": "USD"}


async def test_a_payment_is_made_found_captured_and_refunded(caller: httpx.AsyncClient, pay: Any) -> None:
    made = await pay("k1", capture_mode="MANUAL")
    payment_id = made["payment"]["id"]
    assert (made["payment"]["status"], made["payment"]["amount"]) == ("AUTHORIZED", EUR)

    part = {"amount": {"minor_units": 500, "currency": "USD"}}
    captured = await caller.post(f"/v1/payments/{payment_id}/capture", json=part, headers={"Idempotency-Key": "k2"})
    assert captured.status_code == 200
    assert captured.json()["payment"]["captured"]["minor_units"] == 500

    body = {"payment_id": payment_id, "refund_reason": "returned"}
    refunded = await caller.post("/v1/refunds", json=body, headers={"Idempotency-Key": "k3"})
    assert (refunded.status_code, refunded.json()["refund"]["amount"]["minor_units"]) == (201, 500)
    refund = await caller.get(refunded.headers["location"])
    assert refund.json()["refund"] == refunded.json()["refund"]
    listed = await caller.get("/v1/refunds", params={"payment_id": payment_id})
    assert [each["id"] for each in listed.json()["refunds"]] == [refund.json()["refund"]["id"]]


@pytest.mark.parametrize("page", ["README.md", "docs/rest.md"])
async def test_the_call_that_people_are_shown_first_works(caller: httpx.AsyncClient, page: str) -> None:
    text = (Path(__file__).parents[3] / page).read_text(encoding="utf-8")
    shown = re.search(r"localhost:8080/v1/payments .*?-d '(\{.*?\}\})'", text, flags=re.DOTALL)
    assert shown is not None
    answer = await caller.post("/v1/payments", json=json.loads(shown[1]), headers={"Idempotency-Key": "order-1001"})
    assert (answer.status_code, answer.json()["payment"]["status"]) == (201, "CAPTURED")


async def test_what_was_made_is_where_the_answer_says(caller: httpx.AsyncClient) -> None:
    body = {"connector": "stripe", "amount": EUR, "instrument": {"token": "pm_card_visa"}}
    made = await caller.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"})
    found = await caller.get(made.headers["location"])
    assert found.json()["payment"] == made.json()["payment"]


async def test_the_same_key_and_body_give_the_first_answer_again(caller: httpx.AsyncClient, pay: Any) -> None:
    first = await pay("k1")
    body = {
        "connector": "stripe",
        "amount": EUR,
        "merchant_transaction_id": "order-k1",
        "instrument": {"token": "pm_card_visa"},
    }
    again = await caller.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (201, first)
    assert again.headers["idempotent-replayed"] == "true"
    in_body = await caller.post("/v1/payments", json={**body, "request_id": "k1"})
    assert in_body.json() == first
    listed = await caller.get("/v1/payments")
    assert len(listed.json()["payments"]) == 1


async def test_a_first_answer_is_not_called_a_repeat(caller: httpx.AsyncClient) -> None:
    body = {"connector": "stripe", "amount": EUR, "instrument": {"token": "pm_card_visa"}}
    answer = await caller.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"})
    assert "idempotent-replayed" not in answer.headers


async def test_a_refusal_given_again_is_a_repeat_too(caller: httpx.AsyncClient) -> None:
    body = {"connector": "stripe", "connector_customer_id": "cus_nobody", "instrument": {"token": "pm_card_visa"}}
    first = await caller.post("/v1/payment-methods", json=body, headers={"Idempotency-Key": "k1"})
    again = await caller.post("/v1/payment-methods", json=body, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, first.json()["reason"]) == (422, "PROVIDER_REFUSED_OPERATION")
    assert (again.status_code, again.json()["detail"]) == (422, first.json()["detail"])
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_two_calls_at_once_with_one_key_make_one_payment(caller: httpx.AsyncClient, rest: RestDesk) -> None:
    body = {"connector": "stripe", "amount": EUR, "instrument": {"token": "pm_card_visa"}}
    answers = await asyncio.gather(
        *(caller.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"}) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["payment"]["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 4


async def test_a_key_that_was_used_with_another_body_is_refused(caller: httpx.AsyncClient, pay: Any) -> None:
    await pay("k1")
    body = {
        "connector": "stripe",
        "amount": {"minor_units": 5, "currency": "USD"},
        "instrument": {"token": "pm_card_visa"},
    }
    answer = await caller.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "REQUEST_ID_REUSED")


async def test_a_key_in_the_header_and_another_in_the_body_are_refused(caller: httpx.AsyncClient) -> None:
    body = {
        "connector": "stripe",
        "amount": EUR,
        "instrument": {"token": "pm_card_visa"},
        "request_id": "another",
    }
    answer = await caller.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "IDEMPOTENCY_KEY_MISMATCH")


async def test_a_key_where_none_is_taken_is_refused_and_not_ignored(caller: httpx.AsyncClient) -> None:
    body = {"name": "shop", "scopes": ["payments:read"]}
    answer = await caller.post("/v1/api-keys", json=body, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "IDEMPOTENCY_KEY_NOT_TAKEN")
    assert (await caller.get("/v1/api-keys", headers={"Idempotency-Key": "k1"})).status_code == 200


async def test_no_key_at_all_is_refused_with_the_way_out(caller: httpx.AsyncClient) -> None:
    body = {"connector": "stripe", "amount": EUR, "instrument": {"token": "pm_card_visa"}}
    answer = await caller.post("/v1/payments", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, "IDEMPOTENCY_KEY_MISSING")
    assert "Idempotency-Key" in answer.json()["fix"]


async def test_there_is_nothing_to_refund_before_a_capture_and_after_a_refund_of_all(
    caller: httpx.AsyncClient, pay: Any
) -> None:
    reserved = (await pay("k1", capture_mode="MANUAL"))["payment"]["id"]
    answer = await caller.post("/v1/refunds", json={"payment_id": reserved}, headers={"Idempotency-Key": "r1"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "NOTHING_TO_REFUND")
    assert answer.json()["metadata"]["status"] == "PAYMENT_STATUS_AUTHORIZED"

    await caller.post(f"/v1/payments/{reserved}/capture", headers={"Idempotency-Key": "c1"})
    # The key of a refusal that reached nobody is free: the same call now succeeds.
    refunded = await caller.post("/v1/refunds", json={"payment_id": reserved}, headers={"Idempotency-Key": "r1"})
    assert refunded.status_code == 201
    again = await caller.post("/v1/refunds", json={"payment_id": reserved}, headers={"Idempotency-Key": "r1"})
    assert (again.status_code, again.json()) == (201, refunded.json())
    more = await caller.post("/v1/refunds", json={"payment_id": reserved}, headers={"Idempotency-Key": "r2"})
    assert (more.status_code, more.json()["reason"]) == (409, "NOTHING_TO_REFUND")


async def test_a_void_takes_no_body(caller: httpx.AsyncClient, pay: Any) -> None:
    payment_id = (await pay("k1", capture_mode="MANUAL"))["payment"]["id"]
    answer = await caller.post(f"/v1/payments/{payment_id}/void", headers={"Idempotency-Key": "v1"})
    assert (answer.status_code, answer.json()["payment"]["status"]) == (200, "VOIDED")


async def test_a_payment_is_asked_about_at_the_provider_on_wish(caller: httpx.AsyncClient, pay: Any) -> None:
    payment_id = (await pay("k1"))["payment"]["id"]
    answer = await caller.get(f"/v1/payments/{payment_id}", params={"refresh": "true"})
    assert answer.json()["payment"]["status"] == "CAPTURED"


async def test_what_is_still_the_same_is_not_sent_again(caller: httpx.AsyncClient, pay: Any) -> None:
    payment_id = (await pay("k1", capture_mode="MANUAL"))["payment"]["id"]
    path = f"/v1/payments/{payment_id}"
    tag = (await caller.get(path)).headers["etag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        unchanged = await caller.get(path, headers={"If-None-Match": sent})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", tag)
    await caller.post(f"{path}/void", headers={"Idempotency-Key": "v1"})
    changed = await caller.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_a_card_is_saved_listed_charged_without_its_holder_and_forgotten(caller: httpx.AsyncClient) -> None:
    customer = await caller.post("/v1/customers", json={"connector": "stripe"}, headers={"Idempotency-Key": "c1"})
    of_customer = {"connector": "stripe", "connector_customer_id": customer.json()["customer"]["connector_customer_id"]}
    saved = await caller.post(
        "/v1/payments/cards",
        json={**of_customer, "instrument": {"token": "pm_card_visa"}},
        headers={"Idempotency-Key": "s1"},
    )
    assert saved.status_code == 201
    card = saved.json()["payment_method"]["connector_payment_method_id"]
    listed = await caller.get("/v1/payments/cards", params=of_customer)
    assert [each["connector_payment_method_id"] for each in listed.json()["payment_methods"]] == [card]

    charged = await caller.post(
        "/v1/payments",
        json={**of_customer, "amount": EUR, "saved_card_id": card},
        headers={"Idempotency-Key": "p1"},
    )
    assert (charged.status_code, charged.json()["payment"]["status"]) == (201, "CAPTURED")

    gone = await caller.delete(f"/v1/payments/cards/{card}", params=of_customer, headers={"Idempotency-Key": "d1"})
    assert gone.status_code == 200
    assert (await caller.get("/v1/payments/cards", params=of_customer)).json()["payment_methods"] == []


async def test_a_saved_card_that_wants_its_holder_says_so_and_is_charged_with_them(caller: httpx.AsyncClient) -> None:
    customer = await caller.post("/v1/customers", json={"connector": "stripe"}, headers={"Idempotency-Key": "c1"})
    of_customer = {"connector": "stripe", "connector_customer_id": customer.json()["customer"]["connector_customer_id"]}
    saved = await caller.post(
        "/v1/payments/cards",
        json={**of_customer, "instrument": {"token": "pm_card_authenticationRequired"}},
        headers={"Idempotency-Key": "s1"},
    )
    charge = {
        **of_customer,
        "amount": EUR,
        "saved_card_id": saved.json()["payment_method"]["connector_payment_method_id"],
    }
    alone = await caller.post("/v1/payments", json=charge, headers={"Idempotency-Key": "p1"})
    assert alone.status_code == 201
    assert alone.json()["payment"]["status"] == "FAILED"
    assert alone.json()["payment"]["failure"]["category"] == "AUTHENTICATION_REQUIRED"
    with_holder = {**charge, "off_session": False, "return_url": "https://shop.example/return"}
    together = await caller.post("/v1/payments", json=with_holder, headers={"Idempotency-Key": "p2"})
    assert together.json()["payment"]["status"] == "ACTION_REQUIRED"
    assert together.json()["next_action"]["redirect_url"].startswith("http")


async def test_a_saved_card_beside_an_instrument_is_refused(caller: httpx.AsyncClient) -> None:
    body = {"connector": "stripe", "amount": EUR, "instrument": {"token": "pm_card_visa"}, "saved_card_id": "pm_1"}
    answer = await caller.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["metadata"]) == (400, {"field": "saved_card_id"})


async def test_what_a_connector_cannot_do_is_no_server_error(caller: httpx.AsyncClient) -> None:
    body = {"connector": "mpesa", "connector_plan_id": "plan_1"}
    answer = await caller.post("/v1/subscriptions", json=body, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "OPERATION_NOT_SUPPORTED")
    assert answer.json()["retryable"] is False


async def test_a_connector_that_the_merchant_has_not_set_up_is_no_server_error(caller: httpx.AsyncClient) -> None:
    body = {
        "connector": "mpesa",
        "amount": {"minor_units": 100, "currency": "KES"},
        "instrument": {"phone": "254708374149"},
    }
    answer = await caller.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "SETTINGS_INVALID")


async def test_a_lost_answer_is_a_504_that_names_the_payment(rest: RestDesk, caller: httpx.AsyncClient) -> None:
    rest.desk.faulty.faults = Faults(lost_replies=1.0)
    body = {"connector": "stripe", "amount": EUR, "instrument": {"token": "pm_card_visa"}}
    answer = await caller.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["reason"]) == (504, "OUTCOME_UNKNOWN")
    assert answer.json()["retryable"] is True
    assert int(answer.headers["retry-after"]) >= 1
    rest.desk.faulty.faults = Faults()
    again = await caller.post("/v1/payments", json=body, headers={"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()["payment"]["id"]) == (201, answer.json()["metadata"]["payment_id"])


async def test_events_are_listed_shown_and_published_again(caller: httpx.AsyncClient, pay: Any) -> None:
    payment_id = (await pay("k1"))["payment"]["id"]
    listed = await caller.get("/v1/events", params={"type": "payment.*", "payment_id": payment_id})
    events = listed.json()["events"]
    assert events
    one = await caller.get(f"/v1/events/{events[0]['id']}")
    assert one.json()["event"] == events[0]
    assert (await caller.get("/v1/events", params={"type": "refund.*"})).json()["events"] == []
