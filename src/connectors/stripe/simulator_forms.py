"""How Stripe reads requests: forms with nested brackets, multipart uploads, and typed parameters. For the simulator.

Source: Stripe API reference, "Introduction" (form-encoded bodies), "Expanding responses", "Errors".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email import message_from_bytes, policy
from email.message import Message
from typing import Any, Final
from urllib.parse import parse_qsl

from connectors.stripe.sample_objects import Json

_PARTS: Final = re.compile(r"\[([^\[\]]*)\]")


class Refused(Exception):
    """An error answer of Stripe's."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        begun: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.begun = begun
        """Whether it was carried out so far that its idempotency key remembers it; faults of parameters are not."""
        self.error: Json = {"type": type, "message": message, **more}
        if code is not None:
            self.error |= {"code": code, "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}"}
        if param is not None:
            self.error["param"] = param


def missing(param: str) -> Refused:
    return Refused(400, f"Missing required param: {param}.", code="parameter_missing", param=param, begun=False)


def no_such(what: str, given: str, param: str, status: int = 400) -> Refused:
    """In a path it is 404, with the parameter "id" or its object's name."""
    return Refused(status, f"No such {what}: '{given}'", code="resource_missing", param=param, begun=status != 404)


def read_form(text: str) -> Json:
    """Nested values of "a[b]=1&items[0][price]=p&expand[]=x". Values stay text."""
    made: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, *_ = name.split("[", 1)
        _put(made, [head, *_PARTS.findall(name)], value)
    return {name: _listed(value) for name, value in made.items()}


def read_upload(content_type: str, body: bytes) -> Json:
    """Fields of a multipart/form-data body; the file as {"filename", "bytes"}."""
    message = message_from_bytes(
        f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode() + body, policy=policy.HTTP
    )
    made: Json = {}
    for part in message.iter_parts():
        name = _parameter(part, "name")
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        filename = _parameter(part, "filename")
        made[name] = {"filename": filename, "bytes": content} if filename else content.decode()
    return made


def _parameter(part: Message, name: str) -> str:
    value = part.get_param(name, "", "content-disposition")
    return value if isinstance(value, str) else ""


def _put(made: Json, path: list[str], value: str) -> None:
    *outer, last = path
    for step in outer:
        inner = made.setdefault(step or str(len(made)), {})
        if not isinstance(inner, dict):
            raise Refused(400, "Invalid form: a value has parts", begun=False)
        made = inner
    made[last or str(len(made))] = value


def _listed(value: Any) -> Any:
    """Objects whose names are 0, 1, … become lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(one) for name, one in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


class Form:
    """A request's parameters, read as Stripe does. What is not known is refused."""

    def __init__(self, values: Mapping[str, Any], known: Iterable[str]) -> None:
        self.values = values
        unknown = sorted(values.keys() - {*known, "expand"})
        if unknown:
            text = f"Received unknown parameter: {unknown[0]}"
            raise Refused(400, text, code="parameter_unknown", param=unknown[0], begun=False)

    def text(self, name: str, default: str | None = None) -> str:
        """Required unless there is a default."""
        value = self.values.get(name)
        if value is None or value == "":
            if default is None:
                raise missing(name)
            return default
        if not isinstance(value, str):
            raise Refused(400, f"Invalid string: {name}", param=name, begun=False)
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        given = self.text(name, None if default is None else str(default))
        if not re.fullmatch(r"-?\d{1,15}", given):
            text = f"Invalid integer: {given}"
            raise Refused(400, text, code="parameter_invalid_integer", param=name, begun=False)
        return int(given)

    def positive(self, name: str, default: int | None = None) -> int:
        value = self.integer(name, default)
        if value < 1:
            text = "Invalid positive integer"
            raise Refused(400, text, code="parameter_invalid_integer", param=name, begun=False)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        given = self.text(name, "true" if default else "false")
        if given not in {"true", "false"}:
            raise Refused(400, f"Invalid boolean: {given}", param=name, begun=False)
        return given == "true"

    def inner(self, name: str) -> Json:
        value = self.values.get(name) or {}
        if not isinstance(value, dict):
            raise Refused(400, f"Invalid object: {name}", param=name, begun=False)
        return value

    def words(self, name: str) -> list[str]:
        value = self.values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Refused(400, f"Invalid array: {name}", param=name, begun=False)
        return value

    def metadata(self) -> dict[str, str]:
        values = self.inner("metadata")
        if len(values) > 50 or any(len(name) > 40 or len(str(value)) > 500 for name, value in values.items()):
            raise Refused(400, "Metadata can have up to 50 keys of 40 and values of 500", param="metadata", begun=False)
        return {name: str(value) for name, value in values.items() if value != ""}
