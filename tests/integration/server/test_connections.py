"""HTTP by hand, byte for byte: slow senders, floods of headers, requests made to be misread."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

HEAD = b"POST /webhooks/stripe/default HTTP/1.1\r\nhost: x\r\n"
SLOW = {"http_body_timeout_s": 0.3}


class Wire:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, http: Any) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", http.port))

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def head(self) -> bytes:
        """The next response's status line and headers."""
        return await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 10)

    async def response(self) -> tuple[int, bytes]:
        """The next response: status and body."""
        head = await self.head()
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return int(head.split()[1]), await self._reader.readexactly(length)

    async def ended(self) -> bytes:
        """What else comes before the other side ends the connection."""
        try:
            return await asyncio.wait_for(self._reader.read(), 10)
        except ConnectionResetError:
            return b""

    def close(self) -> None:
        self._writer.close()


Connect = Callable[[Any], Awaitable[Wire]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens connections; they are closed after the test."""
    wires: list[Wire] = []

    async def opened(http: Any) -> Wire:
        wires.append(await Wire.to(http))
        return wires[-1]

    yield opened
    for wire in wires:
        wire.close()


def reason(body: bytes) -> str:
    found: str = json.loads(body)["reason"]
    return found


async def test_a_body_that_stops_half_way_is_408(http_server: Any, connect: Connect) -> None:
    async with http_server(SLOW) as http:
        began = time.monotonic()  # the first request's time begins with the connection
        wire = await connect(http)
        await wire.send(HEAD + b"content-length: 100\r\n\r\n{")
        status, body = await wire.response()
        assert 0.2 < time.monotonic() - began < 9
        assert (status, reason(body)) == (408, "BODY_TOO_SLOW")
        assert await wire.ended() == b""
        assert http.script.seen == []
        text = (await http.client.get("/metrics")).text
    assert 'orchestrator_refusals_total{connector="other",reason="BODY_TOO_SLOW"} 1.0' in text


async def test_a_body_that_drips_is_408_however_steadily_it_does(http_server: Any, connect: Connect) -> None:
    async with http_server(SLOW) as http:
        wire = await connect(http)
        await wire.send(HEAD + b"content-length: 1000\r\n\r\n")

        async def drip() -> None:
            for _ in range(100):
                await wire.send(b"x")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        status, body = await wire.response()
        dripping.cancel()
        assert (status, reason(body)) == (408, "BODY_TOO_SLOW")
        assert http.script.seen == []


@pytest.mark.parametrize("piece", [b"P", HEAD[:30], HEAD, HEAD + b"x-a: 1\r\n"])
async def test_a_head_that_stops_half_way_is_408(http_server: Any, connect: Connect, piece: bytes) -> None:
    async with http_server(SLOW) as http:
        wire = await connect(http)
        await wire.send(piece)
        assert (await wire.response())[0] == 408


async def test_a_connection_that_says_nothing_is_closed_without_a_word(http_server: Any, connect: Connect) -> None:
    async with http_server(SLOW) as http:
        wire = await connect(http)
        assert await wire.ended() == b""


async def test_empty_lines_between_requests_do_not_keep_a_connection_open(http_server: Any, connect: Connect) -> None:
    async with http_server(SLOW) as http:
        wire = await connect(http)
        await wire.send(b"\r\n" + HEAD + b"content-length: 2\r\n\r\n{}\r\n")
        assert (await wire.response())[0] == 200
        await wire.send(b"\r\n")
        assert await wire.ended() == b""


async def test_many_requests_at_once_are_no_large_head(http: Any, connect: Connect) -> None:
    wire = await connect(http)
    body = b"x" * 10_000
    whole = HEAD + b"content-length: 10000\r\n\r\n" + body
    await wire.send(whole * 12 + whole[:-5_000])
    await wire.send(whole[-5_000:])
    assert [(await wire.response())[0] for _ in range(13)] == [200] * 13
    assert {request.payload for request in http.script.seen} == {body}


async def test_a_second_request_has_its_own_time(http_server: Any, connect: Connect) -> None:
    async with http_server({"http_body_timeout_s": 2.0}) as http:
        wire = await connect(http)
        for _ in range(2):
            await wire.send(HEAD + b"content-length: 2\r\n\r\n{")
            await asyncio.sleep(1.1)  # more than half: both together are late, each alone is well in time
            await wire.send(b"}")
            assert (await wire.response())[0] == 200
        assert len(http.script.seen) == 2


async def test_a_service_that_takes_longer_than_a_body_may_is_let_finish(http_server: Any, connect: Connect) -> None:
    async def slow() -> None:
        await asyncio.sleep(0.6)

    async with http_server(SLOW, before=slow) as http:
        wire = await connect(http)
        await wire.send(HEAD + b"content-length: 2\r\n\r\n{}")
        assert (await wire.response())[0] == 200


async def test_a_flood_of_headers_is_431(http: Any, connect: Connect) -> None:
    wire = await connect(http)
    flood = b"".join(b"x-%d: 1\r\n" % number for number in range(101))
    await wire.send(HEAD + flood + b"content-length: 2\r\n\r\n{}")
    status, body = await wire.response()
    assert (status, reason(body)) == (431, "HEADERS_TOO_LARGE")
    assert await wire.ended() == b""
    assert http.script.seen == []


async def test_one_endless_header_is_431_long_before_it_ends(http: Any, connect: Connect) -> None:
    wire = await connect(http)
    await wire.send(HEAD + b"x-a: ")
    for _ in range(9):  # 36 KiB: a little more than is taken
        await wire.send(b"a" * 4_096)
    status, body = await wire.response()
    assert (status, reason(body)) == (431, "HEADERS_TOO_LARGE")
    assert await wire.ended() == b""


async def test_an_endless_url_is_431(http: Any, connect: Connect) -> None:
    wire = await connect(http)
    await wire.send(b"POST /webhooks/")
    for _ in range(9):  # 36 KiB: a little more than is taken
        await wire.send(b"a" * 4_096)
    assert (await wire.response())[0] == 431


async def test_a_body_sent_after_its_refusal_has_an_end(http: Any, connect: Connect) -> None:
    wire = await connect(http)
    await wire.send(HEAD + b"content-length: 999999999\r\n\r\n")
    assert (await wire.response())[0] == 413
    assert await taken(wire, 64_000_000) < 32_000_000


async def taken(wire: Wire, most: int) -> int:
    """How many bytes the other side takes before it ends the connection."""
    for sent in range(0, most, 65_536):
        try:
            await wire.send(b"x" * 65_536)
        except ConnectionError:
            return sent
        await asyncio.sleep(0)
    return most


async def test_a_sender_that_asks_first_is_told_to_go_on(http: Any, connect: Connect) -> None:
    wire = await connect(http)
    await wire.send(HEAD + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    assert (await wire.head()).startswith(b"HTTP/1.1 100 ")
    await wire.send(b"{}")
    assert (await wire.response())[0] == 200


async def test_a_sender_that_asks_first_need_not_send_what_is_too_large(http: Any, connect: Connect) -> None:
    wire = await connect(http)
    await wire.send(HEAD + b"expect: 100-continue\r\ncontent-length: 99999999\r\n\r\n")
    assert (await wire.response())[0] == 413
    assert await wire.ended() == b""


async def test_a_header_smuggled_in_behind_the_body_is_no_header(http: Any, connect: Connect) -> None:
    wire = await connect(http)
    chunked = b"transfer-encoding: chunked\r\ntrailer: x-forwarded-for\r\n\r\n2\r\n{}\r\n0\r\n"
    await wire.send(HEAD + chunked + b"x-forwarded-for: 196.201.214.200\r\nstripe-signature: t=1\r\n\r\n")
    assert (await wire.response())[0] == 200
    (request,) = http.script.seen
    assert request.payload == b"{}"
    assert request.remote_address == "127.0.0.1"
    assert "stripe-signature" not in request.headers


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"content-length: 2\r\ntransfer-encoding: chunked\r\n", id="length and chunks"),
        pytest.param(b"content-length: 2\r\ncontent-length: 3\r\n", id="two lengths"),
        pytest.param(b"content-length: +2\r\n", id="a length with a sign"),
        pytest.param(b"content-length: 99999999999999999999999\r\n", id="a length beyond 64 bits"),
        pytest.param(b"transfer-encoding: chunked, identity\r\n", id="chunks not last"),
        pytest.param(b"x y: 1\r\ncontent-length: 2\r\n", id="a name with a space"),
        pytest.param(b"x: a\x00b\r\ncontent-length: 2\r\n", id="a NUL in a value"),
    ],
)
async def test_requests_that_two_servers_could_read_differently_are_400(
    http: Any, connect: Connect, head: bytes
) -> None:
    wire = await connect(http)
    await wire.send(HEAD + head + b"\r\n{}")
    status, _ = await wire.response()
    assert status == 400
    assert http.script.seen == []


UPGRADE = b"connection: upgrade\r\nupgrade: h2c\r\n"


@pytest.mark.parametrize("framing", [b"content-length: 39\r\n", b"transfer-encoding: chunked\r\n"])
async def test_a_body_behind_a_wish_for_another_protocol_is_not_read_as_a_request(
    http: Any, connect: Connect, framing: bytes
) -> None:
    wire = await connect(http)
    await wire.send(HEAD + UPGRADE + framing + b"\r\n")
    await wire.send(HEAD + b"content-length: 2\r\n\r\n{}")
    status, body = await wire.response()
    assert (status, reason(body)) == (400, "UPGRADE_REFUSED")
    assert await wire.ended() == b""
    assert http.script.seen == []


async def test_a_wish_for_another_protocol_without_a_body_is_passed_over(http: Any, connect: Connect) -> None:
    wire = await connect(http)
    for _ in range(2):
        await wire.send(b"GET /livez HTTP/1.1\r\nhost: x\r\n" + UPGRADE + b"\r\n")
        assert (await wire.response())[0] == 200


@pytest.mark.parametrize(
    "rubbish", [b"\x16\x03\x01\x02\x00\x01", b"\x00" * 64, b"GET / HTTP/9.9\r\n\r\n", b"rubbish\r\n\r\n"]
)
async def test_what_is_not_http_is_400(http: Any, connect: Connect, rubbish: bytes) -> None:
    wire = await connect(http)
    await wire.send(rubbish)
    assert (await wire.head()).startswith(b"HTTP/1.1 400 ")


async def test_requests_sent_ahead_are_answered_in_order(http: Any, connect: Connect) -> None:
    wire = await connect(http)
    await wire.send(b"".join(HEAD + b"content-length: 1\r\n\r\n%d" % number for number in range(5)))
    assert [(await wire.response())[0] for _ in range(5)] == [200] * 5
    assert [request.payload for request in http.script.seen] == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_sender_who_leaves_early_harms_nobody(http: Any, connect: Connect) -> None:
    for _ in range(20):
        wire = await connect(http)
        await wire.send(HEAD + b"content-length: 100\r\n\r\n{")
        wire.close()
    assert (await http.post()).status_code == 200
    assert len(http.script.seen) == 1


async def test_a_sender_who_leaves_before_the_answer_has_its_webhook_recorded_all_the_same(
    http_server: Any, connect: Connect
) -> None:
    begun, recorded = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        await asyncio.sleep(0.2)
        recorded.set()

    async with http_server(before=slow) as http:
        wire = await connect(http)
        await wire.send(HEAD + b"content-length: 2\r\n\r\n{}")
        await asyncio.wait_for(begun.wait(), 5)
        wire.close()
        await asyncio.wait_for(recorded.wait(), 5)


async def test_an_empty_body_reaches_the_service_which_refuses_it(http: Any, connect: Connect) -> None:
    wire = await connect(http)
    await wire.send(HEAD + b"\r\n")
    assert (await wire.response())[0] == 200  # this test's service takes anything
    assert http.script.seen[0].payload == b""
