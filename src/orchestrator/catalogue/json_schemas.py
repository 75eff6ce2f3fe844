"""The catalogue as JSON Schemas: one document an event, complete in itself.

jsonschema/payment.captured.schema.json      $id urn:orchestratorx:schema:payment.captured:1.0.0
jsonschema/index.json                        all of them: id, version, channels, owner
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestrator.catalogue.model import Catalogue, CatalogueEvent, Json
from orchestrator.catalogue.texts import json_text
from orchestratorx_prism.errors import SettingsRejected

SUFFIX = ".schema.json"


def json_schema(event: CatalogueEvent) -> Json:
    """The event's schema with its own name and version in `$id`."""
    schema = event.shape.schema
    head: Json = {
        "$schema": schema["$schema"],
        "$id": f"urn:orchestratorx:schema:{event.shape.id}:{event.version}",
    }
    examples: Json = {} if event.example is None else {"examples": [event.example]}
    body = {name: part for name, part in schema.items() if name not in {"$schema", "$defs"}}
    definitions: Json = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return head | body | examples | definitions


def json_schema_files(catalogue: Catalogue) -> dict[str, str]:
    """Path → text."""
    files = {f"{event.shape.id}{SUFFIX}": json_text(json_schema(event)) for event in catalogue.events}
    entries: list[Any] = [
        {
            "id": event.shape.id,
            "version": event.version,
            "schema": f"{event.shape.id}{SUFFIX}",
            "of": "body" if event.shape.is_json else "headers",
            "content_type": event.shape.content_type,
            "channels": list(event.channels),
            "owner": event.owner,
        }
        for event in catalogue.events
    ]
    return files | {"index.json": json_text({"events": entries})}


def version_in(schema: Json) -> str:
    """The version in a schema's `$id`."""
    version: str = schema["$id"].rpartition(":")[2]
    return version


def read_schemas(folder: Path) -> dict[str, Json]:
    """Id of an event → its schema, of a folder that was written before.

    Raises:
        SettingsRejected: There is none in it, or one cannot be read.
    """
    found: dict[str, Json] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            found[path.name.removesuffix(SUFFIX)] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SettingsRejected(f"{path}: cannot be read: {error}", reason="CATALOGUE_INVALID") from None
    if not found:
        raise SettingsRejected(
            f"{folder}: there is no *{SUFFIX} in it",
            reason="CATALOGUE_INVALID",
            fix="give a folder that `orchestrator catalog export --format jsonschema` wrote",
        )
    return found
