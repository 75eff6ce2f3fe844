"""The signature: what passes, what is refused, and for which reason."""

from __future__ import annotations

import pytest

from connectors.spi import Material, Webhook
from connectors.stripe import connector
from connectors.stripe.signatures import TOLERANCE_S, sign, verify
from orchestratorx_prism.errors import PayloadRejected, SignatureRejected
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_HMAC

SECRET = "whsec_Zr4mUYHq0dM9eXo2"
OLD_SECRET = "whsec_0ldB9Kf3wVt7Jc1y"
BODY = b'{"id":"evt_1","object":"event","type":"customer.created","data":{"object":{"id":"cus_1"}}}'
NOW_S = 1_773_480_500
# Computed with: printf '%s' "1773480500.$BODY" | openssl dgst -sha256 -hmac "$SECRET"
KNOWN = "130329e57e8829db69afd35331797ca58e08cc26aba878543ce7f76846441027"


def check(header: str | None, *, secrets: tuple[str, ...] = (SECRET,), now_s: int = NOW_S, body: bytes = BODY) -> None:
    verify(body, header, secrets=secrets, now_s=now_s, tolerance_s=None)


def refusal(header: str | None, **changes: object) -> str:
    with pytest.raises(SignatureRejected) as caught:
        check(header, **changes)  # type: ignore[arg-type]
    assert caught.value.fix
    shown = f"{caught.value!s} {caught.value!r} {caught.value.metadata}"
    assert SECRET not in shown
    assert KNOWN not in shown
    return caught.value.reason


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW_S},v1={KNOWN}",
        f"t={NOW_S},v1={KNOWN},v0={'0' * 64}",
        f"v1={KNOWN},t={NOW_S}",
        f"t={NOW_S},v1={'0' * 64},v1={KNOWN}",
        f"t={NOW_S},v1={KNOWN},v1=",
        f"t={NOW_S},v1={KNOWN},v2=other,scheme=new",
        f"t={NOW_S},v1={KNOWN},",
        f"t={NOW_S},v1={KNOWN},t=1",
        f"t={NOW_S},,v1={KNOWN}",
    ],
)
def test_what_stripe_signed_passes(header: str) -> None:
    check(header)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "SIGNATURE_MISSING"),
        ("", "SIGNATURE_MISSING"),
        (" ", "SIGNATURE_MALFORMED"),
        ("t", "SIGNATURE_MALFORMED"),
        (",,", "SIGNATURE_MALFORMED"),
        (f"v1={KNOWN}", "SIGNATURE_MALFORMED"),
        (f"t=,v1={KNOWN}", "SIGNATURE_MALFORMED"),
        (f"t=soon,v1={KNOWN}", "SIGNATURE_MALFORMED"),
        (f"t={'9' * 5000},v1={KNOWN}", "SIGNATURE_MALFORMED"),
        (f"t={NOW_S}", "SIGNATURE_MALFORMED"),
        (f"t={NOW_S},v0={KNOWN}", "SIGNATURE_MALFORMED"),
        (f"t={NOW_S},v1", "SIGNATURE_MALFORMED"),
        (f"t={NOW_S},t,v1={KNOWN}", "SIGNATURE_MALFORMED"),
        (f"t={NOW_S},v1=", "SIGNATURE_MISMATCH"),
        (f"t={NOW_S}, v1={KNOWN}", "SIGNATURE_MALFORMED"),
        (f"t={NOW_S},v1={KNOWN.upper()}", "SIGNATURE_MISMATCH"),
        (f"t={NOW_S},v1={KNOWN[:-1]}", "SIGNATURE_MISMATCH"),
        (f"t={NOW_S + 1},v1={KNOWN}", "SIGNATURE_MISMATCH"),
        (f"t={NOW_S},v1=ünïcode", "SIGNATURE_MISMATCH"),
        (f"t={NOW_S},v1=\ud800", "SIGNATURE_MISMATCH"),
        (f"t={NOW_S},v1=é,v1={KNOWN}", "SIGNATURE_MISMATCH"),
        ("\x00", "SIGNATURE_MALFORMED"),
    ],
    ids=repr,
)
def test_what_stripe_did_not_sign_is_refused_with_its_reason(header: str | None, reason: str) -> None:
    assert refusal(header) == reason


