"""JSON Schemas of the dataclasses that settle a format: as `orchestratorx_prism.envelopes.shapes` writes them.

Every field is there, null where it is None; decimals are numbers; a name that is not the dataclass's is damage.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, get_args, get_type_hints

from orchestrator.catalogue.model import Json

_TYPES: Final[Mapping[type, str]] = {str: "string", int: "integer", Decimal: "number", bool: "boolean"}


def dataclass_schema(shape: type, rename: Callable[[str], str], narrower: Mapping[str, Json], path: str = "") -> Json:
    """The dataclass as a closed object.

    Args:
        shape: A dataclass of text, whole numbers, decimals, truths and such dataclasses; each may be `| None`.
        rename: From a field's name to the object's.
        narrower: Path of a field, by the object's names ("payload.amount.value") → what its values keep to, and what
            it means.
    """
    hints = get_type_hints(shape)
    properties: Json = {}
    for field in dataclasses.fields(shape):
        name = rename(field.name)
        inside = f"{path}.{name}" if path else name
        properties[name] = _field(hints[field.name], rename, narrower, inside) | narrower.get(inside, {})
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _field(hint: Any, rename: Callable[[str], str], narrower: Mapping[str, Json], path: str) -> Json:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return dataclass_schema(hint, rename, narrower, path)
    if isinstance(hint, types.UnionType):
        kind = next(each for each in get_args(hint) if each is not types.NoneType)
        return {"type": [_TYPES[kind], "null"]}
    return {"type": _TYPES[hint]}
