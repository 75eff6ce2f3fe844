"""Routes that are more than one call: the merchant's one endpoint. History as CSV is in `history.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from starlette.responses import Response

from orchestrator.http_api.rest.calling import Call, Serve, call_once
from orchestrator.http_api.rest.history import as_csv, as_csv_if_asked
from orchestrator.http_api.rest.problems import SeveralEndpoints
from orchestratorx_prism.errors import NotFound, RequestRejected
from orchestratorx_prism.v1 import webhook_endpoint_service_pb2 as pb

_SERVICE: Final = "WebhookEndpointService"
_MOST_IN_FLIGHT: Final = 16
"""What an endpoint has that is made without saying so."""


async def _webhook_get(call: Call) -> Response:
    endpoint = await _the_one(call)
    if endpoint is None:
        raise _none()
    return call.answer(pb.WebhookEndpointServiceGetResponse(endpoint=endpoint))


async def _webhook_put(call: Call) -> Response:
    request = cast(pb.WebhookEndpointServiceCreateRequest, call.request)
    endpoint = await _the_one(call)
    if endpoint is None:
        return call.answer(await call.ask(f"{_SERVICE}.Create", request, confined=True), 201)
    if request.asymmetric != bool(endpoint.public_key):
        raise RequestRejected(
            "asymmetric: an endpoint's kind of signature is chosen when it is made",
            fix="leave it as it is, or delete the endpoint and make it anew",
            metadata={"field": "asymmetric"},
        )
    changed: pb.WebhookEndpointServiceUpdateResponse = await call.ask(
        f"{_SERVICE}.Update",
        pb.WebhookEndpointServiceUpdateRequest(
            endpoint_id=endpoint.endpoint_id,
            merchant_id=request.merchant_id,
            url=request.url,
            description=request.description,
            event_types=pb.WebhookEventTypes(patterns=request.event_types),
            headers=pb.WebhookHeaders(values=request.headers),
            max_in_flight=request.max_in_flight or _MOST_IN_FLIGHT,
            per_second=request.per_second,
            ordered=request.ordered,
            payments_headers=request.payments_headers,
        ),
    )
    return call.answer(pb.WebhookEndpointServiceCreateResponse(endpoint=changed.endpoint))


async def _webhook_delete(call: Call) -> Response:
    request: Any = call.request
    endpoint = await _the_one(call)
    if endpoint is None:
        raise _none()
    gone = pb.WebhookEndpointServiceDeleteRequest(endpoint_id=endpoint.endpoint_id, merchant_id=request.merchant_id)
    return call.answer(await call.ask(f"{_SERVICE}.Delete", gone))


async def _the_one(call: Call) -> pb.WebhookEndpoint | None:
    """The merchant's endpoint; None: it has none.

    Raises:
        SeveralEndpoints: It has more.
    """
    merchant_id: str = cast(Any, call.request).merchant_id
    page: pb.WebhookEndpointServiceListResponse = await call.ask(
        f"{_SERVICE}.List", pb.WebhookEndpointServiceListRequest(merchant_id=merchant_id, page_size=2)
    )
    if len(page.endpoints) > 1:
        raise SeveralEndpoints("the merchant has several endpoints", fix="use /v1/webhook-endpoints")
    return page.endpoints[0] if page.endpoints else None


def _none() -> NotFound:
    return NotFound("the merchant has no endpoint", fix="make one: PUT /v1/merchant/webhook")


SPECIAL: Final[Mapping[str, Serve]] = {
    "": call_once,
    "transactions": as_csv,
    "transactions_negotiated": as_csv_if_asked,
    "webhook_get": _webhook_get,
    "webhook_put": _webhook_put,
    "webhook_delete": _webhook_delete,
}
"""What rows name in `serve`."""
