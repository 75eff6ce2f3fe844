"""Every error that a caller can meet, in one tree. Connectors, server and SDK raise the same classes.

    PrismError
    ├── Rejected                  the message or request is at fault; sending it again changes nothing
    │   ├── SignatureRejected     it could not be verified: 401, UNAUTHENTICATED
    │   ├── PayloadRejected       it could not be read: 400, INVALID_ARGUMENT
    │   │   └── PayloadTooLarge   413
    │   ├── RequestRejected       the call itself is wrong: a missing field, a bad page token
    │   ├── UnknownConnector      no such connector is installed: 404
    │   ├── NotFound              no such event, payment, refund or dispute
    │   ├── Unauthenticated       the caller's own credentials are missing or wrong
    │   ├── PermissionRefused     the caller's credentials do not reach so far
    │   ├── NotSupported          the connector does not declare this operation: UNIMPLEMENTED
    │   └── NothingToRefund       no captured money of the payment is left: 409, FAILED_PRECONDITION
    ├── Unavailable               nothing was recorded; send it again
    │   └── ProviderUnavailable   the provider did not answer a question that had to be answered first
    ├── DeadlineExpired           the caller's time ran out before an answer
    ├── SettingsRejected          settings do not hold together; every fault at once
    ├── DriverMissing             a broker or database driver is not installed
    └── Internal                  a defect of ours

On the wire an error is a gRPC status with one google.rpc.ErrorInfo (`reason`, domain, metadata).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

DOMAIN = "orchestratorx"
"""The `domain` of every google.rpc.ErrorInfo."""


class PrismError(Exception):
    """Base of all. `reason` is constant and in upper case; `message` is for people; `fix` says what to do.

    Neither holds a secret, a signature, card data or the body.
    """

    default_reason: ClassVar[str] = "INTERNAL"
    default_fix: ClassVar[str] = ""
    """What to do where only the default reason is given."""
    retryable: ClassVar[bool] = False
    grpc_code: ClassVar[int] = 13
    """gRPC status code as a number."""
    http_status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        fix: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.fix = fix or (self.default_fix if self.reason == self.default_reason else "")
        self.metadata: dict[str, str] = dict(metadata or {})
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        text = f"{self.message} [{self.reason}]"
        return f"{text}\n  fix: {self.fix}" if self.fix else text


class Rejected(PrismError):
    """The message or request is at fault; sending it again changes nothing."""

    default_reason = "REJECTED"
    grpc_code = 3
    http_status = 400


class SignatureRejected(Rejected):
    """The webhook could not be verified; `reason` says why. Failure policy: closed.

    Reasons: SIGNATURE_MISSING, SIGNATURE_MALFORMED, SIGNATURE_MISMATCH, TIMESTAMP_OUT_OF_TOLERANCE, SECRET_MISSING,
    SECRET_MALFORMED, CERTIFICATE_REJECTED, CERTIFICATE_UNAVAILABLE, WEBHOOK_ID_MISSING, WEBHOOK_ID_REFUSED,
    PROVIDER_REFUSED, TRANSMISSION_REUSED, TOKEN_MISSING, TOKEN_MISMATCH, ADDRESS_REFUSED, REQUEST_MISMATCH.
    """

    default_reason = "SIGNATURE_MISMATCH"
    grpc_code = 16
    http_status = 401


class PayloadRejected(Rejected):
    """The body could not be read; `reason` says why.

    Reasons: PAYLOAD_EMPTY, PAYLOAD_NOT_UTF8, PAYLOAD_NOT_JSON, PAYLOAD_NOT_OBJECT, PAYLOAD_TOO_DEEP,
    PAYLOAD_FIELD_MISSING, PAYLOAD_FIELD_INVALID, AMOUNT_OUT_OF_RANGE, CURRENCY_UNKNOWN.
    """

    default_reason = "PAYLOAD_NOT_JSON"


class PayloadTooLarge(PayloadRejected):
    """The body, as received or as decoded, is larger than the limit."""

    default_reason = "PAYLOAD_TOO_LARGE"
    http_status = 413


class RequestRejected(Rejected):
    """The call itself is wrong: a missing field, a bad page token. `metadata` names the field."""

    default_reason = "REQUEST_INVALID"


class UnknownConnector(Rejected):
    """No connector of this name is installed."""

    default_reason = "CONNECTOR_UNKNOWN"
    http_status = 404


class NotFound(Rejected):
    """No such event, payment, refund or dispute, for this merchant."""

    default_reason = "NOT_FOUND"
    grpc_code = 5
    http_status = 404


class Unauthenticated(Rejected):
    """The caller's own credentials are missing or wrong."""

    default_reason = "CREDENTIALS_REFUSED"
    grpc_code = 16
    http_status = 401


