"""The rules for PAYPAL-CERT-URL: where PayPal's certificates may come from. Nothing is fetched here.

Anyone can put any address into a header. Without these rules a receiver fetches what an attacker names (from its own
network, too) and then verifies with the attacker's certificate.
Source: PayPal docs, "Integrate webhooks", self verification; addresses seen in real messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from connectors.spi import Environment, SignatureRejected

CERTIFICATE_PATH = "/v1/notifications/certs/"

# One pattern for the whole address: no port, user, query, fragment, dot, percent sign or second path segment can match.
_URL = re.compile(
    r"https://(?P<host>api(?:-m)?(?P<sandbox>\.sandbox)?\.paypal\.com)"
    r"(?P<path>/v1/notifications/(?:certs/[A-Za-z0-9_-]{1,128}|test))",
    re.ASCII,
)
_NAMES = {
    Environment.ENVIRONMENT_PRODUCTION: "messageverificationcerts.paypal.com",
    Environment.ENVIRONMENT_SANDBOX: "messageverificationcerts.sandbox.paypal.com",
}


@dataclass(frozen=True, slots=True)
class CertificateUrl:
    """An address that follows the rules."""

    url: str
    path: str
    environment: Environment.ValueType
    """Which of PayPal's worlds the host belongs to."""
    fetchable: bool
    """False for the one path that PayPal's SDKs use in their test messages: good for a certificate at hand only."""

    @property
    def certificate_name(self) -> str:
        """The name that the certificate from this address has to carry."""
        return _NAMES[self.environment]


@lru_cache(maxsize=256)
def parse_certificate_url(url: str) -> CertificateUrl:
    """Checks the address: https, one of PayPal's four API hosts, a certificate's path, and nothing else in it.

    Raises:
        SignatureRejected: CERTIFICATE_REJECTED.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise _refused()
    fetchable = match["path"].startswith(CERTIFICATE_PATH)
    if not fetchable and not match["sandbox"]:
        raise _refused()
    environment = Environment.ENVIRONMENT_SANDBOX if match["sandbox"] else Environment.ENVIRONMENT_PRODUCTION
    return CertificateUrl(url, match["path"], environment, fetchable)


def _refused() -> SignatureRejected:
    return SignatureRejected(
        "the certificate's address is not one of PayPal's",
        reason="CERTIFICATE_REJECTED",
        fix=f"only https://api[-m][.sandbox].paypal.com{CERTIFICATE_PATH}… is believed; pass the headers as received",
    )
