"""The document's answers: what each operation gives, and every way in which it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor

from orchestrator.http_api.rest.examples import example_of
from orchestrator.http_api.rest.fields import Inputs
from orchestrator.http_api.rest.history import COLUMNS, CSV
from orchestrator.http_api.rest.problems import MEDIA_TYPE
from orchestrator.message_schemas import Json, Schemas

REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("The request is wrong; `metadata.field` names what of it.", "REQUEST_INVALID"),
    401: ("No key, or none that is known.", "CREDENTIALS_REFUSED"),
    403: ("The key lacks the scope.", "PERMISSION_REFUSED"),
    404: ("There is no such thing, for this merchant.", "NOT_FOUND"),
    406: ("`Accept` names no format of the answer.", "NOT_ACCEPTABLE"),
    408: ("The request was not whole in time.", "BODY_TOO_SLOW"),
    409: ("Not as things stand; or the same call is still under way.", "REQUEST_IN_FLIGHT"),
    413: ("The body is too large.", "PAYLOAD_TOO_LARGE"),
    415: ("The body is not said to be JSON.", "CONTENT_TYPE_UNSUPPORTED"),
    422: (
        "The provider said no; the connector cannot; the key was used before.",
        "PROVIDER_REFUSED_OPERATION",
    ),
    429: ("More calls than are allowed, or too many failures.", "RATE_LIMITED"),
    431: ("Too many headers, or too long ones.", "HEADERS_TOO_LARGE"),
    500: ("A defect; the server's log knows more under the correlation id.", "INTERNAL"),
    503: ("Nothing was done; repeat it.", "UNAVAILABLE"),
    504: ("The answer was lost or late, and money may have moved: repeat it with the same key.", "OUTCOME_UNKNOWN"),
}
"""Status → what it means, and one of its reasons."""
_OF_BODIES: Final = frozenset({408, 413, 415})
_RETRIED: Final = frozenset({408, 429, 503, 504})

_PROBLEM: Final[Json] = {
    "type": "object",
    "description": "Why a call was refused (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The reason as a URN."},
        "title": {"type": "string", "description": "The kind of refusal, for people."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "As the HTTP status."},
        "detail": {"type": "string", "description": "One sentence for people."},
        "instance": {"type": "string", "format": "uri", "description": "This occurrence; the log has it too."},
        "reason": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$", "description": "A constant: act on this one."},
        "fix": {"type": "string", "description": "What to do about it."},
        "retryable": {"type": "boolean", "description": "Whether the same call again can succeed."},
        "metadata": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Details by name: `field` is the path of the field at fault.",
        },
    },
    "required": ["type", "title", "status", "detail", "reason", "fix", "retryable"],
    "additionalProperties": False,
}


def _header(description: str, kind: str = "string") -> Json:
    return {"description": description, "schema": {"type": kind}}


HEADERS: Final[Json] = {
    "RequestId": _header("This answer's own id."),
    "RetryAfter": _header("When to repeat the call. Seconds.", "integer"),
    "RateLimit": _header('What is left: `"calls";r=59;t=12`.'),
    "RateLimitPolicy": _header('What is allowed: `"calls";q=60;w=60`.'),
    "IdempotentReplayed": _header("`true`: the answer is that of an earlier call with the same key."),
    "ETag": _header("Names this state of the thing."),
    "Location": _header("Where what was made is."),
    "Authenticate": _header("`Bearer`."),
}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


def _response(status: int) -> Json:
    meaning, reason = REFUSALS[status]
    headers = {"X-Request-Id": _ref("RequestId")}
    if status in _RETRIED:
        headers["Retry-After"] = _ref("RetryAfter")
    if status == 401:
        headers["WWW-Authenticate"] = _ref("Authenticate")
    example = {
        "type": f"urn:orchestratorx:problem:{reason}",
        "title": "Refused",
        "status": status,
        "detail": meaning,
        "instance": "urn:orchestratorx:request:4c0de5f1a2b3c4d5e6f70819",
        "reason": reason,
        "fix": "see the reason",
        "retryable": status in _RETRIED,
        "metadata": {},
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    return {"description": meaning, "headers": headers, "content": content}


COMPONENTS: Final[Json] = {
    "schemas": {"Problem": _PROBLEM},
    "responses": {f"Problem{status}": _response(status) for status in REFUSALS},
}


def answers_of(inputs: Inputs, given: Schemas) -> Json:
    """Status → response, of one operation."""
    row = inputs.row
    answers: Json = {str(row.status): _success(inputs, given)}
    if row.serve == "webhook_put":
        answers = {"200": _success(inputs, given), "201": _success(inputs, given)}
    if row.is_one_thing:
        answers["304"] = {"description": "As it was.", "headers": {"ETag": _ref("ETag")}}
    for status in REFUSALS:
        if status not in _OF_BODIES or not row.in_query:
            answers[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return answers


def _success(inputs: Inputs, given: Schemas) -> Json:
    row = inputs.row
    headers: Json = {
        "X-Request-Id": _ref("RequestId"),
        "RateLimit": _ref("RateLimit"),
        "RateLimit-Policy": _ref("RateLimitPolicy"),
    }
    if inputs.takes_request_id:
        headers["Idempotent-Replayed"] = _ref("IdempotentReplayed")
    if row.location:
        headers["Location"] = _ref("Location")
    if row.is_one_thing:
        headers["ETag"] = _ref("ETag")
    if row.status == 204:
        return {"description": "It is gone.", "headers": headers}
    descriptor = cast(Descriptor, inputs.response.DESCRIPTOR)
    if row.serve == "webhook_get":  # one of the list
        descriptor = _sibling(descriptor, "WebhookEndpointServiceGetResponse")
    schema = given.reference(descriptor)
    content: dict[str, Any] = {}
    if row.media != CSV:
        content["application/json"] = {"schema": schema, "example": example_of(descriptor)}
    if row.media != "application/json":
        content[CSV] = {"schema": {"type": "string"}, "example": ",".join(name for name, _ in COLUMNS) + "\r\n"}
    description = given.definitions[descriptor.name]["description"]
    return {"description": description, "headers": headers, "content": content}


def _sibling(descriptor: Descriptor, name: str) -> Descriptor:
    found: Descriptor = descriptor.file.message_types_by_name[name]
    return found
