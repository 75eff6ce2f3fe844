"""Connectors that are installed, found by entry point. A third party's connector is a `pip install`."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

from connectors.spi import Label
from orchestratorx_prism.errors import UnknownConnector

GROUP = "orchestratorx.connectors"
_LONGEST_NAME = 64
"""How much of a wrong name is compared with the right ones: callers choose it, and comparing takes its time."""


@cache
def installed_connectors() -> Mapping[str, Label]:
    """Every installed connector's label by name, sorted. Read once a process."""
    found: dict[str, Label] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        label = point.load()
        if not isinstance(label, Label):
            raise TypeError(f"entry point {point.name} of group {GROUP} is {type(label).__name__}, not a Label")
        found[label.name] = label
    return MappingProxyType(found)


def connector_named(name: str) -> Label:
    """The label of one connector.

    Raises:
        UnknownConnector: None of this name is installed; the fix names the nearest.
    """
    installed = installed_connectors()
    label = installed.get(name)
    if label is None:
        near = get_close_matches(name[:_LONGEST_NAME], installed, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UnknownConnector(
            "no connector of this name is installed",
            fix=f"{hint}installed are: {', '.join(installed)}",
            metadata={"installed": ",".join(installed)},
        )
    return label
