"""Bodies of requests: how large, how slow, how packed they may be."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from orchestratorx_prism.errors import PayloadRejected, PayloadTooLarge

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

PACKINGS = frozenset({"gzip", "x-gzip", "deflate"})


class ClientGone(Exception):
    """The connection ended before the body did; there is nobody to answer."""


class BodyTooSlow(PayloadRejected):
    """The body did not arrive in time."""

    default_reason = "BODY_TOO_SLOW"
    http_status = 408
    retryable = True


class PackingUnknown(PayloadRejected):
    """The body is packed in a way we do not unpack."""

    default_reason = "CONTENT_ENCODING_UNKNOWN"
    http_status = 415


async def read_body(receive: Receive, limit: int, content_length: str, packing: str) -> bytes:
    """The body, whole and unpacked. How long it may take is the protocol's business.

    Args:
        limit: Largest body, as received and as unpacked. Bytes.
        content_length: The header's value; "" if there is none.
        packing: The value of Content-Encoding; "" if there is none.

    Raises:
        PayloadTooLarge: Larger than the limit, as announced, as received or as unpacked.
        PackingUnknown: Packed otherwise than by gzip or deflate.
        PayloadRejected: Packed, and it does not unpack.
        ClientGone: The connection ended first.
    """
    packing = packing.strip().lower()
    if packing not in PACKINGS and packing not in {"", "identity"}:
        raise PackingUnknown("the body's Content-Encoding is not supported", fix="send it plain, or packed by gzip")
    if content_length.isdecimal() and int(content_length) > limit:
        raise _too_large(limit)  # unread: a sender that asks first (Expect: 100-continue) keeps it
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body = message["body"]
    if message["more_body"]:
        body = await _rest(receive, limit, bytearray(body))
    if len(body) > limit:
        raise _too_large(limit)
    return unpack(body, packing, limit) if packing in PACKINGS else body


async def _rest(receive: Receive, limit: int, body: bytearray) -> bytes:
    while len(body) <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message["body"]
        if not message["more_body"]:
            break
    return bytes(body)


def unpack(body: bytes, packing: str, limit: int) -> bytes:
    """A gzip or deflate body unpacked, never to more than `limit` bytes of memory.

    Raises:
        PayloadTooLarge: It would be larger.
        PayloadRejected: It is not what `packing` says.
    """
    # 16 + MAX_WBITS: gzip with its header. Deflate means zlib (RFC 9110); some send it without zlib's header.
    windows = [zlib.MAX_WBITS, -zlib.MAX_WBITS] if packing == "deflate" else [16 + zlib.MAX_WBITS]
    for window in windows:
        unpacker = zlib.decompressobj(window)
        try:
            plain = unpacker.decompress(body, limit + 1)
        except zlib.error:
            continue
        if len(plain) > limit:
            raise _too_large(limit)
        if unpacker.eof and not unpacker.unused_data:
            return plain
    raise PayloadRejected(
        "the body is not what its Content-Encoding says", reason="CONTENT_ENCODING_INVALID", fix="send it plain"
    )


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"the body is larger than {limit} bytes, as sent or as unpacked",
        fix="raise http_max_body_bytes if the provider really sends so much",
    )
