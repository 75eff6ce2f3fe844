"""Where each setting came from: for `config check`, which shows it beside the value."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.plugins import installed_connectors
from orchestrator.settings import DEFAULT_MERCHANT, Settings, plain
from orchestrator.settings_loading import PREFIX
from orchestratorx_prism.config import read_settings_file

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting. Secrets are hidden in `value`."""

    name: str
    """With dots between levels: `messaging.url`."""
    value: Any
    origin: str
    """`environment NAME`, `file PATH` or `default`."""


def shown_settings(
    settings: Settings, file: str | None = None, environment: Mapping[str, str] = os.environ
) -> list[Shown]:
    """Every setting, in the order of the settings' own declaration.

    Args:
        file: The file they were loaded with; None: the one ORCHESTRATOR_CONFIG names, if any.
    """
    path = file or environment.get("ORCHESTRATOR_CONFIG")
    in_file = read_settings_file(Path(path)) if path else {}
    return [
        Shown(".".join(name), value, _origin(name, environment, in_file, path or ""))
        for name, value in _leaves(plain(settings), ())
    ]


def _leaves(values: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        name = (*above, key)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, name)
        else:
            yield name, value


def _origin(name: tuple[str, ...], environment: Mapping[str, str], in_file: Mapping[str, Any], path: str) -> str:
    providers = _provider_variable(name, environment)
    if providers:
        return f"environment {providers}"
    by_upper = {variable.upper(): variable for variable in environment}
    for depth in range(len(name), 0, -1):  # a variable may hold a whole section as JSON
        variable = PREFIX + "__".join(name[:depth]).upper()
        if variable in by_upper:
            return f"environment {by_upper[variable]}"
    return f"file {path}" if _is_in(name, in_file) else DEFAULT


def _provider_variable(name: tuple[str, ...], environment: Mapping[str, str]) -> str:
    """The provider's own variable that set it: STRIPE_WEBHOOK_SECRET sets the default merchant's webhook_secrets."""
    match name:
        case ("merchants", merchant, "connectors", connector, *rest) if merchant == DEFAULT_MERCHANT:
            label = installed_connectors().get(connector)
        case _:
            return ""
    if label is None:
        return ""
    match rest:
        case ["webhook_secrets"]:
            variable = label.webhook_secret_key
        case ["webhook_id"]:
            variable = label.webhook_id_key
        case ["credentials", key]:
            variable = key
        case _:
            variable = ""
    return variable if variable and environment.get(variable) else ""


def _is_in(name: tuple[str, ...], values: Mapping[str, Any]) -> bool:
    here: Any = values
    for part in name:
        if not isinstance(here, Mapping) or part not in here:
            return False
        here = here[part]
    return True
