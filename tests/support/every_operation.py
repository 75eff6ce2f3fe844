"""Every operation of every connector, made through the services as callers make them: carried out, refused, repeated.

Which requests are good depends on the connector: the tables below say so. Whatever an operation is about (a payment to
capture, a dispute to defend) is made first.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import httpx
from provider_desk import Desk

from connectors.paypal.simulator_vault import CUSTOMER as PAYPALS_CUSTOMER
from connectors.paypal.simulator_vault import NO_PLAN, SETUP_TOKEN
from connectors.spi import Capability
from orchestrator.services.operations.specs import ASKING, CHANGING
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.v1.dispute_service_pb2 import DisputeServiceListRequest
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_CAPTURED

C = Capability
Fields = dict[str, Any]
_RPC: Final = re.compile(r"(?P<service>\w+Service)(?P<method>\w+)Request")
RETURN_URL: Final = "https://shop.example/return"
CUSTOMER: Final = "shopper-41"


def adyen_card(number: str = "4111111111111111", holder: str = "J. Payer") -> str:
    """Adyen's paymentMethod object, as its page makes it: encrypted, here by the simulator's rule."""
    return (
        f'{{"type": "scheme", "encryptedCardNumber": "test_{number}", "encryptedExpiryMonth": "test_03", '
        f'"encryptedExpiryYear": "test_2030", "encryptedSecurityCode": "test_737", "holderName": "{holder}"}}'
    )


GOOD: Final[dict[str, Fields]] = {
    "stripe": {"token": "pm_card_visa"},
    "adyen": {"token": adyen_card()},
    "paypal": {"connector_payment_method_id": "card-visa"},
    "mpesa": {"phone": "254708374149"},
}
BAD: Final[dict[str, Fields]] = {
    "stripe": {"token": "pm_card_chargeDeclined"},
    "adyen": {"token": adyen_card(holder="DECLINED")},
    "paypal": {"connector_payment_method_id": "card-nobody-has"},
    "mpesa": {"phone": "12"},
}
"""Declined, or refused."""
PAGES: Final[dict[str, Fields]] = {
    "stripe": {"token": "pm_card_visa"},
    "adyen": {"token": adyen_card("4917610000000000")},
    "paypal": {"redirect_method": "paypal"},
}
"""Where the payer has to go somewhere; at Stripe, whoever comes back is believed nothing, and need not have gone."""
DESTINATIONS: Final[dict[str, Fields]] = {
    "stripe": {"own_account": True},
    "adyen": {"connector_account_id": "SE00000000000000000000001"},
    "paypal": {"email": "payee@example.com"},
    "mpesa": {"phone": "254708374149"},
}
CUSTOMERS: Final = {"adyen": CUSTOMER, "paypal": PAYPALS_CUSTOMER}
"""Of providers that have no call to make one."""
PLANS: Final = {"stripe": "price_basic", "paypal": "P-5ML4271244454362WXNWU5NQ"}
DISPUTED_MINOR: Final = {"paypal": 11_310}
"""The amount that a payer disputes, where it is the amount that says so."""
PATIENCE_S: Final = 20.0


@dataclass
class Counter:
    """One connector's counter, at which anything can be asked for."""

    desk: Desk
    numbers: Any = field(default_factory=lambda: count(1))

    @property
    def connector(self) -> str:
        return self.desk.connector

    @property
    def capabilities(self) -> list[Capability]:
        """Those that are operations with an rpc of their own, which the connector declares."""
        declared = self.desk.label.capabilities
        return [one for one in (*CHANGING, *ASKING) if one in declared]

    async def ask(self, capability: Capability, fields: Fields, request_id: str = "") -> Any:
        """One call."""
        spec = CHANGING.get(capability) or ASKING[capability]
        known = spec.request.DESCRIPTOR.fields_by_name
        given = {**fields}
        if "request_id" in known:
            given["request_id"] = request_id or self.name()
        if "connector" in known:
            given.setdefault("connector", self.connector)
        found = _RPC.fullmatch(spec.request.__name__)
        assert found is not None
        return await self.desk.transport.unary(
            f"orchestratorx_prism.v1.{found['service']}",
            found["method"],
            spec.request(**given),
            response_type=spec.response,
        )

    def name(self) -> str:
        return f"name-{next(self.numbers)}"

    async def good(self, capability: Capability) -> Fields:
        """A request that is carried out."""
        return await REQUESTS[capability](self)

    async def bad(self, capability: Capability, done: Fields) -> Fields:
        """One that is not, after a good one: many are bad because they were carried out before."""
        change = SPOILT.get(capability)
        return done if change is None else {**done, **change(self)}

    def money(self, minor: int = 10_000) -> Fields:
        return {"minor_units": minor, "currency": "KES" if self.connector == "mpesa" else "EUR"}

    def authorization(self, instrument: Fields, *, manual: bool = True) -> Fields:
        return {
            "amount": self.money(),
            "instrument": instrument,
            "capture_mode": "CAPTURE_MODE_MANUAL" if manual and self.connector != "mpesa" else "CAPTURE_MODE_AUTOMATIC",
            "merchant_transaction_id": self.name(),
            "return_url": RETURN_URL,
        }

    async def authorized(self) -> Fields:
        answer = await self.ask(C.AUTHORIZE, self.authorization(GOOD[self.connector]))
        return {"payment_id": answer.payment.id}

    async def captured(self) -> Fields:
        about = await self.authorized()
        if self.connector != "mpesa":
            await self.ask(C.CAPTURE, about)
        async with asyncio.timeout(PATIENCE_S):
            while (await self.payment(about)).status != PAYMENT_STATUS_CAPTURED:  # noqa: ASYNC110 - told by a webhook
                await asyncio.sleep(0.02)
        return about

    async def payment(self, about: Fields) -> Any:
        found = await self.desk.application.ledger.get_payment("default", about["payment_id"])
        assert found is not None
        return found

    async def back_from_page(self) -> Fields:
        answer = await self.ask(C.AUTHORIZE, self.authorization(PAGES[self.connector]))
        url = answer.next_action.redirect_url
        parameters: Fields = {}
        if url:
            async with httpx.AsyncClient() as browser:
                parameters = dict(httpx.URL((await browser.get(url)).headers["location"]).params)
        return {"payment_id": answer.payment.id, "parameters": parameters}

    async def disputed(self) -> Fields:
        instrument = {"token": "pm_card_createDispute"} if self.connector == "stripe" else GOOD[self.connector]
        asked = self.authorization(instrument, manual=False)
        asked["amount"] = self.money(DISPUTED_MINOR.get(self.connector, 10_000))
        answer = await self.ask(C.AUTHORIZE, asked)
        if self.connector == "adyen":
            self.desk.simulator.open_dispute(answer.payment.connector_transaction_id)  # type: ignore[attr-defined]
        mine = DisputeServiceListRequest(payment_id=answer.payment.id, page_size=1)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                disputes, _ = await self.desk.application.ledger.list_disputes(mine)
                if disputes:
                    return {"dispute_id": disputes[0].id}
                await asyncio.sleep(0.02)

    async def customer(self) -> Fields:
        if self.connector in CUSTOMERS:
            return {"connector_customer_id": CUSTOMERS[self.connector]}
        answer = await self.ask(C.CREATE_CUSTOMER, {"profile": {"name": "Ada", "email": "ada@shop.example"}})
        return {"connector_customer_id": answer.customer.connector_customer_id}

    async def saving(self) -> Fields:
        instrument = {"token": SETUP_TOKEN} if self.connector == "paypal" else GOOD[self.connector]
        return {**await self.customer(), "instrument": instrument}

    async def saved(self) -> Fields:
        about = await self.saving()
        answer = await self.ask(C.ATTACH_PAYMENT_METHOD, about)
        return {
            "connector_customer_id": about["connector_customer_id"],
            "connector_payment_method_id": answer.payment_method.connector_payment_method_id,
        }

    async def consent(self) -> Fields:
        asked = {
            **await self.saving(),
            "merchant_transaction_id": self.name(),
            "return_url": RETURN_URL,
            "currency": "EUR",
        }
        return {**asked, "instrument": PAGES["paypal"]} if self.connector == "paypal" else asked

    async def mandate(self) -> Fields:
        if self.connector == "paypal":  # what was saved is what is charged
            about = await self.saved()
            return {"connector_mandate_id": about["connector_payment_method_id"]}
        about = await self.consent()
        answer = await self.ask(C.SETUP_MANDATE, about)
        return {
            "connector_customer_id": about["connector_customer_id"],
            "connector_mandate_id": answer.mandate.connector_mandate_id,
        }

    async def charge(self) -> Fields:
        return {**await self.mandate(), "amount": self.money(700), "merchant_transaction_id": self.name()}

    async def plan(self) -> Fields:
        return {**await self.customer(), "connector_plan_id": PLANS[self.connector], "quantity": 2, **self.back()}

    def back(self) -> Fields:
        """Where a payer comes back to, where one has to go somewhere."""
        return {"return_url": RETURN_URL} if self.connector == "paypal" else {}

    async def subscription(self) -> Fields:
        answer = await self.ask(C.CREATE_SUBSCRIPTION, await self.plan())
        if answer.next_action.redirect_url:
            async with httpx.AsyncClient() as browser:
                await browser.get(answer.next_action.redirect_url)
        return {"connector_subscription_id": answer.subscription.connector_subscription_id}

    async def payout(self) -> Fields:
        return {
            "amount": self.money(5_000),
            "destination": DESTINATIONS[self.connector],
            "merchant_payout_id": self.name(),
        }


