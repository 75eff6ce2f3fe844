"""Pages for people and machines: `/openapi.json`, `/docs`, `/llms.txt`."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from orchestrator.http_api.rest.callers import entity_tag
from orchestrator.http_api.rest.calling import answer_headers
from orchestrator.message_schemas import Json

ASSETS: Final = Path(__file__).parent / "assets"
"""What scripts/scalar puts here; not in the repository."""
SCRIPT: Final = "scalar.js"
BUILD: Final = "make scalar"

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>OrchestratorX API</title>
</head>
<body>
<div id="reference"></div>
<script src="/docs/scalar.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START: Final = """\
Scalar.createApiReference("#reference", {
  url: "/openapi.json",
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: "never",
});
"""
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page reaches this server and nobody else. Scalar writes its styles into the page."""


def add_pages(app: FastAPI, document: Json, *, secure: bool) -> None:
    """Adds the pages' routes."""
    openapi = msgspec.json.encode(document)
    script = ASSETS / SCRIPT

    def kept(body: bytes, media_type: str, policy: str = "") -> Callable[[Request], Response]:
        tag = entity_tag(body)

        def serve(request: Request) -> Response:
            headers = answer_headers(secure=secure) | {"Cache-Control": "no-cache", "ETag": tag}
            if policy:
                headers["Content-Security-Policy"] = policy
            if tag in request.headers.get("if-none-match", ""):
                return Response(None, 304, headers)
            return Response(body, 200, headers, media_type)

        return serve

    pages = {
        "/openapi.json": kept(openapi, "application/json"),
        "/llms.txt": kept(llms_text(document).encode(), PlainTextResponse.media_type + "; charset=utf-8"),
    }
    if script.is_file():
        pages |= {
            "/docs": kept(_PAGE.encode(), HTMLResponse.media_type + "; charset=utf-8", _POLICY),
            "/docs/scalar.js": kept(script.read_bytes(), "text/javascript"),
            "/docs/start.js": kept(_START.encode(), "text/javascript"),
        }
    else:
        plain = plain_page(document).encode()
        pages["/docs"] = kept(plain, "text/html; charset=utf-8", "default-src 'none'; style-src 'unsafe-inline'")
    for path, serve in pages.items():
        app.add_api_route(path, _answering(serve), methods=["GET", "HEAD"], response_model=None)


def _answering(serve: Callable[[Request], Response]) -> Any:
    async def page(request: Request) -> Response:
        return serve(request)

    return page


def plain_page(document: Json) -> str:
    """The operations as a plain list, for servers without Scalar's files."""
    rows = "\n".join(
        f"<tr><td><code>{method.upper()}</code></td><td><code>{html.escape(path)}</code></td>"
        f"<td>{html.escape(operation['summary'])}</td></tr>"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>OrchestratorX API</title>'
        "<style>body{font:16px/1.5 sans-serif;margin:2rem}td{padding:.1rem 1rem .1rem 0}</style></head><body>"
        "<h1>OrchestratorX API</h1><p>This server was installed without the files of the interactive page: "
        f"<code>{BUILD}</code> in a checkout fetches them, then start the server again. Here is a plain list; "
        '<a href="/openapi.json">openapi.json</a> says everything.</p>'
        f"<table>{rows}</table></body></html>"
    )


def llms_text(document: Json) -> str:
    """What a language model needs to call this server."""
    lines = [
        "# OrchestratorX",
        "",
        "> Payments through Stripe, Adyen, PayPal and M-Pesa by one schema, and the events that come of them.",
        "",
        'Requests and answers are JSON. Money is in minor units: {"minor_units": 1099, "currency": "USD"} is $10.99.',
        "Send an API key as `X-API-Key` or `Authorization: Bearer`. What changes something takes an `Idempotency-Key`",
        "header: repeat with the same key after a lost answer, never with a new one. Refusals are",
        "application/problem+json; act on `reason`, and do what `fix` says.",
        "",
        "- [OpenAPI 3.1](/openapi.json): everything, with schemas and examples",
        "- [Reference](/docs): for people",
        "",
    ]
    tag = ""
    for path, methods in sorted(document["paths"].items(), key=lambda item: _tag(item[1])):
        for method, operation in methods.items():
            if operation["tags"][0] != tag:
                tag = operation["tags"][0]
                lines += [f"## {tag}", ""]
            lines.append(f"- {method.upper()} {path}: {operation['summary']}")
    return "\n".join([*lines, ""])


def _tag(methods: Json) -> str:
    first: Json = next(iter(methods.values()))
    tag: str = first["tags"][0]
    return tag
