"""No webhook goes where the guard does not want it: hostile URLs, hostile names, names that change their mind."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest
from certificates import pair
from hostile_urls import hostile_urls
from hypothesis import given
from hypothesis import strategies as st
from receivers import Receiver, Reply

from orchestrator.delivery.egress import ADDRESS_REFUSED, NAME_UNRESOLVED, Guard
from orchestrator.delivery.posting import KEPT_BYTES, Poster
from orchestrator.delivery.verdicts import Answer
from orchestratorx_prism.errors import RequestRejected

REASONS = {
    "URL_INVALID",
    "URL_SCHEME_REFUSED",
    "URL_USERINFO_REFUSED",
    "URL_PORT_REFUSED",
    "URL_HOST_INVALID",
    "ADDRESS_REFUSED",
    "NAME_UNRESOLVED",
}
LOOPBACK = ("127.0.0.0/8",)


async def loopback_lookup(_name: str, _port: int) -> Sequence[str]:
    """A resolver in the attacker's hand: every name is on this machine."""
    return ["127.0.0.1"]


async def post(guard: Guard, url: str, timeout_s: float = 2.0) -> Answer:
    poster = Poster(guard, timeout_s=timeout_s)
    try:
        return await poster.post(1, url, {"x-test": "1"}, b"{}")
    finally:
        await poster.aclose()


async def admit(guard: Guard, url: str) -> None:
    """As an endpoint is made."""
    target = guard.check_url(url)
    await guard.resolve(target.host, target.port)


@pytest.mark.parametrize("allow_http", [False, True])
async def test_no_hostile_url_is_reached_and_each_is_refused_with_a_reason(allow_http: bool) -> None:
    guard = Guard(allow_http=allow_http, lookup=loopback_lookup)
    poster = Poster(guard, timeout_s=2.0)
    async with Receiver() as receiver:
        urls = hostile_urls(receiver.port)
        assert len(set(urls)) >= 200
        for url in urls:
            with pytest.raises(RequestRejected) as refused:
                await admit(guard, url)
            assert refused.value.reason in REASONS, url
            answer = await poster.post(1, url, {}, b"{}")
            assert answer.refused, url
            assert answer.reason in REASONS, url
        assert receiver.connections == 0
    await poster.aclose()


@pytest.mark.parametrize(
    "url", ["https://example.com", "https://sub.example.co.uk:8443/a/b?c=d&e=%20", "https://1.1.1.1/x"]
)
def test_ordinary_urls_are_let_out(url: str) -> None:
    assert Guard().check_url(url).scheme == "https"


@given(st.ip_addresses(v=4))
def test_no_private_address_of_version_4_is_let_out(address: object) -> None:
    try:
        Guard().check_address(address)  # type: ignore[arg-type]
    except RequestRejected:
        return
    assert address.is_global  # type: ignore[attr-defined]
    assert not address.is_multicast  # type: ignore[attr-defined]


@given(st.ip_addresses(v=6))
def test_of_version_6_only_public_unicast_is_let_out(address: object) -> None:
    try:
        Guard().check_address(address)  # type: ignore[arg-type]
    except RequestRejected:
        return
    assert int(address) >> 125 == 1  # type: ignore[call-overload]


async def test_a_name_with_one_private_address_among_public_ones_is_refused() -> None:
    async def mixed(_name: str, _port: int) -> Sequence[str]:
        return ["1.1.1.1", "8.8.8.8", "10.0.0.1"]

    with pytest.raises(RequestRejected, match=ADDRESS_REFUSED):
        await Guard(lookup=mixed).resolve("example.com", 443)


@pytest.mark.parametrize("answer", [[], ["rubbish"], ["fe80::1%eth0"], OSError(), UnicodeError(), TimeoutError()])
async def test_whatever_a_resolver_says_it_fails_closed(answer: object) -> None:
    async def lookup(_name: str, _port: int) -> Sequence[str]:
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]

    with pytest.raises(RequestRejected) as refused:
        await Guard(lookup=lookup).resolve("example.com", 443)
    assert refused.value.reason in {ADDRESS_REFUSED, NAME_UNRESOLVED}


