"""Writes the SDK's clients from the protos' descriptors: signatures, type hints and docstrings from their comments.

What lives here: descriptors in, Python source out. Not here: calling protoc (generate.py). An rpc in BY_HAND is
written by hand in the SDK, and only its fields are typed here.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

PACKAGE = "orchestratorx_prism.v1"
CLIENTS = {
    "EventService": "EventMethods",
    "PaymentService": "PaymentClient",
    "RefundService": "RefundClient",
    "DisputeService": "DisputeClient",
    "CustomerService": "CustomerClient",
    "PaymentMethodService": "PaymentMethodClient",
    "MandateService": "MandateClient",
    "SubscriptionService": "SubscriptionClient",
    "PayoutService": "PayoutClient",
    "ReconciliationService": "ReconciliationClient",
    "MerchantService": "MerchantClient",
    "CredentialService": "CredentialClient",
    "ApiKeyService": "ApiKeyClient",
    "AuditService": "AuditClient",
    "WebhookEndpointService": "WebhookEndpointClient",
    "DeliveryService": "DeliveryClient",
}
BY_HAND = {
    "EventService": {
        "HandleEvent",
        "HandleEvents",
        "BatchHandleEvents",
        "ParseEvent",
        "GetEvent",
        "ListEvents",
        "SubscribeEvents",
    }
}
"""These return wrapped events or take raw webhooks: clients/events.py and sync.py have them."""

WIDTH = 116
F = FieldDescriptorProto
_PLAIN = {
    F.TYPE_STRING: "str",
    F.TYPE_BYTES: "bytes | str",
    F.TYPE_BOOL: "bool",
    F.TYPE_INT32: "int",
    F.TYPE_INT64: "int",
    F.TYPE_UINT32: "int",
    F.TYPE_UINT64: "int",
    F.TYPE_ENUM: "str | int",
}
_MADE_HERE = {"request_id": "Made here if it is empty.", "merchant_id": "The client's own if it is empty."}


@dataclass
class Protos:
    """All messages, where they are, and every comment."""

    messages: dict[str, DescriptorProto] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    """"Message.field", "Message", "Enum.CONSTANT", "Service.Method", … → text."""
    files: list[FileDescriptorProto] = field(default_factory=list)


def read(descriptors: FileDescriptorSet) -> Protos:
    protos = Protos()
    for file in descriptors.file:
        if file.package != PACKAGE:
            continue
        protos.files.append(file)
        notes = {tuple(at.path): at.leading_comments.strip() for at in file.source_code_info.location}
        for i, message in enumerate(file.message_type):
            protos.messages[message.name] = message
            protos.modules[message.name] = file.name.removesuffix(".proto").replace("/", ".") + "_pb2"
            protos.comments[message.name] = notes.get((4, i), "")
            for j, member in enumerate(message.field):
                protos.comments[f"{message.name}.{member.name}"] = notes.get((4, i, 2, j), "")
        for i, constants in enumerate(file.enum_type):
            protos.comments[constants.name] = notes.get((5, i), "")
            for j, constant in enumerate(constants.value):
                protos.comments[f"{constants.name}.{constant.name}"] = notes.get((5, i, 2, j), "")
        for i, service in enumerate(file.service):
            protos.comments[service.name] = notes.get((6, i), "")
            for j, method in enumerate(service.method):
                protos.comments[f"{service.name}.{method.name}"] = notes.get((6, i, 2, j), "")
    return protos


def comments_source(protos: Protos) -> str:
    """All comments as a Python table: descriptors do not hold them at run time."""
    texts = {name: " ".join(text.split()) for name, text in sorted(protos.comments.items()) if text}
    lines = ['"""What the protos say of each thing in them. Written by scripts/generate.py; do not edit."""', ""]
    lines += ["# ruff: noqa: E501", "", "COMMENTS: dict[str, str] = {"]
    lines += [f"    {name!r}: {text!r}," for name, text in texts.items()]
    lines += ["}", '""""Message", "Message.field", "Enum.CONSTANT", "Service.Method", … → its comment."""', ""]
    return "\n".join(lines)


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def short(type_name: str) -> str:
    return type_name.rpartition(".")[2]


def is_map(member: FieldDescriptorProto) -> bool:
    return member.type == F.TYPE_MESSAGE and member.type_name.endswith("Entry")


def field_type(member: FieldDescriptorProto) -> str:
    """What a caller may give for the field."""
    if is_map(member):
        return "Mapping[str, str] | Iterable[tuple[str, str]]"
    if member.type_name == ".google.protobuf.Timestamp":
        one = "Timestamp | datetime | str"
    elif member.type == F.TYPE_MESSAGE:
        one = f"{short(member.type_name)} | Mapping[str, Any]"
    else:
        one = _PLAIN[member.type]
    return f"Iterable[{one}]" if member.label == F.LABEL_REPEATED else one


def request_fields(protos: Protos, request: str) -> list[tuple[str, FieldDescriptorProto]]:
    """(message, field) of all that a request takes; those of its filter may be given beside it."""
    message = protos.messages[request]
    found = [(request, member) for member in message.field]
    names = {member.name for member in message.field}
    for member in message.field:
        if member.name == "filter":
            inner = short(member.type_name)
            found += [(inner, f) for f in protos.messages[inner].field if f.name not in names]
    return found


def fields_name(request: str) -> str:
    return request.removesuffix("Request") + "Fields"


def typed_dict(protos: Protos, request: str) -> Iterator[str]:
    yield f"class {fields_name(request)}(TypedDict, total=False):"
    yield f'    """{protos.comments[request]}"""'
    yield ""
    for owner, member in request_fields(protos, request):
        for line in textwrap.wrap(protos.comments[f"{owner}.{member.name}"].replace("\n", " "), WIDTH - 6):
            yield f"    # {line}"
        yield f"    {member.name}: {field_type(member)}"
    yield ""
    yield ""


def docstring(protos: Protos, service: str, method: MethodDescriptorProto, first: str = "") -> Iterator[str]:
    request = short(method.input_type)
    summary = protos.comments[f"{service}.{method.name}"].replace("\n ", "\n").splitlines()
    lines = [first, "", *summary] if first else summary
    yield f'        """{lines[0]}'
    yield ""
    for line in [line for line in lines[1:] if line]:
        yield f"        {line}"
    if lines[1:]:
        yield ""
    yield "        Args:"
    yield "            request: All fields at once, as a dict or a message. Or as keywords:"
    for owner, member in request_fields(protos, request):
        text = " ".join([protos.comments[f"{owner}.{member.name}"], _MADE_HERE.get(member.name, "")]).strip()
        yield from textwrap.wrap(f"{member.name}: {text}", WIDTH, initial_indent=" " * 12, subsequent_indent=" " * 16)
    yield "            timeout_s: How long this call may take, if not as long as the client's others. Seconds."
    yield ""
    yield "        Raises:"
    yield "            PrismError: The call was refused; `reason` says why."
    yield '        """'


