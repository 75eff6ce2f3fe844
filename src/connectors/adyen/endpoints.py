"""Where Adyen is, and with which credentials: from configuration keys, checked once.

Source: Adyen docs, "Live endpoints"; "API credentials".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from connectors.spi import Environment
from orchestratorx_prism.errors import SettingsRejected

CONFIG_KEYS: Final[Mapping[str, str]] = {
    "ADYEN_HMAC_KEY": "Customer Area > Developers > Webhooks > your webhook > HMAC key; several by commas",
    "ADYEN_API_KEY": "Customer Area > Developers > API credentials > your credential > API key (for operations)",
    "ADYEN_MERCHANT_ACCOUNT": "Customer Area > top left: the merchant account's code (for operations)",
    "ADYEN_LIVE_PREFIX": "live Customer Area > Developers > API URLs > Prefix (for operations in production)",
    "ADYEN_BALANCE_ACCOUNT": "Customer Area > Accounts & balances > Balance accounts: BA… (for payouts)",
    "ADYEN_TRANSFERS_API_KEY": "Customer Area of the balance platform > API credentials > API key (for payouts)",
    "ADYEN_API_BASE": "for simulators: another address of Adyen's API; https, or http on this machine",
}

_PREFIX: Final = re.compile(r"[0-9a-zA-Z-]{1,80}")
_SECRET: Final = re.compile(r"[\x21-\x7e]{1,512}")
_ACCOUNT: Final = re.compile(r"[0-9A-Za-z_.-]{1,80}")
_BALANCE_ACCOUNT: Final = re.compile(r"[0-9A-Za-z]{1,64}")
_SHAPES: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    "ADYEN_API_KEY": (_SECRET, "an API key is ASCII without spaces"),
    "ADYEN_TRANSFERS_API_KEY": (_SECRET, "an API key is ASCII without spaces"),
    "ADYEN_MERCHANT_ACCOUNT": (_ACCOUNT, "letters, digits, `_`, `.` and `-`"),
    "ADYEN_BALANCE_ACCOUNT": (_BALANCE_ACCOUNT, "letters and digits: BA…"),
    "ADYEN_LIVE_PREFIX": (_PREFIX, "letters, digits and `-`: 1797a841fbb37ca7-AdyenDemo"),
}
_REQUIRED: Final = ("ADYEN_API_KEY", "ADYEN_MERCHANT_ACCOUNT")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses, accounts and credentials of one merchant."""

    live: bool
    live_prefix: str
    """In front of live hosts: "1797a841fbb37ca7-AdyenDemo". Empty outside production."""
    api_base: str
    """Takes the place of scheme and host of every address; empty: Adyen's own. Without a slash at its end."""
    merchant_account: str
    balance_account: str
    """Which payouts are taken from; empty: no payouts."""
    api_key: str = field(repr=False)
    transfers_api_key: str = field(repr=False)


def read_endpoints(values: Mapping[str, str], environment: Environment.ValueType) -> Endpoints:
    """Reads the configuration keys.

    Raises:
        SettingsRejected: Every fault at once.
    """
    live = environment == Environment.ENVIRONMENT_PRODUCTION
    base = values.get("ADYEN_API_BASE", "").rstrip("/")
    prefix = values.get("ADYEN_LIVE_PREFIX", "")
    faults = [f"{name}: missing; {CONFIG_KEYS[name]}" for name in _REQUIRED if not values.get(name)]
    if live and not prefix:
        faults.append(f"ADYEN_LIVE_PREFIX: missing; {CONFIG_KEYS['ADYEN_LIVE_PREFIX']}")
    for name, (shape, words) in _SHAPES.items():
        if values.get(name) and not shape.fullmatch(values[name]):
            faults.append(f"{name}: {words}")
    if base and not _is_safe_base(base):
        faults.append("ADYEN_API_BASE: https://HOST[:PORT], or http:// on this machine; credentials are sent there")
    if faults:
        raise SettingsRejected("Adyen's settings do not hold together:\n" + "\n".join(f"  {each}" for each in faults))
    return Endpoints(
        live=live,
        live_prefix=prefix if live else "",
        api_base=base,
        merchant_account=values["ADYEN_MERCHANT_ACCOUNT"],
        balance_account=values.get("ADYEN_BALANCE_ACCOUNT", ""),
        api_key=values["ADYEN_API_KEY"],
        transfers_api_key=values.get("ADYEN_TRANSFERS_API_KEY", ""),
    )


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