async def test_a_name_that_changes_its_mind_is_asked_once_a_connection_and_never_reached() -> None:
    """DNS rebinding: public when it is checked, private when it is connected to."""
    asked: list[str] = []

    async def rebinding(name: str, _port: int) -> Sequence[str]:
        asked.append(name)
        return ["1.1.1.1"] if len(asked) % 2 else ["127.0.0.1"]

    async with Receiver() as receiver:
        guard = Guard(allow_http=True, lookup=rebinding)
        url = f"http://rebind.example.com:{receiver.port}/"
        target = guard.check_url(url)
        assert await guard.resolve(target.host, target.port) == ["1.1.1.1"], "let in when it was made"
        answer = await post(guard, url)
        assert (answer.reason, answer.refused) == (ADDRESS_REFUSED, True)
        assert len(asked) == 2, "asked once for the attempt, and connected to what was checked"
        assert receiver.connections == 0


async def test_the_connection_is_made_to_the_address_that_was_checked_with_the_name_in_its_headers() -> None:
    asked = 0

    async def lookup(_name: str, _port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return ["127.0.0.1"]

    async with Receiver() as receiver:
        guard = Guard(allow_http=True, allowed=LOOPBACK, lookup=lookup)
        answer = await post(guard, f"http://hooks.example.com:{receiver.port}/a?b=c")
        assert answer.status == 200
        assert receiver.received[0].headers["host"] == f"hooks.example.com:{receiver.port}"
        assert receiver.received[0].path == "/a?b=c"
        assert asked == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    async with Receiver() as inner, Receiver() as receiver:
        receiver.behaviour = lambda _: Reply(status, {"Location": f"{inner.url}/secret"})
        answer = await post(Guard(allow_http=True, allowed=LOOPBACK), receiver.url + "/")
        assert answer.status == status
        assert inner.connections == 0


async def test_a_body_that_never_ends_is_cut_off_and_only_its_beginning_kept() -> None:
    async with Receiver(lambda _: Reply(body=b"x" * 1_000_000)) as receiver:
        answer = await post(Guard(allow_http=True, allowed=LOOPBACK), receiver.url + "/")
    assert answer.status == 200
    assert answer.body == b"x" * KEPT_BYTES


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply(body=b"x" * 50, drip_s=0.05)])
async def test_the_time_covers_the_whole_answer(reply: Reply) -> None:
    async with Receiver(lambda _: reply) as receiver:
        began = asyncio.get_running_loop().time()
        answer = await post(Guard(allow_http=True, allowed=LOOPBACK), receiver.url + "/", timeout_s=0.3)
        assert answer.reason == "TIMEOUT"
        assert asyncio.get_running_loop().time() - began < 2.0


async def test_connections_are_kept_for_the_next_message_to_the_same_endpoint() -> None:
    poster = Poster(Guard(allow_http=True, allowed=LOOPBACK), timeout_s=2.0)
    async with Receiver() as receiver:
        for _ in range(5):
            assert (await poster.post(1, receiver.url + "/", {}, b"{}")).status == 200
        assert receiver.connections == 1
        await poster.post(2, receiver.url + "/", {}, b"{}")
        assert receiver.connections == 2, "another endpoint's are its own"
        await poster.aclose()


async def test_nobody_there_and_no_http_are_failures_with_a_name() -> None:
    guard = Guard(allow_http=True, allowed=LOOPBACK)
    async with Receiver() as receiver:
        port = receiver.port
    assert (await post(guard, f"http://127.0.0.1:{port}/")).reason == "CONNECT_FAILED"

    async def rubbish(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-rubbish\r\n")
        writer.close()

    async with await asyncio.start_server(rubbish, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await post(guard, f"http://127.0.0.1:{port}/")).reason == "ANSWER_BROKEN"
        assert (await post(guard, f"https://127.0.0.1:{port}/")).reason == "TLS_FAILED"


async def test_a_proxy_is_told_the_address_that_was_checked() -> None:
    asked: list[str] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head)
        port = int(head.split(" ")[1].rpartition(":")[2])
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        inner_writer.write(await reader.read(65_536))
        writer.write(await inner_reader.read(65_536))
        inner_writer.close()
        writer.close()

    async def lookup(name: str, _port: int) -> Sequence[str]:
        return ["127.0.0.9"] if name == "hooks.example.com" else ["10.0.0.1"]

    async with Receiver() as receiver, await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        url = f"http://user:word@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        poster = Poster(Guard(allow_http=True, allowed=LOOPBACK, lookup=lookup), timeout_s=2.0, proxy_url=url)
        answer = await poster.post(1, f"http://hooks.example.com:{receiver.port}/", {}, b"{}")
        assert answer.status == 200
        assert asked[0].startswith(f"CONNECT 127.0.0.9:{receiver.port} HTTP/1.1\r\n")
        assert "Proxy-Authorization: Basic dXNlcjp3b3Jk" in asked[0]
        refused = await poster.post(1, f"http://evil.example.com:{receiver.port}/", {}, b"{}")
        assert refused.reason == ADDRESS_REFUSED
        assert len(asked) == 1
        await poster.aclose()


