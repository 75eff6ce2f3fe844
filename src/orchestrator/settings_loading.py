"""Reading settings: environment over file over default, every fault at once, each with what to do.

Only `bootstrap` and commands call this. It is the one place that reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from orchestrator.plugins import installed_connectors
from orchestrator.settings import DEFAULT_MERCHANT, ConnectorSettings, MerchantSettings, Settings
from orchestrator.settings_messaging import FAULTS
from orchestratorx_prism.config import faults_of, read_settings_file, settings_rejected
from orchestratorx_prism.errors import SettingsRejected

PREFIX = "ORCHESTRATOR_"
_LEVEL = "__"
CONFIG_VARIABLE = "ORCHESTRATOR_CONFIG"
USUAL_FILES = ("orchestrator.toml", "orchestrator.json")
"""What the documents call the settings file. No file is read that nobody names."""
NOT_SETTINGS = frozenset({CONFIG_VARIABLE, "ORCHESTRATOR_API_KEY"})
"""Variables with our prefix that are no settings: the file's path, a client's key."""
_OF_TESTS = ("ORCHESTRATOR_TEST_", "ORCHESTRATOR_BENCH_")


_KINDS = {
    "tuple_type": ("a list", '["one", "two"]'),
    "dict_type": ("a section", '{"name": "value"}'),
    "model_type": ("a section", '{"name": "value"}'),
    "model_attributes_type": ("a section", '{"name": "value"}'),
    "string_type": ("text", ""),
    "int_type": ("a whole number", ""),
    "int_parsing": ("a whole number", ""),
    "int_from_float": ("a whole number", ""),
    "float_type": ("a number", ""),
    "float_parsing": ("a number", ""),
    "bool_type": ("true or false", ""),
    "bool_parsing": ("true or false", ""),
}
"""Type of pydantic's error → what is wanted, and how that is written in a variable of the environment."""


class _Environment(EnvSettingsSource):
    """The environment's variables. One that should be JSON and is not stays text: validation refuses it then, and all
    others with it, where pydantic-settings would stop at the first."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


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
        return (InitSettingsSource(settings_cls, _command_line.get()), _Environment(settings_cls), init_settings)


_command_line: ContextVar[dict[str, Any]] = ContextVar("_command_line")


def load_settings(file: str | Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from `overrides` (command line) over the environment over `file` (JSON or TOML) over defaults.

    Args:
        file: Path; None: the one that ORCHESTRATOR_CONFIG names, if any.

    Raises:
        SettingsRejected: Every fault, one a line.
    """
    path = file or os.environ.get(CONFIG_VARIABLE)
    faults = _unknown_variables()
    values: dict[str, Any] = {}
    try:
        values = read_settings_file(Path(path)) if path else {}
    except SettingsRejected as unreadable:
        faults += faults_of(unreadable)
    try:
        _command_line.set({name: value for name, value in (overrides or {}).items() if value is not None})
        settings: Settings = _Sources(**values)
        faults += _unknown_connectors(settings)
    except ValidationError as error:
        faults += [line for detail in error.errors() for line in _say(detail, os.environ)]
    if faults:
        raise settings_rejected(faults)
    return _with_provider_variables(settings)


def unread_file_warning(file: str | None) -> list[str]:
    """What to tell somebody whose settings file lies in this folder and is named nowhere; empty: nothing."""
    if file or os.environ.get(CONFIG_VARIABLE):
        return []
    return [
        f"{name} is in this folder and was not read: give --config {name}, or set {CONFIG_VARIABLE}"
        for name in USUAL_FILES
        if Path(name).is_file()
    ]


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
            faults.append(f"{name}: no such setting{_nearest(name, known)}")
    return faults


def _unknown_connectors(settings: Settings) -> list[str]:
    """Connectors that nobody installed, and credentials that a connector does not have."""
    faults = []
    installed = installed_connectors()
    for merchant_id, merchant in settings.merchants.items():
        for name, connector in merchant.connectors.items():
            where = f"merchants.{merchant_id}.connectors.{name}"
            if name not in installed:
                faults.append(f"{where}: no such connector is installed{_nearest(name, installed)}")
                continue
            known = installed[name].config_keys
            faults += [
                f"{where}.credentials.{key}: no such credential{_nearest(key.upper(), known)}"
                for key in connector.credentials
                if key not in known
            ]
    return faults


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _say(detail: ErrorDetails, environment: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    where = ".".join(str(part) for part in detail["loc"]) or "settings"
    if detail["type"] == FAULTS:
        return [f"{where}.{fault}" for fault in detail["ctx"]["faults"]]
    if detail["type"] == "extra_forbidden":
        return [f"{where}: no such setting{_nearest(str(detail['loc'][-1]), _names_at(detail['loc'][:-1]))}"]
    if detail["type"] in _KINDS:
        wanted, written = _KINDS[detail["type"]]
        variable = PREFIX + _LEVEL.join(str(part) for part in detail["loc"]).upper()
        if written and variable in {name.upper() for name in environment}:
            return [f"{variable}: takes {wanted}, written as JSON: '{written}'"]
        return [f"{where}: takes {wanted}"]
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
