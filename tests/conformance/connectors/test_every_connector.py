"""What every installed connector must do. A new one is found by its entry point and gets these tests free."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from connectors.spi import (
    Capability,
    Context,
    Environment,
    Label,
    Material,
    SampleRequest,
    SampleWebhook,
    Trust,
    Webhook,
)
from orchestrator.plugins import installed_connectors
from orchestratorx_prism.errors import PayloadRejected, PrismError, SignatureRejected
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

CASES = Path(__file__).resolve().parents[2] / "connectors"
NOW_S = 1_780_000_000
CONNECTORS = list(installed_connectors().values())
SECRETS = {"stripe": "whsec_conformance", "adyen": "AB" * 32, "paypal": "3TR748995U920805P", "mpesa": "t" * 32}
"""A well-formed secret of each connector; one that is not listed here says its own by `secret_hint`."""

each_connector = pytest.mark.parametrize("label", CONNECTORS, ids=lambda label: label.name)
each_type = pytest.mark.parametrize(
    ("label", "event_type"),
    [(label, name) for label in CONNECTORS for name in label.event_types],
    ids=lambda value: value if isinstance(value, str) else value.name,
)


def sample(label: Label, event_type: str, **changes: object) -> SampleWebhook:
    assert label.sample is not None
    request = SampleRequest(event_type, secret=SECRETS[label.name], now_s=NOW_S, **changes)  # type: ignore[arg-type]
    return label.sample(request)


def material(label: Label, made: SampleWebhook, **changes: object) -> Material:
    secret = SECRETS[label.name]
    values: dict[str, object] = {
        "secrets": (secret,),
        "webhook_id": secret if label.webhook_id_key else "",
        "certificates": made.certificates,
        "known_request": made.known_request,
    }
    return Material(**{**values, **changes})  # type: ignore[arg-type]


def received(made: SampleWebhook, body: bytes | None = None, token: str | None = None) -> Webhook:
    headers = {name.lower(): value for name, value in made.headers.items()}
    return Webhook(
        made.body if body is None else body,
        headers,
        made.url_token if token is None else token,
        purpose=made.purpose,
    )


def context(made: SampleWebhook) -> Context:
    return Context(
        "default",
        Environment.ENVIRONMENT_SANDBOX,
        NOW_S * 1_000_000_000,
        purpose=made.purpose,
        known_request=made.known_request,
    )


def events_of(label: Label, made: SampleWebhook) -> list[Event]:
    opened = label.open(received(made), material(label, made), NOW_S)
    return label.normalize(opened.parsed, context(made), made.body)


def tampered(label: Label, made: SampleWebhook) -> tuple[Webhook, Material]:
    """The webhook with one digit of its amount or id changed; for unsigned ones, with one character of the token."""
    if label.trust == Trust.TRUST_QUERY_BACK:
        return received(made, token=made.url_token[:-1] + "x"), material(label, made)
    position = next(i for i in range(len(made.body) - 1, -1, -1) if chr(made.body[i]).isdigit())
    flipped = bytearray(made.body)
    flipped[position] ^= 1
    return received(made, body=bytes(flipped)), material(label, made)


@each_connector
def test_a_declared_capability_has_cases(label: Label) -> None:
    folder = CASES / label.name / "cases"
    recorded = {path.parent.name for path in folder.glob("*/*.json")}
    assert recorded >= {Capability.WEBHOOKS.value} & {capability.value for capability in label.capabilities}
    assert recorded <= {capability.value for capability in label.capabilities}


@each_connector
def test_the_label_says_where_its_settings_are_found(label: Label) -> None:
    assert label.title
    assert label.secret_hint
    assert label.webhook_secret_key in label.config_keys or label.webhook_id_key in label.config_keys
    assert all(label.config_keys.values())
    assert list(label.event_types) == sorted(set(label.event_types))


@each_type
def test_a_signed_sample_of_each_type_verifies_and_becomes_events(label: Label, event_type: str) -> None:
    made = sample(label, event_type)
    events = events_of(label, made)
    assert events
    for event in events:
        assert event.WhichOneof("data") == DATA_MEMBER[event.type]
        assert event.connector == label.name
        assert event.raw.size == len(made.body)
        assert event.provider_event_type
        assert event.occurred_at.seconds > 0


@each_type
def test_the_same_webhook_makes_the_same_ids(label: Label, event_type: str) -> None:
    made = sample(label, event_type)
    first, second = events_of(label, made), events_of(label, made)
    assert [event.SerializeToString(deterministic=True) for event in first] == [
        event.SerializeToString(deterministic=True) for event in second
    ]
    assert len({event.id for event in first}) == len(first)


@each_type
def test_a_forged_one_is_refused(label: Label, event_type: str) -> None:
    made = sample(label, event_type)
    webhook, keys = tampered(label, made)
    with pytest.raises((SignatureRejected, PayloadRejected)):
        label.open(webhook, keys, NOW_S)


@each_connector
def test_without_a_secret_nothing_is_believed(label: Label) -> None:
    made = sample(label, label.event_types[0])
    with pytest.raises(SignatureRejected):
        label.open(received(made), material(label, made, secrets=(), webhook_id=""), NOW_S)


@each_connector
def test_an_old_and_a_new_secret_both_verify(label: Label) -> None:
    if label.webhook_id_key:
        pytest.skip("verified by certificate")
    made = sample(label, label.event_types[0])
    other = SECRETS[label.name].swapcase().replace("t", "u") if label.name != "adyen" else "CD" * 32
    for secrets in ((other, SECRETS[label.name]), (SECRETS[label.name], other)):
        label.open(received(made), material(label, made, secrets=secrets), NOW_S)


@each_connector
def test_no_secret_shows_in_errors_and_reprs(label: Label) -> None:
    made = sample(label, label.event_types[0])
    webhook, keys = tampered(label, made)
    with pytest.raises(PrismError) as caught:
        label.open(webhook, keys, NOW_S)
    shown = " ".join((str(caught.value), repr(caught.value), repr(webhook), repr(keys), repr(made)))
    assert label.webhook_id_key or SECRETS[label.name] not in shown  # a webhook's id is no secret
    for name, value in made.headers.items():
        if "sig" in name.lower():
            assert value not in shown


@each_connector
@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"[]", b"null", b"7", b'"text"', b"{", b"\xff\xfe", b'{"a":NaN}', b'{"a":' * 200_000, b"\x00" * 50],
    ids=repr,
)
def test_bodies_that_are_no_webhook_are_refused_with_a_reason(label: Label, body: bytes) -> None:
    with pytest.raises(PayloadRejected) as caught:
        label.parse(body)
    assert caught.value.reason.startswith("PAYLOAD_")


@each_connector
def test_rubbish_never_ends_in_anything_but_a_refusal(label: Label) -> None:
    random_bits = random.Random(20260101)
    made = [
        sample(label, name) for name in random_bits.sample(list(label.event_types), min(12, len(label.event_types)))
    ]
    for _ in range(400):
        one = random_bits.choice(made)
        body = bytearray(one.body)
        for _ in range(random_bits.randrange(1, 6)):
            body[random_bits.randrange(len(body))] = random_bits.randrange(256)
        try:
            parsed = label.parse(bytes(body))
            events = label.normalize(parsed, context(one), bytes(body))
        except PayloadRejected:
            continue
        for event in events:
            event.SerializeToString()
            assert event.type in DATA_MEMBER


@each_connector
def test_an_unknown_type_is_kept_as_unmapped(label: Label) -> None:
    """Cases named `*unknown*type*` hold a body of a type that the provider does not have (yet)."""
    unknown = sorted((CASES / label.name / "cases" / "webhooks").glob("*unknown*type*.json"))
    assert unknown, "write a case whose file name says unknown type"
    for path in unknown:
        case = json.loads(path.read_text(encoding="utf-8"))
        assert {expected["type"] for expected in case["expect"]} == {"connector.unmapped"}
