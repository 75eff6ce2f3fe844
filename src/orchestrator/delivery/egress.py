"""The guard of addresses: where a webhook may go. A merchant's URL must not become a way into our own network.

Two checks, both made again for every connection. `check_url` looks at the text and takes only the one plain spelling
of a URL. `Guard.resolve` asks for the name's addresses and refuses it if one of them is not a public unicast address;
whoever connects, connects to the address that was checked, and never asks for the name again (DNS rebinding).

Failure policy: closed. What cannot be read, resolved or judged is refused.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from orchestratorx_prism.errors import RequestRejected

URL_INVALID: Final = "URL_INVALID"
URL_SCHEME_REFUSED: Final = "URL_SCHEME_REFUSED"
URL_USERINFO_REFUSED: Final = "URL_USERINFO_REFUSED"
URL_PORT_REFUSED: Final = "URL_PORT_REFUSED"
URL_HOST_INVALID: Final = "URL_HOST_INVALID"
ADDRESS_REFUSED: Final = "ADDRESS_REFUSED"
NAME_UNRESOLVED: Final = "NAME_UNRESOLVED"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""(name, port) → addresses as text. Raises OSError."""

MOST_CHARACTERS: Final = 2_048
_LOOKUP_S: Final = 5.0
_FIT: Final = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+", re.ASCII)
_URL: Final = re.compile(r"(?P<scheme>[a-z]+)://(?P<authority>[^/?]+)(?P<target>(?:[/?].*)?)", re.ASCII)
_AUTHORITY: Final = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^:\[\]@]+)(?::(?P<port>[1-9][0-9]{0,4}))?", re.ASCII)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_INTERNAL_NAMES: Final = ("localhost", "local", "internal", "intranet", "lan", "corp", "home", "arpa", "onion")
"""Last labels that lead nowhere public."""

_OTHER_PROTOCOLS: Final = frozenset(
    "1433 1521 1719 1720 1723 2049 2181 2375 2376 2379 2380 3306 3389 3659 4045 4190 4222 5060 5061 5432 5672 6000 "
    "6379 6566 6665 6666 6667 6668 6669 6679 6697 9042 9092 9200 9300 10080 10250 11211 15672 27017".split()
)
"""Ports of databases, brokers and others that an HTTP request could be made to speak to."""

