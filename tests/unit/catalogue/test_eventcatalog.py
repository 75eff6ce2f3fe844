"""The folders of EventCatalog: pages whose front matter holds together, and that MDX reads as text."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath

import pytest

from orchestrator.catalogue.eventcatalog import eventcatalog_files
from orchestrator.catalogue.json_schemas import json_schema
from orchestrator.catalogue.model import Catalogue, Json
from orchestrator.catalogue.texts import mdx_text


@pytest.fixture(scope="module")
def files(catalogue: Catalogue) -> dict[str, str]:
    return eventcatalog_files(catalogue)


def front_matter(page: str) -> Json:
    """Every value is written as JSON, which is YAML, too."""
    _, head, _ = page.split("---\n", 2)
    return {name: json.loads(value) for name, value in (line.split(": ", 1) for line in head.splitlines())}


def body_of(page: str) -> str:
    return page.split("---\n", 2)[2]


def pages(files: dict[str, str], folder: str) -> dict[str, Json]:
    """Id → front matter."""
    found = [front_matter(text) for name, text in files.items() if name.startswith(folder) and name.endswith(".mdx")]
    return {page["id"]: page for page in found}


def test_every_event_has_a_page_a_schema_and_an_example(files: dict[str, str], catalogue: Catalogue) -> None:
    for event in catalogue.events:
        page = front_matter(files[f"events/{event.shape.id}/index.mdx"])
        assert (page["id"], page["version"], page["owners"]) == (event.shape.id, event.version, [event.owner])
        assert f"events/{event.shape.id}/{page['schemaPath']}" in files
        assert json.loads(files[f"events/{event.shape.id}/schema.json"]) == json_schema(event)
        assert json.loads(files[f"events/{event.shape.id}/example.json"]) == event.example


def test_what_pages_point_to_is_there(files: dict[str, str], catalogue: Catalogue) -> None:
    events, services = pages(files, "events/"), pages(files, "services/")
    channels, teams = pages(files, "channels/"), pages(files, "teams/")
    (domain,) = pages(files, "domains/").values()
    assert set(services) == {each["id"] for each in domain["services"]}
    for page in [*events.values(), *services.values(), *channels.values(), domain]:
        assert set(page["owners"]) <= set(teams)
        assert page["version"]
    for page in events.values():
        assert {each["id"] for each in page["channels"]} <= set(channels)
    for page in services.values():
        for pointer in [*page.get("sends", []), *page.get("receives", [])]:
            assert events[pointer["id"]]["version"] == pointer["version"]


def test_producers_send_and_consumers_receive(files: dict[str, str], catalogue: Catalogue) -> None:
    services = pages(files, "services/")
    sent = {name: {each["id"] for each in page.get("sends", [])} for name, page in services.items()}
    assert sent["orchestratorx"] == {event.shape.id for event in catalogue.events}
    assert "payment.captured" in sent["connector-mpesa"]
    assert "usage.recorded" not in sent["connector-mpesa"]
    received = {each["id"] for each in services["order-service"]["receives"]}
    assert received == {"payment.captured"} | {
        event.shape.id for event in catalogue.events if "refund." in event.shape.id
    } - {event.shape.id for event in catalogue.events if not event.shape.is_json}


def test_a_page_says_where_how_and_under_which_promise(files: dict[str, str]) -> None:
    page = body_of(files["events/PAYMENT_PROCESSED/index.mdx"])
    for text in (
        "`payments.{env}.events`",
        "`{payment_id}`",
        "At least once",
        "`payment.captured`",
        "Stripe",
        "```json",
    ):
        assert text in page
    channel = files["channels/channel-payments/index.mdx"]
    assert front_matter(channel)["parameters"]["env"]["enum"] == ["dev", "sit", "prod"]
    assert "Nothing in this version makes it" in files["events/payment.unknown/index.mdx"]


def test_no_folder_of_a_channel_or_consumer_is_taken_for_an_event(files: dict[str, str]) -> None:
    for name in files:
        folders = PurePosixPath(name).parts[:-1]
        assert [part for part in folders[1:] if part in {"events", "services", "channels", "domains", "teams"}] == []


def test_braces_and_brackets_stay_text_in_mdx(files: dict[str, str]) -> None:
    assert mdx_text("a {b} <c> `{d} <e>`") == "a \\{b\\} \\<c> `{d} <e>`"
    components = re.compile(
        r"<(NodeGraph|ChannelInformation) />|<SchemaViewer [a-zA-Z]+=\"[^\"]*\"( [a-zA-Z]+=\"[^\"]*\")* />"
    )
    assert "\\<ledger> \\{of\\} old" in files["events/PAYMENT_INITIATED/index.mdx"]
    for name, text in files.items():
        if name.endswith(".mdx"):
            bare = re.sub(r"```.*?```|`[^`\n]*`", "", body_of(text), flags=re.DOTALL)
            bare = components.sub("", bare)
            assert not re.search(r"(?<!\\)[{<]", bare), name
