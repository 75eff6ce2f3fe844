"""Our signer, our verifier and the public `standardwebhooks` package agree, and refuse the same things."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from orchestrator.delivery.signing import (
    ED25519,
    HMAC,
    masked,
    new_secret,
    public_key,
    secret_of,
    secret_text,
    signed_headers,
)
from orchestratorx_prism import webhooks
from orchestratorx_prism.errors import Internal, PayloadRejected, SettingsRejected, SignatureRejected

NOW = 1_767_268_800
BODY = b'{"type":"payment.captured","timestamp":"2026-01-01T12:00:00Z","data":{}}'
IDS = st.text(st.characters(codec="ascii", exclude_characters=" ", min_codepoint=0x21), min_size=1, max_size=40)


def verify(body: Any, headers: Any, secrets: Any, **options: Any) -> webhooks.Webhook:
    return webhooks.verify(body, headers, secrets, now_s=options.pop("now_s", NOW), **options)


@given(st.binary(max_size=200), IDS, st.integers(1, 2**33), st.binary(min_size=16, max_size=64))
def test_the_public_package_makes_the_signature_that_we_make(body: bytes, name: str, at: int, key: bytes) -> None:
    text = "whsec_" + base64.b64encode(key).decode()
    headers = signed_headers([secret_of(text)], name, at, body)
    try:
        payload = body.decode()
    except UnicodeDecodeError:
        return
    theirs = Webhook(text).sign(name, datetime.fromtimestamp(at, UTC), payload)
    assert headers["webhook-signature"] == theirs


def test_the_public_package_verifies_what_we_sign_and_we_what_it_signs() -> None:
    secret = new_secret(HMAC)
    now = int(datetime.now(UTC).timestamp())
    headers = signed_headers([secret], "msg_1", now, BODY)
    assert Webhook(secret_text(secret)).verify(BODY, dict(headers))["type"] == "payment.captured"
    theirs = Webhook(secret_text(secret)).sign("msg_2", datetime.fromtimestamp(NOW, UTC), BODY.decode())
    made = {"webhook-id": "msg_2", "webhook-timestamp": str(NOW), "webhook-signature": theirs}
    assert verify(BODY, made, secret_text(secret)).id == "msg_2"


@pytest.mark.parametrize("kind", [HMAC, ED25519])
def test_one_flipped_bit_anywhere_is_refused(kind: int) -> None:
    secret = new_secret(kind)
    known = secret_text(secret) if kind == HMAC else public_key(secret)
    headers = dict(signed_headers([secret], "msg_1", NOW, BODY))
    assert verify(BODY, headers, [known]).type == "payment.captured"
    for place in range(len(BODY)):
        for bit in (1, 128):
            broken = bytearray(BODY)
            broken[place] ^= bit
            with pytest.raises(SignatureRejected):
                verify(bytes(broken), headers, [known])
    for name in ("webhook-id", "webhook-timestamp"):
        with pytest.raises(SignatureRejected):
            verify(BODY, {**headers, name: headers[name] + "1"}, [known])


def test_during_a_rotation_whoever_knows_either_secret_verifies() -> None:
    old, new, key = new_secret(HMAC), new_secret(HMAC), new_secret(ED25519)
    now = int(datetime.now(UTC).timestamp())
    headers = dict(signed_headers([new, old, key], "msg_1", now, BODY))
    for known in (secret_text(old), secret_text(new), public_key(key)):
        assert webhooks.verify(BODY, headers, known).id == "msg_1"
    for known in (old, new):
        assert Webhook(secret_text(known)).verify(BODY, headers)["type"] == "payment.captured"
    with pytest.raises(SignatureRejected):
        webhooks.verify(BODY, headers, secret_text(new_secret(HMAC)))


def test_the_payments_headers_are_the_hexadecimal_hmac_of_time_and_body() -> None:
    secret = new_secret(HMAC)
    headers = signed_headers([secret], "msg_1", NOW, BODY, payments_headers="payment.captured")
    key = base64.b64decode(secret_text(secret).removeprefix("whsec_"))
    expected = hmac.new(key, f"{NOW}.".encode() + BODY, hashlib.sha256).hexdigest()
    assert headers["x-payments-signature"] == f"sha256={expected}"
    assert headers["x-payments-timestamp"] == str(NOW)
    assert headers["x-event-type"] == "payment.captured"


@pytest.mark.parametrize(
    ("at", "taken"), [(NOW - 300, True), (NOW + 300, True), (NOW - 301, False), (NOW + 301, False)]
)
def test_a_message_from_another_time_is_refused(at: int, taken: bool) -> None:
    secret = new_secret(HMAC)
    headers = signed_headers([secret], "msg_1", at, BODY)
    if taken:
        assert verify(BODY, headers, secret_text(secret)).id == "msg_1"
    else:
        with pytest.raises(SignatureRejected, match="TIMESTAMP_OUT_OF_TOLERANCE"):
            verify(BODY, headers, secret_text(secret))


TEXTS = st.one_of(
    st.text(max_size=60), st.sampled_from(["v1,", "v1,x", "v1,====", "v1a,AAAA", "v1,é", "", "1" * 400, "²"])
)


@given(st.dictionaries(st.sampled_from(["webhook-id", "Webhook-Timestamp", "webhook-signature"]), TEXTS), st.binary())
def test_rubbish_is_refused_with_our_refusal_and_nothing_else(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(SignatureRejected):
        verify(body, headers, [secret_text(new_secret(HMAC)), public_key(new_secret(ED25519))])


@pytest.mark.parametrize("headers", [None, 5, "text", [("a",)], {"webhook-id": 3}, object()])
def test_headers_of_no_known_kind_are_refused(headers: Any) -> None:
    with pytest.raises(SignatureRejected):
        verify(BODY, headers, secret_text(new_secret(HMAC)))


@pytest.mark.parametrize("payload", [None, {"parsed": 1}, "\ud800"])
def test_a_body_that_is_none_is_refused(payload: Any) -> None:
    secret = new_secret(HMAC)
    with pytest.raises(SignatureRejected):
        verify(payload, signed_headers([secret], "msg_1", NOW, BODY), secret_text(secret))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_é", "whsec_AAAA", "hunter2", "whpk_AAAA", b"whsec_x", None])
def test_a_secret_that_is_none_is_the_receivers_own_fault_and_is_not_repeated(secret: Any) -> None:
    with pytest.raises(SettingsRejected) as refused:
        verify(BODY, {}, [secret])
    assert len(str(secret)) < 7 or str(secret) not in str(refused.value)


def test_without_a_secret_nothing_is_verified() -> None:
    with pytest.raises(SettingsRejected):
        verify(BODY, {}, [])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type":1}', b"\xff", b"[" * 100_000])
def test_a_genuine_message_that_cannot_be_read_is_refused_as_such(body: bytes) -> None:
    secret = new_secret(HMAC)
    with pytest.raises(PayloadRejected):
        verify(body, signed_headers([secret], "msg_1", NOW, body), secret_text(secret))


@pytest.mark.parametrize("kind", [HMAC, ED25519])
def test_a_secret_is_the_same_after_it_was_kept_and_is_never_shown(kind: int) -> None:
    secret = new_secret(kind)
    text = secret_text(secret)
    assert secret_of(text) == secret
    assert text[8:-4] not in repr(secret)
    assert masked(secret).endswith(text[-4:])
    assert len(masked(secret)) < 16


@pytest.mark.parametrize("text", ["", "whsec_", "whsk_AAAA", "whsec_é", "hunter2"])
def test_a_kept_secret_that_cannot_be_read_is_a_defect_that_shows_nothing(text: str) -> None:
    with pytest.raises(Internal) as refused:
        secret_of(text)
    assert not text or text not in str(refused.value)


def test_the_public_package_refuses_what_another_signed() -> None:
    headers = signed_headers([new_secret(HMAC)], "msg_1", int(datetime.now(UTC).timestamp()), BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(new_secret(HMAC))).verify(BODY, dict(headers))
