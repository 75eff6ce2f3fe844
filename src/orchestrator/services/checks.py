"""Faults of requests that every service refuses in the same words."""

from __future__ import annotations

from typing import TypeVar

from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.dispute_service_pb2 import DisputeServiceListRequest
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceListRequest
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceListRequest

R = TypeVar("R", PaymentServiceListRequest, RefundServiceListRequest, DisputeServiceListRequest)

MAX_PAGE = 1_000
DEFAULT_PAGE = 50


def page_size(asked: int) -> int:
    """AIP-158: 0 means the default; more than the maximum means the maximum."""
    if asked < 0:
        raise field_fault("page_size", "must not be negative")
    return min(asked or DEFAULT_PAGE, MAX_PAGE)


def with_page_size(request: R) -> R:
    """A copy of a list request with its page size made good; the caller's own message stays as it is."""
    asked = type(request)()
    asked.CopyFrom(request)
    asked.page_size = page_size(request.page_size)
    return asked


def field_fault(name: str, fault: str) -> RequestRejected:
    """The refusal of one field; `metadata["field"]` becomes a BadRequest violation on the wire."""
    return RequestRejected(f"{name}: {fault}", fix="mend the request", metadata={"field": name})
