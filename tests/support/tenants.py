"""Makes merchants with credentials, and what their providers send them."""

from __future__ import annotations

import time
from typing import Any

from connectors.spi import SampleRequest
from orchestrator.bootstrap import Application
from orchestrator.plugins import connector_named
from orchestratorx_prism.v1 import credential_service_pb2, merchant_service_pb2
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest


async def create(application: Application, merchant_id: str, **values: Any) -> None:
    await application.services.merchants.create(
        merchant_service_pb2.MerchantServiceCreateRequest(merchant_id=merchant_id, **values)
    )


async def put(application: Application, merchant_id: str, **values: Any) -> credential_service_pb2.CredentialSet:
    values.setdefault("connector", "stripe")
    request = credential_service_pb2.CredentialServicePutRequest(merchant_id=merchant_id, **values)
    return (await application.services.credentials.put(request)).credentials


def webhook(
    merchant_id: str,
    secret: str,
    *,
    seed: int = 1,
    connector: str = "stripe",
    event_type: str = "payment_intent.succeeded",
    **values: Any,
) -> HandleEventRequest:
    """A signed webhook of now, as a front door hands it on."""
    sample = connector_named(connector).sample
    assert sample is not None
    made = sample(SampleRequest(event_type, secret=secret, now_s=int(time.time()), seed=seed))
    return HandleEventRequest(
        connector=connector, merchant_id=merchant_id, payload=made.body, headers=dict(made.headers), **values
    )