def _plain(**fields: Any) -> Callable[[Counter], Awaitable[Fields]]:
    async def make(_counter: Counter) -> Fields:
        return fields

    return make


def _with(make: Callable[[Counter], Awaitable[Fields]], **fields: Any) -> Callable[[Counter], Awaitable[Fields]]:
    async def made(counter: Counter) -> Fields:
        return {**await make(counter), **fields}

    return made


async def _authorization(counter: Counter) -> Fields:
    return counter.authorization(GOOD[counter.connector])


async def _more(counter: Counter) -> Fields:
    return {**await counter.authorized(), "amount": counter.money(500)}


async def _defence(counter: Counter) -> Fields:
    evidence = await _evidence(counter)
    await counter.ask(C.SUBMIT_EVIDENCE, evidence)
    return {"dispute_id": evidence["dispute_id"], "defense_reason": "SupplyDefenseMaterial"}


async def _evidence(counter: Counter) -> Fields:
    purpose = {"stripe": "receipt", "paypal": "PROOF_OF_FULFILLMENT"}.get(counter.connector, "DefenseMaterial")
    receipt = {"purpose": purpose, "file_name": "r.pdf", "content_type": "application/pdf", "content": b"%PDF-1.7 one"}
    return {**await counter.disputed(), "files": [receipt]}


