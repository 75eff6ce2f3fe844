"""Errors on the wire: PrismError ↔ google.rpc.Status (gRPC), ↔ Refusal (streams and batches), → problem JSON (HTTP).

Server and client both use this file, so that an error arrives as the class it left as. `google.rpc.ErrorInfo` carries
reason, domain and metadata; its metadata key `kind` is the class's name. `RetryInfo` carries `retry_after_s`,
`LocalizedMessage` the fix (AIP-193: "a call to action"), `BadRequest` the field named by `metadata["field"]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, RetryInfo
from google.rpc.status_pb2 import Status

from orchestratorx_prism import errors
from orchestratorx_prism.errors import DOMAIN, PrismError
from orchestratorx_prism.v1.error_pb2 import Refusal

DETAILS_KEY: Final = "grpc-status-details-bin"
"""Trailing metadata that carries the serialized google.rpc.Status."""
KIND_KEY: Final = "kind"
RETRY_AFTER_KEY: Final = "retry_after_s"
"""In a Refusal's metadata, which has no RetryInfo. Seconds as decimal text."""

# What a status means that came without our ErrorInfo: from gRPC itself, or from a proxy in between.
# Source: gRPC docs, "Status codes and their use in gRPC".
_BARE_STATUS: Final[dict[int, tuple[type[PrismError], str]]] = {
    1: (errors.Unavailable, "CANCELLED"),
    2: (errors.Internal, "UNKNOWN"),
    3: (errors.RequestRejected, "INVALID_ARGUMENT"),
    4: (errors.DeadlineExpired, "DEADLINE_EXPIRED"),
    5: (errors.NotFound, "NOT_FOUND"),
    6: (errors.Rejected, "ALREADY_EXISTS"),
    7: (errors.PermissionRefused, "PERMISSION_REFUSED"),
    8: (errors.Unavailable, "RESOURCE_EXHAUSTED"),
    9: (errors.Rejected, "FAILED_PRECONDITION"),
    10: (errors.Unavailable, "ABORTED"),
    11: (errors.RequestRejected, "OUT_OF_RANGE"),
    12: (errors.NotSupported, "UNIMPLEMENTED"),
    13: (errors.Internal, "INTERNAL"),
    14: (errors.Unavailable, "UNAVAILABLE"),
    15: (errors.Internal, "DATA_LOSS"),
    16: (errors.Unauthenticated, "CREDENTIALS_REFUSED"),
}


def to_rpc_status(error: PrismError) -> Status:
    """The error as google.rpc.Status: for `grpc_status.rpc_status.to_status`, which makes it abort a call."""
    status = Status(code=error.grpc_code, message=error.message)
    metadata = {**error.metadata, KIND_KEY: type(error).__name__}
    status.details.add().Pack(ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    if error.retry_after_s is not None:
        delay = Duration()
        delay.FromNanoseconds(round(error.retry_after_s * 1e9))
        status.details.add().Pack(RetryInfo(retry_delay=delay))
    if "field" in error.metadata:
        violation = BadRequest.FieldViolation(field=error.metadata["field"], description=error.message)
        status.details.add().Pack(BadRequest(field_violations=[violation]))
    if error.fix:
        status.details.add().Pack(LocalizedMessage(locale="en-US", message=error.fix))
    return status


def from_rpc_status(status: Status) -> PrismError:
    """The error that `to_rpc_status` was given; of a status without our ErrorInfo, what its code says."""
    info, retry, fix = ErrorInfo(), RetryInfo(), LocalizedMessage()
    known = False
    retry_after_s: float | None = None
    for detail in status.details:
        if detail.Is(ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
            known = info.domain == DOMAIN
        elif detail.Is(RetryInfo.DESCRIPTOR):
            detail.Unpack(retry)
            retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
        elif detail.Is(LocalizedMessage.DESCRIPTOR):
            detail.Unpack(fix)
    if not known:
        return from_bare_status(status.code, status.message)
    return _rebuilt(status.code, info.reason, status.message, fix.message, info.metadata, retry_after_s)


def from_rpc_error(error: Any) -> PrismError:
    """The error behind a `grpc.RpcError` that is also a call (`grpc.aio.AioRpcError` is): same class, same reason."""
    code: int = error.code().value[0]
    details = _details_of(error.trailing_metadata() or ())
    if details is not None:
        try:
            status = Status.FromString(details)
        except DecodeError:
            status = Status()
        if status.code == code:
            return from_rpc_status(status)
    return from_bare_status(code, error.details() or "")


def from_bare_status(code: int, message: str) -> PrismError:
    """What a gRPC status means that carries no ErrorInfo of ours."""
    if code == 8 and "larger than max" in message:
        return errors.PayloadTooLarge(
            "the message is larger than gRPC was told to carry",
            fix="send less in one call, or raise grpc_max_message_bytes on the server",
        )
    if code not in _BARE_STATUS:
        return errors.Internal(message or "the call failed", reason=f"GRPC_CODE_{code}")
    cls, reason = _BARE_STATUS[code]
    return cls(message or "the call failed", reason=reason)


def to_refusal(error: PrismError) -> Refusal:
    """The error as one answer of a stream or a batch."""
    metadata = {**error.metadata, KIND_KEY: type(error).__name__}
    if error.retry_after_s is not None:
        metadata[RETRY_AFTER_KEY] = repr(error.retry_after_s)
    return Refusal(
        grpc_code=error.grpc_code,
        reason=error.reason,
        message=error.message,
        fix=error.fix,
        retryable=error.retryable,
        metadata=metadata,
    )


def from_refusal(refusal: Refusal) -> PrismError:
    """The error that `to_refusal` was given."""
    metadata = dict(refusal.metadata)
    retry_after = metadata.pop(RETRY_AFTER_KEY, None)
    retry_after_s = None if retry_after is None else _seconds(retry_after)
    return _rebuilt(refusal.grpc_code, refusal.reason, refusal.message, refusal.fix, metadata, retry_after_s)


def to_problem(error: PrismError) -> dict[str, Any]:
    """The error as a problem document (RFC 9457) for HTTP, with `reason` and `retryable` as extension members.

    The fix is left out: it is for the operator, and HTTP callers of webhook endpoints are strangers.
    """
    return {
        "type": "about:blank",
        "title": type(error).__name__,
        "status": error.http_status,
        "detail": error.message,
        "reason": error.reason,
        "retryable": error.retryable,
    }


def _details_of(trailing: Iterable[tuple[str, str | bytes]]) -> bytes | None:
    for key, value in trailing:
        if key == DETAILS_KEY:
            return value if isinstance(value, bytes) else value.encode("latin-1")
    return None


def _rebuilt(
    code: int, reason: str, message: str, fix: str, metadata: Mapping[str, str], retry_after_s: float | None
) -> PrismError:
    kept = dict(metadata)
    cls = _class_of(kept.pop(KIND_KEY, ""), code)
    return cls(message, reason=reason, fix=fix, metadata=kept, retry_after_s=retry_after_s)


def _class_of(kind: str, code: int) -> type[PrismError]:
    """The class by its name; for one that this version does not know, the one its code stands for."""
    for cls in _all_classes(PrismError):
        if cls.__name__ == kind and cls.__module__.startswith("orchestratorx_prism."):
            return cls
    bare = _BARE_STATUS.get(code)
    return errors.Internal if bare is None else bare[0]


def _all_classes(root: type[PrismError]) -> Iterable[type[PrismError]]:
    yield root
    for cls in root.__subclasses__():
        yield from _all_classes(cls)


def _seconds(text: str) -> float | None:
    """None for what is no length of time: the hint is advice, and the refusal stands without it."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
