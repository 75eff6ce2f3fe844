"""The OpenAPI document: complete, true to the table, and its examples are what it says they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from rest_desk import rest_of_fakes

from orchestrator.access.scopes import SCOPE_OF
from orchestrator.http_api.rest.fields import build_request, inputs_of
from orchestrator.http_api.rest.rows import Row
from orchestrator.http_api.rest.table import ROWS
from orchestratorx_prism.v1 import (
    api_key_service_pb2,
    audit_service_pb2,
    credential_service_pb2,
    customer_service_pb2,
    delivery_service_pb2,
    dispute_service_pb2,
    event_service_pb2,
    mandate_service_pb2,
    merchant_service_pb2,
    payment_method_service_pb2,
    payment_service_pb2,
    payout_service_pb2,
    reconciliation_service_pb2,
    refund_service_pb2,
    subscription_service_pb2,
    webhook_endpoint_service_pb2,
)

DOCUMENT: dict[str, Any] = rest_of_fakes().app.openapi()
NOT_OVER_REST = {
    "EventService.HandleEvent": "webhooks are posted to /webhooks/…",
    "EventService.HandleEvents": "a stream of webhooks",
    "EventService.BatchHandleEvents": "for programs that collect webhooks: gRPC",
    "EventService.ParseEvent": "for programs that route webhooks: gRPC",
    "EventService.SubscribeEvents": "a stream: gRPC, a broker, or webhook endpoints",
}
"""Rpcs without a route, and why."""
MODULES = [
    *(api_key_service_pb2, audit_service_pb2, credential_service_pb2, customer_service_pb2, delivery_service_pb2),
    *(dispute_service_pb2, event_service_pb2, mandate_service_pb2, merchant_service_pb2, payment_method_service_pb2),
    *(payment_service_pb2, payout_service_pb2, reconciliation_service_pb2, refund_service_pb2),
    *(subscription_service_pb2, webhook_endpoint_service_pb2),
]


def operation_of(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][row.path][row.method.lower()]
    return found


def validator_of(schema: dict[str, Any]) -> Any:
    """A schema of the document, with all that it may refer to."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]}, validate_formats=True)


def every_reference(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from every_reference(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from every_reference(inner)


every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.operation_id)


def test_every_rpc_has_a_route_or_a_reason() -> None:
    rpcs = {
        f"{service.name}.{method.name}"
        for module in MODULES
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert rpcs == {row.rpc for row in ROWS} | {rpc for row in ROWS for rpc in row.also} | set(NOT_OVER_REST)
    assert not set(NOT_OVER_REST) & {row.rpc for row in ROWS}


def test_every_row_is_in_the_document_once_and_nothing_else() -> None:
    documented = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert documented == {(row.method, row.path) for row in ROWS}
    ids = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids)) == len(ROWS)


def test_every_reference_leads_somewhere() -> None:
    for reference in set(every_reference(DOCUMENT)):
        found: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        assert found


def test_every_schema_is_a_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
        validator_of(schema)


@every_row
def test_an_operation_says_all_that_a_caller_needs(row: Row) -> None:
    operation = operation_of(row)
    assert operation["summary"]
    assert operation["description"].count("\n\n") >= 1, "the proto's words, and the rpc's name"
    assert operation["tags"] == [row.tag]
    assert operation["x-scopes"] == sorted({SCOPE_OF[rpc] for rpc in (row.rpc, *row.also)})
    statuses = set(operation["responses"])
    assert {"400", "401", "403", "404", "406", "409", "422", "429", "500", "503", "504"} <= statuses
    assert ("413" in statuses) == ("requestBody" in operation)
    parameters = {
        each.get("name", each.get("$ref", "").rpartition("/")[2]): each for each in operation.get("parameters", [])
    }
    assert ("IdempotencyKey" in parameters) == inputs_of(row).takes_request_id
    assert set(row.places) <= set(parameters)
    for name, parameter in parameters.items():
        assert parameter.get("description") or "$ref" in parameter, name


@every_row
def test_an_example_of_a_request_fits_its_schema_and_is_taken(row: Row) -> None:
    operation = operation_of(row)
    inputs = inputs_of(row)
    body: dict[str, Any] = {}
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        assert "example" in content, "every body has an example"
        body = content["example"]
        validator_of(content["schema"]).validate(body)
    query = "&".join(
        f"{each['name']}={each['example']}"
        for each in operation.get("parameters", [])
        if each.get("in") == "query" and isinstance(each.get("example"), str)
    )
    path = {
        each["name"]: each.get("example", "x") for each in operation.get("parameters", []) if each.get("in") == "path"
    }
    key = "key" if inputs.takes_request_id else ""
    request = build_request(inputs, path, query.replace("+", "%2B").encode(), body, key)
    assert request.DESCRIPTOR is inputs.request.DESCRIPTOR


@every_row
def test_an_example_of_an_answer_fits_its_schema(row: Row) -> None:
    for status, response in operation_of(row)["responses"].items():
        described = response
        if "$ref" in response:
            described = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
        for media_type, content in described.get("content", {}).items():
            assert "example" in content, (status, media_type)
            validator_of(content["schema"]).validate(content["example"])


def test_no_example_shows_a_secret_that_could_be_one() -> None:
    text = json.dumps(DOCUMENT)
    assert not re.search(r"sk_live|whsec_[A-Za-z0-9+/]{20}|\b4[0-9]{15}\b", text)


def test_a_service_that_is_not_wired_has_no_route() -> None:
    from rest_desk import every_service

    from orchestrator.http_api.rest.app import document_of

    services = {
        descriptor: service for descriptor, service in every_service({}).items() if descriptor.name != "AuditService"
    }
    paths = json.loads(document_of(services))["paths"]
    assert "/v1/payments" in paths
    assert "/v1/audit-log" not in paths
