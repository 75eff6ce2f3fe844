"""A merchant's settings: what is missing is said at once, and nothing secret is shown."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from connectors.mpesa.account import CONFIG_KEYS, read_account
from connectors.mpesa.client import make_client
from connectors.spi import Environment
from orchestratorx_prism.errors import SettingsRejected

CONFIG = {
    "MPESA_CONSUMER_KEY": "key",
    "MPESA_CONSUMER_SECRET": "hush-hush",
    "MPESA_SHORTCODE": "600000",
    "MPESA_PASSKEY": "pass-pass",
    "MPESA_URL_TOKEN": "a-token-nobody-guesses",
    "MPESA_CALLBACK_BASE": "https://pay.shop.example",
}


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )


@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER])
def test_an_operators_password_is_encrypted_for_safaricom(encoding: serialization.Encoding, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    path = tmp_path / "sandbox.cer"
    path.write_bytes(certificate(key).public_bytes(encoding))
    config = CONFIG | {"MPESA_INITIATOR_PASSWORD": "Safaricom999!*!", "MPESA_CERTIFICATE_FILE": str(path)}
    sealed = read_account(config).security_credential
    assert key.decrypt(base64.b64decode(sealed), padding.PKCS1v15()) == b"Safaricom999!*!"


def test_a_credential_that_is_given_is_taken_as_it_is() -> None:
    config = CONFIG | {"MPESA_SECURITY_CREDENTIAL": "given", "MPESA_INITIATOR_PASSWORD": "not used"}
    assert read_account(config).security_credential == "given"


def test_a_password_without_a_usable_certificate_is_refused_and_not_shown(tmp_path: Path) -> None:
    rubbish, elliptic = tmp_path / "rubbish.cer", tmp_path / "elliptic.cer"
    rubbish.write_bytes(b"no certificate")
    made = certificate(ec.generate_private_key(ec.SECP256R1()))
    elliptic.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    for path in ("", str(tmp_path / "nowhere.cer"), str(rubbish), str(elliptic)):
        config = CONFIG | {"MPESA_INITIATOR_PASSWORD": "Safaricom999!*!", "MPESA_CERTIFICATE_FILE": path}
        with pytest.raises(SettingsRejected, match="MPESA_CERTIFICATE_FILE") as refused:
            read_account(config)
        assert "Safaricom999" not in str(refused.value)


def test_a_password_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.cer"
    made = certificate(rsa.generate_private_key(65537, 2048))
    path.write_bytes(made.public_bytes(serialization.Encoding.DER))
    config = CONFIG | {"MPESA_INITIATOR_PASSWORD": "x" * 300, "MPESA_CERTIFICATE_FILE": str(path)}
    with pytest.raises(SettingsRejected, match="too long"):
        read_account(config)


@pytest.mark.parametrize("missing", sorted(CONFIG))
def test_each_missing_key_is_named_with_where_it_is_found(missing: str) -> None:
    with pytest.raises(SettingsRejected) as refused:
        make_client(CONFIG | {missing: ""}, Environment.ENVIRONMENT_SANDBOX)
    assert missing in str(refused.value)
    assert CONFIG_KEYS[missing] in refused.value.fix


def test_all_missing_keys_are_named_at_once() -> None:
    with pytest.raises(SettingsRejected) as refused:
        make_client({}, Environment.ENVIRONMENT_SANDBOX)
    assert all(key in refused.value.message for key in CONFIG)


@pytest.mark.parametrize(
    "base",
    [
        "http://pay.shop.example",
        "pay.shop.example",
        "https://",
        "https://pay.shop.example?a=b",
        "https://pay.shop.example#a",
        "https://mpesa.shop.example",
        "https://shop.example/SQL",
        "https://safaricom.shop.example",
    ],
)
def test_callbacks_go_to_no_address_that_safaricom_refuses(base: str) -> None:
    with pytest.raises(SettingsRejected, match="MPESA_CALLBACK_BASE"):
        read_account(CONFIG | {"MPESA_CALLBACK_BASE": base})


@pytest.mark.parametrize("token", ["my-mpesa-token-of-length", ",older-token-of-length", " , "])
def test_a_token_that_cannot_stand_in_urls_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(SettingsRejected, match="MPESA_URL_TOKEN") as refused:
        read_account(CONFIG | {"MPESA_URL_TOKEN": token})
    assert token not in str(refused.value)


def test_an_account_shows_no_secret() -> None:
    account = read_account(CONFIG | {"MPESA_INITIATOR_NAME": "op", "MPESA_SECURITY_CREDENTIAL": "sealed-one"})
    for secret in ("hush-hush", "pass-pass", "a-token-nobody-guesses", "sealed-one"):
        assert secret not in repr(account)
    assert "600000" in repr(account)
