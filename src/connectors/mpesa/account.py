"""A merchant's settings at M-Pesa: shortcodes, credentials, callback URLs. Read once from the configuration.

Also what Daraja wants computed of them: the STK password, and the security credential of an initiator.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from connectors.mpesa import mapping as m
from connectors.mpesa.session import is_safe_address
from connectors.mpesa.values import EAT
from orchestratorx_prism.errors import RequestRejected, SettingsRejected

CONFIG_KEYS: Final[Mapping[str, str]] = {
    "MPESA_CONSUMER_KEY": "Daraja portal > My Apps > the app > Consumer Key",
    "MPESA_CONSUMER_SECRET": "Daraja portal > My Apps > the app > Consumer Secret",
    "MPESA_SHORTCODE": "The pay bill number, or the head office number of a till",
    "MPESA_PASSKEY": "Sandbox: Daraja portal > Simulator > M-Pesa Express; production: in the go-live mail",
    "MPESA_URL_TOKEN": "Made by you (`openssl rand -hex 24`): the end of every callback URL; several by commas",
    "MPESA_CALLBACK_BASE": "To take or send money: your server's public address, where Safaricom posts to: https://…",
    "MPESA_TILL": "Only for Buy Goods: the till number that is paid; empty: the pay bill MPESA_SHORTCODE",
    "MPESA_B2C_SHORTCODE": "Only where payouts have a shortcode of their own; empty: MPESA_SHORTCODE",
    "MPESA_INITIATOR_NAME": "For payouts and refunds: M-Pesa organization portal > the API operator's user name",
    "MPESA_SECURITY_CREDENTIAL": "For payouts, refunds: the operator's password as the Daraja portal encrypts it; or:",
    "MPESA_INITIATOR_PASSWORD": "The operator's password itself, to be encrypted here with MPESA_CERTIFICATE_FILE",
    "MPESA_CERTIFICATE_FILE": "Safaricom's certificate of this environment (.cer), from the Daraja portal",
    "MPESA_PULL_NUMBER": "To find payments whose answer was lost: the number nominated for Pull Transactions",
    "MPESA_API_BASE": "Only for simulators and proxies; empty: Safaricom's own host for the environment",
}

_NEEDED: Final = (
    "MPESA_CONSUMER_KEY",
    "MPESA_CONSUMER_SECRET",
    "MPESA_SHORTCODE",
    "MPESA_PASSKEY",
    "MPESA_URL_TOKEN",
    "MPESA_CALLBACK_BASE",
)
_WEBHOOKS: Final = "/webhooks"


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that requests are made of besides the call. `repr` shows the shortcodes alone."""

    shortcode: str
    till: str
    b2c_shortcode: str
    passkey: str = field(repr=False)
    initiator: str = field(repr=False)
    """Empty: neither payouts nor refunds."""
    security_credential: str = field(repr=False)
    callback_base: str = field(repr=False)
    url_token: str = field(repr=False)
    pull_number: str = field(default="", repr=False)
    """Empty: the shortcode does not use Pull Transactions."""

    def callback(self, merchant_id: str, purpose: str = "") -> str:
        """Where M-Pesa is to post: our ingress under the name that Safaricom accepts, token and purpose at the end.

        Args:
            purpose: One of `mapping.PURPOSES`; empty for STK callbacks, which say themselves what they are.

        Raises:
            RequestRejected: A merchant id with a word that Safaricom refuses in URLs.
        """
        word = refused_word(merchant_id)
        if word:
            raise RequestRejected(
                f'the merchant\'s callback URLs hold "{word}", which Safaricom refuses',
                fix="give the merchant another id",
                metadata={"field": "merchant_id"},
            )
        parts = (self.callback_base + _WEBHOOKS, m.INGRESS_ALIAS, merchant_id, self.url_token, purpose)
        return "/".join(part for part in parts if part)


def read_account(config: Mapping[str, str]) -> Account:
    """The account that the configuration describes.

    Raises:
        SettingsRejected: A key is missing, the callback address is none, or the certificate cannot be used.
    """
    missing = [key for key in _NEEDED if not config.get(key)]
    if missing:
        raise SettingsRejected(
            f"M-Pesa needs {', '.join(missing)} to take or send money",
            fix="; ".join(f"{key}: {CONFIG_KEYS[key]}" for key in missing),
        )
    shortcode = config["MPESA_SHORTCODE"].strip()
    return Account(
        shortcode=shortcode,
        till=config.get("MPESA_TILL", "").strip(),
        b2c_shortcode=config.get("MPESA_B2C_SHORTCODE", "").strip() or shortcode,
        passkey=config["MPESA_PASSKEY"],
        initiator=config.get("MPESA_INITIATOR_NAME", ""),
        security_credential=_security_credential(config),
        callback_base=_callback_base(config["MPESA_CALLBACK_BASE"]),
        url_token=_url_token(config["MPESA_URL_TOKEN"]),
        pull_number=config.get("MPESA_PULL_NUMBER", "").strip(),
    )