class PermissionRefused(Rejected):
    """The caller's credentials do not reach so far."""

    default_reason = "PERMISSION_REFUSED"
    grpc_code = 7
    http_status = 403


class NotSupported(Rejected):
    """The operation is not declared by the connector, or not by any; `metadata["connectors"]` names those that can."""

    default_reason = "OPERATION_NOT_SUPPORTED"
    grpc_code = 12
    http_status = 501


class Unavailable(PrismError):
    """Nothing was recorded and nothing acknowledged; the same message may be sent again."""

    default_reason = "UNAVAILABLE"
    retryable = True
    grpc_code = 14
    http_status = 503


class ProviderUnavailable(Unavailable):
    """The provider did not answer a question that had to be answered first. Nothing was recorded."""

    default_reason = "PROVIDER_UNAVAILABLE"


class ProviderRefused(Rejected):
    """The provider took the call and said no. Nothing happened, or only what the payment's events say.

    `metadata`: `category` (as `FailureCategory` without its prefix), `code` (ours), `provider_code`,
    `provider_message`, `network_code`; empty ones are left out. What is worth repeating is a `ProviderUnavailable`.
    """

    default_reason = "PROVIDER_REFUSED_OPERATION"
    grpc_code = 9
    http_status = 422


class NothingToRefund(Rejected):
    """No captured money of the payment is left. Ask for the payment with `refresh` if the provider may know more."""

    default_reason = "NOTHING_TO_REFUND"
    grpc_code = 9
    http_status = 409


class OutcomeUnknown(PrismError):
    """The provider's answer was lost: money may have moved. It is asked again on a schedule, and the event follows.

    Repeat the call with the same `request_id`, never with a new one. `metadata["payment_id"]`, where there is one.
    """

    default_reason = "OUTCOME_UNKNOWN"
    retryable = True
    grpc_code = 2
    http_status = 504


class RequestInFlight(Unavailable):
    """A call with this `request_id` has not ended yet. Repeat it in a moment."""

    default_reason = "REQUEST_IN_FLIGHT"
    grpc_code = 10
    http_status = 409


class TooManyCalls(Unavailable):
    """More calls than are allowed. Wait for `retry_after_s`, then call again; spread calls or raise the limit."""

    default_reason = "RATE_LIMITED"
    grpc_code = 8
    http_status = 429


class RequestIdReused(Rejected):
    """The `request_id` was used with another request. A new request needs a new one."""

    default_reason = "REQUEST_ID_REUSED"
    grpc_code = 9
    http_status = 422


class DeadlineExpired(PrismError):
    """The caller's time ran out before an answer; what became of the call is not known."""

    default_reason = "DEADLINE_EXPIRED"
    retryable = True
    grpc_code = 4
    http_status = 504


class SettingsRejected(PrismError):
    """Settings do not hold together. The message lists every fault, each with its fix."""

    default_reason = "SETTINGS_INVALID"
    grpc_code = 9


class DriverMissing(SettingsRejected):
    """A broker or database driver is not installed. The fix is the install command."""

    default_reason = "DRIVER_MISSING"


class Internal(PrismError):
    """A defect of ours. Please report it with the correlation id."""