def signature(name: str, request: str, answer: str, *, asynchronous: bool) -> Iterator[str]:
    yield f"    {'async ' if asynchronous else ''}def {name}("
    yield "        self,"
    yield f"        request: {request} | Mapping[str, Any] | None = None,"
    yield "        *,"
    yield "        timeout_s: float | None = None,"
    yield f"        **fields: Unpack[{fields_name(request)}],"
    yield f"    ) -> {answer}:"


def paged_items(protos: Protos, answer: str) -> FieldDescriptorProto | None:
    """The repeated field of a page, if the answer is a page."""
    members = protos.messages[answer].field
    if not any(member.name == "next_page_token" for member in members):
        return None
    return next(member for member in members if member.label == F.LABEL_REPEATED)


def methods(protos: Protos, service: str, all_methods: list[MethodDescriptorProto], *, blocking: bool) -> Iterator[str]:
    for method in all_methods:
        if method.name in BY_HAND.get(service, ()):
            continue
        if method.client_streaming or method.server_streaming:
            raise SystemExit(f"{service}.{method.name} streams: write it by hand and name it in BY_HAND")
        request, answer = short(method.input_type), short(method.output_type)
        name = snake_case(method.name)
        yield from signature(name, request, answer, asynchronous=not blocking)
        yield from docstring(protos, service, method)
        if blocking:
            yield f"        return self._run(self._client.{name}(request, timeout_s=timeout_s, **fields))"
        else:
            yield f"        message = self._request({request}, request, fields)"
            yield f'        return await self._unary("{method.name}", message, {answer}, timeout_s)'
        yield ""
        items = paged_items(protos, answer)
        if items is not None:
            yield from paging(protos, service, method, items, blocking=blocking)


