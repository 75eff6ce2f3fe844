"""Answers like PayPal, for demo and tests: signed sample webhooks, and the small part of its API that verifies them.

Its certificates are its own: one CA and one signer per process, with PayPal's names. A verifier believes them only if
it is given the CA.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import uuid
from dataclasses import dataclass, field
from functools import cache

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connectors.paypal.cert_url import CERTIFICATE_PATH, parse_certificate_url
from connectors.paypal.sample_ids import API, Draft
from connectors.paypal.samples import make_event
from connectors.paypal.transmission import ALGORITHM, Transmission
from connectors.paypal.webhooks import SIMULATOR_WEBHOOK_ID
from connectors.spi import SampleRequest, SampleWebhook

CERTIFICATE_ID = "CERT-51a0e1a7-0e5fca7e-5a3b0c01"
CERTIFICATE_URL = f"{API}{CERTIFICATE_PATH}{CERTIFICATE_ID}"

_NAME = parse_certificate_url(CERTIFICATE_URL).certificate_name
_NOT_BEFORE = dt.datetime(1960, 1, 1, tzinfo=dt.UTC)  # samples may happen at any time
_NOT_AFTER = dt.datetime(2049, 1, 1, tzinfo=dt.UTC)
_TRANSMISSIONS = b"orchestratorx paypal simulator\x00"


@dataclass(frozen=True, slots=True)
class Authority:
    """The simulator's CA and its signer."""

    key: rsa.RSAPrivateKey = field(repr=False)
    leaf: bytes
    """PEM."""
    root: bytes
    """PEM."""


@cache
def authority() -> Authority:
    """This process's own; made at first use, which takes a tenth of a second."""
    root_key = rsa.generate_private_key(65_537, 2_048)
    key = rsa.generate_private_key(65_537, 2_048)
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "OrchestratorX PayPal simulator CA")])
    root = (
        _builder(root_name, root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    leaf = (
        _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)]), root_name, key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return Authority(key, leaf.public_bytes(pem), root.public_bytes(pem))


def sample(request: SampleRequest) -> SampleWebhook:
    """A signed webhook of any type in `EVENT_TYPES`.

    Without a webhook id it is signed like PayPal's simulator does it, with `WEBHOOK_ID`.

    Raises:
        ValueError: Not such a type, or an amount that PayPal does not take.
    """
    return signed(make_event(Draft(request)), request.secret, request.now_s)


def signed(event: object, secret: str, now_s: int) -> SampleWebhook:
    """A webhook body as PayPal would send it.

    Args:
        event: The whole body, as an object.
        secret: The webhook's id; empty: the simulator's, `WEBHOOK_ID`.
    """
    body = msgspec.json.encode(event)
    time = dt.datetime.fromtimestamp(now_s, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    own = authority()
    transmission = Transmission(transmission_id(body), time, now_s, b"", "", CERTIFICATE_URL)
    text = transmission.signed_text(secret or SIMULATOR_WEBHOOK_ID, body)
    signature = own.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "PayPal/AUHD-214.0-simulator",
        "PAYPAL-AUTH-ALGO": ALGORITHM,
        "PAYPAL-AUTH-VERSION": "v2",
        "PAYPAL-CERT-URL": CERTIFICATE_URL,
        "PAYPAL-TRANSMISSION-ID": transmission.id,
        "PAYPAL-TRANSMISSION-TIME": transmission.time,
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode("ascii"),
    }
    return SampleWebhook(body=body, headers=headers, certificates=(own.leaf, own.root))


def transmission_id(body: bytes) -> str:
    """The id under which the simulator sends this body. It follows from the whole body.

    PayPal keeps what it sent and so knows a forged body; the simulator knows it by this, and keeps nothing.
    """
    return str(uuid.UUID(bytes=hashlib.sha256(_TRANSMISSIONS + body).digest()[:16], version=4))


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=not ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
