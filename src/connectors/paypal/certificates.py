"""PayPal's signing certificates: chain, name, dates. Pure: certificates, anchors and the time are arguments.

The path building is the `cryptography` package's own (signatures, CA flag, path lengths, name constraints, unknown
critical extensions, dates). Its web profile asks for extensions that a private test CA need not have, so the policies
here ask for what matters: a CA must be one, a signer must not be. Parsing and path building cost some 150 µs; results
are kept by the certificates' bytes, the anchors among them, and their dates are looked at again in every call.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

MIN_RSA_BITS = 2_048
MAX_CERTIFICATES = 16
"""Certificates looked at in one PEM text that is not a bundle of anchors."""

_BEGIN = b"-----BEGIN CERTIFICATE-----"
_END = b"-----END CERTIFICATE-----"
_UNREADABLE = (ValueError, CryptographyDeprecationWarning)
_PADDING = PKCS1v15()
_HASH = SHA256()
_PURPOSES = {
    ExtendedKeyUsageOID.SERVER_AUTH,
    ExtendedKeyUsageOID.CLIENT_AUTH,
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
}


class CertificateRefused(Exception):
    """The certificate may not be believed; the message says why, for people. No secret in it."""


@dataclass(slots=True)
class Signer:
    """A certificate that carries the wanted name, with what may link it to an anchor."""

    certificate: x509.Certificate
    key: RSAPublicKey
    intermediates: list[x509.Certificate] = field(repr=False)
    anchors: list[x509.Certificate] = field(repr=False)
    trusted: tuple[int, int] | None = None
    """The dates between which the whole chain was found valid, Unix seconds; None: no chain found yet."""

    def require_trust(self, now_s: int, sent_s: int) -> None:
        """Passes if a chain to an anchor holds, now and when the message was sent.

        Raises:
            CertificateRefused: No chain, or not at this time.
        """
        window = self.trusted
        if window is None or not window[0] <= now_s <= window[1]:
            window = self.trusted = _chain_window(self, now_s)
        if sent_s < window[0]:
            raise CertificateRefused("the certificate was not valid yet when the message was sent")

    def verify(self, signature: bytes, text: bytes) -> None:
        """Raises cryptography's InvalidSignature unless this key signed `text` (RSA PKCS#1 v1.5, SHA-256)."""
        self.key.verify(signature, text, _PADDING, _HASH)


@lru_cache(maxsize=64)
def find_signers(
    name: str, given: tuple[bytes, ...], fetched: tuple[bytes, ...], anchors: tuple[bytes, ...]
) -> tuple[Signer, ...]:
    """The certificates that carry `name` and no CA flag, in the order given. Their chains are checked later.

    Args:
        name: "messageverificationcerts.paypal.com".
        given: PEM texts from the trusted caller: a self-signed CA certificate among them is an anchor.
        fetched: PEM texts from the network: never anchors.
        anchors: PEM bundles of trusted roots.

    Raises:
        CertificateRefused: Something given or fetched is not a PEM certificate.
    """
    own = [certificate for pem in given for certificate in _read(pem)]
    others = [certificate for pem in fetched for certificate in _read(pem)]
    roots = [root for bundle in anchors for root in _read_bundle(bundle)]
    roots += [certificate for certificate in own if _is_root(certificate)]
    intermediates = [certificate for certificate in own + others if _is_ca(certificate)]
    signers = []
    for certificate in own + others:
        key = certificate.public_key()
        if isinstance(key, RSAPublicKey) and carries_name(certificate, name) and not _is_ca(certificate):
            signers.append(Signer(certificate, key, intermediates, roots))
    return tuple(signers)


def has_name(pems: tuple[bytes, ...], name: str) -> bool:
    """Whether one of these PEM texts holds a certificate with this name.

    Raises:
        CertificateRefused: One of them is not a PEM certificate.
    """
    return any(carries_name(certificate, name) for pem in pems for certificate in _read(pem))


