"""Who sent a request: the peer, or whom trusted proxies say they forwarded it for."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from orchestratorx_prism.errors import SettingsRejected

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TrustedProxies:
    """Networks whose X-Forwarded-For is believed."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Networks in CIDR form.

        Raises:
            SettingsRejected: One is not a network.
        """
        try:
            self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(text, strict=False) for text in networks)
        except ValueError as error:
            raise SettingsRejected(f"trusted_proxies: {error}", fix="write networks as 10.0.0.0/8") from None

    def sender(self, peer: str, forwarded_for: str) -> str:
        """The sender's address, or "" if it cannot be known.

        Args:
            peer: The address at the other end of the connection.
            forwarded_for: X-Forwarded-For: each proxy appends the address it was called from. Only what trusted proxies
                appended is believed, so it is read from the right up to the first address that is not one of theirs.

        Failure policy: closed. A trusted proxy that forwards rubbish makes the sender unknown, never the proxy itself.
        """
        address = _parsed(peer)
        if address is None:
            return ""
        if not self._networks or not self._trusts(address):
            return str(address)
        for hop in reversed(forwarded_for.split(",")) if forwarded_for else ():
            address = _parsed(hop.strip())
            if address is None:
                return ""
            if not self._trusts(address):
                break
        return str(address)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


@lru_cache(maxsize=4_096)
def _parsed(text: str) -> Address | None:
    """An address, without the port some proxies append; IPv4 out of its IPv6 form. None if it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