_REFUSED: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
        "192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 "
        "198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
        "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20"
    ).split()
)
"""Not public, or not where they seem to be: IANA's special-purpose registries, multicast, Teredo (in 2001::/23), 6to4,
and Azure's own 168.63.129.16. Of IPv6 only 2000::/3 is public unicast at all: mapped, NAT64, local and link-local
addresses are outside it."""
_PUBLIC_V6: Final = ipaddress.IPv6Network("2000::/3")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was checked, in parts."""

    scheme: str
    host: str
    """A name, or an address without brackets. Lower case."""
    port: int
    target: str
    """Path and query."""

    @property
    def literal(self) -> Address | None:
        """The host, if it is an address."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class Guard:
    """Says which URLs and addresses are let out."""

    def __init__(self, *, allow_http: bool = False, allowed: Iterable[str] = (), lookup: Lookup | None = None) -> None:
        """
        Args:
            allow_http: Whether http is let out beside https.
            allowed: Networks that are let out although they are not public, in CIDR form.
            lookup: Asks for a name's addresses; None: the system's resolver.
        """
        self._schemes = ("https", "http") if allow_http else ("https",)
        self._allowed: tuple[Network, ...] = tuple(ipaddress.ip_network(text) for text in allowed)
        self._lookup = lookup or system_lookup

    def check_url(self, url: str) -> Target:
        """The URL in parts, if it is of the one plain spelling.

        Raises:
            RequestRejected: It is not; `reason` says which of the rules it breaks. The URL is not repeated.
        """
        if not 0 < len(url) <= MOST_CHARACTERS or not _FIT.fullmatch(url):
            raise _refused(URL_INVALID, f"1 to {MOST_CHARACTERS} characters of plain ASCII, others as %XX or xn--")
        found = _URL.fullmatch(url)
        if found is None:
            raise _refused(URL_INVALID, "not of the form https://host/path")
        scheme, authority = found["scheme"], found["authority"]
        if scheme not in self._schemes:
            raise _refused(URL_SCHEME_REFUSED, f"takes {' and '.join(self._schemes)}")
        if "@" in authority:
            raise _refused(URL_USERINFO_REFUSED, "no user and password; use a header of the endpoint's own")
        parts = _AUTHORITY.fullmatch(authority.lower())
        if parts is None:
            raise _refused(URL_HOST_INVALID, "not host, host:port or [address]:port")
        port = int(parts["port"] or _DEFAULT_PORTS[scheme])
        if not (port in (80, 443) or 1_024 <= port <= 65_535) or str(port) in _OTHER_PROTOCOLS:
            raise _refused(URL_PORT_REFUSED, f"port {port} is another protocol's; 443, 80, or one above 1023")
        target = Target(scheme, self._host(parts["host"]), port, found["target"] or "/")
        if (literal := target.literal) is not None:
            self.check_address(literal)
        return target

    def check_address(self, address: Address) -> None:
        """Returns if the address is let out.

        Raises:
            RequestRejected: ADDRESS_REFUSED.
        """
        if any(address.version == network.version and address in network for network in self._allowed):
            return
        public = address in _PUBLIC_V6 if isinstance(address, ipaddress.IPv6Address) else address.is_global
        if not public or any(address.version == net.version and address in net for net in _REFUSED):
            raise _refused(ADDRESS_REFUSED, "the host is not a public address")

    async def resolve(self, host: str, port: int) -> list[str]:
        """The host's addresses, each of them checked: connect to these and to nothing else.

        Raises:
            RequestRejected: NAME_UNRESOLVED, or ADDRESS_REFUSED if one of them is not let out.
        """
        try:
            texts: Sequence[str] = [str(ipaddress.ip_address(host))]
        except ValueError:
            try:
                async with asyncio.timeout(_LOOKUP_S):
                    texts = await self._lookup(host, port)
            except (OSError, UnicodeError, TimeoutError):
                raise _refused(NAME_UNRESOLVED, "the host's name has no address now") from None
        if not texts:
            raise _refused(NAME_UNRESOLVED, "the host's name has no address now")
        for text in texts:
            try:
                address = ipaddress.ip_address(text)
            except ValueError:  # with a zone id, for one
                raise _refused(ADDRESS_REFUSED, "the host is not a public address") from None
            self.check_address(address)
        return list(dict.fromkeys(texts))

    def _host(self, text: str) -> str:
        if text.startswith("["):
            try:
                return str(ipaddress.IPv6Address(text[1:-1]))
            except ValueError:
                raise _refused(URL_HOST_INVALID, "not an IPv6 address") from None
        labels = text.split(".")
        if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
            raise _refused(URL_HOST_INVALID, "not a host's name: letters, digits and hyphens, no dot at the end")
        if _NUMBER.fullmatch(labels[-1]):
            # 127.1, 2130706433, 0x7f000001 and 0177.0.0.1 are addresses to some resolvers: only one spelling is taken.
            try:
                return str(ipaddress.IPv4Address(text))
            except ValueError:
                raise _refused(URL_HOST_INVALID, "an address is four decimal numbers") from None
        if not self._allowed and (len(labels) == 1 or labels[-1] in _INTERNAL_NAMES):
            raise _refused(URL_HOST_INVALID, "not a public name")
        return text


async def system_lookup(name: str, port: int) -> list[str]:
    """The system resolver's addresses of a name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(entry[4][0]) for entry in found]


def _refused(reason: str, fault: str) -> RequestRejected:
    return RequestRejected(f"url: {fault}", reason=reason, metadata={"field": "url"})
