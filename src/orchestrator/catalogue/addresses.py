"""What stands behind the variable parts of a channel's address, in words and values."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from types import MappingProxyType
from typing import Final

from orchestrator.catalogue.model import Parameter
from orchestrator.message_schemas import constants
from orchestrator.plugins import installed_connectors
from orchestratorx_prism.errors import Internal
from orchestratorx_prism.v1.connector_pb2 import Environment

_ENVIRONMENTS: Final = tuple(text.lower() for text in constants(Environment.DESCRIPTOR) if text != "UNSPECIFIED")

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        "type": Parameter("The event's type."),
        "environment": Parameter("The provider's world: test money or real money.", _ENVIRONMENTS),
        "env": Parameter("The installation: prod is real money, always and only.", ("dev", "sit", "prod")),
        "connector": Parameter("The connector that the event came through."),
        "merchant": Parameter("The merchant; characters other than letters, digits, _ and - are __XX."),
    }
)
"""Part of an address template → what it stands for."""


def parameters_of(template: str, types: tuple[str, ...] = ()) -> dict[str, Parameter]:
    """The template's variable parts, in the order they appear.

    Args:
        template: "payments.{env}.events".
        types: The values that {type} takes.

    Raises:
        Internal: A part that is not described here.
    """
    found = {}
    for _, name, _, _ in Formatter().parse(template):
        if name is None:
            continue
        if name not in PARAMETERS:
            raise Internal(
                f"the part {{{name}}} of an address is not described in the catalogue",
                fix="add it to orchestrator.catalogue.addresses.PARAMETERS",
            )
        found[name] = _with_values(name, types)
    return found


def _with_values(name: str, types: tuple[str, ...]) -> Parameter:
    known = PARAMETERS[name]
    values = {"type": types, "connector": tuple(installed_connectors())}.get(name, known.values)
    return Parameter(known.description, values)