async def _change_of_plan(counter: Counter) -> Fields:
    other = {"connector_plan_id": "P-2UF78835G6983425GLSM44MA"} if counter.connector == "paypal" else {}
    return {**await counter.subscription(), **other, "quantity": 5}


REQUESTS: Final[dict[Capability, Callable[[Counter], Awaitable[Fields]]]] = {
    C.AUTHORIZE: _authorization,
    C.CONFIRM_REDIRECT: Counter.back_from_page,
    C.CAPTURE: Counter.authorized,
    C.VOID: Counter.authorized,
    C.INCREMENT_AUTHORIZATION: _more,
    C.REFUND: Counter.captured,
    C.REFRESH_PAYMENT: _with(Counter.authorized, refresh=True),
    C.ACCEPT_DISPUTE: Counter.disputed,
    C.DEFEND_DISPUTE: _defence,
    C.SUBMIT_EVIDENCE: _evidence,
    C.CREATE_PAYOUT: Counter.payout,
    C.CREATE_CUSTOMER: _plain(profile={"name": "Ada", "email": "ada@shop.example"}),
    C.GET_CUSTOMER: Counter.customer,
    C.UPDATE_CUSTOMER: _with(Counter.customer, profile={"name": "Grace"}),
    C.DELETE_CUSTOMER: Counter.customer,
    C.ATTACH_PAYMENT_METHOD: Counter.saving,
    C.GET_PAYMENT_METHOD: Counter.saved,
    C.LIST_PAYMENT_METHODS: Counter.customer,
    C.DETACH_PAYMENT_METHOD: Counter.saved,
    C.SETUP_MANDATE: Counter.consent,
    C.CHARGE_MANDATE: Counter.charge,
    C.REVOKE_MANDATE: Counter.mandate,
    C.CREATE_SUBSCRIPTION: Counter.plan,
    C.GET_SUBSCRIPTION: Counter.subscription,
    C.UPDATE_SUBSCRIPTION: _change_of_plan,
    C.CANCEL_SUBSCRIPTION: Counter.subscription,
    C.RECORD_USAGE: _with(Counter.customer, meter="api_requests", quantity="25"),
}
"""What each needs to be carried out."""

