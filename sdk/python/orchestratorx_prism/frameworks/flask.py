"""A Flask blueprint that takes webhooks, and the answers to refusals in routes of your own.

app.register_blueprint(webhook_blueprint(sync.EventClient(connector="stripe"), secret="whsec_…", on_event=handle))
"""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.frameworks.endpoint import MAX_BODY_BYTES, Answer, Endpoint, OnEvent, Secret, refused
from orchestratorx_prism.sync import EventClient


def webhook_blueprint(
    client: EventClient,
    *,
    path: str = "/webhooks",
    secret: Secret = None,
    webhook_id: str = "",
    on_event: OnEvent | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    name: str = "orchestratorx_webhooks",
) -> Blueprint:
    """A blueprint with one POST route, for the blocking client.

    Args:
        path: May hold `<connector>`, `<merchant_id>`, `<url_token>` (M-Pesa) and `<purpose>`.
        secret: What verifies; None: the orchestrator's configured secrets.
        webhook_id: PayPal: the webhook's id.
        on_event: Called with every event, once; the provider is acknowledged when it is through. If it raises, Flask
            answers 500 and the provider sends again.
        max_body_bytes: A larger body is answered with 413 without being read to its end.
        name: The blueprint's; each one of an application has its own.
    """
    endpoint = Endpoint(secret=secret, webhook_id=webhook_id, on_event=on_event, max_body_bytes=max_body_bytes)
    blueprint = Blueprint(name, __name__)

    @blueprint.post(path)
    def receive(**path_values: str) -> Response:
        try:
            request.max_content_length = max_body_bytes
            body = request.get_data()
            values = endpoint.request(body, request.headers, path_values, request.remote_addr or "")
            handled = client.handle_event(values)
        except RequestEntityTooLarge:
            return _response(refused(endpoint.too_large()))
        except PrismError as error:
            return _response(refused(error))
        return _response(endpoint.answer_blocking(handled))

    return blueprint


def answer_refusals(app: Flask) -> None:
    """Makes `app` answer every `PrismError` that a route of its own lets pass, as the blueprint does: 401, 400, 503, ….

    Without it the framework answers 500, and the provider sends what was refused again and again.
    """

    def answer(error: PrismError) -> Response:
        return _response(refused(error))

    app.register_error_handler(PrismError, answer)


def _response(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status, headers=dict(answer.headers))
