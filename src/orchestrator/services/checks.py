"""Faults of requests that every service refuses in the same words."""

from __future__ import annotations

from orchestratorx_prism.errors import RequestRejected

MAX_PAGE = 1_000
DEFAULT_PAGE = 50


def page_size(asked: int) -> int:
    """AIP-158: 0 means the default; more than the maximum means the maximum."""
    if asked < 0:
        raise field_fault("page_size", "must not be negative")
    return min(asked or DEFAULT_PAGE, MAX_PAGE)


def field_fault(name: str, fault: str) -> RequestRejected:
    """The refusal of one field; `metadata["field"]` becomes a BadRequest violation on the wire."""
    return RequestRejected(f"{name}: {fault}", fix="mend the request", metadata={"field": name})