@pytest.mark.parametrize("secrets", [(), ("",), ("  \t\n",), ("", "\r\n")])
def test_without_a_secret_even_a_signed_body_is_refused(secrets: tuple[str, ...]) -> None:
    assert refusal(sign(BODY, " ", NOW_S), secrets=secrets) == "SECRET_MISSING"


def test_a_secret_that_is_no_text_is_refused() -> None:
    assert refusal(f"t={NOW_S},v1={KNOWN}", secrets=("\ud800",)) == "SECRET_MALFORMED"


def test_every_secret_in_use_is_tried() -> None:
    for signed_with in (SECRET, OLD_SECRET):
        header = sign(BODY, signed_with, NOW_S)
        check(header, secrets=(SECRET, OLD_SECRET))
        check(header, secrets=(OLD_SECRET, SECRET))
    assert refusal(sign(BODY, OLD_SECRET, NOW_S), secrets=(SECRET,)) == "SIGNATURE_MISMATCH"


def test_the_whole_secret_is_the_key() -> None:
    assert refusal(sign(BODY, SECRET.removeprefix("whsec_"), NOW_S)) == "SIGNATURE_MISMATCH"


@pytest.mark.parametrize("off_s", [-TOLERANCE_S, -1, 0, 1, TOLERANCE_S])
def test_within_five_minutes_of_now_passes(off_s: int) -> None:
    check(sign(BODY, SECRET, NOW_S + off_s))


@pytest.mark.parametrize("off_s", [-(10**9), -TOLERANCE_S - 1, TOLERANCE_S + 1, 10**9])
def test_too_old_and_too_new_are_both_refused(off_s: int) -> None:
    assert refusal(sign(BODY, SECRET, NOW_S + off_s)) == "TIMESTAMP_OUT_OF_TOLERANCE"


def test_the_tolerance_can_be_set() -> None:
    header = sign(BODY, SECRET, NOW_S - 600)
    verify(BODY, header, secrets=[SECRET], now_s=NOW_S, tolerance_s=600)
    with pytest.raises(SignatureRejected):
        verify(BODY, header, secrets=[SECRET], now_s=NOW_S, tolerance_s=599)
    with pytest.raises(SignatureRejected):
        verify(BODY, header, secrets=[SECRET], now_s=NOW_S, tolerance_s=0)


def test_one_flipped_bit_of_the_body_is_refused() -> None:
    header = sign(BODY, SECRET, NOW_S)
    for position in range(len(BODY)):
        for bit in range(8):
            flipped = bytearray(BODY)
            flipped[position] ^= 1 << bit
            with pytest.raises(SignatureRejected):
                check(header, body=bytes(flipped))


def test_one_changed_character_of_the_header_is_refused() -> None:
    header = sign(BODY, SECRET, NOW_S)
    for position in range(len(header)):
        changed = header[:position] + chr(ord(header[position]) ^ 1) + header[position + 1 :]
        with pytest.raises(SignatureRejected):
            check(changed)


def test_opening_verifies_first_and_says_how() -> None:
    webhook = Webhook(BODY, {"stripe-signature": sign(BODY, SECRET, NOW_S)})
    opened = connector.open(webhook, Material(secrets=(SECRET,)), NOW_S)
    assert opened.verification.method == VERIFICATION_METHOD_HMAC
    assert opened.parsed.id == "evt_1"
    forged = Webhook(b"[]", {"stripe-signature": sign(BODY, SECRET, NOW_S)})
    with pytest.raises(SignatureRejected):
        connector.open(forged, Material(secrets=(SECRET,)), NOW_S)


def test_a_signed_body_that_is_no_event_is_a_payload_refusal() -> None:
    for body in (b"[]", b"\xff\xfe", b"", b"{}"):
        webhook = Webhook(body, {"stripe-signature": sign(body, SECRET, NOW_S)})
        with pytest.raises(PayloadRejected):
            connector.open(webhook, Material(secrets=(SECRET,)), NOW_S)
