"""How people are told that an endpoint was given up."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from orchestrator.delivery.alerts import Alerts, mail_server
from orchestrator.delivery.completing import GivenUp
from orchestratorx_prism.errors import SettingsRejected

GIVEN_UP = GivenUp(0x1F, "acme", "https://example.com/hook", "it answered 410 Gone")


async def test_a_command_gets_what_happened_on_its_standard_input(tmp_path: Path) -> None:
    told = tmp_path / "told"
    code = f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())"
    await Alerts(command=(sys.executable, "-c", code))(GIVEN_UP)
    assert json.loads(told.read_text()) == {
        "event": "endpoint.failed",
        "endpoint_id": "we_000000000000001f",
        "merchant_id": "acme",
        "url": "https://example.com/hook",
        "reason": "it answered 410 Gone",
    }


@pytest.mark.parametrize("command", [("/no/such/program",), (sys.executable, "-c", "raise SystemExit(3)")])
async def test_a_command_that_fails_stops_nothing(command: tuple[str, ...]) -> None:
    await Alerts(command=command)(GIVEN_UP)


async def test_mail_says_which_endpoint_and_why() -> None:
    lines: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        body = False
        while line := (await reader.readline()).decode():
            lines.append(line.rstrip())
            if body:
                if line != ".\r\n":
                    continue
                body = False
            elif line.upper().startswith("DATA"):
                body = True
                writer.write(b"354 go on\r\n")
                continue
            writer.write(b"221 bye\r\n" if line.startswith("QUIT") else b"250 ok\r\n")
            if line.startswith("QUIT"):
                break
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await Alerts(smtp_url=f"smtp://127.0.0.1:{port}", mail_to="ops@example.com")(GIVEN_UP)
    text = "\n".join(lines)
    assert "To: ops@example.com" in text
    assert "we_000000000000001f" in text
    assert "410 Gone" in text


async def test_a_password_is_not_sent_without_tls_and_a_server_that_is_away_stops_nothing() -> None:
    said: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            said.append(line)
            writer.write(b"250 ok\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await Alerts(smtp_url=f"smtp://me:hunter2@127.0.0.1:{port}", mail_to="a@b.c")(GIVEN_UP)
    assert not any(b"AUTH" in line for line in said)
    await Alerts(smtp_url=f"smtp://127.0.0.1:{port}", mail_to="a@b.c")(GIVEN_UP)


@pytest.mark.parametrize("url", ["mail.example.com", "http://x:25", "smtp://", "smtp://x:port"])
def test_a_mail_server_that_cannot_be_read_is_refused_at_start(url: str) -> None:
    with pytest.raises(SettingsRejected):
        mail_server(url)


def test_a_mail_servers_password_is_never_shown() -> None:
    server = mail_server("smtps://me:hunter2@mail.example.com")
    assert (server.host, server.port, server.tls, server.password) == ("mail.example.com", 465, True, "hunter2")
    assert "hunter2" not in repr(server)
