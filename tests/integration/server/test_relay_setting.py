"""A process that leaves publishing to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.bootstrap import build
from orchestrator.settings_loading import settings_from


@pytest.mark.parametrize(("relay", "unsent"), [(False, 1), (True, 0)])
async def test_without_the_relay_events_wait_in_the_outbox(tmp_path: Path, relay: bool, unsent: int) -> None:
    import asyncio
    import time

    from orchestratorx_prism.testing import signed_webhook
    from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest

    settings = {
        "database_url": f"sqlite:///{tmp_path / 'x.db'}",
        "relay": relay,
        "messaging": {"url": f"memory://{tmp_path.name}"},
    }
    application = build(settings_from(settings))
    await application.start()
    made = signed_webhook("stripe", "payment_intent.succeeded", secret="whsec_x", now_s=int(time.time()))
    await application.services.events.handle_event(
        HandleEventRequest(connector="stripe", payload=made.body, headers=dict(made.headers), webhook_secret="whsec_x")
    )

    async def left() -> int:
        return (await application.ledger.outbox.backlog("events")).unsent

    end = time.monotonic() + (20 if relay else 0.5)
    while await left() and time.monotonic() < end:  # noqa: ASYNC110 - the outbox has no event for it
        await asyncio.sleep(0.01)
    assert await left() == unsent
    await application.stop()
