"""A Django view that takes webhooks; asynchronous with the asynchronous client, blocking with the blocking one.

urlpatterns = [path("webhooks", webhook_view(sync.EventClient(connector="stripe"), secret="whsec_…", on_event=handle))]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from orchestratorx_prism import sync
from orchestratorx_prism.clients.events import EventClient
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.frameworks.endpoint import MAX_BODY_BYTES, Answer, Endpoint, OnEvent, Secret, refused


def webhook_view(
    client: EventClient | sync.EventClient,
    *,
    secret: Secret = None,
    webhook_id: str = "",
    on_event: OnEvent | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Callable[..., Any]:
    """A view for POST, free of the CSRF check: providers send no token, the webhook's signature stands for it.

    The route may hold `<connector>`, `<merchant_id>`, `<url_token>` (M-Pesa) and `<purpose>`.

    Args:
        secret: What verifies; None: the orchestrator's configured secrets.
        webhook_id: PayPal: the webhook's id.
        on_event: Called with every event, once; the provider is acknowledged when it is through. If it raises, Django
            answers 500 and the provider sends again.
        max_body_bytes: A larger body is answered with 413 without being read to its end.
    """
    endpoint = Endpoint(secret=secret, webhook_id=webhook_id, on_event=on_event, max_body_bytes=max_body_bytes)
    view = _blocking(client, endpoint) if isinstance(client, sync.EventClient) else _asynchronous(client, endpoint)
    view.csrf_exempt = True  # type: ignore[attr-defined]  # what Django's decorator does
    return view


def _blocking(client: sync.EventClient, endpoint: Endpoint) -> Callable[..., Any]:
    def receive(request: HttpRequest, **path_values: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            handled = client.handle_event(_values(request, path_values, endpoint))
        except PrismError as error:
            return _response(refused(error))
        return _response(endpoint.answer_blocking(handled))

    return receive


def _asynchronous(client: EventClient, endpoint: Endpoint) -> Callable[..., Any]:
    async def receive(request: HttpRequest, **path_values: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            handled = await client.handle_event(_values(request, path_values, endpoint))
        except PrismError as error:
            return _response(refused(error))
        return _response(await endpoint.answer(handled))

    return receive


def _values(request: HttpRequest, path_values: dict[str, str], endpoint: Endpoint) -> dict[str, Any]:
    # read(), not body: its limit is ours, and it works after a middleware looked at the body, too.
    body: bytes = request.read(endpoint.max_body_bytes + 1)
    return endpoint.request(body, request.headers.items(), path_values, request.META.get("REMOTE_ADDR", ""))


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
