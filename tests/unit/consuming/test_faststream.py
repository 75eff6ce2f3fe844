"""FastStream's subscribers read our envelopes, through its own test broker."""

from __future__ import annotations

from typing import Any

import pytest

from orchestratorx_prism.consuming.faststream import decoder, parser, stream_decoder
from orchestratorx_prism.consuming.publisher import custom_message
from orchestratorx_prism.errors import PayloadRejected


class Message:
    """What is used of a FastStream message."""

    def __init__(self, body: Any, headers: dict[Any, Any]) -> None:
        self.body, self.headers = body, headers
        self.message_id = self.correlation_id = "random"


MADE = custom_message("shop.scored", {"score": 7}, address="a", source="/shop", key="k", event_id="e-1")


@pytest.mark.parametrize("as_bytes", [False, True])
async def test_parser_and_decoder_take_headers_of_every_broker(as_bytes: bool) -> None:
    headers: dict[Any, Any] = dict(MADE.headers)
    if as_bytes:
        headers = {name.encode(): value.encode() for name, value in headers.items()}

    async def original(raw: Any) -> Message:
        return Message(raw, headers)

    message = await parser(MADE.body, original)
    assert message.message_id == message.correlation_id == "e-1"
    event = await decoder(message)
    assert (event.id, event.type, event.data["score"]) == ("e-1", "shop.scored", 7)
    assert (await stream_decoder(message)).payload == {"score": 7}


async def test_what_is_no_event_of_ours_is_refused() -> None:
    with pytest.raises(PayloadRejected):
        await decoder(Message(b"hello", {}))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_subscriber_of_faststream_gets_the_event() -> None:
    from faststream.nats import NatsBroker, TestNatsBroker

    seen: list[Any] = []
    broker = NatsBroker()

    @broker.subscriber("payments.events.>", parser=parser, decoder=decoder)
    async def on_event(event: Any) -> None:
        seen.append(event)

    async with TestNatsBroker(broker) as test_broker:
        await test_broker.publish(MADE.body, "payments.events.shop.scored", headers=dict(MADE.headers))
    assert [(event.id, event.type, event["data"]["score"]) for event in seen] == [("e-1", "shop.scored", 7)]
