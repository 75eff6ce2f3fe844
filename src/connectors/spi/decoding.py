"""Bytes to typed values, for every codec: limits and refusals that do not differ between providers."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from orchestratorx_prism.errors import PayloadRejected

T = TypeVar("T")


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decodes `body` with a typed decoder made once at import.

    The decoder ignores fields it does not name, so unknown fields cost little and break nothing.

    Raises:
        PayloadRejected: Empty, not UTF-8, not JSON, too deep, or a named field of the wrong type. The message never
            quotes the body.
    """
    try:
        if not body.isascii():
            body.decode("utf-8")  # a decoder that skips a field does not look inside its string
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise PayloadRejected(
            f"the body does not have the provider's shape: {_where(error)}",
            reason="PAYLOAD_FIELD_INVALID" if _is_object(body) else "PAYLOAD_NOT_OBJECT",
            fix="send the provider's body unchanged; if the provider sent this, report the shape",
        ) from error
    except msgspec.DecodeError as error:
        raise _refusal(body) from error
    except UnicodeDecodeError as error:
        raise _refusal(body) from error
    except RecursionError as error:
        raise PayloadRejected("the body is nested too deeply", reason="PAYLOAD_TOO_DEEP") from error


def _where(error: msgspec.ValidationError) -> str:
    """The path of the fault without values: msgspec's messages name types and paths only, except for enum values."""
    text = str(error)
    return text.rsplit(" - at ", maxsplit=1)[-1] if " - at " in text else "at its top"


def _is_object(body: bytes) -> bool:
    return body.lstrip(b" \t\r\n")[:1] == b"{"


def _refusal(body: bytes) -> PayloadRejected:
    if not body.strip():
        return PayloadRejected("the body is empty", reason="PAYLOAD_EMPTY", fix="pass the raw request body")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return PayloadRejected("the body is not UTF-8", reason="PAYLOAD_NOT_UTF8", fix="pass the bytes as received")
    return PayloadRejected("the body is not JSON", reason="PAYLOAD_NOT_JSON", fix="pass the bytes as received")
