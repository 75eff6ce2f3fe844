"""The OpenAPI 3.1 document, made of the rows, the descriptors and what the protos say of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Final

from orchestrator.access.scopes import SCOPE_OF
from orchestrator.http_api.rest.document_answers import COMPONENTS, HEADERS, answers_of
from orchestrator.http_api.rest.examples import example_value
from orchestrator.http_api.rest.fields import Inputs, Place
from orchestrator.http_api.rest.known_names import KNOWN_NAMES
from orchestrator.http_api.rest.rows import Row
from orchestrator.message_schemas import Json, Schemas
from orchestratorx_prism.v1.comments import COMMENTS

PLACE: Final = "#/components/schemas/"
_ABOUT: Final = """\
Payments through Stripe, Adyen, PayPal and M-Pesa by one schema, and the events that come of them.

**Money** is in minor units, never a float: 1099 with USD is $10.99, with JPY ¥1099. **Times** are RFC 3339, **bytes**
base64, **constants** upper case. A field that is not known is refused, and so is null: leave a field out.

**Keys.** Send one as `X-API-Key` or `Authorization: Bearer`. A server on loopback without keys asks for none.

**Repeats.** What changes something takes an `Idempotency-Key`. The same key and body again gives the first answer, with
`Idempotent-Replayed: true`; another body with the same key 422, `REQUEST_ID_REUSED`; while the first call is under way
409 with `Retry-After`. After a 504 repeat with the **same** key: money may have moved.

**Lists** come in pages: `page_size`, and `page_token` with the `next_page_token` of the page before; empty: no more.

**Refusals** are problem documents (RFC 9457) with a constant `reason`, a `fix` and whether the call is worth repeating.

**Limits** stand in `RateLimit` and `RateLimit-Policy` (IETF draft) and `X-RateLimit-*`; a 429 says `Retry-After`.
"""
_KEYS: Final = """\
A key of `POST /v1/api-keys`, `orchestrator keys create` or the settings. Each operation names what scope it asks for as
`x-scopes`."""
_KEY_HEADER: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "What makes a repeat the same request; a UUID is best. Needed, here or as `request_id` in the body.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
}
_NO_MATCH: Final[Json] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An ETag: 304 if the answer is still the same.",
    "schema": {"type": "string"},
}


def openapi_of(inputs: Iterable[Inputs]) -> Json:
    """The document of these rows."""
    schemas: Json = {}
    paths: Json = {}
    tags: dict[str, Json] = {}
    for each in sorted(inputs, key=lambda one: one.row in KNOWN_NAMES):  # our own names first
        row = each.row
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(each, schemas)
        tags.setdefault(row.tag, {"name": row.tag, "description": COMMENTS.get(row.service, "")})
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "OrchestratorX",
            "version": version("orchestratorx"),
            "summary": "Payments through one schema, whatever the provider.",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The server that this document comes from"}],
        "security": [{"apiKey": []}, {"bearer": []}],
        "tags": list(tags.values()),
        "paths": paths,
        "components": {
            "schemas": schemas | COMPONENTS["schemas"],
            "responses": COMPONENTS["responses"],
            "headers": HEADERS,
            "parameters": {"IdempotencyKey": _KEY_HEADER, "IfNoneMatch": _NO_MATCH},
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": _KEYS},
                "bearer": {"type": "http", "scheme": "bearer", "description": _KEYS},
            },
        },
    }


def _operation(inputs: Inputs, schemas: Json) -> Json:
    row = inputs.row
    operation: Json = {
        "operationId": row.operation_id,
        "summary": row.summary,
        "description": "\n\n".join(filter(None, (COMMENTS.get(row.rpc, ""), row.notes, f"gRPC: `{row.rpc}`."))),
        "tags": [row.tag],
        "x-scopes": sorted({SCOPE_OF[rpc] for rpc in (row.rpc, *row.also)}),
    }
    taken = Schemas(schemas, PLACE, taken=True)
    parameters = [_parameter(row, place, taken, "path") for place in inputs.in_path]
    parameters += [_parameter(row, place, taken, "query") for place in inputs.in_query]
    if inputs.takes_request_id:
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    if row.is_one_thing:
        parameters.append({"$ref": "#/components/parameters/IfNoneMatch"})
    if parameters:
        operation["parameters"] = parameters
    if not row.in_query:
        operation["requestBody"] = _body(inputs, taken)
    operation["responses"] = answers_of(inputs, Schemas(schemas, PLACE, any_data=True))
    return operation


def _parameter(row: Row, place: Place, taken: Schemas, where: str) -> Json:
    schema = taken.field(place.field)
    described: Json = {
        "name": place.name,
        "in": where,
        "description": schema.pop("description"),
        "required": where == "path" or place.dotted in row.needs,
        "schema": schema,
    }
    if where == "path":
        schema["minLength"] = 1
    elif place.field.is_repeated:
        described |= {"style": "form", "explode": True}
    example = example_value(place.field)
    if example not in ("", [], [""], 0, False):
        described["example"] = example
    return described


def _body(inputs: Inputs, taken: Schemas) -> Json:
    row = inputs.row
    properties = {name: taken.field(field) for name, field in inputs.body.items()} | row.adapted
    schema: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    needed = [row.names.get(name, name) for name in row.needs]
    if needed:
        schema["required"] = needed
    media: Mapping[str, Any] = {"schema": schema} | ({} if row.example is None else {"example": row.example})
    return {"required": bool(needed), "content": {"application/json": media}}
