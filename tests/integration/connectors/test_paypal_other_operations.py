"""PayPal's payouts, disputes, saved methods and subscriptions: the client against the simulator, over a real socket."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from paypal_shop import Shop, authorization, open_shop, saved, usd

from connectors.paypal.simulator_vault import CUSTOMER, NO_PLAN, SETUP_TOKEN
from connectors.spi import Capability
from connectors.spi.operations import Answer, Call
from connectors.spi.simulating import Faults
from orchestratorx_prism.errors import OutcomeUnknown, ProviderRefused, ProviderUnavailable, RequestRejected
from orchestratorx_prism.v1 import dispute_pb2, event_data_pb2
from orchestratorx_prism.v1.dispute_service_pb2 import (
    DisputeServiceAcceptRequest,
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
from orchestratorx_prism.v1.payment_service_pb2 import CaptureMode
from orchestratorx_prism.v1.payout_service_pb2 import PayoutDestination, PayoutServiceCreateRequest
from orchestratorx_prism.v1.subscription_service_pb2 import (
    SubscriptionServiceCancelRequest,
    SubscriptionServiceCreateRequest,
    SubscriptionServiceGetRequest,
    SubscriptionServiceUpdateRequest,
)

PLAN, OTHER_PLAN = "P-5ML4271244454362WXNWU5NQ", "P-2UF78835G6983425GLSM44MA"
DAY_S = 86_400.0
LOST = Faults(lost_replies=1.0)
CUT = Faults(cut_requests=1.0)
C = Capability


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as opened:
        await opened.authorized(7)  # fetches the token: its request is not to be the one that is lost
        yield opened


def payout(email: str = "payee@example.com", minor: int = 2_500, **fields: Any) -> PayoutServiceCreateRequest:
    given = {"merchant_payout_id": "payout-1", "destination": PayoutDestination(email=email), **fields}
    return PayoutServiceCreateRequest(amount=usd(minor), **given)


def evidence(*files: EvidenceFile, **texts: str) -> DisputeServiceSubmitEvidenceRequest:
    return DisputeServiceSubmitEvidenceRequest(files=files, texts=texts)


def subscription(plan: str = PLAN, **fields: Any) -> SubscriptionServiceCreateRequest:
    given = {"merchant_subscription_id": "sub-1", "return_url": "https://shop.example/back", **fields}
    return SubscriptionServiceCreateRequest(connector_plan_id=plan, **given)


async def disputed(shop: Shop) -> dict[str, Any]:
    """A payment that the payer disputes: what a call about it carries."""
    payment = await shop.captured(11_310)
    (dispute,) = shop.simulator.world.disputes.values()
    known = dispute_pb2.Dispute(connector_dispute_id=dispute["dispute_id"], payment_id=payment.id)
    return {"dispute": known, "payment": payment}


async def active_subscription(shop: Shop) -> str:
    """A subscription that the payer has approved."""
    answer = await shop.client.call(shop.made(C.CREATE_SUBSCRIPTION, subscription()))
    assert answer.next_action is not None
    async with httpx.AsyncClient(trust_env=False) as browser:
        assert (await browser.get(answer.next_action.redirect_url)).status_code == 302
    found: str = answer.resource.subscription.connector_subscription_id
    return found


async def saved_method(shop: Shop) -> str:
    request = PaymentMethodServiceAttachRequest(instrument=Instrument(token=SETUP_TOKEN))
    answer = await shop.client.call(shop.made(C.ATTACH_PAYMENT_METHOD, request))
    found: str = answer.resource.payment_method.connector_payment_method_id
    return found


# Payouts.


async def test_a_payout_is_named_as_its_webhook_names_it(shop: Shop) -> None:
    answer = await shop.client.call(shop.made(C.CREATE_PAYOUT, payout()))
    (event,) = answer.events
    assert event.type == "payout.succeeded"
    assert event.payout.merchant_payout_id == "payout-1"
    assert event.payout.amount == usd(2_500)
    assert event.payout.fee == usd(25)
    told = [one for one in await shop.webhook_events() if one.type.startswith("payout.")]
    assert [one.payout for one in told] == [event.payout]
    assert not event.references


async def test_payouts_go_to_mails_phones_and_payers(shop: Shop) -> None:
    for destination, kind in (
        (PayoutDestination(email="a@example.com"), "EMAIL"),
        (PayoutDestination(phone="14155550100"), "PHONE"),
        (PayoutDestination(connector_account_id="SIMPAYER00001"), "PAYPAL_ID"),
    ):
        await shop.client.call(shop.made(C.CREATE_PAYOUT, payout(destination=destination)))
        batch = list(shop.simulator.world.batches.values())[-1]
        assert batch["items"][0]["payout_item"]["recipient_type"] == kind


async def test_a_payout_that_nobody_claims_is_pending_and_a_blocked_one_failed(shop: Shop) -> None:
    for email, expected in (("unclaimed@example.com", "payout.pending"), ("blocked@example.com", "payout.failed")):
        answer = await shop.client.call(shop.made(C.CREATE_PAYOUT, payout(email)))
        assert [event.type for event in answer.events] == [expected]
    assert answer.events[0].payout.failure.code == "suspected_fraud"


async def test_a_payout_without_the_money_for_it_fails(shop: Shop) -> None:
    answer = await shop.client.call(shop.made(C.CREATE_PAYOUT, payout(description="ERRPYO005")))
    (event,) = answer.events
    assert (event.type, event.payout.failure.code) == ("payout.failed", "insufficient_funds")
    assert event.payout.merchant_payout_id == "payout-1"


async def test_other_refusals_of_a_payout_are_the_providers(shop: Shop) -> None:
    for note, code, category in (
        ("ERRPYO002", "account_not_usable", "INVALID_REQUEST"),
        ("ERRPYO011", "permission_denied", "CREDENTIALS"),
        ("ERRPYO010", "invalid_request", "INVALID_REQUEST"),
    ):
        with pytest.raises(ProviderRefused) as caught:
            await shop.client.call(shop.made(C.CREATE_PAYOUT, payout(description=note)))
        assert (caught.value.metadata["code"], caught.value.metadata["category"]) == (code, category)
    with pytest.raises(ProviderUnavailable):
        await shop.client.call(shop.made(C.CREATE_PAYOUT, payout(description="ERRPYO035")))
    for unsure in ("ERRPYO006", "ERRPYO039"):
        with pytest.raises(OutcomeUnknown):
            await shop.client.call(shop.made(C.CREATE_PAYOUT, payout(description=unsure)))


async def test_a_batch_that_paypal_has_already_is_the_payout(shop: Shop) -> None:
    key = str(uuid.uuid4())
    first = await shop.client.call(shop.made(C.CREATE_PAYOUT, payout(), key=key))
    shop.simulator._keys._kept.clear()  # PayPal has forgotten the request's id, and knows the batch's
    second = await shop.client.call(shop.made(C.CREATE_PAYOUT, payout(), key=key))
    assert second.events[0].payout == first.events[0].payout
    assert len(shop.simulator.world.batches) == 1


async def test_a_payout_to_oneself_is_refused(shop: Shop) -> None:
    with pytest.raises(RequestRejected) as caught:
        await shop.client.call(shop.made(C.CREATE_PAYOUT, payout(destination=PayoutDestination(own_account=True))))
    assert caught.value.metadata == {"field": "destination.own_account"}


# Disputes.


async def test_an_accepted_claim_is_lost_when_the_webhook_comes(shop: Shop) -> None:
    known = await disputed(shop)
    answer = await shop.client.call(shop.made(C.ACCEPT_DISPUTE, DisputeServiceAcceptRequest(), **known))
    (event,) = answer.events
    assert event.type == "dispute.accepted"
    assert event.dispute.amount == usd(11_310)
    payment = await shop.recorded(answer.events)
    assert payment.id == known["payment"].id
    events = [one for one in await shop.webhook_events() if one.type.startswith("dispute.")]
    assert [one.type for one in events] == ["dispute.opened", "dispute.lost"]
    with pytest.raises(ProviderRefused) as caught:
        await shop.client.call(shop.made(C.ACCEPT_DISPUTE, DisputeServiceAcceptRequest(), **known))
    assert caught.value.metadata["code"] == "dispute_closed"


async def test_evidence_goes_with_its_documents(shop: Shop) -> None:
    known = await disputed(shop)
    receipt = EvidenceFile(
        purpose="PROOF_OF_FULFILLMENT", file_name="receipt.pdf", content_type="application/pdf", content=b"%PDF\r\n--x"
    )
    request = evidence(receipt, notes="delivered \N{SNOWMAN}", tracking_number="1Z999", carrier_name="UPS")
    answer = await shop.client.call(shop.made(C.SUBMIT_EVIDENCE, request, **known))
    assert [event.type for event in answer.events] == ["dispute.evidence_submitted"]
    (dispute,) = shop.simulator.world.disputes.values()
    assert dispute["_files"] == [("receipt.pdf", "application/pdf", 9)]
    (handed_in,) = dispute["evidences"]
    assert handed_in["evidence_type"] == "PROOF_OF_FULFILLMENT"
    assert handed_in["notes"] == "delivered \N{SNOWMAN}"
    assert handed_in["evidence_info"]["tracking_info"] == [{"carrier_name": "UPS", "tracking_number": "1Z999"}]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (evidence(), "files"),
        (evidence(story="long"), "texts.story"),
        (evidence(evidence_type="proof of love"), "texts.evidence_type"),
        (evidence(EvidenceFile(file_name="a.exe", content_type="application/x-msdownload", content=b"M")),
         "files[0].content_type"),
        (evidence(EvidenceFile(file_name="a.pdf", content_type="application/pdf")), "files[0].content"),
        (evidence(EvidenceFile(file_name='a".pdf', content_type="application/pdf", content=b"M")),
         "files[0].file_name"),
    ],
)  # fmt: skip
async def test_evidence_that_paypal_cannot_take_is_refused(
    shop: Shop, request_: DisputeServiceSubmitEvidenceRequest, field: str
) -> None:
    known = {"dispute": dispute_pb2.Dispute(connector_dispute_id="PP-D-1")}
    with pytest.raises(RequestRejected) as caught:
        await shop.client.call(shop.made(C.SUBMIT_EVIDENCE, request_, **known))
    assert caught.value.metadata == {"field": field}


async def test_evidence_of_a_kind_that_paypal_does_not_know_is_refused_by_it(shop: Shop) -> None:
    known = await disputed(shop)
    with pytest.raises(ProviderRefused) as caught:
        await shop.client.call(shop.made(C.SUBMIT_EVIDENCE, evidence(evidence_type="PROOF_OF_LOVE"), **known))
    assert caught.value.metadata["code"] == "invalid_evidence"


# Saved methods.


async def test_a_method_is_saved_shown_listed_charged_and_forgotten(shop: Shop) -> None:
    ids = [await saved_method(shop) for _ in range(6)]
    shown = await shop.client.call(
        shop.made(C.GET_PAYMENT_METHOD, PaymentMethodServiceGetRequest(connector_payment_method_id=ids[0]))
    )
    assert shown.resource.payment_method.details.last4 == "1881"
    listed: list[str] = []
    token = ""
    while len(listed) < 6:
        request = PaymentMethodServiceListRequest(connector_customer_id=CUSTOMER, page_token=token)
        page = (await shop.client.call(shop.made(C.LIST_PAYMENT_METHODS, request))).resource
        listed += [one.connector_payment_method_id for one in page.payment_methods]
        token = page.next_page_token
    assert (listed, token) == (ids, "")
    charged = await shop.authorized(instrument=saved(ids[0]))
    assert charged.payment_method.last4 == "1881"
    gone = PaymentMethodServiceDetachRequest(connector_payment_method_id=ids[0])
    answer = await shop.client.call(shop.made(C.DETACH_PAYMENT_METHOD, gone))
    assert [event.type for event in answer.events] == ["payment_method.detached"]
    with pytest.raises(ProviderRefused) as caught:
        await shop.client.call(
            shop.made(C.GET_PAYMENT_METHOD, PaymentMethodServiceGetRequest(connector_payment_method_id=ids[0]))
        )
    assert caught.value.metadata["code"] == "not_found"
    assert {one.type for one in await shop.webhook_events()} >= {"payment_method.attached", "payment_method.detached"}


async def test_only_setup_tokens_are_saved(shop: Shop) -> None:
    card = Card(number="4111111111111111", cvc="737")
    for instrument, reason in ((Instrument(card=card), "RAW_CARD_REFUSED"), (saved("x"), "REQUEST_INVALID")):
        with pytest.raises(RequestRejected) as caught:
            await shop.client.call(
                shop.made(C.ATTACH_PAYMENT_METHOD, PaymentMethodServiceAttachRequest(instrument=instrument))
            )
        assert caught.value.reason == reason
    request = PaymentMethodServiceAttachRequest(instrument=Instrument(token="0AA00000AA0000000"))
    with pytest.raises(ProviderRefused) as refused:
        await shop.client.call(shop.made(C.ATTACH_PAYMENT_METHOD, request))
    assert refused.value.metadata["code"] == "payment_method_not_found"


async def test_a_list_takes_its_own_page_tokens_only(shop: Shop) -> None:
    for token in ("0", "x", "11", "-1", "1 "):
        request = PaymentMethodServiceListRequest(connector_customer_id=CUSTOMER, page_token=token)
        with pytest.raises(RequestRejected) as caught:
            await shop.client.call(shop.made(C.LIST_PAYMENT_METHODS, request))
        assert caught.value.metadata == {"field": "page_token"}


# Mandates.


def consent(**fields: Any) -> MandateServiceSetupRequest:
    given = {"return_url": "https://shop.example/back", "instrument": Instrument(redirect_method="paypal"), **fields}
    return MandateServiceSetupRequest(**given)


async def mandate(shop: Shop) -> str:
    """A wallet that may be charged, as its payer has approved."""
    answer = await shop.client.call(shop.made(C.SETUP_MANDATE, consent()))
    assert answer.next_action is not None
    back = await shop.visit(answer.next_action.redirect_url)
    setup = answer.resource.mandate.connector_mandate_id
    assert dict(back.params) == {"approval_token_id": setup}
    attach = PaymentMethodServiceAttachRequest(instrument=Instrument(token=setup))
    saved_as = await shop.client.call(shop.made(C.ATTACH_PAYMENT_METHOD, attach))
    found: str = saved_as.resource.payment_method.connector_payment_method_id
    return found


def charge(own: str, minor: int = 1_500) -> MandateServiceChargeRequest:
    return MandateServiceChargeRequest(connector_mandate_id=own, amount=usd(minor), merchant_transaction_id="bill-1")


async def test_a_payer_consents_and_is_charged_until_the_consent_ends(shop: Shop) -> None:
    own = await mandate(shop)
    _, payment = await shop.call(C.CHARGE_MANDATE, charge(own))
    assert (payment.captured.minor_units, payment.merchant_transaction_id) == (1_500, "bill-1")
    declined, _ = await shop.call(C.CHARGE_MANDATE, charge(own, 10_417))
    assert [event.type for event in declined.events] == ["payment.failed"]
    answer = await shop.client.call(shop.made(C.REVOKE_MANDATE, MandateServiceRevokeRequest(connector_mandate_id=own)))
    assert [event.type for event in answer.events] == ["mandate.revoked"]
    with pytest.raises(ProviderRefused) as caught:
        await shop.client.call(shop.made(C.REVOKE_MANDATE, MandateServiceRevokeRequest(connector_mandate_id=own)))
    assert caught.value.metadata["code"] == "not_found"


async def test_a_consent_that_nobody_gave_cannot_be_used(shop: Shop) -> None:
    answer = await shop.client.call(shop.made(C.SETUP_MANDATE, consent()))
    setup = Instrument(token=answer.resource.mandate.connector_mandate_id)
    with pytest.raises(ProviderRefused) as caught:
        await shop.client.call(shop.made(C.ATTACH_PAYMENT_METHOD, PaymentMethodServiceAttachRequest(instrument=setup)))
    assert caught.value.metadata["code"] == "not_approved"
    with pytest.raises(ProviderRefused) as caught:
        await shop.client.call(shop.made(C.CHARGE_MANDATE, charge("nobody")))
    assert caught.value.metadata["code"] == "not_found"


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"return_url": ""}, "return_url"), ({"instrument": saved("x")}, "instrument.redirect_method")],
)
async def test_a_consent_is_asked_for_at_paypals_page_only(shop: Shop, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        await shop.client.call(shop.made(C.SETUP_MANDATE, consent(**fields)))
    assert caught.value.metadata == {"field": field}


# Subscriptions.


async def test_a_subscription_is_approved_changed_and_ended(shop: Shop) -> None:
    own = await active_subscription(shop)
    shown = await shop.client.call(
        shop.made(C.GET_SUBSCRIPTION, SubscriptionServiceGetRequest(connector_subscription_id=own))
    )
    assert shown.resource.subscription.status == event_data_pb2.SUBSCRIPTION_STATUS_ACTIVE
    assert shown.resource.subscription.merchant_subscription_id == "sub-1"
    change = SubscriptionServiceUpdateRequest(connector_subscription_id=own, connector_plan_id=OTHER_PLAN, quantity=3)
    answer = await shop.client.call(shop.made(C.UPDATE_SUBSCRIPTION, change))
    assert answer.next_action is not None
    assert answer.next_action.redirect_url
    end = SubscriptionServiceCancelRequest(connector_subscription_id=own)
    answer = await shop.client.call(shop.made(C.CANCEL_SUBSCRIPTION, end))
    assert [event.type for event in answer.events] == ["subscription.canceled"]
    assert answer.resource.subscription.connector_plan_id == OTHER_PLAN
    with pytest.raises(ProviderRefused) as caught:
        await shop.client.call(shop.made(C.CANCEL_SUBSCRIPTION, end))
    assert caught.value.metadata["code"] == "not_open"
    told = {one.type for one in await shop.webhook_events()}
    assert told >= {"subscription.created", "subscription.updated", "subscription.canceled"}


async def test_a_trial_begins_the_bills_later(shop: Shop) -> None:
    call = shop.made(C.CREATE_SUBSCRIPTION, subscription(trial_days=14))
    answer = await shop.client.call(call)
    own = answer.resource.subscription.connector_subscription_id
    made = shop.simulator.world.subscriptions[own]
    assert made["start_time"] > made["create_time"]


async def test_what_paypal_subscriptions_cannot_is_refused(shop: Shop) -> None:
    for capability, request, field in (
        (C.CREATE_SUBSCRIPTION, subscription(return_url=""), "return_url"),
        (C.CREATE_SUBSCRIPTION, subscription(connector_payment_method_id="x"), "connector_payment_method_id"),
        (C.UPDATE_SUBSCRIPTION, SubscriptionServiceUpdateRequest(connector_subscription_id="I-1"), "connector_plan_id"),
        (
            C.CANCEL_SUBSCRIPTION,
            SubscriptionServiceCancelRequest(connector_subscription_id="I-1", at_period_end=True),
            "at_period_end",
        ),
    ):
        with pytest.raises(RequestRejected) as caught:
            await shop.client.call(shop.made(capability, request))
        assert caught.value.metadata == {"field": field}
    for capability, request in (
        (C.CREATE_SUBSCRIPTION, subscription(NO_PLAN)),
        (C.GET_SUBSCRIPTION, SubscriptionServiceGetRequest(connector_subscription_id="I-NOBODY")),
        (
            C.UPDATE_SUBSCRIPTION,
            SubscriptionServiceUpdateRequest(connector_subscription_id="I-NOBODY", connector_plan_id=OTHER_PLAN),
        ),
    ):
        with pytest.raises(ProviderRefused) as refused:
            await shop.client.call(shop.made(capability, request))
        assert refused.value.metadata["code"] == "not_found"


# What is lost.


async def prepared(shop: Shop, capability: Capability) -> Call:  # noqa: PLR0911 (one for each)
    match capability:
        case Capability.CREATE_PAYOUT:
            return shop.made(capability, payout())
        case Capability.ACCEPT_DISPUTE:
            return shop.made(capability, DisputeServiceAcceptRequest(), **await disputed(shop))
        case Capability.SUBMIT_EVIDENCE:
            return shop.made(capability, evidence(notes="delivered"), **await disputed(shop))
        case Capability.ATTACH_PAYMENT_METHOD:
            instrument = Instrument(token=SETUP_TOKEN)
            return shop.made(capability, PaymentMethodServiceAttachRequest(instrument=instrument))
        case Capability.DETACH_PAYMENT_METHOD:
            own = await saved_method(shop)
            return shop.made(capability, PaymentMethodServiceDetachRequest(connector_payment_method_id=own))
        case Capability.SETUP_MANDATE:
            return shop.made(capability, consent())
        case Capability.CHARGE_MANDATE:
            return shop.made(capability, charge("paypal-wallet"))
        case Capability.REVOKE_MANDATE:
            return shop.made(capability, MandateServiceRevokeRequest(connector_mandate_id=await saved_method(shop)))
        case Capability.CREATE_SUBSCRIPTION:
            return shop.made(capability, subscription())
    own = await active_subscription(shop)
    if capability == Capability.CANCEL_SUBSCRIPTION:
        return shop.made(capability, SubscriptionServiceCancelRequest(connector_subscription_id=own))
    change = SubscriptionServiceUpdateRequest(connector_subscription_id=own, connector_plan_id=OTHER_PLAN)
    return shop.made(capability, change)


CHANGING = (
    C.CREATE_PAYOUT,
    C.ACCEPT_DISPUTE,
    C.SUBMIT_EVIDENCE,
    C.ATTACH_PAYMENT_METHOD,
    C.DETACH_PAYMENT_METHOD,
    C.SETUP_MANDATE,
    C.CHARGE_MANDATE,
    C.REVOKE_MANDATE,
    C.CREATE_SUBSCRIPTION,
    C.UPDATE_SUBSCRIPTION,
    C.CANCEL_SUBSCRIPTION,
)
KEYLESS = (
    C.ACCEPT_DISPUTE,
    C.SUBMIT_EVIDENCE,
    C.DETACH_PAYMENT_METHOD,
    C.REVOKE_MANDATE,
    C.UPDATE_SUBSCRIPTION,
    C.CANCEL_SUBSCRIPTION,
)


@pytest.mark.parametrize("capability", CHANGING)
async def test_a_lost_answer_is_unknown_and_found_later_and_nothing_is_done_twice(
    shop: Shop, capability: Capability
) -> None:
    call = await prepared(shop, capability)
    shop.faulty.faults = LOST
    with pytest.raises(OutcomeUnknown):
        await shop.client.call(call)
    shop.faulty.faults = Faults()
    found = [await shop.client.resolve(call) for _ in range(2)]
    assert all(isinstance(answer, Answer) for answer in found)
    ids = {event.id for answer in found if answer for event in answer.events}
    assert len(ids) == (capability != C.SETUP_MANDATE)  # a consent that is asked for is no event yet
    world = shop.simulator.world
    assert len(world.batches) == (capability == C.CREATE_PAYOUT)
    assert len(world.tokens) == (capability == C.ATTACH_PAYMENT_METHOD)
    assert len(world.subscriptions) <= 1
    assert len(world.setup_tokens) == (capability == C.SETUP_MANDATE)
    assert len(world.captures) == (capability in {C.CHARGE_MANDATE, C.ACCEPT_DISPUTE, C.SUBMIT_EVIDENCE})


@pytest.mark.parametrize("capability", KEYLESS)
async def test_what_has_no_key_is_sent_once_and_never_again_by_a_look(shop: Shop, capability: Capability) -> None:
    call = await prepared(shop, capability)
    shop.faulty.faults = CUT
    before = dict(shop.simulator.asked)
    with pytest.raises(OutcomeUnknown):
        await shop.client.call(call)
    shop.faulty.faults = Faults()
    assert await shop.client.resolve(call) is None  # it may still be on its way
    with pytest.raises(ProviderRefused) as caught:
        await shop.client.resolve(shop.aged(call, 3_600))
    assert caught.value.metadata["code"] == "never_received"
    assert sum(shop.simulator.asked.values()) == sum(before.values()) + 2  # two questions


@pytest.mark.parametrize("capability", [C.CREATE_PAYOUT, C.ATTACH_PAYMENT_METHOD, C.CHARGE_MANDATE])
async def test_what_paypal_has_forgotten_the_key_of_is_not_sent_again(shop: Shop, capability: Capability) -> None:
    call = shop.aged(await prepared(shop, capability), 31 * DAY_S)
    before = dict(shop.simulator.asked)
    assert await shop.client.resolve(call) is None
    assert shop.simulator.asked == before


@pytest.mark.parametrize("capability", [C.CREATE_SUBSCRIPTION, C.SETUP_MANDATE])
async def test_what_nobody_can_approve_any_more_was_never_received(shop: Shop, capability: Capability) -> None:
    with pytest.raises(ProviderRefused) as caught:
        await shop.client.resolve(shop.aged(await prepared(shop, capability), 4 * DAY_S))
    assert caught.value.metadata["code"] == "never_received"


# Secrets.


async def test_no_secret_is_in_any_error_event_log_or_repr(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    canaries = ("4000001234567899", "8642-cvc", "simulator-secret", "canary-token-1", "canary@example.com")
    caplog.set_level("DEBUG")
    card = Card(number=canaries[0], cvc=canaries[1], expiry_month=1, expiry_year=2031)
    seen: list[object] = []
    made = [
        shop.made(C.AUTHORIZE, authorization(instrument=Instrument(card=card))),
        shop.made(C.AUTHORIZE, authorization(instrument=Instrument(token=canaries[3]), payer_email=canaries[4])),
        shop.made(C.AUTHORIZE, authorization(10_486, instrument=Instrument(token=canaries[3]))),
        shop.made(C.ATTACH_PAYMENT_METHOD, PaymentMethodServiceAttachRequest(instrument=Instrument(card=card))),
        shop.made(C.ATTACH_PAYMENT_METHOD, PaymentMethodServiceAttachRequest(instrument=Instrument(token=canaries[3]))),
        shop.made(C.CREATE_PAYOUT, payout(canaries[4], description="ERRPYO002")),
        shop.made(C.CREATE_PAYOUT, payout(canaries[4])),
    ]

    async def tried(call: Call) -> None:
        seen.append(call)
        try:
            answer = await shop.client.call(call)
        except (RequestRejected, ProviderRefused, OutcomeUnknown) as error:
            seen.extend([error, repr(error), error.fix, error.metadata, repr(error.__cause__)])
        else:
            seen.extend([answer, *answer.events])

    for faults in (Faults(), LOST, CUT, Faults(errors=1.0)):
        shop.faulty.faults = faults
        await asyncio.gather(*map(tried, made))
    text = " ".join(f"{one} {one!r}" for one in (*seen, shop.client, vars(shop.client))) + caplog.text
    assert CaptureMode.Name(0) not in text  # no request is printed
    for canary in canaries:
        assert canary not in text
