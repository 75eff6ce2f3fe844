"""Whom an address stands for."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

_OF_ONE_SUBSCRIBER: Final = 64
"""Bits of an IPv6 address that one subscriber has in common: whoever has one of them has all."""


@lru_cache(maxsize=10_000)
def network_of(remote_address: str) -> str:
    """An IPv4 address itself; of an IPv6 address its /64; any other text itself."""
    try:
        address = ipaddress.ip_address(remote_address.partition("%")[0])
    except ValueError:
        return remote_address
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _OF_ONE_SUBSCRIBER), strict=False))
