"""Who is let in: token, address, known request. Fails closed, with a reason for each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.mpesa import connector
from connectors.mpesa.mapping import SAFARICOM_ADDRESSES
from connectors.spi import KnownRequest, Material, SampleWebhook, SignatureRejected, Webhook
from orchestratorx_prism.v1.event_pb2 import (
    VERIFICATION_METHOD_KNOWN_REQUEST,
    VERIFICATION_METHOD_URL_TOKEN,
    Verification,
)
from orchestratorx_prism.v1.money_pb2 import Money

OLDER = "the-token-that-was-used-before-it"
BODY = b'{"Body":{"stkCallback":{"CheckoutRequestID":"ws_CO_1","ResultCode":1032}}}'


def refusal(webhook: Webhook, material: Material) -> str:
    with pytest.raises(SignatureRejected) as refused:
        connector.open(webhook, material, 0)
    assert refused.value.fix
    for secret in (*material.secrets, webhook.url_token):
        if len(secret) > 3:
            assert secret not in str(refused.value)
    return refused.value.reason


def opened(webhook: Webhook, material: Material) -> Verification:
    return connector.open(webhook, material, 0).verification


def test_the_right_token_lets_in_and_says_that_nothing_is_confirmed(token: str) -> None:
    verification = opened(Webhook(BODY, {}, token), Material(secrets=(token,)))
    assert verification.method == VERIFICATION_METHOD_URL_TOKEN
    assert "unconfirmed" in verification.detail


def test_every_secret_in_use_is_tried(token: str) -> None:
    material = Material(secrets=(token, OLDER))
    assert opened(Webhook(BODY, {}, OLDER), material).method == VERIFICATION_METHOD_URL_TOKEN
    assert opened(Webhook(BODY, {}, token), material).method == VERIFICATION_METHOD_URL_TOKEN


@pytest.mark.parametrize(
    ("given_token", "secrets", "reason"),
    [
        (OLDER, (), "SECRET_MISSING"),
        (OLDER, ("4f9a1c",), "SECRET_MALFORMED"),
        (OLDER, (OLDER, ""), "SECRET_MALFORMED"),
        ("", (OLDER,), "TOKEN_MISSING"),
        (OLDER[:-1], (OLDER,), "TOKEN_MISMATCH"),
        (OLDER.upper(), (OLDER,), "TOKEN_MISMATCH"),
        ("ünïcode-töken-that-is-no-token", (OLDER,), "TOKEN_MISMATCH"),
        ("\udcff" * 20, (OLDER,), "TOKEN_MISMATCH"),
    ],
)
def test_a_wrong_token_is_refused_with_its_reason(given_token: str, secrets: tuple[str, ...], reason: str) -> None:
    assert refusal(Webhook(BODY, {}, given_token), Material(secrets=secrets)) == reason


@settings(deadline=None)
@given(bit=st.integers(min_value=0, max_value=len(OLDER) * 7 - 1))
def test_one_flipped_bit_of_the_token_is_refused(bit: int) -> None:
    flipped = bytearray(OLDER.encode())
    flipped[bit // 7] ^= 1 << (bit % 7)
    assert refusal(Webhook(BODY, {}, flipped.decode()), Material(secrets=(OLDER,))) == "TOKEN_MISMATCH"


@pytest.mark.parametrize("address", ["196.201.214.200", "196.201.212.69", "::ffff:196.201.213.44"])
def test_safaricoms_addresses_are_let_in(address: str, token: str) -> None:
    material = Material(secrets=(token,), allowed_addresses=SAFARICOM_ADDRESSES)
    assert "address list" in opened(Webhook(BODY, {}, token, address), material).detail


@pytest.mark.parametrize("address", ["", "196.201.214.201", "::1", "unknown", "196.201.214.200, 10.0.0.1"])
def test_other_addresses_and_none_are_refused_while_the_list_is_on(address: str, token: str) -> None:
    material = Material(secrets=(token,), allowed_addresses=SAFARICOM_ADDRESSES)
    assert refusal(Webhook(BODY, {}, token, address), material) == "ADDRESS_REFUSED"
    assert opened(Webhook(BODY, {}, token, address), Material(secrets=(token,)))


def test_a_list_that_cannot_be_read_lets_nobody_in(token: str) -> None:
    material = Material(secrets=(token,), allowed_addresses=("196.201.214.200/33",))
    assert refusal(Webhook(BODY, {}, token, "196.201.214.200"), material) == "ADDRESS_REFUSED"


def test_the_token_is_looked_at_before_the_address_and_the_body(token: str) -> None:
    material = Material(secrets=(token,), allowed_addresses=SAFARICOM_ADDRESSES)
    assert refusal(Webhook(b"not json", {}, "wrong"), material) == "TOKEN_MISMATCH"
    assert refusal(Webhook(b"not json", {}, token), material) == "ADDRESS_REFUSED"


def known_of(sample: SampleWebhook) -> KnownRequest:
    assert sample.known_request is not None
    known = KnownRequest()
    known.CopyFrom(sample.known_request)
    return known


def webhook_of(sample: SampleWebhook) -> Webhook:
    return Webhook(sample.body, sample.headers, sample.url_token, purpose=sample.purpose)


@pytest.mark.parametrize("event_type", ["stk.success", "stk.canceled", "b2c.success", "b2c.failed", "reversal.success"])
def test_a_callback_that_answers_our_request_is_known(
    event_type: str, sampled: Callable[..., SampleWebhook], token: str
) -> None:
    sample = sampled(event_type)
    verification = opened(webhook_of(sample), Material(secrets=(token,), known_request=sample.known_request))
    assert verification.method == VERIFICATION_METHOD_KNOWN_REQUEST


@pytest.mark.parametrize("event_type", ["stk.success", "b2c.success", "reversal.success"])
def test_another_amount_is_refused(event_type: str, sampled: Callable[..., SampleWebhook], token: str) -> None:
    sample = sampled(event_type)
    known = known_of(sample)
    known.amount.minor_units += 1
    assert refusal(webhook_of(sample), Material(secrets=(token,), known_request=known)) == "REQUEST_MISMATCH"


@pytest.mark.parametrize("event_type", ["stk.success", "stk.canceled", "stk_query.success", "b2c.success"])
def test_another_request_is_refused(event_type: str, sampled: Callable[..., SampleWebhook], token: str) -> None:
    sample = sampled(event_type)
    known = known_of(sample)
    known.connector_request_id += "0"
    assert refusal(webhook_of(sample), Material(secrets=(token,), known_request=known)) == "REQUEST_MISMATCH"


def test_another_shortcode_is_refused_where_the_body_states_it(
    sampled: Callable[..., SampleWebhook], token: str
) -> None:
    known = KnownRequest(account="600001")
    webhook = webhook_of(sampled("c2b.confirmation"))
    assert refusal(webhook, Material(secrets=(token,), known_request=known)) == "REQUEST_MISMATCH"


def test_the_other_ids_of_a_request_are_as_good(sampled: Callable[..., SampleWebhook], token: str) -> None:
    sample = sampled("b2c.success")
    known = known_of(sample)
    known.connector_request_id = connector.parse(sample.body).envelope.result.originator_conversation_id
    verification = opened(webhook_of(sample), Material(secrets=(token,), known_request=known))
    assert verification.method == VERIFICATION_METHOD_KNOWN_REQUEST


@pytest.mark.parametrize("event_type", ["stk_query.success", "stk.success"])
def test_a_success_is_not_known_without_its_amount(
    event_type: str, sampled: Callable[..., SampleWebhook], token: str
) -> None:
    """A query's answer states no amount; a request without one cannot vouch for a callback's."""
    sample = sampled(event_type)
    known = known_of(sample)
    if event_type == "stk.success":
        known.ClearField("amount")
    verification = opened(webhook_of(sample), Material(secrets=(token,), known_request=known))
    assert verification.method == VERIFICATION_METHOD_URL_TOKEN


def test_a_request_without_an_id_vouches_for_nothing(sampled: Callable[..., SampleWebhook], token: str) -> None:
    known = KnownRequest(amount=Money(minor_units=1099, currency="KES"), account="600000")
    verification = opened(webhook_of(sampled("c2b.confirmation")), Material(secrets=(token,), known_request=known))
    assert verification.method == VERIFICATION_METHOD_URL_TOKEN


def test_a_request_without_an_id_does_not_vouch_for_a_callback_without_one(token: str) -> None:
    """Nothing is not the same as nothing."""
    material = Material(secrets=(token,), known_request=KnownRequest(account="600000"))
    assert opened(Webhook(BODY, {}, token), material).method == VERIFICATION_METHOD_URL_TOKEN


def test_nothing_secret_is_shown(token: str) -> None:
    assert token not in repr(Webhook(BODY, {}, token)) + repr(Material(secrets=(token,)))
