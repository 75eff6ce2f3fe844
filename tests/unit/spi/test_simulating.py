"""What goes wrong between a client and a simulated provider goes wrong as it does between real ones."""

from __future__ import annotations

import asyncio
from typing import Any

from connectors.spi.simulating import Faults, Faulty, Message, Receive, Scope, Send

POST: Scope = {"type": "http", "method": "POST", "path": "/", "headers": []}


class Recorder:
    """Answers 200, and keeps the bodies that it got."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def test_a_late_request_is_carried_out_as_it_was_sent_though_its_client_is_gone() -> None:
    gone = asyncio.Event()
    parts: list[Message] = [
        {"type": "http.request", "body": b"amount=", "more_body": True},
        {"type": "http.request", "body": b"1099", "more_body": False},
    ]

    async def receive() -> Message:
        # As servers do it: what was not read when the client goes away is not handed out any more.
        return {"type": "http.disconnect"} if gone.is_set() or not parts else parts.pop(0)

    async def send(_message: Any) -> None: ...

    app = Recorder()
    late = asyncio.create_task(Faulty(app, Faults(delays=1.0, delay_s=0.05))(POST, receive, send))
    await asyncio.sleep(0)
    gone.set()
    await late
    assert app.bodies == [b"amount=1099"]


async def test_a_request_whose_client_goes_away_before_it_is_whole_does_nothing() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None: ...

    app = Recorder()
    await Faulty(app, Faults())(POST, receive, send)
    assert app.bodies == []
