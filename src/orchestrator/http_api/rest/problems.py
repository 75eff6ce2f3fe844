"""Refusals as problem documents (RFC 9457), with our reasons."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from orchestrator.http_api.answers import RETRY_AFTER_S
from orchestratorx_prism.errors import NotSupported, PrismError, Rejected, SettingsRejected

MEDIA_TYPE: Final = "application/problem+json"
_TYPE: Final = "urn:orchestratorx:problem:"
_WORDS: Final = re.compile(r"(?<!^)(?=[A-Z])")


_MENDED_BY_CALLERS: Final[Mapping[type[PrismError], int]] = {SettingsRejected: 409, NotSupported: 422}
"""What the merchant has not set up yet; what another connector can do."""


class NotAcceptable(Rejected):
    """The caller takes no format that the answer could be in."""

    default_reason = "NOT_ACCEPTABLE"
    http_status = 406


class ContentTypeRefused(Rejected):
    """The body is in a format that is not read."""

    default_reason = "CONTENT_TYPE_UNSUPPORTED"
    http_status = 415


class SeveralEndpoints(Rejected):
    """There is not one endpoint but several."""

    default_reason = "SEVERAL_ENDPOINTS"
    grpc_code = 9
    http_status = 409


def problem_of(error: PrismError, instance: str) -> dict[str, Any]:
    """The document.

    Args:
        instance: What tells this occurrence from others.
    """
    return {
        "type": f"{_TYPE}{error.reason}",
        "title": _WORDS.sub(" ", type(error).__name__).capitalize(),
        "status": status_of(error),
        "detail": _clean(error.message),
        "instance": instance,
        "reason": error.reason,
        "fix": _clean(error.fix),
        "retryable": error.retryable,
        "metadata": {_clean(name): _clean(text) for name, text in error.metadata.items()},
    }


def refusal(error: PrismError, instance: str, headers: Mapping[str, str]) -> Response:
    """The answer that says no."""
    sent = dict(headers)
    if error.retryable:
        sent["Retry-After"] = str(math.ceil(error.retry_after_s or RETRY_AFTER_S))
    status = status_of(error)
    if status == 401:
        sent["WWW-Authenticate"] = "Bearer"
    body = msgspec.json.encode(problem_of(error, instance))
    return Response(body, status, sent, MEDIA_TYPE)


def status_of(error: PrismError) -> int:
    """The HTTP status. What the caller or the merchant can mend is no fault of the server's, and looks like none."""
    for kind, status in _MENDED_BY_CALLERS.items():
        if isinstance(error, kind):
            return status
    return error.http_status


def _clean(text: str) -> str:
    """Without halves of surrogate pairs, which a caller's field name may hold and UTF-8 cannot."""
    return text.encode(errors="replace").decode()
