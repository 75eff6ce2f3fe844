"""Adyen's disputes, payouts, saved payment methods and mandates, and what never leaks: over a real socket."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any

import pytest
from adyen_operations import (
    SANDBOX,
    Shop,
    authorize,
    call,
    capture,
    card,
    confirm,
    eur,
    refund,
    shop,
    void,
)

from connectors.adyen import connector
from connectors.adyen.client import make_client
from connectors.adyen.operations import DECLARED, PREPARE
from connectors.adyen.simulator_payments import save
from connectors.spi import Capability
from connectors.spi.operations import Call
from connectors.spi.simulating import Faults
from orchestratorx_prism.errors import OutcomeUnknown, PrismError, ProviderRefused, RequestRejected
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.dispute_service_pb2 import (
    DisputeServiceAcceptRequest,
    DisputeServiceDefendRequest,
    DisputeServiceSubmitEvidenceRequest,
    EvidenceFile,
)
from orchestratorx_prism.v1.instrument_pb2 import Card, Instrument
from orchestratorx_prism.v1.mandate_service_pb2 import (
    MandateServiceChargeRequest,
    MandateServiceRevokeRequest,
    MandateServiceSetupRequest,
)
from orchestratorx_prism.v1.payment_method_service_pb2 import (
    PaymentMethodServiceAttachRequest,
    PaymentMethodServiceDetachRequest,
    PaymentMethodServiceGetRequest,
    PaymentMethodServiceListRequest,
)
from orchestratorx_prism.v1.payout_service_pb2 import PayoutDestination, PayoutServiceCreateRequest

ACCEPT, DEFEND, SUBMIT = Capability.ACCEPT_DISPUTE, Capability.DEFEND_DISPUTE, Capability.SUBMIT_EVIDENCE
SHOPPER = "shopper-41"


def evidence(content_type: str = "application/pdf") -> Any:
    receipt = EvidenceFile(purpose="DefenseMaterial", content_type=content_type, content=b"%PDF-1.4 receipt")
    return DisputeServiceSubmitEvidenceRequest(files=[receipt])


def payout(account: str = "SE00000000000000000000001", minor: int = 5000) -> Any:
    destination = PayoutDestination(connector_account_id=account)
    return PayoutServiceCreateRequest(amount=eur(minor), destination=destination, merchant_payout_id="payout-9")


def setup(token: str = "", shopper: str = SHOPPER) -> Any:
    return MandateServiceSetupRequest(
        connector_customer_id=shopper,
        instrument=Instrument(token=token or card()),
        merchant_transaction_id="consent-1",
        return_url="https://shop.example/back",
        currency="EUR",
    )


def charge(mandate: str, shopper: str = SHOPPER) -> Any:
    return MandateServiceChargeRequest(
        connector_mandate_id=mandate,
        connector_customer_id=shopper,
        amount=eur(700),
        merchant_transaction_id="month-2",
        description="March, 2 seats",
    )


def attach(token: str = "") -> Any:
    return PaymentMethodServiceAttachRequest(
        connector_customer_id=SHOPPER, instrument=Instrument(token=token or card())
    )


def detach(method: str) -> Any:
    return PaymentMethodServiceDetachRequest(connector_customer_id=SHOPPER, connector_payment_method_id=method)


async def disputed(desk: Shop) -> dict[str, Any]:
    """A disputed payment: what a call about the dispute is given."""
    _, books = await desk.paid(authorize())
    payment = books.payment()
    name = desk.simulator.open_dispute(payment.connector_transaction_id)
    return {"payment": payment, "dispute": Dispute(connector_dispute_id=name, merchant_transaction_id="order-1")}


async def test_evidence_is_handed_in_and_the_dispute_defended() -> None:
    async with shop() as desk:
        about = await disputed(desk)
        handed_in = await desk.client.call(call(SUBMIT, evidence(), **about))
        assert handed_in.events == ()
        defended = await desk.client.call(
            call(DEFEND, DisputeServiceDefendRequest(defense_reason="SupplyDefenseMaterial"), **about)
        )
        (event,) = defended.events
        told = [each for each in await desk.told() if each.type == event.type == "dispute.evidence_submitted"]
        assert told[0].dispute.connector_dispute_id == event.dispute.connector_dispute_id
        assert told[0].references == event.references


async def test_a_dispute_is_accepted_once() -> None:
    async with shop() as desk:
        about = await disputed(desk)
        answer = await desk.client.call(call(ACCEPT, DisputeServiceAcceptRequest(), **about))
        assert [event.type for event in answer.events] == ["dispute.accepted"]
        with pytest.raises(ProviderRefused) as refused:
            await desk.client.call(call(ACCEPT, DisputeServiceAcceptRequest(), **about))
        assert refused.value.metadata == {
            "category": "INVALID_REQUEST",
            "code": "dispute_refused",
            "provider_message": "The dispute is closed",
        }


@pytest.mark.parametrize(
    ("capability", "request_"),
    [
        (ACCEPT, DisputeServiceAcceptRequest()),
        (DEFEND, DisputeServiceDefendRequest(defense_reason="SupplyDefenseMaterial")),
        (SUBMIT, evidence()),
    ],
)
async def test_an_unknown_dispute_is_refused(capability: Capability, request_: Any) -> None:
    async with shop() as desk:
        with pytest.raises(ProviderRefused):
            await desk.client.call(call(capability, request_, dispute=Dispute(connector_dispute_id="NOSUCHDISPUTE12")))


async def test_a_payout_is_told_by_its_answer_and_its_webhooks_as_one() -> None:
    async with shop() as desk:
        answer = await desk.client.call(call(Capability.CREATE_PAYOUT, payout()))
        (event,) = answer.events
        assert (event.type, event.payout.merchant_payout_id) == ("payout.pending", "payout-9")
        told = await desk.told()
        assert [each.type for each in told] == ["payout.created", "payout.succeeded"]
        assert {each.payout.connector_payout_id for each in told} == {event.payout.connector_payout_id}
        assert {each.payout.amount.minor_units for each in (event, *told)} == {5000}


async def test_a_payout_without_balance_is_a_failed_payout() -> None:
    async with shop() as desk:
        answer = await desk.client.call(call(Capability.CREATE_PAYOUT, payout(minor=100_000_000)))
        (event,) = answer.events
        assert (event.type, event.payout.failure.code) == ("payout.failed", "insufficient_funds")


async def test_a_payout_from_an_unknown_balance_account_is_refused() -> None:
    async with shop() as desk:
        config = {**desk.simulator.config(desk.base), "ADYEN_BALANCE_ACCOUNT": "BA99"}
        client = make_client(config, SANDBOX)
        with pytest.raises(ProviderRefused) as refused:
            await client.call(call(Capability.CREATE_PAYOUT, payout()))
        assert refused.value.metadata["provider_code"] == "00_422"
        await client.aclose()


async def test_a_payment_method_is_saved_listed_shown_and_forgotten() -> None:
    async with shop() as desk:
        saved = await desk.client.call(call(Capability.ATTACH_PAYMENT_METHOD, attach()))
        method = saved.resource.payment_method
        assert (method.details.network, method.details.last4, method.details.expiry_year) == ("visa", "1111", 2030)
        await desk.client.call(call(Capability.ATTACH_PAYMENT_METHOD, attach(card(number="5555444433331111"))))
        ask = PaymentMethodServiceListRequest(connector_customer_id=SHOPPER, page_size=1)
        first = (await desk.client.call(call(Capability.LIST_PAYMENT_METHODS, ask))).resource
        assert (first.payment_methods[0], first.next_page_token) == (method, "1")
        ask.page_token = first.next_page_token
        second = (await desk.client.call(call(Capability.LIST_PAYMENT_METHODS, ask))).resource
        assert (second.payment_methods[0].details.network, second.next_page_token) == ("mastercard", "")
        one = PaymentMethodServiceGetRequest(
            connector_customer_id=SHOPPER, connector_payment_method_id=method.connector_payment_method_id
        )
        assert (await desk.client.call(call(Capability.GET_PAYMENT_METHOD, one))).resource.payment_method == method
        gone = await desk.client.call(
            call(Capability.DETACH_PAYMENT_METHOD, detach(method.connector_payment_method_id))
        )
        assert [event.type for event in gone.events] == ["payment_method.detached"]
        with pytest.raises(ProviderRefused):
            await desk.client.call(call(Capability.GET_PAYMENT_METHOD, one))
        with pytest.raises(ProviderRefused) as refused:
            await desk.client.call(call(Capability.DETACH_PAYMENT_METHOD, detach(method.connector_payment_method_id)))
        assert refused.value.metadata["code"] == "payment_method_not_found"


async def test_a_shopper_reference_with_marks_stays_one_reference() -> None:
    async with shop() as desk:
        ask = PaymentMethodServiceListRequest(connector_customer_id=f"a b&shopperReference={SHOPPER}#/?")
        await desk.client.call(call(Capability.ATTACH_PAYMENT_METHOD, attach()))
        answer = await desk.client.call(call(Capability.LIST_PAYMENT_METHODS, ask))
        assert list(answer.resource.payment_methods) == []


async def test_a_mandate_is_set_up_charged_and_revoked() -> None:
    async with shop() as desk:
        answer = await desk.client.call(call(Capability.SETUP_MANDATE, setup()))
        assert [event.type for event in answer.events] == ["mandate.active"]
        (told,) = [event for event in await desk.told() if event.type == "payment_method.attached"]
        assert told.payment_method.connector_payment_method_id == answer.resource.mandate.connector_payment_method_id
        mandate = answer.resource.mandate.connector_mandate_id
        charged = await desk.client.call(call(Capability.CHARGE_MANDATE, charge(mandate)))
        assert [event.type for event in charged.events] == ["payment.authorized", "payment.captured"]
        assert charged.events[0].merchant_transaction_id == "month-2"
        revoke = MandateServiceRevokeRequest(connector_mandate_id=mandate, connector_customer_id=SHOPPER)
        revoked = await desk.client.call(call(Capability.REVOKE_MANDATE, revoke))
        assert [event.type for event in revoked.events] == ["mandate.revoked"]
        with pytest.raises(ProviderRefused) as refused:
            await desk.client.call(call(Capability.CHARGE_MANDATE, charge(mandate)))
        assert refused.value.metadata["code"] == "payment_method_not_found"
        with pytest.raises(ProviderRefused):
            await desk.client.call(call(Capability.REVOKE_MANDATE, revoke))


async def test_a_mandate_of_a_declined_card_fails() -> None:
    async with shop() as desk:
        answer = await desk.client.call(call(Capability.SETUP_MANDATE, setup(card("DECLINED"))))
        assert [event.type for event in answer.events] == ["mandate.failed"]
        assert answer.resource.mandate.failure.code == "refused"


async def test_a_mandate_that_needs_the_payer_is_a_payment_until_it_is_confirmed() -> None:
    async with shop() as desk:
        answer = await desk.client.call(call(Capability.SETUP_MANDATE, setup(card(number="4917610000000000"))))
        assert [event.type for event in answer.events] == ["payment.action_required"]
        assert answer.resource.next_action.redirect_url == answer.events[0].payment.next_action.redirect_url
        assert answer.events[0].payment.amount == eur(0)


async def test_a_declined_charge_of_a_mandate_is_an_event() -> None:
    async with shop() as desk:
        shopper = "declines-7"
        answer = await desk.client.call(call(Capability.SETUP_MANDATE, setup(shopper=shopper)))
        mandate = answer.resource.mandate.connector_mandate_id
        charged = await desk.client.call(call(Capability.CHARGE_MANDATE, charge(mandate, shopper)))
        assert [event.type for event in charged.events] == ["payment.failed"]
        assert charged.events[0].payment.failure.code == "insufficient_funds"


async def test_a_saved_card_is_charged_without_its_payer() -> None:
    async with shop() as desk:
        first = authorize(save_instrument=True, connector_customer_id=SHOPPER)
        answer, _ = await desk.paid(first)
        saved = answer.events[0].payment.payment_method.connector_payment_method_id
        assert answer.events[0].payment.connector_customer_id == SHOPPER
        again = authorize(
            Instrument(connector_payment_method_id=saved),
            off_session=True,
            return_url="",
            connector_customer_id=SHOPPER,
        )
        answer, _ = await desk.paid(again)
        assert answer.events[0].type == "payment.authorized"


async def prepared_calls(desk: Shop) -> list[Call]:
    """A call of each declared operation that is no payment's, each ready to succeed."""
    saved = await desk.client.call(call(Capability.ATTACH_PAYMENT_METHOD, attach()))
    method = saved.resource.payment_method.connector_payment_method_id
    other = await desk.client.call(call(Capability.SETUP_MANDATE, setup()))
    mandate = other.resource.mandate.connector_mandate_id
    defended, accepted = await disputed(desk), await disputed(desk)
    await desk.client.call(call(SUBMIT, evidence(), **defended))
    return [
        call(ACCEPT, DisputeServiceAcceptRequest(), **accepted),
        call(SUBMIT, evidence(), **defended),
        call(DEFEND, DisputeServiceDefendRequest(defense_reason="SupplyDefenseMaterial"), **defended),
        call(Capability.CREATE_PAYOUT, payout()),
        call(Capability.ATTACH_PAYMENT_METHOD, attach()),
        call(Capability.DETACH_PAYMENT_METHOD, detach(method)),
        call(Capability.SETUP_MANDATE, setup()),
        call(Capability.CHARGE_MANDATE, charge(mandate)),
        call(
            Capability.REVOKE_MANDATE,
            MandateServiceRevokeRequest(connector_mandate_id=mandate, connector_customer_id=SHOPPER),
        ),
    ]