def paging(
    protos: Protos, service: str, method: MethodDescriptorProto, items: FieldDescriptorProto, *, blocking: bool
) -> Iterator[str]:
    request, answer, item = short(method.input_type), short(method.output_type), short(items.type_name)
    name = snake_case(method.name)
    every = name.replace("list", "iterate", 1)
    returned = f"Iterator[{item}]" if blocking else f"AsyncIterator[{item}]"
    yield from signature(every, request, returned, asynchronous=False)
    yield from docstring(protos, service, method, f"As `{name}`, page after page, one by one.")
    if blocking:
        yield f"        return self._drain(self._client.{every}(request, timeout_s=timeout_s, **fields))"
    else:
        yield f"        message = self._request({request}, request, fields)"
        yield f'        return self._pages("{method.name}", message, {answer}, "{items.name}", timeout_s)'
    yield ""


def class_doc(protos: Protos, service: str) -> str:
    text = textwrap.wrap(protos.comments[service], WIDTH - 6, subsequent_indent="    ")
    return "\n".join([f'    """{text[0]}', *text[1:]]) + '"""'


def requests_of(protos: Protos) -> list[str]:
    """Request messages of all rpcs that take one message."""
    return [
        short(method.input_type)
        for file in protos.files
        for service in file.service
        for method in service.method
        if not method.client_streaming
    ]


HEAD = '''"""{title}

Written by scripts/generate.py from the protos; do not edit.
"""

from __future__ import annotations

from collections.abc import {abc}
from typing import Any, ClassVar, TypedDict, Unpack
'''


def client_source(protos: Protos) -> str:
    """clients/_generated.py: asynchronous clients and the types of their keywords."""
    body: list[str] = []
    for request in requests_of(protos):
        body += typed_dict(protos, request)
    for file in protos.files:
        for service in file.service:
            body += [f"class {CLIENTS[service.name]}(ServiceClient):", class_doc(protos, service.name), ""]
            body += [f'    service: ClassVar[str] = "{PACKAGE}.{service.name}"', ""]
            body += methods(protos, service.name, list(service.method), blocking=False)
            body += [""]
    title = "Clients of every service, and what their requests may be made of."
    return _assembled(protos, title, body, ["from orchestratorx_prism.clients.base import ServiceClient"])


def blocking_source(protos: Protos) -> str:
    """clients/_generated_sync.py: the blocking twins."""
    body: list[str] = []
    for file in protos.files:
        for service in file.service:
            twin = CLIENTS[service.name]
            base = f"BlockingClient[_generated.{twin}]"
            body += [f"class {twin}({base}):", class_doc(protos, service.name), ""]
            if not twin.endswith("Methods"):
                body += [f"    _twin = _generated.{twin}", ""]
            body += methods(protos, service.name, list(service.method), blocking=True)
            body += [""]
    fields = ", ".join(sorted(fields_name(r) for r in requests_of(protos) if f"[{fields_name(r)}]" in "\n".join(body)))
    return _assembled(
        protos,
        "Blocking twins of the generated clients.",
        body,
        [
            "from orchestratorx_prism.clients import _generated",
            f"from orchestratorx_prism.clients._generated import {fields}",
            "from orchestratorx_prism.clients.blocking import BlockingClient",
        ],
    )


def _assembled(protos: Protos, title: str, body: list[str], imports: list[str]) -> str:
    """The file: only what is used is imported."""
    text = "\n".join(body)

    def used(name: str) -> bool:
        return re.search(rf"(?<![\w.]){name}\b", text) is not None

    abc = ", ".join(name for name in ("AsyncIterator", "Iterable", "Iterator", "Mapping") if used(name))
    head = HEAD.format(title=title, abc=abc)
    for name in ("ClassVar", "TypedDict", "Unpack"):
        if not used(name):
            head = head.replace(f", {name}", "")
    if used("datetime"):
        head = head.replace("from typing", "from datetime import datetime\nfrom typing")
    lines = ["", "from google.protobuf.timestamp_pb2 import Timestamp", ""] if used("Timestamp") else [""]
    by_module: dict[str, list[str]] = {}
    for name, module in protos.modules.items():
        if used(name):
            by_module.setdefault(module, []).append(name)
    lines += imports
    lines += [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(by_module.items())]
    return "\n".join([head, *lines, "", "", text])
