"""A FastAPI (or Starlette) router that takes webhooks, and the answers to refusals in routes of your own.

app.include_router(webhook_router(EventClient(connector="stripe"), secret="whsec_…", on_event=handle))
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.applications import Starlette

from orchestratorx_prism.clients.events import EventClient
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.frameworks.endpoint import MAX_BODY_BYTES, Answer, Endpoint, OnEvent, Secret, refused


def webhook_router(
    client: EventClient,
    *,
    path: str = "/webhooks",
    secret: Secret = None,
    webhook_id: str = "",
    on_event: OnEvent | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> APIRouter:
    """A router with one POST route.

    Args:
        path: May hold `{connector}`, `{merchant_id}`, `{url_token}` (M-Pesa) and `{purpose}`.
        secret: What verifies; None: the orchestrator's configured secrets.
        webhook_id: PayPal: the webhook's id.
        on_event: Called with every event, once; the provider is acknowledged when it is through. If it raises, FastAPI
            answers 500 and the provider sends again.
        max_body_bytes: A larger body is answered with 413 without being read to its end.
    """
    endpoint = Endpoint(secret=secret, webhook_id=webhook_id, on_event=on_event, max_body_bytes=max_body_bytes)
    router = APIRouter()

    async def receive(request: Request) -> Response:
        try:
            body = await _limited_body(request, endpoint)
            peer = request.client.host if request.client else ""
            handled = await client.handle_event(endpoint.request(body, request.headers.raw, request.path_params, peer))
        except PrismError as error:
            return _response(refused(error))
        return _response(await endpoint.answer(handled))

    router.add_api_route(path, receive, methods=["POST"], name="webhooks", response_class=Response)
    return router


def answer_refusals(app: Starlette) -> None:
    """Makes `app` answer every `PrismError` that a route of its own lets pass, as the router does: 401, 400, 503, ….

    Without it the framework answers 500, and the provider sends what was refused again and again.
    """

    async def answer(_request: Request, error: Exception) -> Response:
        assert isinstance(error, PrismError)  # noqa: S101 - it is registered for nothing else
        return _response(refused(error))

    app.add_exception_handler(PrismError, answer)


async def _limited_body(request: Request, endpoint: Endpoint) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > endpoint.max_body_bytes:
        raise endpoint.too_large()
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > endpoint.max_body_bytes:
            raise endpoint.too_large()
        chunks.append(chunk)
    return b"".join(chunks)


def _response(answer: Answer) -> Response:
    return Response(answer.body, status_code=answer.status, headers=dict(answer.headers))