async def test_every_other_operation_with_a_lost_answer_is_unknown_and_resolved() -> None:
    async with shop() as desk:
        for made in await prepared_calls(desk):
            desk.faulty.faults = Faults(errors_after=1.0)
            with pytest.raises(OutcomeUnknown):
                await desk.client.call(made)
            desk.faulty.faults = Faults()
            assert await desk.client.resolve(made) is not None, made.capability
        assert len(desk.simulator.memory.transfers) == 1


async def test_a_repeat_that_finds_nothing_to_remove_was_successful() -> None:
    async with shop(Faults(errors_after=1.0), once=True) as desk:
        method = save(desk.simulator.memory, SHOPPER, "visa", "1111")
        made = call(Capability.DETACH_PAYMENT_METHOD, detach(method))
        answer = await desk.client.call(made)  # removed, and the answer lost; the repeat finds nothing
        assert [event.type for event in answer.events] == ["payment_method.detached"]
        assert desk.simulator.memory.saved[SHOPPER] == {}
        assert await desk.client.resolve(made) is not None
        with pytest.raises(ProviderRefused):
            await desk.client.call(made)


def test_what_is_declared_can_be_called() -> None:
    assert connector.capabilities == DECLARED | {Capability.WEBHOOKS}
    assert Capability.REFRESH_PAYMENT not in connector.capabilities
    assert set(PREPARE) <= connector.capabilities