_NOBODY: Final = {"connector_customer_id": "cus_nobody"}

SPOILT: Final[dict[Capability, Callable[[Counter], Fields]]] = {
    C.AUTHORIZE: lambda counter: {"instrument": BAD[counter.connector]},
    C.CONFIRM_REDIRECT: lambda _: {"payment_id": "pay_none"},
    # Where a second one is taken, too, and fails later.
    C.VOID: lambda counter: {"payment_id": "pay_none"} if counter.connector == "adyen" else {},
    C.REFUND: lambda counter: {"payment_id": "pay_none"} if counter.connector in {"adyen", "mpesa"} else {},
    C.INCREMENT_AUTHORIZATION: lambda counter: {"amount": counter.money(-1)},
    C.REFRESH_PAYMENT: lambda _: {"payment_id": "pay_none"},
    C.SUBMIT_EVIDENCE: lambda _: {"files": []},
    C.CREATE_PAYOUT: lambda counter: {"destination": {}},
    C.CREATE_CUSTOMER: lambda _: {"profile": {"email": "nowhere"}},
    C.GET_CUSTOMER: lambda _: _NOBODY,
    C.UPDATE_CUSTOMER: lambda _: _NOBODY,
    C.ATTACH_PAYMENT_METHOD: lambda counter: {
        "instrument": {"token": "{}"} if counter.connector == "adyen" else BAD[counter.connector]
    },
    C.GET_PAYMENT_METHOD: lambda _: {"connector_payment_method_id": "pm_nothing"},
    C.LIST_PAYMENT_METHODS: lambda counter: {
        "connector_customer_id": "cus_nobody" if counter.connector == "stripe" else ""
    },
    C.SETUP_MANDATE: lambda counter: {"instrument": BAD[counter.connector]},
    C.CHARGE_MANDATE: lambda _: {"connector_mandate_id": "seti_nothing"},
    C.CREATE_SUBSCRIPTION: lambda counter: {"connector_plan_id": NO_PLAN} if counter.connector == "paypal" else _NOBODY,
    C.GET_SUBSCRIPTION: lambda _: {"connector_subscription_id": "sub_nothing"},
    C.UPDATE_SUBSCRIPTION: lambda _: {"connector_subscription_id": "sub_nothing"},
    C.RECORD_USAGE: lambda _: {"quantity": "many"},
}
"""What makes a good request a bad one. Those that are missing are bad the second time."""
WITH_INSTRUMENT: Final = frozenset({C.AUTHORIZE, C.ATTACH_PAYMENT_METHOD, C.SETUP_MANDATE})


def refused(answer: Any) -> bool:
    """Whether an answer, or an error, says no."""
    if isinstance(answer, PrismError):
        return True
    subject = next(
        (getattr(answer, name) for name in ("payment", "mandate", "payment_method") if hasattr(answer, name)), None
    )
    return subject is not None and subject.HasField("failure") if hasattr(subject, "failure") else False
