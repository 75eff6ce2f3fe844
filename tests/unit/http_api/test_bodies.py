"""Bodies: whole, in pieces, too large, packed, packed falsely."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from orchestrator.http_api.bodies import ClientGone, PackingUnknown, read_body, unpack
from orchestratorx_prism.errors import PayloadRejected, PayloadTooLarge

LIMIT = 1_000


def receiving(*pieces: bytes, gone: bool = False) -> Callable[[], Awaitable[dict[str, Any]]]:
    """An ASGI `receive` that hands out the pieces, and then the end."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": piece, "more_body": gone or number < len(pieces) - 1}
        for number, piece in enumerate(pieces)
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return receive


async def test_a_body_in_pieces_is_put_together() -> None:
    assert await read_body(receiving(b'{"a"', b":", b"1}"), LIMIT, "7", "") == b'{"a":1}'


async def test_a_body_of_exactly_the_limit_passes() -> None:
    assert len(await read_body(receiving(b"x" * LIMIT), LIMIT, str(LIMIT), "")) == LIMIT


async def test_an_announced_size_above_the_limit_is_refused_before_anything_is_read() -> None:
    async def never() -> dict[str, Any]:
        raise AssertionError("the body was asked for")

    with pytest.raises(PayloadTooLarge):
        await read_body(never, LIMIT, str(LIMIT + 1), "")


@pytest.mark.parametrize("pieces", [(b"x" * (LIMIT + 1),), (b"x" * 600, b"x" * 600), (b"x",) * (LIMIT + 1)])
async def test_a_body_that_grows_beyond_the_limit_unannounced_is_refused(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(PayloadTooLarge):
        await read_body(receiving(*pieces), LIMIT, "", "")


async def test_reading_stops_once_the_limit_is_passed() -> None:
    asked = 0

    async def endless() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 300, "more_body": True}

    with pytest.raises(PayloadTooLarge):
        await read_body(endless, LIMIT, "", "")
    assert asked == 4


@pytest.mark.parametrize("length", ["", "-1", "nine", "²"])
async def test_a_length_that_is_no_number_decides_nothing(length: str) -> None:
    assert await read_body(receiving(b"{}"), LIMIT, length, "") == b"{}"


async def test_a_sender_who_leaves_is_not_answered() -> None:
    with pytest.raises(ClientGone):
        await read_body(receiving(b"half", gone=True), LIMIT, "8", "")
    with pytest.raises(ClientGone):
        await read_body(receiving(), LIMIT, "8", "")


def raw_deflate(plain: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush()


@pytest.mark.parametrize(
    ("packing", "pack"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)],
)
async def test_packed_bodies_are_unpacked(packing: str, pack: Callable[[bytes], bytes]) -> None:
    assert await read_body(receiving(pack(b'{"a":1}')), LIMIT, "", packing.upper()) == b'{"a":1}'


@pytest.mark.parametrize("packing", ["identity", ""])
async def test_plain_bodies_stay_as_they_are(packing: str) -> None:
    assert await read_body(receiving(b"\x1f\x8b not gzip"), LIMIT, "", packing) == b"\x1f\x8b not gzip"


@pytest.mark.parametrize(("packing", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_small_body_that_unpacks_to_a_large_one_is_refused(packing: str, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(b"\x00" * 50_000_000)
    assert len(bomb) < 60_000
    with pytest.raises(PayloadTooLarge):
        unpack(bomb, packing, 1_000_000)


def test_a_body_that_unpacks_to_exactly_the_limit_passes() -> None:
    assert unpack(gzip.compress(b"x" * LIMIT), "gzip", LIMIT) == b"x" * LIMIT
    with pytest.raises(PayloadTooLarge):
        unpack(gzip.compress(b"x" * (LIMIT + 1)), "gzip", LIMIT)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":1}', id="not packed"),
        pytest.param(gzip.compress(b"{}")[:-4], id="cut short"),
        pytest.param(gzip.compress(b"{}") + b"more", id="something after it"),
        pytest.param(gzip.compress(b"{}") + gzip.compress(b"{}"), id="two in one"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_body_that_is_not_what_its_encoding_says_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadRejected) as refused:
        unpack(body, "gzip", LIMIT)
    assert refused.value.reason == "CONTENT_ENCODING_INVALID"


@pytest.mark.parametrize("packing", ["br", "zstd", "gzip, gzip", "gzip;q=1", "compress"])
async def test_an_encoding_that_is_not_supported_is_refused(packing: str) -> None:
    with pytest.raises(PackingUnknown):
        await read_body(receiving(b"{}"), LIMIT, "", packing)
