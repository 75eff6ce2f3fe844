"""The AsyncAPI document: read by the official parser, and everything that it must say."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from string import Formatter
from typing import Any

import jsonschema_rs
import pytest

from orchestrator.catalogue.asyncapi import asyncapi_document, asyncapi_files
from orchestrator.catalogue.model import Catalogue, Json
from orchestratorx_prism.event_types import DATA_MEMBER

PARSER = Path(__file__).resolve().parents[3] / "scripts" / "asyncapi"


@pytest.fixture(scope="session")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[int, Json]]:
    """Text of a document → exit status and report of the official parser."""
    node = shutil.which("node")
    if node is None or not (PARSER / "node_modules" / "@asyncapi" / "parser").exists():
        message = "needs Node and the AsyncAPI parser: scripts/node-tools"
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("asyncapi")

    def run(text: str) -> tuple[int, Json]:
        path = folder / "asyncapi.json"
        path.write_text(text, encoding="utf-8")
        command = [node, str(PARSER / "parse_asyncapi.mjs"), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        assert done.stdout, done.stderr
        report: Json = json.loads(done.stdout)
        return done.returncode, report

    return run


def errors_in(report: Json) -> list[Any]:
    return [each for each in report["diagnostics"] if each["severity"] in {"Error", "Warning"}]


def test_the_official_parser_reads_it_without_an_error(
    parse: Callable[[str], tuple[int, Json]], catalogue: Catalogue
) -> None:
    status, report = parse(asyncapi_files(catalogue)["asyncapi.json"])
    assert (status, errors_in(report)) == (0, [])
    assert report["version"] == "3.0.0"
    assert list(report["channels"]) == ["events", "payments", "payment_requests", "protobuf"]
    assert report["channels"]["payments"]["address"] == "payments.{env}.events"
    assert report["channels"]["events"]["messages"] == list(DATA_MEMBER)


def break_reference(document: Json) -> None:
    document["channels"]["events"]["messages"]["payment.captured"]["$ref"] = "#/components/messages/nothing"


def break_schema(document: Json) -> None:
    document["components"]["messages"]["payment.captured"]["payload"]["type"] = "text"


def break_operation(document: Json) -> None:
    document["operations"]["publish-events"]["action"] = "shout"


def break_channel(document: Json) -> None:
    document["channels"]["payments"]["parameters"]["env"]["enum"] = "dev"


@pytest.mark.parametrize("damage", [break_reference, break_schema, break_operation, break_channel])
def test_the_parser_would_find_a_fault(
    damage: Callable[[Json], None], parse: Callable[[str], tuple[int, Json]], catalogue: Catalogue
) -> None:
    document = copy.deepcopy(asyncapi_document(catalogue))
    damage(document)
    status, report = parse(json.dumps(document))
    assert status == 1 or errors_in(report), report["diagnostics"]


def test_examples_fit_the_schemas_of_the_document(catalogue: Catalogue) -> None:
    document = asyncapi_document(catalogue)
    checked = 0
    for name, message in document["components"]["messages"].items():
        for example in message["examples"]:
            for part in {"payload", "headers"} & set(example):
                schema = {"allOf": [message[part]], "components": document["components"]}
                assert list(jsonschema_rs.Draft7Validator(schema).iter_errors(example[part])) == [], name
                assert not jsonschema_rs.Draft7Validator(schema).is_valid({**example[part], "surprise": 1}), name
                checked += 1
    assert checked == len(catalogue.events)


def test_addresses_have_the_parameters_that_they_name(catalogue: Catalogue) -> None:
    for name, channel in asyncapi_document(catalogue)["channels"].items():
        named = {part for _, part, _, _ in Formatter().parse(channel["address"]) if part is not None}
        assert named == set(channel.get("parameters", {})), name


def test_every_message_says_all_there_is_to_know(catalogue: Catalogue) -> None:
    messages = asyncapi_document(catalogue)["components"]["messages"]
    assert set(messages) == {event.shape.id for event in catalogue.events}
    for name, message in messages.items():
        assert message["x-version"] == "1.0.0", name
        assert message["x-owner"], name
        assert message["summary"], name
        assert message["examples"], name
        assert message["payload"], name
        assert "At least once" in message["x-guarantee"][0], name
        assert isinstance(message["x-consumers"], list), name


def test_producers_are_those_whose_codecs_make_the_event(catalogue: Catalogue) -> None:
    messages = asyncapi_document(catalogue)["components"]["messages"]
    captured = {each["name"]: each["provider_types"] for each in messages["payment.captured"]["x-producers"]}
    assert set(captured) == {"adyen", "mpesa", "paypal", "stripe"}
    assert "payment_intent.succeeded" in captured["stripe"]
    assert "stk.success" in captured["mpesa"]
    assert [each["name"] for each in messages["payment.anomaly"]["x-producers"]] == ["adyen", "orchestrator"]
    assert messages["payment.unknown"]["x-producers"] == []
    assert "Adapted" in messages["payment.unknown"]["examples"][0]["summary"]


def test_consumers_and_owners_are_those_that_were_written_down(catalogue: Catalogue) -> None:
    messages = asyncapi_document(catalogue)["components"]["messages"]
    assert [each["name"] for each in messages["payment.captured"]["x-consumers"]] == ["order-service"]
    assert [each["name"] for each in messages["refund.failed"]["x-consumers"]] == ["order-service"]
    assert messages["refund.failed.protobuf"]["x-consumers"] == [], "it reads another channel"
    assert [each["name"] for each in messages["PAYMENT_FAILED"]["x-consumers"]] == ["ledger"]
    assert messages["dispute.won"]["x-owner"] == "risk"
    assert messages["payment.captured"]["x-owner"] == "platform"


def test_channels_say_address_parameters_and_key(catalogue: Catalogue) -> None:
    channels = asyncapi_document(catalogue)["channels"]
    assert channels["payments"]["parameters"]["env"]["enum"] == ["dev", "sit", "prod"]
    assert channels["payments"]["x-partition-key"] == "{payment_id}"
    assert channels["events"]["x-routing-key"] == "{type}"
    assert channels["events"]["x-routing-key-parameters"]["type"]["enum"] == list(DATA_MEMBER)
    assert channels["protobuf"]["parameters"]["environment"]["enum"] == ["sandbox", "production"]
    assert set(channels["payment_requests"]["messages"]) == {
        "PaymentRequestCreated",
        "PaymentRequestUpdated",
        "PaymentRequestRefunded",
    }


def test_schemas_that_messages_share_are_there_once(catalogue: Catalogue) -> None:
    schemas = asyncapi_document(catalogue)["components"]["schemas"]
    assert [name for name in schemas if name.endswith("Money")] == ["Money"]
    assert schemas["payment.captured.Event"]["properties"]["type"]["const"] == "payment.captured"