def test_tls_is_checked_by_default() -> None:
    poster = Poster(Guard(), timeout_s=1.0)
    assert poster._tls.verify_mode is ssl.CERT_REQUIRED
    assert poster._tls.check_hostname


@pytest.mark.parametrize(("host", "outcome"), [("127.0.0.1", ""), ("localhost", "TLS_FAILED")])
async def test_the_certificate_must_be_of_the_urls_host(tmp_path: Path, host: str, outcome: str) -> None:
    made = pair(tmp_path, "server")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    guard = Guard(allowed=LOOPBACK, lookup=loopback_lookup)
    async with Receiver(ssl_context=context) as receiver:
        poster = Poster(guard, timeout_s=5.0, ca_file=str(made.certificate))
        answers = [await poster.post(1, f"https://{host}:{receiver.port}/", {}, b"{}") for _ in range(3)]
        assert {answer.reason for answer in answers} == {outcome}
        assert (receiver.connections, len(receiver.received)) == ((0, 0) if outcome else (1, 3))
        untrusting = Poster(guard, timeout_s=5.0)
        assert (await untrusting.post(1, f"https://127.0.0.1:{receiver.port}/", {}, b"{}")).reason == "TLS_FAILED"
        await poster.aclose()
        await untrusting.aclose()


async def test_tls_goes_through_a_proxy_to_the_name_that_was_asked_for(tmp_path: Path) -> None:
    made = pair(tmp_path, "server")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while part := await reader.read(65_536):
            writer.write(part)
        writer.close()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        inner = await asyncio.open_connection("127.0.0.1", int(head.split(" ")[1].rpartition(":")[2]))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, inner[1]), pump(inner[0], writer), return_exceptions=True)

    async with Receiver(ssl_context=context) as receiver, await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        poster = Poster(
            Guard(allowed=LOOPBACK),
            timeout_s=5.0,
            proxy_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            ca_file=str(made.certificate),
        )
        for _ in range(2):
            assert (await poster.post(1, f"https://127.0.0.1:{receiver.port}/", {}, b"{}")).status == 200
        assert receiver.connections == 1
        await poster.aclose()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 No\r\n\r\n", b"rubbish\r\n\r\n", b""])
async def test_a_proxy_that_does_not_connect_us_is_a_failure_with_a_name(answer: bytes) -> None:
    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        poster = Poster(Guard(allow_http=True, allowed=LOOPBACK), timeout_s=2.0, proxy_url=url)
        assert (await poster.post(1, "http://127.0.0.1:8080/", {}, b"{}")).reason == "PROXY_FAILED"
        await poster.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 200_000,
        b"HTTP/1.1 200 OK\r\nA\x00B: c\r\n\r\n",
        b"\r\n\r\n",
        b"",
    ],
)
async def test_an_answer_that_is_broken_is_a_failure_and_no_delivery(answer: bytes) -> None:
    async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(endpoint, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await post(Guard(allow_http=True, allowed=LOOPBACK), f"http://127.0.0.1:{port}/")
        assert (found.status, found.reason) == (0, "ANSWER_BROKEN")


async def test_answers_that_end_with_the_connection_or_come_in_pieces_are_answers() -> None:
    answers = iter(
        [
            b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
            b"HTTP/1.1 103 Early Hints\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\n\r\n",
        ]
    )

    async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in next(answers):
            writer.write(bytes((byte,)))
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(endpoint, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        guard = Guard(allow_http=True, allowed=LOOPBACK)
        found = [await post(guard, f"http://127.0.0.1:{port}/") for _ in range(3)]
    assert [(one.status, one.body) for one in found] == [(200, b"until the end"), (200, b"abc"), (204, b"")]
