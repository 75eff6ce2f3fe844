"""What one route is: a row of the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.message_schemas import Json

_PLACE: Final = re.compile(r"\{(\w+)\}")

Adapt = Callable[[dict[str, Any]], dict[str, Any]]
"""A body as it was sent → the body with our field names. Raises RequestRejected."""


@dataclass(frozen=True, slots=True)
class Row:
    """A method and a path, and the rpc behind them.

    A field of the rpc's request stands in the path if the path names it; else, of GET and DELETE, in the query; else in
    the body. `request_id` may also come as the header `Idempotency-Key`.
    """

    method: str
    path: str
    rpc: str
    """ "PaymentService.Authorize"."""
    summary: str
    """A few words, as a list of operations shows them."""
    tag: str
    status: int = 200
    """Of success. 204: the answer's message has no fields, and no body is sent."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Field (path from the request: "filter.types") → its name here, where that is another."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Field → the value it has on this route; callers cannot give it."""
    only: tuple[str, ...] = ()
    """Fields that callers may give; empty: all."""
    needs: tuple[str, ...] = ()
    """Fields of query and body without which the call cannot succeed."""
    location: str = ""
    """The Location of what was made, with places for fields of the answer: "/v1/payments/{payment.id}"."""
    adapt: Adapt | None = None
    """What else the body may say, and how that is said in our fields."""
    adapted: Json = field(default_factory=dict)
    """The properties that `adapt` takes: name → schema."""
    serve: str = ""
    """The route does more than one call: which one it is, in `special.py`."""
    also: tuple[str, ...] = ()
    """Further rpcs that it calls."""
    example: Json | None = None
    """A body that is accepted."""
    notes: str = ""
    """For the document, after what the proto says of the rpc."""
    media: str = "application/json"
    """Of the answer; empty: the route chooses by what the caller accepts."""

    @property
    def service(self) -> str:
        """Name of the rpc's service."""
        return self.rpc.partition(".")[0]

    @property
    def places(self) -> tuple[str, ...]:
        """Names in the path."""
        return tuple(_PLACE.findall(self.path))

    @property
    def in_query(self) -> bool:
        """Whether fields stand in the query, and there is no body."""
        return self.method in {"GET", "DELETE"}

    @property
    def operation_id(self) -> str:
        """Unique in the document: "post_v1_payments_payment_id_capture"."""
        words = re.sub(r"[^a-z0-9]+", "_", self.path.lower()).strip("_")
        return f"{self.method.lower()}_{words}"

    @property
    def is_one_thing(self) -> bool:
        """Whether it reads a single thing, which may be the same as when it was read before."""
        return self.method == "GET" and self.path.endswith("}")
