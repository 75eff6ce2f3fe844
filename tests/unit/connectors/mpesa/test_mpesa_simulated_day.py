"""24 simulated hours of M-Pesa: the same for the same seed, and nothing is lost for those who ask."""

from __future__ import annotations

from typing import Any

from mpesa_partner import B2C, PULL, PUSH, START_S, Daraja

from connectors.mpesa.simulator_pulls import PAGE

PHONES = ["254708374149"] * 6 + ["254700000001", "254700001032", "254700001037", "254700011037", "254700004999"]


async def day(seed: int) -> dict[str, Any]:
    """24 simulated hours: a push every ten minutes, a payout every hour."""
    daraja = Daraja(seed=seed, callback_delay_s=25, lost_callbacks=0.2, duplicate_callbacks=0.1)
    await daraja.register()
    sent = 0
    for minute in range(24 * 60):
        if minute % 50 == 0:
            await daraja.log_in()
        if minute % 10 == 0:
            body = daraja.push(PhoneNumber=PHONES[minute // 10 % len(PHONES)], AccountReference=f"order-{minute}")
            assert (await daraja.post(PUSH, body))[0] == 200
        if minute % 60 == 5:
            assert (await daraja.post(B2C, daraja.payout(OriginatorConversationID=f"key-{minute}")))[0] == 200
        sent += await daraja.later(60)
    sent += await daraja.later(700)
    await daraja.log_in()
    pulled: list[str] = []
    while len(pulled) % PAGE == 0:
        _, said = await daraja.post(PULL, daraja.window(START_S, daraja.now_s, len(pulled)))
        page = said["Response"][0]
        if not page:
            break
        pulled += [one["billreference"] for one in page]
    await daraja.simulator.aclose()
    await daraja.http.aclose()
    return {
        "bodies": [webhook.body for webhook in daraja.received],
        "truths": daraja.simulator.truths(),
        "pulled": pulled,
        "sent": sent,
        "lost": daraja.simulator.callbacks.lost,
    }


async def test_a_simulated_day_is_the_same_for_the_same_seed() -> None:
    first, second, other = await day(7), await day(7), await day(8)
    assert first == second
    assert first["bodies"] != other["bodies"]
    assert first["sent"] == len(first["bodies"])


async def test_in_a_simulated_day_every_payment_can_be_pulled_though_its_callback_is_lost() -> None:
    told = await day(7)
    truths = told["truths"]
    assert len(truths) == 144
    captured = [truth.merchant_transaction_id for truth in truths if truth.status == "CAPTURED"]
    assert sorted(told["pulled"]) == sorted(captured)
    arrived = set(told["bodies"])
    assert 0.1 < told["lost"] / (told["lost"] + len(arrived)) < 0.3
    assert len(told["bodies"]) > len(arrived)
    heard = {body for body in arrived if b'"MpesaReceiptNumber"' in body}
    assert len(heard) < len(captured)
    assert {truth.status for truth in truths} == {"CAPTURED", "FAILED", "ACTION_REQUIRED"}
