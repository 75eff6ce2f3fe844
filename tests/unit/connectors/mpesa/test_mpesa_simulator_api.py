"""The simulated Daraja: what it checks, what it answers, and that it is the same every time."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from mpesa_partner import B2C, DAY_S, PULL, PUSH, QUERY, REVERSAL, START_S, STATUS, Daraja

from connectors.mpesa.simulator_pulls import PAGE
from connectors.mpesa.values import EAT
from connectors.spi import SampleWebhook


@pytest.fixture
async def daraja() -> AsyncIterator[Daraja]:
    made = Daraja()
    yield made
    await made.http.aclose()
    await made.simulator.aclose()


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"PhoneNumber": "0708374149"}, 400, "400.002.02", "Invalid PhoneNumber"),
        ({"PhoneNumber": None}, 400, "400.002.02", "Invalid PhoneNumber"),
        ({"PartyA": "254"}, 400, "400.002.02", "Invalid PartyA"),
        ({"Amount": 0}, 400, "400.002.02", "Invalid Amount"),
        ({"Amount": "1.50"}, 400, "400.002.02", "Invalid Amount"),
        ({"Amount": 1.5}, 400, "400.002.02", "Invalid Amount"),
        ({"Amount": True}, 400, "400.002.02", "Invalid Amount"),
        ({"TransactionType": "Gift"}, 400, "400.002.02", "Invalid TransactionType"),
        ({"AccountReference": "a" * 13}, 400, "400.002.02", "Invalid AccountReference"),
        ({"AccountReference": ""}, 400, "400.002.02", "Invalid AccountReference"),
        ({"TransactionDesc": "a" * 14}, 400, "400.002.02", "Invalid TransactionDesc"),
        ({"CallBackURL": "pay.shop.example"}, 400, "400.002.02", "Invalid CallBackURL"),
        ({"CallBackURL": "https://shop.example/webhooks/mpesa"}, 400, "400.002.02", "Invalid CallBackURL"),
        ({"CallBackURL": "https://[::"}, 400, "400.002.02", "Invalid CallBackURL"),
        ({"Timestamp": "now"}, 400, "400.002.02", "Invalid Timestamp"),
        ({"Password": "bm8="}, 500, "500.001.1001", "Wrong credentials"),
        ({"Timestamp": "20270115110001"}, 500, "500.001.1001", "Wrong credentials"),
        ({"BusinessShortCode": "700000"}, 500, "500.001.1001", "Merchant does not exist"),
        ({"PhoneNumber": "254700001001"}, 500, "500.001.1001", "Unable to lock subscriber"),
        ({"PhoneNumber": "254700000503"}, 500, "500.003.02", "System is busy"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_push_is_checked_as_daraja_does(
    changes: dict[str, Any], status: int, code: str, message: str, daraja: Daraja
) -> None:
    answered, said = await daraja.post(PUSH, daraja.push(**changes))
    assert (answered, said["errorCode"]) == (status, code)
    assert message in said["errorMessage"]
    assert daraja.simulator.truths() == []


async def test_without_a_token_nothing_is_done(daraja: Daraja) -> None:
    daraja.token = "made-up"
    assert (await daraja.post(PUSH, daraja.push()))[1]["errorCode"] == "404.001.03"
    assert (await daraja.http.post(PUSH, json=daraja.push())).json()["errorCode"] == "404.001.03"
    await daraja.log_in()
    daraja.now_s += 3_599
    assert (await daraja.post(PUSH, daraja.push()))[1]["errorCode"] == "404.001.03"
    await daraja.log_in()
    assert (await daraja.post(PUSH, daraja.push()))[0] == 200


async def test_a_token_is_given_for_the_right_credentials_alone(daraja: Daraja) -> None:
    path, right = "/oauth/v1/generate", {"grant_type": "client_credentials"}
    wrong = base64.b64encode(b"key:secret").decode()
    replies = [
        await daraja.http.get(path, params=right),
        await daraja.http.get(path, params=right, headers={"authorization": f"Basic {wrong}"}),
        await daraja.http.get(path, auth=(daraja.config["MPESA_CONSUMER_KEY"], daraja.config["MPESA_CONSUMER_SECRET"])),
    ]
    assert [(reply.status_code, reply.json()["errorCode"]) for reply in replies] == [
        (400, "400.008.01"),
        (400, "400.008.01"),
        (400, "400.008.02"),
    ]


async def test_what_is_no_json_and_what_is_nowhere_is_refused(daraja: Daraja) -> None:
    headers = {"authorization": f"Bearer {await daraja.log_in()}"}
    for content in (b"", b"[]", b"{", b"\xff"):
        reply = await daraja.http.post(PUSH, content=content, headers=headers)
        assert (reply.status_code, reply.json()["errorCode"]) == (400, "400.002.05")
    assert (await daraja.post("/mpesa/nowhere", {}))[1]["errorCode"] == "404.001.01"


async def test_the_query_says_being_processed_until_the_push_has_ended() -> None:
    daraja = Daraja(callback_delay_s=45)
    _, push = await daraja.post(PUSH, daraja.push(PhoneNumber="254700001032"))
    checkout = push["CheckoutRequestID"]
    for seconds, status in ((0, 500), (44, 500), (1, 200)):
        daraja.now_s += seconds
        answered, said = await daraja.post(QUERY, daraja.question(checkout))
        assert answered == status
        if status == 500:
            assert (said["errorCode"], said["errorMessage"]) == ("500.001.1001", "The transaction is being processed")
    assert (said["ResultCode"], said["CheckoutRequestID"]) == ("1032", checkout)
    assert (await daraja.post(QUERY, daraja.question("ws_CO_nobody_knows")))[0] == 500


async def test_a_callback_goes_where_the_push_said(daraja: Daraja) -> None:
    await daraja.post(PUSH, daraja.push())
    await daraja.later()
    (webhook,) = daraja.received
    assert (webhook.url_token, webhook.purpose) == ("a-token-of-the-callbacks", "")
    items = daraja.results()[0]["Body"]["stkCallback"]["CallbackMetadata"]["Item"]
    found = {item["Name"]: item.get("Value") for item in items}
    assert (found["Amount"], found["PhoneNumber"]) == (150, 254708374149)
    assert found["TransactionDate"] == int(datetime.fromtimestamp(START_S, EAT).strftime("%Y%m%d%H%M%S"))


async def test_an_originator_id_is_taken_once(daraja: Daraja) -> None:
    status, said = await daraja.post(B2C, daraja.payout())
    assert (status, said["OriginatorConversationID"]) == (200, "our-key-1")
    status, said = await daraja.post(B2C, daraja.payout(Amount="80"))
    assert (status, said["errorCode"]) == (500, "500.002.1001")
    assert await daraja.later() == 1
    result = daraja.results()[0]["Result"]
    assert (result["ResultCode"], result["OriginatorConversationID"]) == (0, "our-key-1")
    assert daraja.received[0].purpose == "b2c"


@pytest.mark.parametrize(
    "changes",
    [
        {"OriginatorConversationID": ""},
        {"PartyB": "0708374149"},
        {"Amount": "0"},
        {"CommandID": "Gift"},
        {"Remarks": ""},
        {"ResultURL": "https://shop.example/query"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_payout_is_checked_too(changes: dict[str, Any], daraja: Daraja) -> None:
    assert (await daraja.post(B2C, daraja.payout(**changes)))[1]["errorCode"] == "400.002.02"
    assert await daraja.later() == 0


async def test_a_receipt_goes_back_once(daraja: Daraja) -> None:
    paid = daraja.simulator.pay_in("254708374149", 15_000, "order-7")
    for _ in range(2):
        assert (await daraja.post(REVERSAL, daraja.reversal(paid.made.receipt)))[0] == 200
    assert (await daraja.post(REVERSAL, daraja.reversal("UNKNOWN1234")))[0] == 200
    assert await daraja.later() == 3
    codes = [str(body["Result"]["ResultCode"]) for body in daraja.results()]
    assert codes == ["0", "R000001", "R000002"]
    assert paid.reversed_minor == 15_000


async def test_a_status_is_told_of_receipts_and_of_payouts(daraja: Daraja) -> None:
    paid = daraja.simulator.pay_in("254708374149", 15_000, "order-7")
    await daraja.post(B2C, daraja.payout(PartyB="254700004999"))
    await daraja.post(STATUS, daraja.status(TransactionID=paid.made.receipt))
    await daraja.post(STATUS, daraja.status(TransactionID="", OriginatorConversationID="our-key-1"))
    await daraja.post(STATUS, daraja.status(TransactionID="UNKNOWN1234"))
    assert await daraja.later() == 3
    told = [
        {
            item["Key"]: item.get("Value")
            for item in body["Result"].get("ResultParameters", {}).get("ResultParameter", ())
        }
        for body in daraja.results()
    ]
    assert [one.get("TransactionStatus") for one in told] == ["Completed", "Authorized", None]
    assert (told[0]["ReceiptNo"], told[1]["OriginatorConversationID"]) == (paid.made.receipt, "our-key-1")


async def test_pulling_needs_a_registration_which_may_be_repeated(daraja: Daraja) -> None:
    window = daraja.window(START_S - 60, START_S)
    assert (await daraja.post(PULL, window))[0] == 400
    assert [(await daraja.register())["ResponseStatus"] for _ in range(2)] == ["1000", "1001"]
    assert (await daraja.post(PULL, window))[1]["ResponseCode"] == "1001"


async def test_windows_and_offsets_divide_what_came_in(daraja: Daraja) -> None:
    await daraja.register()
    paid = []
    for _ in range(PAGE + 20):
        daraja.now_s += 20
        paid.append(daraja.simulator.pay_in("254708374149", 15_000, "order-7"))
    start_s = START_S
    pages = [await daraja.post(PULL, daraja.window(start_s, daraja.now_s, offset)) for offset in (0, PAGE, 2 * PAGE)]
    found = [[one["transactionId"] for one in said["Response"][0]] for _, said in pages]
    assert [len(page) for page in found] == [PAGE, 20, 0]
    assert found[0] + found[1] == [one.made.receipt for one in paid]
    early = await daraja.post(PULL, daraja.window(start_s, start_s + 200), "GET")
    assert len(early[1]["Response"][0]) == 10
    daraja.now_s += 2 * DAY_S + 1
    await daraja.log_in()
    assert (await daraja.post(PULL, daraja.window(start_s, daraja.now_s)))[1]["Response"] == [[]]


@pytest.mark.parametrize(
    "changes", [{"ShortCode": "1"}, {"StartDate": "today"}, {"OffSetValue": "-1"}], ids=lambda c: next(iter(c))
)
async def test_a_pull_is_checked_too(changes: dict[str, Any], daraja: Daraja) -> None:
    await daraja.register()
    body = daraja.window(START_S - 60, START_S) | changes
    assert (await daraja.post(PULL, body))[1]["errorCode"] == "400.002.02"


async def test_with_the_real_clock_callbacks_come_by_themselves() -> None:
    come: asyncio.Queue[SampleWebhook] = asyncio.Queue()
    daraja = Daraja(deliver=come.put, now_s=time.time, callback_delay_s=0.05)
    await daraja.post(PUSH, daraja.push())
    webhook = await asyncio.wait_for(come.get(), 10)
    assert webhook.url_token == "a-token-of-the-callbacks"
    await daraja.simulator.aclose()
    assert come.empty()
    await daraja.http.aclose()


async def test_closing_sends_what_is_due_and_nothing_else(daraja: Daraja) -> None:
    await daraja.post(PUSH, daraja.push())
    await daraja.post(PUSH, daraja.push(PhoneNumber="254700011037"))
    await daraja.simulator.aclose()
    assert len(daraja.received) == 2
    assert daraja.simulator.callbacks.next_due_s() == START_S + 600


async def test_a_receiver_that_fails_loses_its_callback_and_no_other() -> None:
    received: list[SampleWebhook] = []

    async def deliver(webhook: SampleWebhook) -> None:
        received.append(webhook)
        if len(received) == 1:
            raise ConnectionError("nobody there")

    daraja = Daraja(deliver=deliver)
    for _ in range(2):
        await daraja.post(PUSH, daraja.push())
    assert await daraja.later() == 2
    assert len(received) == 2
    assert [type(error) for error in daraja.simulator.callbacks.refused] == [ConnectionError]
    await daraja.http.aclose()
