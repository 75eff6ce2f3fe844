"""The simulator's webhooks: one of every listed type, and each becomes what the tables say."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.mpesa import connector
from connectors.mpesa.mapping import TYPES
from connectors.spi import Context, Environment, Material, SampleRequest, SampleWebhook, SignatureRejected, Webhook
from orchestratorx_prism.v1.event_pb2 import Event

Sampled = Callable[..., SampleWebhook]


def test_the_label_lists_every_type_once_and_in_order() -> None:
    assert list(connector.event_types) == sorted(TYPES)


@pytest.mark.parametrize("event_type", connector.event_types)
def test_every_listed_type_opens_and_becomes_what_the_table_says(
    event_type: str, sampled: Sampled, token: str, now_s: int
) -> None:
    sample = sampled(event_type, seed=3, step=2)
    webhook = Webhook(sample.body, sample.headers, sample.url_token, purpose=sample.purpose)
    material = Material(secrets=(token,), known_request=sample.known_request)
    context = Context(
        "default",
        Environment.ENVIRONMENT_SANDBOX,
        now_s * 10**9,
        purpose=sample.purpose,
        known_request=sample.known_request,
    )

    opened = connector.open(webhook, material, now_s)
    (event,) = connector.normalize(opened.parsed, context, sample.body)
    (unverified,) = connector.normalize(connector.parse(sample.body), context, sample.body)

    assert (event.provider_event_type, event.type) == (event_type, TYPES[event_type])
    assert event == unverified
    assert not event.HasField("verification")


@pytest.mark.parametrize("event_type", connector.event_types)
def test_every_sample_is_refused_under_another_token(event_type: str, sampled: Sampled, token: str) -> None:
    sample = sampled(event_type)
    with pytest.raises(SignatureRejected):
        connector.open(Webhook(sample.body, {}, sample.url_token), Material(secrets=(token + "x",)), 0)


@pytest.mark.parametrize("event_type", connector.event_types)
def test_the_same_request_makes_the_same_sample_and_another_seed_another(event_type: str, sampled: Sampled) -> None:
    first, again, other = (sampled(event_type, seed=seed) for seed in (1, 1, 2))
    assert first.body == again.body
    if event_type not in {"b2b_express.accepted"}:
        assert first.body != other.body


def test_a_type_that_is_not_listed_is_refused(sampled: Sampled) -> None:
    with pytest.raises(ValueError, match="event_types"):
        sampled("stk.nonsense")


@settings(deadline=None)
@given(
    event_type=st.sampled_from([name for name, ours in TYPES.items() if ours == "payment.captured"]),
    amount_minor=st.integers(min_value=1, max_value=25_000_000),
    seed=st.integers(min_value=0, max_value=2**31),
)
def test_amounts_come_back_to_the_cent(
    event_type: str, amount_minor: int, seed: int, normalized: Callable[..., list[Event]]
) -> None:
    assert connector.sample is not None
    sample = connector.sample(SampleRequest(event_type, amount_minor=amount_minor, seed=seed, currency="JPY"))
    (event,) = normalized(sample.body, sample.purpose)
    if event.payment.HasField("amount"):
        assert (event.payment.amount.minor_units, event.payment.amount.currency) == (amount_minor, "KES")
    else:
        assert event_type == "stk_query.success"


def test_samples_are_json_with_exact_numbers(sampled: Sampled) -> None:
    body = sampled("stk.success", amount_minor=1999).body
    assert b'"Value":19.99' in body
    assert json.loads(body)