CANARIES = ("4000000000000051", "cvcanary9137", "AQEcanary0000000000000000000000000000canary", "test_4111111111111111")


async def test_no_card_number_code_key_or_token_reaches_log_error_repr_or_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    foreign: list[BaseException] = []
    raw = json.dumps({"type": "scheme", "number": CANARIES[0], "cvc": CANARIES[1]})
    raw_card = Instrument(card=Card(number=CANARIES[0], cvc=CANARIES[1], expiry_month=3, expiry_year=2030))
    async with shop() as desk:
        stranger = make_client({**desk.simulator.config(desk.base), "ADYEN_API_KEY": CANARIES[2]}, SANDBOX)
        _, books = await desk.paid(authorize(manual=True))
        payment = books.payment()
        calls = [
            call(Capability.AUTHORIZE, authorize()),
            call(Capability.AUTHORIZE, authorize(raw_card)),
            call(Capability.AUTHORIZE, authorize(Instrument(token=raw))),
            call(Capability.AUTHORIZE, authorize(Instrument(token=raw[:-1]))),
            call(Capability.AUTHORIZE, authorize(Instrument(token=card("DECLINED")))),
            call(Capability.AUTHORIZE, authorize(Instrument(token=card("SIMULATOR_LOST")))),
            call(Capability.AUTHORIZE, authorize(Instrument(token=card("SIMULATOR_500")))),
            call(Capability.CAPTURE, capture(), payment=payment),
            call(Capability.VOID, void(), payment=payment),
            call(Capability.REFUND, refund(1), payment=payment),
            call(Capability.CONFIRM_REDIRECT, confirm(redirectResult=CANARIES[2]), payment=payment),
            *await prepared_calls(desk),
        ]
        for client in (desk.client, stranger):
            for made in calls:
                said.append(repr(made))
                try:
                    answer = await client.call(made)
                except PrismError as error:
                    said += [repr(error), str(error), error.fix, repr(error.metadata), repr(error.__dict__)]
                    said += traceback.TracebackException.from_exception(error, capture_locals=False).format()
                    foreign += [each for each in (error.__cause__, error.__context__) if each is not None]
                else:
                    said += [repr(answer), *(str(event) for event in answer.events), str(answer.resource)]
                    said.append(answer.body.decode())
        said += [repr(desk.client), repr(vars(desk.client)), repr(desk.simulator)]
        await stranger.aclose()
    said += [record.getMessage() for record in caplog.records]
    assert all(isinstance(each, PrismError) for each in foreign)
    assert len(caplog.records) > 0
    everything = "\n".join(said)
    for canary in (*CANARIES, desk.simulator.config("")["ADYEN_API_KEY"]):
        assert canary not in everything


async def test_a_card_of_which_nothing_was_kept_and_one_in_a_token_are_not_sent() -> None:
    async with shop() as desk:
        for instrument in (Instrument(card=Card()), Instrument(token='{"type":"scheme","cvc":"1"}')):
            with pytest.raises(RequestRejected) as refused:
                await desk.paid(authorize(instrument))
            assert refused.value.metadata["field"].startswith("instrument.")
        assert desk.simulator.asked == {}
