"""Reading settings: environment over file over default, every fault at once, each with what to do.

Only `bootstrap` and commands call this. It is the one place that reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from orchestrator.plugins import installed_connectors
from orchestrator.settings import DEFAULT_MERCHANT, ConnectorSettings, MerchantSettings, Settings
from orchestrator.settings_messaging import FAULTS
from orchestratorx_prism.config import read_settings_file, settings_rejected

PREFIX = "ORCHESTRATOR_"
_LEVEL = "__"
NOT_SETTINGS = frozenset({"ORCHESTRATOR_CONFIG", "ORCHESTRATOR_API_KEY"})
"""Variables with our prefix that are no settings: the file's path, a client's key."""
_OF_TESTS = ("ORCHESTRATOR_TEST_", "ORCHESTRATOR_BENCH_")


class _Sources(BaseSettings, Settings):
    """`Settings` with pydantic-settings' reading of the environment: command line over environment over file."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=_LEVEL, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (InitSettingsSource(settings_cls, _command_line.get()), env_settings, init_settings)


_command_line: ContextVar[dict[str, Any]] = ContextVar("_command_line")


def load_settings(file: str | Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from `overrides` (command line) over the environment over `file` (JSON or TOML) over defaults.

    Args:
        file: Path; None: the one that ORCHESTRATOR_CONFIG names, if any.

    Raises:
        SettingsRejected: Every fault, one a line.
    """
    path = file or os.environ.get("ORCHESTRATOR_CONFIG")
    values = read_settings_file(Path(path)) if path else {}
    faults = _unknown_variables()
    try:
        _command_line.set({name: value for name, value in (overrides or {}).items() if value is not None})
        settings: Settings = _Sources(**values)
        faults += _unknown_connectors(settings)
    except ValidationError as error:
        faults += [line for detail in error.errors() for line in _say(detail)]
    except SettingsError as error:
        faults.append(_say_unreadable(error))
    if faults:
        raise settings_rejected(faults)
    return _with_provider_variables(settings)


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings from a mapping of the same shape as the file; the environment is not read.

    Raises:
        SettingsRejected: Every fault, one a line.
    """
    try:
        settings = Settings.model_validate(dict(values))
    except ValidationError as error:
        raise settings_rejected([line for detail in error.errors() for line in _say(detail)]) from None
    faults = _unknown_connectors(settings)
    if faults:
        raise settings_rejected(faults)
    return settings


def _with_provider_variables(settings: Settings) -> Settings:
    """The default merchant's connectors, with what stands in the environment under the providers' own names."""
    default = settings.merchants.get(DEFAULT_MERCHANT) or MerchantSettings()
    connectors = dict(default.connectors)
    for name, label in installed_connectors().items():
        found = {key: os.environ[key] for key in label.config_keys if os.environ.get(key)}
        if not found:
            continue
        now = connectors.get(name) or ConnectorSettings()
        update: dict[str, Any] = {
            "credentials": {**now.credentials, **{key: SecretStr(value) for key, value in found.items()}}
        }
        if label.webhook_secret_key in found:
            parts = found[label.webhook_secret_key].split(",")
            update["webhook_secrets"] = tuple(SecretStr(part.strip()) for part in parts if part.strip())
        if label.webhook_id_key in found:
            update["webhook_id"] = found[label.webhook_id_key]
        connectors[name] = now.model_copy(update=update)
    if connectors == default.connectors:
        return settings
    merchants = {**settings.merchants, DEFAULT_MERCHANT: default.model_copy(update={"connectors": connectors})}
    return settings.model_copy(update={"merchants": merchants})


def _unknown_variables() -> list[str]:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    faults = []
    for name in sorted(os.environ):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS or name.startswith(_OF_TESTS):
            continue
        if name.split(_LEVEL)[0] not in known:
            near = get_close_matches(name, known, n=1)
            faults.append(f"{name}: no such setting" + (f"; did you mean {near[0]}?" if near else ""))
    return faults


def _unknown_connectors(settings: Settings) -> list[str]:
    faults = []
    for merchant_id, merchant in settings.merchants.items():
        for name in merchant.connectors:
            installed = installed_connectors()
            if name not in installed:
                near = get_close_matches(name, installed, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                faults.append(f"merchants.{merchant_id}.connectors.{name}: no such connector is installed{hint}")
    return faults


def _say_unreadable(error: SettingsError) -> str:
    """What a variable that is no JSON is told; the error's own words say which, and never the value."""
    field = str(error).partition('"')[2].partition('"')[0]
    return f'{PREFIX}{field.upper()}: not JSON; lists and sections are written as JSON: \'["one", "two"]\''


def _say(detail: ErrorDetails) -> list[str]:
    where = ".".join(str(part) for part in detail["loc"]) or "settings"
    if detail["type"] == FAULTS:
        return [f"{where}.{fault}" for fault in detail["ctx"]["faults"]]
    if detail["type"] == "extra_forbidden":
        near = get_close_matches(str(detail["loc"][-1]), _names_at(detail["loc"][:-1]), n=1)
        return [f"{where}: no such setting" + (f"; did you mean {near[0]}?" if near else "")]
    return [f"{where}: {detail['msg'].removeprefix('Value error, ')}"]


def _names_at(loc: tuple[int | str, ...]) -> list[str]:
    """Names of the settings beside the one at fault."""
    model: Any = Settings
    for part in loc:
        field = getattr(model, "model_fields", {}).get(part)
        if field is not None:
            model = field.annotation
        elif get_origin(model) is dict:
            model = get_args(model)[1]
    return list(getattr(model, "model_fields", {}))
