"""Versions rise with what changed, and older versions are kept."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.catalogue.about import About
from orchestrator.catalogue.eventcatalog import eventcatalog_files
from orchestrator.catalogue.gathering import gather
from orchestrator.catalogue.json_schemas import json_schema, version_in
from orchestrator.catalogue.model import Catalogue, Json
from orchestrator.catalogue.versions import FIRST, parts_of, raised_versions, recorded_versions
from orchestrator.catalogue.writing import version_of, write_files
from orchestrator.publishing.channels import BUILT_IN
from orchestratorx_prism.errors import SettingsRejected

EVENT = "payment.captured"


def changed(schemas: Mapping[str, Json]) -> tuple[dict[str, Json], Json]:
    """A copy, and the definition of an amount in one of its schemas."""
    new = copy.deepcopy(dict(schemas))
    money: Json = new[EVENT]["$defs"]["Money"]
    return new, money


def test_nothing_changed_raises_nothing(schemas: Mapping[str, Json]) -> None:
    assert raised_versions(schemas, schemas, {EVENT: "1.4.0"}) == ({EVENT: "1.4.0"}, [])


def test_another_example_raises_nothing(schemas: Mapping[str, Json]) -> None:
    new, _ = changed(schemas)
    new[EVENT]["examples"] = [{}]
    assert raised_versions(schemas, new, {}) == ({}, [])


def test_words_raise_the_patch(schemas: Mapping[str, Json]) -> None:
    new, money = changed(schemas)
    money["description"] = "An amount."
    assert raised_versions(schemas, new, {EVENT: "1.4.2"}) == ({EVENT: "1.4.3"}, [])


def test_a_new_field_raises_the_minor(schemas: Mapping[str, Json]) -> None:
    new, money = changed(schemas)
    money["properties"]["words"] = {"type": "string"}
    assert raised_versions(schemas, new, {EVENT: "1.4.2"}) == ({EVENT: "1.5.0"}, [])


def test_a_break_raises_the_major_and_is_told(schemas: Mapping[str, Json]) -> None:
    new, money = changed(schemas)
    del money["properties"]["currency"]
    versions, found = raised_versions(schemas, new, {})
    assert versions == {EVENT: "2.0.0"}
    assert {each.rule for each in found} == {"FIELD_REMOVED"}


def test_a_new_event_begins_at_the_first_version(schemas: Mapping[str, Json]) -> None:
    assert raised_versions({}, schemas, {}) == ({}, [])
    assert FIRST == "1.0.0"


def test_the_recorded_versions_are_versions() -> None:
    for version in recorded_versions().values():
        assert parts_of(version) >= (1, 0, 0)


@pytest.fixture(scope="module")
def newer() -> Catalogue:
    """The built-in channels, one event of which has a newer version."""
    return asyncio.run(gather(list(BUILT_IN.values()), About(), versions={EVENT: "1.1.0"}))


def test_an_older_version_moves_to_versioned(tmp_path: Path, catalogue: Catalogue, newer: Catalogue) -> None:
    old, new = eventcatalog_files(catalogue), eventcatalog_files(newer)
    write_files(tmp_path, old)
    write_files(tmp_path, new)
    folder = tmp_path / "events" / EVENT
    assert version_of((folder / "index.mdx").read_text(encoding="utf-8")) == "1.1.0"
    kept = folder / "versioned" / "1.0.0"
    for name in ("index.mdx", "schema.json", "example.json"):
        assert (kept / name).read_text(encoding="utf-8") == old[f"events/{EVENT}/{name}"]
        assert (folder / name).read_text(encoding="utf-8") == new[f"events/{EVENT}/{name}"]
    others = [path for path in tmp_path.rglob("versioned") if path.parent != folder]
    assert others == []


def test_writing_again_changes_nothing_and_keeps_what_is_not_ours(tmp_path: Path, catalogue: Catalogue) -> None:
    files = eventcatalog_files(catalogue)
    foreign = tmp_path / "events" / EVENT / "changelog.mdx"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("ours alone", encoding="utf-8")
    assert write_files(tmp_path, files) == len(files)
    assert write_files(tmp_path, files) == 0
    assert foreign.read_text(encoding="utf-8") == "ours alone"


def test_an_older_export_does_not_move_a_newer_one_away(tmp_path: Path, catalogue: Catalogue, newer: Catalogue) -> None:
    write_files(tmp_path, eventcatalog_files(newer))
    write_files(tmp_path, eventcatalog_files(catalogue))
    assert not list(tmp_path.rglob("versioned"))


def test_a_folder_that_cannot_be_written_to_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    with pytest.raises(SettingsRejected, match="taken"):
        write_files(tmp_path / "taken", {"a.json": "{}"})


def test_the_version_is_in_the_schema_and_on_the_page(newer: Catalogue) -> None:

    assert version_in(json_schema(newer.event(EVENT))) == "1.1.0"
    assert version_of(eventcatalog_files(newer)[f"events/{EVENT}/index.mdx"]) == "1.1.0"
