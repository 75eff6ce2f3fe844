"""What a request's headers say: who calls, from where, which format they take, which answer they have already."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.access.principal import Principal
from orchestrator.http_api.addresses import TrustedProxies
from orchestrator.http_api.requests import Head, read_head
from orchestrator.http_api.rest.problems import ContentTypeRefused, NotAcceptable
from orchestratorx_prism.errors import PermissionRefused, RequestRejected, Unauthenticated

_BEARER: Final = "bearer "
_WINDOW_S: Final = 60
_AMBIGUOUS: Final = frozenset({"idempotency-key", "content-type", "if-none-match"})
MOST_KEY: Final = 255
"""Characters of an idempotency key."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's headers, as far as they matter."""

    head: Head
    address: str
    """Whence; "" if that is not known."""
    accepted: tuple[str, ...]
    """The values of Accept; none: anything."""
    values: Mapping[str, str] = field(repr=False)
    wants_body: bool = True
    """False: HEAD."""

    @property
    def key(self) -> str | None:
        """The API key; None: none was sent.

        Raises:
            Unauthenticated: Two that differ were sent. Failure policy: closed.
        """
        if {"x-api-key", "authorization"} & set(self.head.repeated):
            raise _two_keys()
        sent = self.values.get("x-api-key")
        authorization = self.values.get("authorization", "")
        bearer = authorization[len(_BEARER) :].strip() if authorization[: len(_BEARER)].lower() == _BEARER else None
        if sent is not None and bearer is not None and sent != bearer:
            raise _two_keys()
        return sent if sent is not None else bearer

    @property
    def idempotency_key(self) -> str:
        """The header's value; "" if there is none.

        Raises:
            RequestRejected: It is empty, longer than is kept, or no visible ASCII.
        """
        key = self.values.get("idempotency-key")
        if key is None:
            return ""
        if not 1 <= len(key) <= MOST_KEY or not key.isascii() or not key.isprintable():
            raise RequestRejected(
                f"Idempotency-Key: takes 1 to {MOST_KEY} visible ASCII characters",
                fix="a UUID is best",
                metadata={"field": "Idempotency-Key"},
            )
        return key

    def check_origin(self) -> None:
        """Raises PermissionRefused for what a page of another site has a browser send: a server on loopback that asks
        for no key must not obey whatever page is open. Source: W3C, "Fetch Metadata Request Headers"."""
        if self.values.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            raise PermissionRefused(
                "a browser sent this for a page of another site", reason="CROSS_SITE", fix="call from your server"
            )

    def check_ambiguity(self) -> None:
        """Raises RequestRejected if a header that decides something came twice with different values."""
        twice = sorted(_AMBIGUOUS & set(self.head.repeated))
        if twice:
            raise RequestRejected(
                f"{twice[0]}: came more than once with different values",
                reason="HEADER_REPEATED",
                fix="send each header once; look at the proxies on the way",
                metadata={"field": twice[0]},
            )


def read_caller(scope: Mapping[str, Any], proxies: TrustedProxies) -> Caller:
    """Reads the headers of an ASGI scope."""
    headers: list[tuple[bytes, bytes]] = list(scope["headers"])
    head = read_head(headers)
    accepted = tuple(value.decode("latin-1") for name, value in headers if name == b"accept")
    client = scope.get("client")
    address = proxies.sender(client[0], head.forwarded_for) if client else ""
    return Caller(head, address, accepted, head.passed_on, scope["method"] != "HEAD")


def accepts(accepted: Iterable[str], media_type: str) -> float:
    """How much a caller likes a type: its quality, 0 for not at all. RFC 9110, 12.5.1."""
    ranges = [part for value in accepted for part in value.split(",") if part.strip()]
    if not ranges:
        return 1.0
    family = media_type.partition("/")[0]
    found: dict[str, float] = {}
    for each in ranges:
        name, *parameters = (part.strip().lower() for part in each.split(";"))
        found[name] = _quality(parameters)
    for name in (media_type, f"{family}/*", "*/*"):
        if name in found:
            return found[name]
    return 0.0


def check_acceptable(caller: Caller, media_type: str) -> None:
    """Raises NotAcceptable if the caller does not take the type."""
    if not accepts(caller.accepted, media_type):
        raise NotAcceptable(f"the answer is {media_type}, which Accept does not name", fix=f"accept {media_type}")


def check_content_type(caller: Caller) -> None:
    """Raises ContentTypeRefused if a body is not said to be JSON in UTF-8."""
    name, *parameters = (part.strip().lower() for part in caller.values.get("content-type", "").split(";"))
    charset = next((part.partition("=")[2].strip('"') for part in parameters if part.startswith("charset=")), "utf-8")
    if name != "application/json" or charset not in {"utf-8", "utf8"}:
        raise ContentTypeRefused("a body is read as JSON in UTF-8 only", fix="send Content-Type: application/json")


def entity_tag(body: bytes) -> str:
    """The ETag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def has_already(caller: Caller, tag: str) -> bool:
    """Whether If-None-Match names the tag; weak comparison, RFC 9110, 13.1.2."""
    named = caller.values.get("if-none-match", "")
    return named.strip() == "*" or tag in {each.strip().removeprefix("W/") for each in named.split(",")}


def limit_headers(principal: Principal) -> dict[str, str]:
    """What the caller may still do. Source: IETF draft-ietf-httpapi-ratelimit-headers, and the older X- names."""
    limit = principal.limit
    if limit is None:
        return {}
    resets = str(math.ceil(limit.resets_in_s))
    return {
        "RateLimit-Policy": f'"calls";q={limit.per_minute};w={_WINDOW_S}',
        "RateLimit": f'"calls";r={limit.remaining};t={resets}',
        "X-RateLimit-Limit": str(limit.per_minute),
        "X-RateLimit-Remaining": str(limit.remaining),
        "X-RateLimit-Reset": resets,
    }


def _quality(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0


def _two_keys() -> Unauthenticated:
    return Unauthenticated(
        "the request carries two API keys that differ", fix="send one, as X-API-Key or Authorization: Bearer"
    )
