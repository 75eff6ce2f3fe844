"""Makes every request its caller's own merchant's, by what the protos say: a field `merchant_id`, wherever it stands.

A new rpc is confined by itself, as long as its requests name merchants so; one whose requests name none is refused to
merchants' keys until somebody has thought about it (`MERCHANTLESS`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from orchestrator.access.guard import ANY_METHOD
from orchestrator.access.principal import EVERYBODY, Principal
from orchestrator.access.scopes import INSTALLATION_ONLY
from orchestratorx_prism.errors import NotFound, PermissionRefused

MERCHANTLESS: Final = frozenset({ANY_METHOD, "EventService.ParseEvent", "MerchantService.List"})
"""Methods whose requests name no merchant, and that are for merchants' keys all the same: they tell of nobody, or ask
`principal.authority()` of whom they may tell."""

_FIELD: Final = "merchant_id"


@dataclass(frozen=True, slots=True)
class _Missing:
    """What a service says of a thing that is not there."""

    message: str
    fix: str = "check the id and the merchant"
    reason: str = "NOT_FOUND"
    field: str = ""

    def error(self) -> NotFound:
        metadata = {"field": self.field} if self.field else None
        return NotFound(self.message, reason=self.reason, fix=self.fix, metadata=metadata)


_THINGS: Final[Mapping[str, _Missing]] = {
    "ApiKeyService": _Missing("no such key"),
    "CredentialService": _Missing(
        "no such credentials", "check merchant, connector and environment: List shows what is kept"
    ),
    "DeliveryService": _Missing("there is no such delivery", "", "DELIVERY_NOT_FOUND", "delivery_id"),
    "DisputeService": _Missing("no such dispute"),
    "EventService": _Missing("no such event"),
    "PaymentService": _Missing("no such payment"),
    "PaymentService.Get": _Missing("no such payment", "check the id or reference, the connector and the merchant"),
    "PayoutService": _Missing("no such payout"),
    "RefundService": _Missing("no such refund"),
    "WebhookEndpointService": _Missing("there is no such endpoint", "", "ENDPOINT_NOT_FOUND", "endpoint_id"),
}
"""Service, or one rpc of it → the service's own words. A test compares them."""
_NO_MERCHANT: Final = _Missing("no such merchant", "check the id, and that the key is this merchant's")
_OF_NO_THING: Final = frozenset(
    "Authorize BatchHandleEvents Create HandleEvent HandleEvents List ListEvents Put ReplayEvents ReplayMany "
    "SubscribeEvents".split()
)
"""rpcs that are about a merchant, and not about one thing of its: what is not there is the merchant."""

_Place = tuple[tuple[str, bool], ...]
"""The fields that lead to a message with a merchant's id: (name, whether it is repeated)."""


class Confiner:
    """Keeps, for each type of request, where in it merchants are named."""

    def __init__(self) -> None:
        self._places: dict[Any, Sequence[_Place]] = {}

    def confine(self, principal: Principal, method: str, request: Message) -> None:
        """See `Guard.confine`. Asks nobody: how long it takes says nothing of who exists."""
        own = principal.merchant_id
        if own == EVERYBODY:
            return
        if method in INSTALLATION_ONLY:
            raise _not_a_merchants()
        kind = request.DESCRIPTOR
        places = self._places.get(kind)
        if places is None:
            places = self._places[kind] = list(_places_in(kind, ()))
        if not places and method not in MERCHANTLESS:
            raise _not_a_merchants()
        holders = [holder for place in places for holder in _holders(request, place)]
        for holder in holders:
            if holder.merchant_id == EVERYBODY:
                raise _not_a_merchants()
            if holder.merchant_id not in {"", own}:
                raise _missing(method)
        for holder in holders:
            holder.merchant_id = own


def _places_in(kind: Any, above: tuple[Any, ...]) -> Iterator[_Place]:
    if kind in above or kind.file.package.startswith("google."):
        return
    for field in kind.fields:
        if field.name == _FIELD:
            yield ()
        elif field.message_type is not None:
            for place in _places_in(field.message_type, (*above, kind)):
                yield ((field.name, field.is_repeated), *place)


def _holders(message: Any, place: _Place) -> Iterator[Any]:
    if not place:
        yield message
        return
    (name, repeated), *rest = place
    value = getattr(message, name)
    for each in value if repeated else (value,):
        yield from _holders(each, tuple(rest))


def _not_a_merchants() -> PermissionRefused:
    return PermissionRefused(
        "this is the whole installation's business, and the key is one merchant's",
        reason="INSTALLATION_ONLY",
        fix='use a key of merchant "*"',
    )


def _missing(method: str) -> NotFound:
    service, _, rpc = method.partition(".")
    if rpc in _OF_NO_THING:
        return _NO_MERCHANT.error()
    return (_THINGS.get(method) or _THINGS.get(service) or _NO_MERCHANT).error()
