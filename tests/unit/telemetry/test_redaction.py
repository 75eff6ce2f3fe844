"""What never reaches a log, however it got into a record."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.telemetry.redaction import HIDDEN, is_secret_name, redacted, redacted_entry, redacted_text

CARD = "4111111111111111"
SECRETS = [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "sk_live_51H8zQeLkdIwHu7ix",
    "rk_test_51H8zQeLkdIwHu7ix",
    "v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd",
    "Bearer A21AAFEpH4PsADK7qSS7pSRsgzfENtu",
    "Basic dXNlcjpwYXNzd29yZA==",
    "AQEyhmfxK4zPaRJEw0m/n3Q5qf3VaY9UCJ14XWZE03G/k2NFitRvbe4N1XqH1eHaH2AksaEQwV1bDb7kfNy1WIxIIkxgBw==",
    CARD,
    "4111 1111 1111 1111",
    "5500-0000-0000-0004",
    "378282246310005",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(secret: str) -> None:
    shown = redacted_text(f"the provider said {secret} and no more")
    assert secret not in shown
    assert shown.startswith("the provider said ")
    assert shown.endswith(" and no more")


@pytest.mark.parametrize(
    "text",
    [
        "api_key=abc123",
        "API-Key: abc123",
        '"password": "abc123"',
        "url_token=abc123",
        "{'webhook_secret': 'abc123'}",
        "Stripe-Signature: abc123",
        "passkey=abc123&x=1",
    ],
)
def test_what_stands_after_a_secret_name_in_a_text_is_hidden(text: str) -> None:
    assert "abc123" not in redacted_text(text)


def test_the_password_of_a_url_is_hidden() -> None:
    shown = redacted_text("cannot reach postgresql://orchestrator:hunter2@db.example:5432/payments")
    assert "hunter2" not in shown
    assert "db.example:5432/payments" in shown


def test_a_private_key_is_hidden_to_its_last_line() -> None:
    key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\nAwEHoUQD\n-----END EC PRIVATE KEY-----"
    assert redacted_text(f"read {key} from disk") == f"read {HIDDEN} from disk"
    assert "MHcCAQEE" not in redacted_text(key[:60])


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # fails Luhn
        "0000000000000000",
        "evt_4111111111111111",  # part of an id
        "12345678901",
        "2026-11-21T10:00:00.123456Z",
        "9f86d081-884c-8d65-a9a2-5d6c0f2e7b31",
        "amount 1099 USD",
        "next page_token=abc123",
        "signature verification failed",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "secret",
        "webhook_secrets",
        "url_token",
        "Stripe-Signature",
        "HmacSignature",
        "Authorization",
        "api_key",
        "x-api-key",
        "ADYEN_API_KEY",
        "password",
        "PAYPAL-TRANSMISSION-SIG",
        "set-cookie",
        "cvc",
    ],
)
def test_values_under_these_names_are_hidden(name: str) -> None:
    assert is_secret_name(name)
    assert redacted_entry(name, "anything") == HIDDEN
    assert redacted_entry(name, ["a", "b"]) == HIDDEN
    assert redacted({"deep": {name: {"x": "anything"}}}) == {"deep": {name: HIDDEN}}


def test_whether_a_secret_is_there_at_all_may_be_seen() -> None:
    assert redacted_entry("secret", "") == ""
    assert redacted_entry("secret", None) is None
    assert redacted_entry("page_token", "abc") == "abc"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"whsec_abc", "<9 bytes>"),
        (int(CARD), HIDDEN),
        (1099, 1099),
        (True, True),
        (None, None),
        (1.5, 1.5),
        (("a", CARD), ["a", HIDDEN]),
        ({1: "x"}, {"1": "x"}),
    ],
)
def test_values_become_plain(value: Any, shown: Any) -> None:
    assert redacted(value) == shown


def test_an_object_is_shown_by_its_redacted_name() -> None:
    class Holder:
        def __repr__(self) -> str:
            return "Holder(key=sk_live_51H8zQeLkdIwHu7ix)"

    assert redacted(Holder()) == f"Holder(key={HIDDEN})"


def test_depth_and_length_have_an_end() -> None:
    deep: Any = {"password": "hunter2"}
    for _ in range(50):
        deep = {"a": deep}
    assert "hunter2" not in str(redacted(deep))
    assert len(redacted_text("x" * 1_000_000)) < 10_000
