"""Versions of the events' schemas: `versions.json`, kept by scripts/generate_catalogue.py when a schema changes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import msgspec

from connectors.spi.building import SCHEMA_VERSION
from orchestrator.catalogue.compatibility import Break, breaks, wording_apart
from orchestrator.catalogue.model import Json

FIRST: Final = f"{SCHEMA_VERSION}.0.0"
"""Of an event whose schema never changed."""
FILE: Final = "versions.json"


def recorded_versions() -> Mapping[str, str]:
    """Id of an event → its version, of those that changed since `FIRST`."""
    return msgspec.json.decode(files("orchestrator.catalogue").joinpath(FILE).read_bytes(), type=dict[str, str])


def parts_of(version: str) -> tuple[int, int, int]:
    """ "1.2.0" → (1, 2, 0). Raises ValueError for anything else."""
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)


def raised_versions(
    old: Mapping[str, Json], new: Mapping[str, Json], versions: Mapping[str, str]
) -> tuple[dict[str, str], list[Break]]:
    """The versions after a change of schemas, and what it breaks.

    Args:
        old: Id of an event → its schema as committed.
        new: The same, as the code makes it now.
        versions: The versions of `old`.
    """
    after: dict[str, str] = {}
    found: list[Break] = []
    for event, schema in new.items():
        version = versions.get(event, FIRST)
        if event in old:
            broken = breaks(event, old[event], schema)
            found += broken
            version = _raised(version, old[event], schema, breaking=bool(broken))
        if version != FIRST:
            after[event] = version
    return after, found


def _raised(version: str, old: Json, new: Json, *, breaking: bool) -> str:
    major, minor, patch = parts_of(version)
    if breaking:
        return f"{major + 1}.0.0"
    if wording_apart(old) != wording_apart(new):
        return f"{major}.{minor + 1}.0"
    return version if _without_example(old) == _without_example(new) else f"{major}.{minor}.{patch + 1}"


def _without_example(schema: Json) -> Json:
    """Another example is no other schema; nor is the version in `$id`."""
    return {name: part for name, part in schema.items() if name not in {"examples", "$id"}}
