"""From a provider's webhook to a merchant's endpoint, through a server process, its gRPC and its commands."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from receivers import Received, Receiver, Reply

from orchestratorx_prism import DeliveryClient, RequestRejected, WebhookEndpointClient, webhooks
from orchestratorx_prism.testing import signed_webhook

VAULT = json.dumps({"k": base64.b64encode(b"k" * 32).decode()})
SETTINGS = {
    "ORCHESTRATOR_VAULT_KEYS": VAULT,
    "ORCHESTRATOR_ALLOW_HTTP_ENDPOINTS": "true",
    "ORCHESTRATOR_ENDPOINT_ALLOWED_NETWORKS": '["127.0.0.0/8"]',
}
SECRET = "whsec_serve_test"


def stripe_webhook(seed: int) -> Any:
    return signed_webhook("stripe", "payment_intent.succeeded", secret=SECRET, now_s=int(time.time()), seed=seed)


async def command(folder: Path, *arguments: str, status: int = 0) -> list[dict[str, Any]]:
    """What a command prints with --json, beside the running server."""
    program = Path(sys.executable).parent / "orchestrator"
    database = {"ORCHESTRATOR_DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}"}
    run = await asyncio.to_thread(
        subprocess.run,
        [program, *arguments, "--json"],
        env={**os.environ, **SETTINGS, **database},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert run.returncode == status, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


async def test_a_payment_reaches_the_merchant_signed_and_can_be_sent_again(serve: Any, tmp_path: Path) -> None:
    process = await asyncio.to_thread(lambda: serve(**SETTINGS))
    async with Receiver() as receiver, WebhookEndpointClient(target=process.grpc) as endpoints:
        made = await endpoints.create(url=receiver.url + "/hooks", event_types=["payment.*"], payments_headers=True)
        await asyncio.to_thread(process.post, stripe_webhook(1))
        await receiver.until(lambda: len(receiver.received) == 1)
        [first] = receiver.received
        message = webhooks.verify(first.body, first.headers, made.secret)
        assert message.type == message.event.type == "payment.captured"
        assert first.headers["x-event-type"] == "payment.captured"

        async with DeliveryClient(target=process.grpc) as deliveries:
            page = await deliveries.list(filter={"event_id": message.event.id})
            assert [one.delivery_id for one in page.deliveries] == [message.id]
            await deliveries.replay(delivery_id=message.id)
        await receiver.until(lambda: len(receiver.received) == 2)
        assert receiver.received[1].id == first.id
        assert receiver.received[1].body == first.body

        [listed] = await command(tmp_path, "endpoints", "list")
        assert listed["endpoint_id"] == made.endpoint.endpoint_id
        assert made.secret not in json.dumps(listed)
        [again] = await command(tmp_path, "deliveries", "replay", message.id)
        assert again["state"] in {"PENDING", "DELIVERED"}, "the server may have been quick"
        await receiver.until(lambda: len(receiver.received) == 3)
        [shown] = await command(tmp_path, "deliveries", "show", message.id)
        assert len(shown["attempts"]) >= 2
        [pinged] = await command(tmp_path, "endpoints", "ping", made.endpoint.endpoint_id)
        assert pinged["succeeded"] is True
        ping = receiver.received[-1]
        assert webhooks.verify(ping.body, ping.headers, made.secret).type == "webhook.ping"
        [rotated] = await command(tmp_path, "endpoints", "rotate", made.endpoint.endpoint_id)
        await asyncio.to_thread(process.post, stripe_webhook(2))
        await receiver.until(lambda: len(receiver.received) == 5)
        last = receiver.received[-1]
        for secret in (made.secret, rotated["secret"]):
            assert webhooks.verify(last.body, last.headers, secret).type == "payment.captured"

    metrics = (await asyncio.to_thread(httpx.get, process.url + "/metrics")).text
    assert 'orchestrator_delivery_attempt_seconds_count{outcome="delivered"}' in metrics
    assert "orchestrator_deliveries_oldest_age_seconds" in metrics
    assert await asyncio.to_thread(process.stop) == 0
    log = (tmp_path / "log").read_text()
    assert made.secret not in log
    assert made.secret.removeprefix("whsec_").encode() not in (tmp_path / "ledger.db").read_bytes()


async def test_the_server_says_why_a_url_is_refused_and_keeps_nothing_of_it(serve: Any) -> None:
    process = await asyncio.to_thread(lambda: serve(ORCHESTRATOR_VAULT_KEYS=VAULT))
    async with WebhookEndpointClient(target=process.grpc) as endpoints:
        for url in ("http://example.com/", "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data"):
            with pytest.raises(RequestRejected) as refused:
                await endpoints.create(url=url)
            assert refused.value.reason in {"URL_SCHEME_REFUSED", "ADDRESS_REFUSED"}
        assert not (await endpoints.list()).endpoints


async def test_an_endpoint_that_is_down_is_sent_to_again_when_it_is_back(serve: Any) -> None:
    process = await asyncio.to_thread(lambda: serve(**SETTINGS))
    down = True

    def answer(_received: Received) -> Reply:
        return Reply(503 if down else 200)

    async with Receiver(answer) as receiver, WebhookEndpointClient(target=process.grpc) as endpoints:
        await endpoints.create(url=receiver.url + "/")
        await asyncio.to_thread(process.post, stripe_webhook(1))
        await receiver.until(lambda: bool(receiver.received))
        down = False
        count = len(receiver.received)
        await receiver.until(lambda: len(receiver.received) > count, 30.0)
        assert receiver.received[0].id in {one.id for one in receiver.received[count:]}
