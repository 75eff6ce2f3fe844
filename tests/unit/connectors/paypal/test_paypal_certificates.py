"""Chains: which certificates may sign, by whom they must be issued, when, and what is kept between calls."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connectors.paypal.webhooks import open_webhook
from connectors.spi import Material, SignatureRejected

BODY = b'{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"CAP1"}}'
DAY = dt.timedelta(days=1)
Verify = Callable[..., None]


@pytest.fixture(scope="module")
def shop(workshop: SimpleNamespace) -> SimpleNamespace:
    def leaf(issuer: object, **changes: object) -> object:
        values = {"ca": False, "alternative_names": (workshop.SANDBOX_NAME,), **changes}
        return workshop.make_certificate(workshop.SANDBOX_NAME, issuer, **values)

    root = workshop.make_certificate("Test root", ca=True)
    inner = workshop.make_certificate("Test intermediate", root, ca=True, path_length=0)
    return SimpleNamespace(root=root, inner=inner, leaf=leaf, good=leaf(inner), **vars(workshop))


@pytest.fixture
def verify(shop: SimpleNamespace) -> Verify:
    """Checks a message signed by `signer`, with the certificates given."""

    def check(signer: object, *, now_s: int = shop.NOW_S, sent_s: int | None = None, **material: object) -> None:
        webhook = shop.sign(BODY, signer.key, sent_s=now_s if sent_s is None else sent_s)  # type: ignore[attr-defined]
        open_webhook(webhook, Material(webhook_id=shop.WEBHOOK_ID, **material), now_s)  # type: ignore[arg-type]

    return check


def refused(verify: Verify, signer: object, **material: object) -> str:
    with pytest.raises(SignatureRejected) as caught:
        verify(signer, **material)
    assert caught.value.reason == "CERTIFICATE_REJECTED"
    return caught.value.message


def test_a_chain_over_an_intermediate_passes(shop: SimpleNamespace, verify: Verify) -> None:
    verify(shop.good, certificates=(shop.good.pem, shop.inner.pem), trust_anchors=(shop.root.pem,))


def test_one_text_may_hold_the_whole_chain(shop: SimpleNamespace, verify: Verify) -> None:
    verify(shop.good, certificates=(shop.good.pem + shop.inner.pem + shop.root.pem,))


def test_fetched_certificates_pass_with_an_anchor(shop: SimpleNamespace, verify: Verify) -> None:
    verify(shop.good, fetched_certificates=(shop.good.pem + shop.inner.pem,), trust_anchors=(shop.root.pem,))


def test_a_root_given_by_the_caller_is_an_anchor(shop: SimpleNamespace, verify: Verify) -> None:
    verify(shop.good, certificates=(shop.good.pem, shop.inner.pem, shop.root.pem))


def test_a_root_that_did_not_sign_itself_is_none(shop: SimpleNamespace, verify: Verify) -> None:
    crossed = shop.make_certificate("Test root", shop.make_certificate("Test root", ca=True, key_name="k"), ca=True)
    leaf = shop.leaf(crossed)
    assert "anchors" in refused(verify, leaf, certificates=(leaf.pem, crossed.pem))


def test_a_fetched_root_is_none(shop: SimpleNamespace, verify: Verify) -> None:
    chain = (shop.good.pem + shop.inner.pem + shop.root.pem,)
    assert "anchors" in refused(verify, shop.good, fetched_certificates=chain)


def test_a_forged_chain_of_the_same_names_is_refused(shop: SimpleNamespace, verify: Verify) -> None:
    other_root = shop.make_certificate("Test root", ca=True, key_name="another root")
    other_inner = shop.make_certificate(
        "Test intermediate", other_root, ca=True, key_name="another intermediate", path_length=0
    )
    forged = shop.leaf(other_inner, key_name="another leaf")
    chain = forged.pem + other_inner.pem + other_root.pem
    assert "chain" in refused(verify, forged, fetched_certificates=(chain,), trust_anchors=(shop.root.pem,))


def test_without_anchors_nothing_is_believed(shop: SimpleNamespace, verify: Verify) -> None:
    assert "anchors" in refused(verify, shop.good, certificates=(shop.good.pem, shop.inner.pem))


def test_a_missing_intermediate_is_refused(shop: SimpleNamespace, verify: Verify) -> None:
    assert "chain" in refused(verify, shop.good, certificates=(shop.good.pem,), trust_anchors=(shop.root.pem,))


@pytest.mark.parametrize("where", ["certificates", "trust_anchors", "fetched_certificates"])
def test_a_self_signed_signer_is_refused(shop: SimpleNamespace, verify: Verify, where: str) -> None:
    for ca in (None, False, True):
        own = shop.make_certificate(shop.SANDBOX_NAME, ca=ca, alternative_names=(shop.SANDBOX_NAME,), key_name="own")
        given: dict[str, object] = {"certificates": (own.pem,), "trust_anchors": (shop.root.pem,)}
        refused(verify, own, **{**given, where: (own.pem,)})


def test_a_self_signed_signer_is_no_anchor_for_itself(shop: SimpleNamespace, verify: Verify) -> None:
    own = shop.leaf(None, key_name="own")
    assert "chain" in refused(verify, own, certificates=(own.pem, shop.root.pem), trust_anchors=(own.pem,))


@pytest.mark.parametrize("ca", [False, None])
def test_an_issuer_that_is_no_ca_is_refused(shop: SimpleNamespace, verify: Verify, ca: bool | None) -> None:
    inner = shop.make_certificate("Test intermediate", shop.root, ca=ca, key_name="no ca")
    leaf = shop.leaf(inner)
    assert "chain" in refused(verify, leaf, certificates=(leaf.pem, inner.pem), trust_anchors=(shop.root.pem,))


def test_an_issuer_that_may_not_sign_certificates_is_refused(shop: SimpleNamespace, verify: Verify) -> None:
    inner = shop.make_certificate(
        "Test intermediate", shop.root, ca=True, key_name="no sign", extensions=((usage(digital_signature=True), True),)
    )
    leaf = shop.leaf(inner)
    assert "chain" in refused(verify, leaf, certificates=(leaf.pem, inner.pem), trust_anchors=(shop.root.pem,))


def test_a_chain_longer_than_allowed_is_refused(shop: SimpleNamespace, verify: Verify) -> None:
    lower = shop.make_certificate("Lower intermediate", shop.inner, ca=True)
    leaf = shop.leaf(lower)
    given = (leaf.pem, lower.pem, shop.inner.pem)
    assert "chain" in refused(verify, leaf, certificates=given, trust_anchors=(shop.root.pem,))


def test_name_constraints_hold(shop: SimpleNamespace, verify: Verify) -> None:
    constraints = x509.NameConstraints([x509.DNSName("example.com")], None)
    inner = shop.make_certificate(
        "Test intermediate", shop.root, ca=True, key_name="narrow", extensions=((constraints, True),)
    )
    leaf = shop.leaf(inner)
    assert "chain" in refused(verify, leaf, certificates=(leaf.pem, inner.pem), trust_anchors=(shop.root.pem,))


def test_an_unknown_critical_extension_is_refused(shop: SimpleNamespace, verify: Verify) -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    leaf = shop.leaf(shop.root, extensions=((odd, True),))
    assert "chain" in refused(verify, leaf, certificates=(leaf.pem,), trust_anchors=(shop.root.pem,))


def test_a_certificate_for_another_purpose_is_refused(shop: SimpleNamespace, verify: Verify) -> None:
    for purposes, passes in (
        ([ExtendedKeyUsageOID.CODE_SIGNING], False),
        ([ExtendedKeyUsageOID.SERVER_AUTH], True),
        ([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION], True),
    ):
        leaf = shop.leaf(shop.root, extensions=((x509.ExtendedKeyUsage(purposes), False),))
        given = {"certificates": (leaf.pem,), "trust_anchors": (shop.root.pem,)}
        if passes:
            verify(leaf, **given)
        else:
            assert "chain" in refused(verify, leaf, **given)


def test_a_certificate_that_may_not_sign_is_refused(shop: SimpleNamespace, verify: Verify) -> None:
    leaf = shop.leaf(shop.root, extensions=((usage(key_encipherment=True), True),))
    assert "chain" in refused(verify, leaf, certificates=(leaf.pem,), trust_anchors=(shop.root.pem,))


def test_a_short_key_is_refused(shop: SimpleNamespace, verify: Verify) -> None:
    leaf = shop.leaf(shop.root, bits=1024)
    assert "short" in refused(verify, leaf, certificates=(leaf.pem,), trust_anchors=(shop.root.pem,))


@pytest.mark.parametrize(
    "names",
    [
        ("evil.example",),
        ("*.sandbox.paypal.com",),
        ("messageverificationcerts.sandbox.paypal.com.evil.example",),
        ("messageverificationcerts.paypal.com",),
        (),
    ],
)
def test_a_certificate_made_out_to_somebody_else_is_refused(
    shop: SimpleNamespace, verify: Verify, names: tuple[str, ...]
) -> None:
    common = shop.SANDBOX_NAME if names else "evil.example"
    leaf = shop.make_certificate(common, shop.root, ca=False, alternative_names=names, key_name="somebody else")
    given = {"certificates": (leaf.pem,), "trust_anchors": (shop.root.pem,)}
    assert "made out" in refused(verify, leaf, **given)


def test_the_common_name_counts_where_there_are_no_alternative_names(shop: SimpleNamespace, verify: Verify) -> None:
    leaf = shop.leaf(shop.root, alternative_names=())
    verify(leaf, certificates=(leaf.pem,), trust_anchors=(shop.root.pem,))


def test_a_key_of_another_kind_is_no_signer(shop: SimpleNamespace, verify: Verify) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    odd = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, shop.SANDBOX_NAME)]))
        .issuer_name(shop.root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(dt.datetime(2020, 1, 1))
        .not_valid_after(dt.datetime(2035, 1, 1))
        .sign(shop.root.key, shop.root.certificate.signature_hash_algorithm)
        .public_bytes(serialization.Encoding.PEM)
    )
    assert "made out" in refused(verify, shop.good, certificates=(odd,), trust_anchors=(shop.root.pem,))


def test_dates_are_looked_at_in_every_call(shop: SimpleNamespace, verify: Verify) -> None:
    start = dt.datetime(2026, 5, 20)
    leaf = shop.leaf(shop.root, not_before=start, not_after=start + 10 * DAY)
    given = {"certificates": (leaf.pem,), "trust_anchors": (shop.root.pem,)}
    first_s = int(start.replace(tzinfo=dt.UTC).timestamp())
    verify(leaf, now_s=first_s + 86_400, **given)
    assert "time" in refused(verify, leaf, now_s=first_s + 11 * 86_400, **given)
    assert "time" in refused(verify, leaf, now_s=first_s - 86_400, **given)
    verify(leaf, now_s=first_s + 9 * 86_400, **given)
    late = {"now_s": first_s + 3_600, "sent_s": first_s - 3_600}
    assert "when the message was sent" in refused(verify, leaf, **late, **given)


def test_an_intermediate_that_has_run_out_is_refused(shop: SimpleNamespace, verify: Verify) -> None:
    inner = shop.make_certificate(
        "Test intermediate", shop.root, ca=True, key_name="old", not_after=dt.datetime(2021, 1, 1)
    )
    leaf = shop.leaf(inner)
    assert "chain" in refused(verify, leaf, certificates=(leaf.pem, inner.pem), trust_anchors=(shop.root.pem,))


def test_what_is_kept_depends_on_the_anchors(shop: SimpleNamespace, verify: Verify) -> None:
    other = shop.make_certificate("Other root", ca=True)
    chain = (shop.good.pem, shop.inner.pem)
    for _ in range(2):
        verify(shop.good, certificates=chain, trust_anchors=(shop.root.pem,))
        assert "chain" in refused(verify, shop.good, certificates=chain, trust_anchors=(other.pem,))


def test_the_old_and_the_new_certificate_are_both_tried(shop: SimpleNamespace, verify: Verify) -> None:
    old = shop.leaf(shop.root, key_name="old leaf", not_after=dt.datetime(2021, 1, 1))
    new = shop.leaf(shop.root, key_name="new leaf")
    for given in ((old.pem, new.pem), (new.pem, old.pem)):
        verify(new, certificates=given, trust_anchors=(shop.root.pem,))


@pytest.mark.parametrize("pem", [b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(shop: SimpleNamespace, verify: Verify, pem: bytes) -> None:
    for where in ("certificates", "fetched_certificates"):
        assert "PEM" in refused(verify, shop.good, **{where: (pem,), "trust_anchors": (shop.root.pem,)})


def test_too_many_certificates_are_refused(shop: SimpleNamespace, verify: Verify) -> None:
    chain = shop.good.pem * 17
    assert "many" in refused(verify, shop.good, fetched_certificates=(chain,), trust_anchors=(shop.root.pem,))


def test_an_unreadable_anchor_does_not_spoil_the_bundle(shop: SimpleNamespace, verify: Verify) -> None:
    odd = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    bundle = b"# a comment\n" + odd + shop.root.pem + b"-----BEGIN CERTIFICATE-----\n"
    verify(shop.good, certificates=(shop.good.pem, shop.inner.pem), trust_anchors=(bundle,))


def test_a_leaf_among_the_anchors_anchors_nothing(shop: SimpleNamespace, verify: Verify) -> None:
    given = {"certificates": (shop.good.pem,), "trust_anchors": (shop.good.pem,)}
    assert "anchors" in refused(verify, shop.good, **given)


def usage(**flags: bool) -> x509.KeyUsage:
    none = dict.fromkeys(
        (
            "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign "
            "crl_sign encipher_only decipher_only"
        ).split(),
        False,
    )
    return x509.KeyUsage(**{**none, **flags})


def test_the_material_stays_as_it_was(shop: SimpleNamespace, verify: Verify) -> None:
    material = Material(webhook_id=shop.WEBHOOK_ID, certificates=(shop.good.pem, shop.inner.pem, shop.root.pem))
    before = replace(material)
    open_webhook(shop.sign(BODY, shop.good.key), material, shop.NOW_S)
    assert material == before
