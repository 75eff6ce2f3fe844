"""Page tokens: opaque to callers, and good only for the list and the filter they were given for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from typing import Final

from google.protobuf.message import Message

from orchestratorx_prism.errors import RequestRejected

_LAYOUT: Final = struct.Struct(">8sqq")


def fingerprint(what: str, request: Message) -> bytes:
    """Eight bytes that tell lists and filters apart; page size and token themselves do not count."""
    bare = type(request)()
    bare.CopyFrom(request)
    for paging in ("page_size", "page_token"):
        if paging in bare.DESCRIPTOR.fields_by_name:
            bare.ClearField(paging)
    return hashlib.sha256(what.encode() + bare.SerializeToString(deterministic=True)).digest()[:8]


def token_after(mark: bytes, position: tuple[int, int]) -> str:
    """The token of the page that begins after `position`."""
    return base64.urlsafe_b64encode(_LAYOUT.pack(mark, *position)).decode()


def position_of(token: str, mark: bytes) -> tuple[int, int] | None:
    """Where the page begins; None for the first.

    Raises:
        RequestRejected: The token is not of this list and filter.
    """
    if not token:
        return None
    try:
        found, first, second = _LAYOUT.unpack(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, struct.error):
        raise _foreign() from None
    if found != mark:
        raise _foreign()
    return first, second


def _foreign() -> RequestRejected:
    return RequestRejected(
        "page_token: not a token of this list and filter",
        reason="PAGE_TOKEN_INVALID",
        fix="pass next_page_token as it came, with the same filter; or leave it empty for the first page",
        metadata={"field": "page_token"},
    )


def foreign_cursor() -> RequestRejected:
    """The refusal of a cursor that no stream of this ledger gave. One that was only waited with would skip events."""
    return RequestRejected(
        "cursor: not one of this ledger's",
        reason="CURSOR_INVALID",
        fix='pass a cursor as the stream gave it; "0" begins with the first event, an empty one now',
        metadata={"field": "cursor"},
    )
