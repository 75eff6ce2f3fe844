"""What an application has of a webhook, as a request: bodies, headers, likely mistakes. On the hot path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from orchestratorx_prism.errors import PayloadRejected, RequestRejected
from orchestratorx_prism.from_values import from_dict
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest

_NAMES: Final = frozenset(HandleEventRequest.DESCRIPTOR.fields_by_name)

# Names that other libraries use, and frameworks' own words → ours.
LIKELY: Final[dict[str, str]] = {
    "body": "payload",
    "raw_body": "payload",
    "raw": "payload",
    "data": "payload",
    "secret": "webhook_secret",
    "signing_secret": "webhook_secret",
    "endpoint_secret": "webhook_secret",
    "secrets": "webhook_secrets",
    "token": "url_token",
    "remote_addr": "remote_address",
    "ip": "remote_address",
    "merchant": "merchant_id",
    "certs": "certificates",
}

RAW_BODY_FIX: Final = (
    "pass the body as received: `await request.body()` in FastAPI, `request.get_data()` in Flask, "
    "`request.body` in Django"
)


def webhook_request(
    values: Mapping[str, Any], *, connector: str, environment: int, merchant_id: str
) -> HandleEventRequest:
    """A request of a dict, the client's own connector, environment and merchant where the dict has none.

    Raises:
        RequestRejected: An unknown name, a parsed body, a value that does not fit. Values are never shown.
        PayloadRejected: Text that is not Unicode.
    """
    fields = dict(values)
    if not _NAMES.issuperset(fields):
        raise _unknown(fields)
    if not fields.get("connector"):
        fields["connector"] = connector
    if not fields.get("merchant_id"):
        fields["merchant_id"] = merchant_id
    if not fields.get("environment"):
        fields["environment"] = environment
    payload = fields.get("payload")
    if type(payload) is not bytes:
        fields["payload"] = body_bytes(payload)
    headers = fields.get("headers")
    if headers is not None and type(headers) is not dict:
        fields["headers"] = header_dict(headers)
    if fields.get("certificates"):
        fields["certificates"] = [_pem(one) for one in _listed("certificates", fields["certificates"])]
    if fields.get("webhook_secrets"):
        fields["webhook_secrets"] = _listed("webhook_secrets", fields["webhook_secrets"])
    try:
        return HandleEventRequest(**fields)
    except (TypeError, ValueError):
        # protobuf does not say which field it was, and its message may hold the value.
        return from_dict(HandleEventRequest, fields)


def body_bytes(payload: Any) -> bytes:
    """The body's bytes; text is taken as UTF-8.

    Raises:
        RequestRejected: No body, or a parsed one: the signature covers the bytes, and JSON written anew has others.
        PayloadRejected: PAYLOAD_NOT_UTF8: text with half of a surrogate pair.
    """
    if isinstance(payload, bytes):
        return payload
    if isinstance(payload, bytearray | memoryview):
        return bytes(payload)
    if isinstance(payload, str):
        try:
            return payload.encode()
        except UnicodeEncodeError:
            raise PayloadRejected(
                "the payload is text that has no bytes in UTF-8", reason="PAYLOAD_NOT_UTF8", fix=RAW_BODY_FIX
            ) from None
    if payload is None:
        raise RequestRejected("payload is missing", fix=RAW_BODY_FIX, metadata={"field": "payload"})
    raise RequestRejected(
        f"payload is a {type(payload).__name__}: a body that was parsed already, and the signature covers the raw one",
        reason="PAYLOAD_ALREADY_PARSED",
        fix=RAW_BODY_FIX,
        metadata={"field": "payload"},
    )


def header_dict(headers: Any) -> dict[str, str]:
    """Headers of a mapping, a framework's own headers or (name, value) pairs, of text or bytes; repeated ones joined.

    Raises:
        RequestRejected: It is none of these.
    """
    items = getattr(headers, "items", None)
    pairs: Any = items() if callable(items) else headers
    merged: dict[str, str] = {}
    spelled: dict[str, str] = {}
    try:
        for name, value in pairs:
            key, text = _header_text(name), _header_text(value)
            key = spelled.setdefault(key.lower(), key)
            merged[key] = f"{merged[key]}, {text}" if key in merged else text
    except (TypeError, ValueError):
        raise RequestRejected(
            "headers are a mapping or (name, value) pairs, of text",
            fix="pass dict(request.headers)",
            metadata={"field": "headers"},
        ) from None
    return merged


def _listed(name: str, values: Any) -> Any:
    # Failure policy: closed. A text would be taken apart, and each of its characters would be a secret to sign with.
    if type(values) is list:
        return values
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise RequestRejected(
            f"{name}: takes a list, not {type(values).__name__}", fix="put it into a list", metadata={"field": name}
        )
    return list(values)


def _header_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")  # RFC 9110: bytes beyond ASCII are opaque; latin-1 keeps them
    if not isinstance(value, str):
        raise TypeError
    return value


def _pem(certificate: Any) -> Any:
    return certificate.encode() if isinstance(certificate, str) else certificate


def _unknown(fields: Iterable[str]) -> RequestRejected:
    name = next(name for name in fields if name not in _NAMES)
    if name in LIKELY:
        return RequestRejected(
            f"{name}: there is no such field", fix=f"did you mean {LIKELY[name]}?", metadata={"field": name}
        )
    try:
        from_dict(HandleEventRequest, {name: None})
    except RequestRejected as refused:
        return refused
    raise AssertionError(f"{name} is unknown here and known there")
