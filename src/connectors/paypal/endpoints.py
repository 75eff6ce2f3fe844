"""Where PayPal is, and with which credentials: from configuration keys, checked once."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from connectors.spi import Environment
from orchestratorx_prism.errors import SettingsRejected

API_BASES = {
    Environment.ENVIRONMENT_PRODUCTION: "https://api-m.paypal.com",
    Environment.ENVIRONMENT_SANDBOX: "https://api-m.sandbox.paypal.com",
}
"""Source: PayPal docs, "API requests"."""

CONFIG_KEYS = {
    "PAYPAL_WEBHOOK_ID": "Developer Dashboard > Apps & Credentials > your app > Webhooks: Webhook ID",
    "PAYPAL_CLIENT_ID": "Developer Dashboard > Apps & Credentials > your app: Client ID",
    "PAYPAL_CLIENT_SECRET": "Developer Dashboard > Apps & Credentials > your app: Secret",
    "PAYPAL_API_BASE": "for simulators: another address of PayPal's API; https, or http on this machine",
    "PAYPAL_CERT_HOST": "for simulators: HOST:PORT on this machine that certificates are fetched from; sandbox only",
}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses and credentials."""

    api_base: str
    """Without a slash at its end."""
    certificate_base: str | None
    """Where certificates are fetched from instead of the address in the header; None: from there."""
    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)

    @property
    def basic_authorization(self) -> str:
        """The `Authorization` header for a token request."""
        pair = f"{self.client_id}:{self.client_secret}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


def read_endpoints(values: Mapping[str, str], environment: Environment.ValueType) -> Endpoints:
    """Reads the configuration keys.

    Raises:
        SettingsRejected: Every fault at once.
    """
    faults: list[str] = []
    client_id, client_secret = values.get("PAYPAL_CLIENT_ID", ""), values.get("PAYPAL_CLIENT_SECRET", "")
    if bool(client_id) != bool(client_secret):
        faults.append("PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET: one is set and the other is not; set both or none")
    api_base = values.get("PAYPAL_API_BASE", "").rstrip("/")
    if api_base and not _is_safe_base(api_base):
        faults.append("PAYPAL_API_BASE: https://HOST[:PORT], or http:// on this machine; credentials are sent there")
    host = values.get("PAYPAL_CERT_HOST", "")
    if host and environment != Environment.ENVIRONMENT_SANDBOX:
        faults.append("PAYPAL_CERT_HOST: for simulators, in the sandbox only; remove it")
    elif host and not _is_safe_base(f"http://{host}"):
        faults.append("PAYPAL_CERT_HOST: HOST:PORT on this machine, such as 127.0.0.1:9000")
    if faults:
        raise SettingsRejected("PayPal's settings do not hold together:\n" + "\n".join(f"  {f}" for f in faults))
    standard = API_BASES.get(environment) or API_BASES[Environment.ENVIRONMENT_SANDBOX]
    return Endpoints(api_base or standard, f"http://{host}" if host else None, client_id, client_secret)


def _is_safe_base(base: str) -> bool:
    try:
        parts = urlsplit(base)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not (parts.path or parts.query or parts.fragment or parts.username or parts.password)
    if not (plain and parts.hostname and port_fits):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
