"""What a webhook's URL and headers say: connector, merchant, token, purpose, sender."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from connectors.spi import Label
from orchestratorx_prism.errors import NotFound, RequestRejected, UnknownConnector

PREFIX = "/webhooks/"
PURPOSES = ("validation", "timeout")
"""What a URL may have been registered for, besides the ordinary (M-Pesa C2B validation, queue timeouts).

A connector's label may name more.
"""

_NOT_FOR_CONNECTORS = frozenset(
    "host connection keep-alive transfer-encoding te trailer expect upgrade accept accept-encoding accept-language "
    "cache-control pragma cookie user-agent".split()
)
"""Headers of the hop, of the transfer, of caches and browsers; no webhook's meaning is in them."""
_LISTS = frozenset({"x-forwarded-for", "forwarded", "via", "x-forwarded-proto", "x-forwarded-host"})
"""Headers that every proxy on the way adds to: several are normal."""


@dataclass(frozen=True, slots=True)
class Route:
    """The parts of `/webhooks/{connector}/{merchant}[/{token}[/{purpose}]]`."""

    connector: str
    merchant: str
    token: str = field(default="", repr=False)
    purpose: str = ""


class Router:
    """Reads paths. A connector answers to its name, and to the alias on its label."""

    def __init__(self, connectors: Mapping[str, Label]) -> None:
        self._names = {name: name for name in connectors}
        self._purposes = {name: (*PURPOSES, *label.purposes) for name, label in connectors.items()}
        for name, label in connectors.items():
            if label.ingress_alias:
                self._names.setdefault(label.ingress_alias, name)

    def route(self, path: str, query: bytes) -> Route:
        """
        Raises:
            UnknownConnector: No connector answers to the path's first part.
            NotFound: The path is no webhook URL.
            RequestRejected: `?purpose=` is none that we know.
        """
        parts = path[len(PREFIX) :].split("/")
        connector = self._names.get(parts[0])
        if connector is None:
            raise UnknownConnector("no connector answers to this path", fix="see `orchestrator connectors`")
        if not 2 <= len(parts) <= 4 or not all(parts):
            raise NotFound(
                "not a webhook URL", reason="PATH_UNKNOWN", fix="the form is /webhooks/{connector}/{merchant}[/{token}]"
            )
        purpose = parts[3] if len(parts) == 4 else ""
        purposes = self._purposes[connector]
        if purpose and purpose not in purposes:
            raise NotFound(
                "not a webhook URL", reason="PATH_UNKNOWN", fix=f"after the token comes one of {', '.join(purposes)}"
            )
        if query:
            purpose = _asked_purpose(query, purposes) or purpose
        return Route(connector, parts[1], parts[2] if len(parts) > 2 else "", purpose)


@dataclass(slots=True)
class Head:
    """A request's headers, read once."""

    passed_on: dict[str, str] = field(default_factory=dict, repr=False)
    """What the connector gets: values by name in lower case."""
    content_length: str = ""
    content_encoding: str = ""
    forwarded_for: str = ""
    expects_continue: bool = False
    """Whether the sender waits for our consent before it sends the body."""
    repeated: list[str] = field(default_factory=list)
    """Names that came more than once with different values."""


def read_head(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """Sorts the headers of an ASGI scope.

    A header that comes twice with different values is ambiguous: what is in front of us may have looked at one, and the
    connector at the other. Failure policy: closed. It is passed on as if it had not come at all, so that a signature
    given twice is a signature missing. Lists that proxies add to are joined.
    """
    head = Head()
    passed = head.passed_on
    for raw_name, raw_value in headers:
        name = raw_name.decode("latin-1")
        if name in _NOT_FOR_CONNECTORS:
            head.expects_continue |= name == "expect"
            continue
        value = raw_value.decode("latin-1")
        if name == "content-length":
            head.content_length = value
        elif name == "content-encoding":
            head.content_encoding = f"{head.content_encoding},{value}" if head.content_encoding else value
        elif name not in passed:
            passed[name] = value
        elif name in _LISTS:
            passed[name] = f"{passed[name]}, {value}"
        elif passed[name] != value:
            head.repeated.append(name)
    for name in head.repeated:
        passed.pop(name, None)
    head.forwarded_for = passed.pop("x-forwarded-for", "")
    return head


def _asked_purpose(query: bytes, purposes: tuple[str, ...]) -> str:
    asked = [value for name, value in parse_qsl(query.decode("latin-1")) if name == "purpose"]
    if asked and (len(asked) > 1 or asked[0] not in purposes):
        raise RequestRejected(
            "the URL's purpose is none that we know",
            fix=f"one of {', '.join(purposes)}; or leave it out",
            metadata={"field": "purpose"},
        )
    return asked[0] if asked else ""
