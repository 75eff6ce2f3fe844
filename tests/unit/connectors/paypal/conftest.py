"""What PayPal's tests share: signed samples, the material that fits them, and a certificate workshop."""

from __future__ import annotations

import base64
import datetime as dt
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from connectors.paypal.simulator import sample
from connectors.paypal.transmission import Transmission
from connectors.spi import Context, Environment, Material, SampleRequest, SampleWebhook, Webhook

NOW_S = 1_780_000_000
WEBHOOK_ID = "1AB23456CD789012E"
SANDBOX_URL = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1-2-3"
LIVE_URL = "https://api.paypal.com/v1/notifications/certs/CERT-1-2-3"
SANDBOX_NAME = "messageverificationcerts.sandbox.paypal.com"
LIVE_NAME = "messageverificationcerts.paypal.com"


@dataclass(frozen=True)
class Signed:
    """A signed webhook and what its verifier needs."""

    webhook: Webhook
    material: Material


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


PAD = 48


def forged_body(genuine: bytes, wanted: bytes) -> bytes:
    """A body like `wanted` with the CRC32 of `genuine`: a field is added whose letters are chosen for it.

    CRC32 is linear: turning one bit of the body changes the same bits of the sum, whatever else the body holds. So 48
    letters that may each be "a" or "c" give 48 equations in 32 unknowns.
    """
    head = wanted[:-1] + b',"x":"'
    pad = bytearray(b"a" * PAD)
    tail = b'"}'
    base = zlib.crc32(head + pad + tail)
    pivots: dict[int, tuple[int, int]] = {}
    for position in range(PAD):
        turned = bytearray(pad)
        turned[position] ^= 2
        effect, letters = zlib.crc32(head + turned + tail) ^ base, 1 << position
        for bit, (other, other_letters) in pivots.items():
            if effect >> bit & 1:
                effect, letters = effect ^ other, letters ^ other_letters
        if effect:
            bit = effect.bit_length() - 1
            for key, (other, other_letters) in pivots.items():
                if other >> bit & 1:
                    pivots[key] = (other ^ effect, other_letters ^ letters)
            pivots[bit] = (effect, letters)
    missing, chosen = base ^ zlib.crc32(genuine), 0
    for bit, (effect, letters) in pivots.items():
        if missing >> bit & 1:
            missing, chosen = missing ^ effect, chosen ^ letters
    assert missing == 0
    for position in range(PAD):
        if chosen >> position & 1:
            pad[position] ^= 2
    return head + bytes(pad) + tail


_KEYS: dict[tuple[str, int], rsa.RSAPrivateKey] = {}


def key_of(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """One key a name, made once a run: making keys is slow."""
    if (name, bits) not in _KEYS:
        _KEYS[name, bits] = rsa.generate_private_key(65_537, bits)
    return _KEYS[name, bits]


def make_certificate(
    name: str,
    issuer: Certificate | None = None,
    *,
    ca: bool | None = None,
    key_name: str = "",
    path_length: int | None = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    alternative_names: tuple[str, ...] = (),
    not_before: dt.datetime = dt.datetime(2020, 1, 1),
    not_after: dt.datetime = dt.datetime(2035, 1, 1),
    bits: int = 2048,
) -> Certificate:
    """A certificate; without an issuer it signs itself. `ca` None: no basicConstraints at all."""
    key = key_of(key_name or name, bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    if alternative_names:
        names = x509.SubjectAlternativeName([x509.DNSName(one) for one in alternative_names])
        builder = builder.add_extension(names, critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Certificate(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def sign(
    body: bytes,
    key: rsa.RSAPrivateKey,
    *,
    webhook_id: str = WEBHOOK_ID,
    url: str = SANDBOX_URL,
    sent_s: int = NOW_S,
    **changes: str | None,
) -> Webhook:
    """A webhook as PayPal would send it. `changes` replace headers (named with underscores); None removes one."""
    time = dt.datetime.fromtimestamp(sent_s, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    transmission = Transmission("69cd13f0-d67a-11e5-baa3-778b53f4ae55", time, sent_s, b"", "", url)
    signature = key.sign(transmission.signed_text(webhook_id, body), padding.PKCS1v15(), hashes.SHA256())
    headers: dict[str, str | None] = {
        "paypal-transmission-id": transmission.id,
        "paypal-transmission-time": time,
        "paypal-transmission-sig": base64.b64encode(signature).decode(),
        "paypal-cert-url": url,
        "paypal-auth-algo": "SHA256withRSA",
        "paypal-auth-version": "v2",
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    return Webhook(body, {name: value for name, value in headers.items() if value is not None})


@pytest.fixture(scope="session")
def workshop() -> SimpleNamespace:
    """The functions above, for tests in other files of this folder."""
    return SimpleNamespace(
        NOW_S=NOW_S,
        WEBHOOK_ID=WEBHOOK_ID,
        SANDBOX_URL=SANDBOX_URL,
        LIVE_URL=LIVE_URL,
        SANDBOX_NAME=SANDBOX_NAME,
        LIVE_NAME=LIVE_NAME,
        make_certificate=make_certificate,
        sign=sign,
        key_of=key_of,
    )


@pytest.fixture(scope="session")
def context() -> Context:
    return Context("default", Environment.ENVIRONMENT_SANDBOX, NOW_S * 1_000_000_000)


@pytest.fixture(scope="session")
def signed() -> Callable[..., Signed]:
    """Makes the simulator's signed webhook of a type, with the material that fits it."""

    def make(event_type: str = "PAYMENT.CAPTURE.COMPLETED", **changes: Any) -> Signed:
        made: SampleWebhook = sample(SampleRequest(event_type, **{"secret": WEBHOOK_ID, "now_s": NOW_S, **changes}))
        webhook = Webhook(made.body, {name.lower(): value for name, value in made.headers.items()})
        return Signed(webhook, Material(webhook_id=WEBHOOK_ID, certificates=made.certificates))

    return make


@pytest.fixture(scope="session")
def forge() -> Callable[[bytes, bytes], bytes]:
    return forged_body