def refused_word(text: str) -> str:
    """The word in it for which Safaricom refuses a URL; empty if there is none."""
    lower = text.lower()
    return next((word for word in m.REFUSED_IN_URLS if word in lower), "")


def stk_stamp(now_s: float) -> str:
    """The Timestamp of a push or query, in EAT: "20170727101415"."""
    return datetime.fromtimestamp(now_s, UTC).astimezone(EAT).strftime("%Y%m%d%H%M%S")


def stk_password(shortcode: str, passkey: str, stamp: str) -> str:
    """The Password that goes with a Timestamp.

    Source: Daraja documentation, "M-Pesa Express".
    """
    return base64.b64encode(f"{shortcode}{passkey}{stamp}".encode()).decode()


def stk_question(shortcode: str, passkey: str, now_s: float, checkout: str) -> dict[str, str]:
    """The body of an STK query."""
    stamp = stk_stamp(now_s)
    return {
        "BusinessShortCode": shortcode,
        "Password": stk_password(shortcode, passkey, stamp),
        "Timestamp": stamp,
        "CheckoutRequestID": checkout,
    }


def _callback_base(given: str) -> str:
    base = given.strip().rstrip("/")
    if not is_safe_address(base) or "?" in base or "#" in base:
        raise SettingsRejected(
            "MPESA_CALLBACK_BASE is no https address that paths can follow",
            fix="set it to your server's public address: https://pay.shop.example",
        )
    word = refused_word(base)
    if word:
        raise SettingsRejected(
            f'MPESA_CALLBACK_BASE holds "{word}", which Safaricom refuses in URLs', fix="use another host name"
        )
    return base


def _url_token(given: str) -> str:
    """The first of several: the newest."""
    token = given.split(",", maxsplit=1)[0].strip()
    word = refused_word(token)
    if not token or word:
        raise SettingsRejected(
            "MPESA_URL_TOKEN begins with an empty token"
            if not token
            else f'MPESA_URL_TOKEN holds "{word}", which Safaricom refuses in URLs',
            fix="make a new one: `openssl rand -hex 24`",
        )
    return token


def _security_credential(config: Mapping[str, str]) -> str:
    given = config.get("MPESA_SECURITY_CREDENTIAL", "")
    password = config.get("MPESA_INITIATOR_PASSWORD", "")
    if given or not password:
        return given
    path = config.get("MPESA_CERTIFICATE_FILE", "")
    if not path:
        raise SettingsRejected(
            "MPESA_INITIATOR_PASSWORD is set without MPESA_CERTIFICATE_FILE",
            fix=f"MPESA_CERTIFICATE_FILE: {CONFIG_KEYS['MPESA_CERTIFICATE_FILE']}; or set MPESA_SECURITY_CREDENTIAL",
        )
    try:
        content = Path(path).read_bytes()
        pem = content.lstrip().startswith(b"-----BEGIN")
        certificate = x509.load_pem_x509_certificate(content) if pem else x509.load_der_x509_certificate(content)
    except (OSError, ValueError) as error:
        raise SettingsRejected(
            f"MPESA_CERTIFICATE_FILE cannot be read ({type(error).__name__})",
            fix=f"MPESA_CERTIFICATE_FILE: {CONFIG_KEYS['MPESA_CERTIFICATE_FILE']}",
        ) from error
    return encrypted(password, certificate)


def encrypted(password: str, certificate: x509.Certificate) -> str:
    """The security credential: the initiator's password under Safaricom's key, RSA with PKCS#1 v1.5, in base64.

    Source: Daraja documentation, "Security Credentials".

    Raises:
        SettingsRejected: The certificate is of no RSA key, or the password is too long for it.
    """
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise SettingsRejected("MPESA_CERTIFICATE_FILE holds no RSA key", fix="use Safaricom's own certificate")
    try:
        sealed = key.encrypt(password.encode(), padding.PKCS1v15())
    except ValueError:
        raise SettingsRejected(
            "MPESA_INITIATOR_PASSWORD is too long for the certificate's key", fix="check which of the two is wrong"
        ) from None
    return base64.b64encode(sealed).decode()
