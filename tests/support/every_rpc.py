"""Every rpc of every service that the protos know of, found by itself: a new one is tried without a new test."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import orchestratorx_prism.v1 as generated


def every_rpc() -> list[Any]:
    """protobuf MethodDescriptors."""
    found = []
    for module in pkgutil.iter_modules(generated.__path__):
        if module.name.endswith("_service_pb2"):
            services = import_module(f"{generated.__name__}.{module.name}").DESCRIPTOR.services_by_name
            found += [method for service in services.values() for method in service.methods]
    return found


def name_of(method: Any) -> str:
    """ "PaymentService.Get"."""
    return f"{method.containing_service.name}.{method.name}"


def requests_naming(method: Any, merchant_id: str) -> Iterator[Message]:
    """A request for each place where the method's requests can name a merchant; one alone in each."""
    for place in places_in(method.input_type, ()):
        request = GetMessageClass(method.input_type)()
        holder: Any = request
        for field in place[:-1]:
            holder = getattr(holder, field.name).add() if field.is_repeated else getattr(holder, field.name)
        holder.merchant_id = merchant_id
        yield request


def named_in(message: Any) -> list[str]:
    """All merchants that a message names."""
    found = []
    for field, value in message.ListFields():
        if field.name == "merchant_id":
            found.append(value)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for each in value if field.is_repeated else (value,):
                found += named_in(each)
    return found


def places_in(kind: Any, above: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Chains of fields that end with one named merchant_id."""
    if any(field.message_type is kind for field in above[:-1]):
        return
    for field in kind.fields:
        if field.name == "merchant_id":
            yield (*above, field)
        elif field.message_type is not None:
            yield from places_in(field.message_type, (*above, field))
