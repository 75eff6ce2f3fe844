"""Lesson 8: one checkout for four providers: pay, capture, give a part back. The connector is one word.

Run it against a server whose merchant has the provider's sandbox credentials, or those of `orchestrator simulate`:

    python examples/08_checkout.py stripe 127.0.0.1:50051
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from typing import Any

import httpx

from orchestratorx_prism import PaymentClient, RefundClient
from orchestratorx_prism.v1.payment_pb2 import (
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_CAPTURED,
    PAYMENT_STATUS_FAILED,
    Payment,
    PaymentStatus,
)

# What the payer pays with: the only thing that a shop's page has to do differently for each provider.
INSTRUMENTS: dict[str, dict[str, Any]] = {
    "stripe": {"token": "pm_card_visa"},
    "adyen": {
        "token": '{"type": "scheme", "encryptedCardNumber": "test_4111111111111111", '
        '"encryptedExpiryMonth": "test_03", "encryptedExpiryYear": "test_2030", "encryptedSecurityCode": "test_737"}'
    },
    "paypal": {"redirect_method": "paypal"},
    "mpesa": {"phone": "254708374149"},
}


async def checkout(connector: str, order: str, currency: str, **where: Any) -> Payment:
    """Pays an order and gives a part of it back. `where`: as every client takes it, `target=…` or `transport=…`."""
    payments, refunds = PaymentClient(connector=connector, **where), RefundClient(**where)
    at_once = (
        connector == "mpesa"
    )  # a PIN on a phone moves the money; nothing is reserved before, nor given back in part

    answer = await payments.authorize(
        request_id=f"{order}-pay",
        amount={"minor_units": 10_000, "currency": currency},
        merchant_transaction_id=order,
        instrument=INSTRUMENTS[connector],
        capture_mode="AUTOMATIC" if at_once else "MANUAL",
        return_url="https://shop.example/return",
    )
    payment = answer.payment
    if answer.next_action.redirect_url:
        parameters = await payer_approves(answer.next_action.redirect_url)
        confirmed = await payments.confirm_redirect(
            request_id=f"{order}-confirm", payment_id=payment.id, parameters=parameters
        )
        payment = confirmed.payment

    payment = await until(payments, payment.id, PAYMENT_STATUS_CAPTURED if at_once else PAYMENT_STATUS_AUTHORIZED)
    if not at_once:
        await payments.capture(request_id=f"{order}-capture", payment_id=payment.id)
        payment = await until(payments, payment.id, PAYMENT_STATUS_CAPTURED)

    part = {} if at_once else {"amount": {"minor_units": 2_500, "currency": currency}}
    await refunds.create(request_id=f"{order}-refund", payment_id=payment.id, **part)
    while not payment.refunded.minor_units:
        await asyncio.sleep(0.05)
        payment = (await payments.get(payment_id=payment.id)).payment
    return payment


async def until(payments: PaymentClient, payment_id: str, status: PaymentStatus.ValueType) -> Payment:
    """Waits for the provider's webhook. A shop would rather consume the event: see lessons 6 and 7."""
    async with asyncio.timeout(30):
        while True:
            payment = (await payments.get(payment_id=payment_id)).payment
            if payment.status == status:
                return payment
            if payment.status == PAYMENT_STATUS_FAILED:
                raise SystemExit(f"declined: {payment.failure.code} ({payment.failure.provider_message})")
            await asyncio.sleep(0.05)


async def payer_approves(url: str) -> dict[str, str]:
    """What the payer's browser does, and what the return URL has in its query then."""
    async with httpx.AsyncClient(follow_redirects=False) as browser:
        back = await browser.get(url)
    return dict(httpx.URL(back.headers["location"]).params)


async def main(connector: str, target: str) -> None:
    currency = "KES" if connector == "mpesa" else "EUR"
    payment = await checkout(connector, f"order-{uuid.uuid4().hex[:8]}", currency, target=target)
    print(PaymentStatus.Name(payment.status), payment.captured.minor_units, "refunded", payment.refunded.minor_units)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2]))