def carries_name(certificate: x509.Certificate, name: str) -> bool:
    """Whether it was made out to `name`: by its alternative names, or by its common name where it has none."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return name in (text.lower() for text in names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return len(common) == 1 and common[0].value == name
    except ValueError:  # extensions that cannot be read
        return False


def _chain_window(signer: Signer, now_s: int) -> tuple[int, int]:
    if not signer.anchors:
        raise CertificateRefused("there are no trust anchors")
    if signer.key.key_size < MIN_RSA_BITS:
        raise CertificateRefused("the certificate's key is too short")
    moment = datetime.fromtimestamp(now_s, tz=UTC).replace(tzinfo=None)
    verifier = (
        PolicyBuilder()
        .store(Store(signer.anchors))
        .time(moment)
        .extension_policies(ca_policy=_CA_POLICY, ee_policy=_SIGNER_POLICY)
        .build_client_verifier()
    )
    try:
        chain = verifier.verify(signer.certificate, signer.intermediates).chain
    except VerificationError:
        # Its message quotes the certificate at length; the cases are told apart by the dates alone.
        raise CertificateRefused(_why(signer, moment)) from None
    if len(chain) < 2:
        raise CertificateRefused("the certificate is its own anchor")
    return (
        max(int(link.not_valid_before_utc.timestamp()) for link in chain),
        min(int(link.not_valid_after_utc.timestamp()) for link in chain),
    )


def _why(signer: Signer, moment: datetime) -> str:
    aware = moment.replace(tzinfo=UTC)
    if not signer.certificate.not_valid_before_utc <= aware <= signer.certificate.not_valid_after_utc:
        return "the certificate is not valid at this time"
    return "no valid chain leads from the certificate to a trust anchor"


def _read(pem: bytes) -> tuple[x509.Certificate, ...]:
    try:
        found = _load(pem)
    except _UNREADABLE:
        raise CertificateRefused("a certificate is not in PEM form, or cannot be read") from None
    if len(found) > MAX_CERTIFICATES:
        raise CertificateRefused("too many certificates in one text")
    return found


@lru_cache(maxsize=64)
def _load(pem: bytes) -> tuple[x509.Certificate, ...]:
    return _parse(pem)


def _parse(pem: bytes) -> tuple[x509.Certificate, ...]:
    # What the package is about to refuse (a serial number of zero, for one) is refused here already.
    with warnings.catch_warnings():
        warnings.simplefilter("error", CryptographyDeprecationWarning)
        return tuple(x509.load_pem_x509_certificates(pem))


@lru_cache(maxsize=16)
def _read_bundle(bundle: bytes) -> tuple[x509.Certificate, ...]:
    """The roots of a bundle. One that cannot be read is left out: systems ship odd ones, and less trust is no risk."""
    roots: list[x509.Certificate] = []
    for part in bundle.split(_BEGIN)[1:]:
        end = part.find(_END)
        if end < 0:
            continue
        try:
            (root,) = _parse(_BEGIN + part[:end] + _END + b"\n")
        except _UNREADABLE:
            continue
        if _is_ca(root):
            roots.append(root)
    return tuple(roots)


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _is_root(certificate: x509.Certificate) -> bool:
    """Whether it is a CA that has signed itself."""
    if not _is_ca(certificate):
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True


def _ca_may_sign(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("not for signing certificates")


def _is_flagged_ca(_: Policy, __: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("not a CA")


def _is_no_ca(_: Policy, __: x509.Certificate, constraints: x509.BasicConstraints | None) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError("a CA does not sign messages")


def _may_sign(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.digital_signature:
        raise ValueError("not for signing")


def _fits_purpose(_: Policy, __: x509.Certificate, purposes: x509.ExtendedKeyUsage | None) -> None:
    if purposes is not None and _PURPOSES.isdisjoint(purposes):
        raise ValueError("made for another purpose")


_CA_POLICY = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_flagged_ca)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _ca_may_sign)
)
_SIGNER_POLICY = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_no_ca)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _fits_purpose)
)
