"""Settings of applications that consume or publish: JSON or TOML, and the environment over it. Every fault at once.

    config = load_config("payment_config.json")
    consumer = PaymentEventConsumer(config.messaging)

The server reads the same sections by the same rules: the keys are the fields of `BrokerSettings`, and nothing else says
what they are. What only the server has (database, merchants, …) is no part of this file.

Environment variables are ORCHESTRATOR_MESSAGING__URL, ORCHESTRATOR_BROKERS__AUDIT__URL; a section may stand in one
variable as JSON: ORCHESTRATOR_MESSAGING='{"broker_type": "kafka"}'. Other variables are the server's, and left alone.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_type_hints

from orchestratorx_prism.brokers.settings import BROKER_TYPES, BrokerSettings
from orchestratorx_prism.errors import SettingsRejected

__all__ = [
    "BrokerKey",
    "Config",
    "broker_keys",
    "faults_of",
    "load_config",
    "read_settings_file",
    "read_value",
    "settings_rejected",
]

PREFIX: Final = "ORCHESTRATOR_"
LEVEL: Final = "__"
DEFAULT_BROKER: Final = "default"
"""The name of the broker in `messaging`; others have names of their own, in `brokers`."""

_SECTIONS: Final = ("messaging", "brokers")
_TRUTHS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


@dataclass(frozen=True, slots=True)
class BrokerKey:
    """One key of a broker's settings."""

    kind: type
    """str, int, float or bool."""
    default: str | int | float | bool
    secret: bool
    """Whether the value may hold a password: it is kept out of every text."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a settings file and the environment come to."""

    messaging: BrokerSettings = field(default_factory=BrokerSettings)
    """The broker, for consumers and publishers."""
    brokers: Mapping[str, BrokerSettings] = field(default_factory=dict)
    """Further brokers, by name, where channels are published to several."""


def load_config(file: str | Path | None = None, *, environment: Mapping[str, str] | None = None) -> Config:
    """Settings of a file, and the environment's over them.

    Args:
        file: Path of a `.json` or `.toml` file: {"messaging": {"broker_type": "kafka", "url": "kafka://host:9092"}}.
            None: the environment alone.
        environment: Variables to read; None: those of the process.

    Raises:
        SettingsRejected: Every fault, one a line: unknown keys with the nearest right name, values that do not fit,
            settings that do not hold together. No value is repeated.
    """
    faults: list[str] = []
    values: dict[str, Any] = {}
    try:
        values = dict(read_settings_file(Path(file))) if file is not None else {}
    except SettingsRejected as unreadable:
        faults += faults_of(unreadable)
    unknown = [name for name in values if name not in _SECTIONS]
    faults += [f"{name}: no such setting{_nearest(name, _SECTIONS)}" for name in unknown]
    _lay_over(values, _from_environment(os.environ if environment is None else environment, faults))
    messaging = _broker(values.get("messaging", {}), "messaging", faults)
    brokers = {}
    for name, section in _section(values.get("brokers", {}), "brokers", faults).items():
        brokers[str(name)] = _broker(section, f"brokers.{name}", faults)
        if name == DEFAULT_BROKER:
            faults.append("brokers.default: the broker of this name is `messaging`; choose another name")
    if faults:
        raise settings_rejected(faults)
    return Config(messaging, MappingProxyType(brokers))


@lru_cache(maxsize=1)
def broker_keys() -> Mapping[str, BrokerKey]:
    """Every key of a broker's settings, in the order of `BrokerSettings`, of which they are the fields."""
    kinds = get_type_hints(BrokerSettings)
    return MappingProxyType({f.name: BrokerKey(kinds[f.name], f.default, not f.repr) for f in fields(BrokerSettings)})  # type: ignore[arg-type]


def read_value(kind: type, value: object) -> str | int | float | bool:
    """The value as the key's kind: as it is, or read from text, because in the environment everything is text.

    Raises:
        ValueError: It does not fit. Its text says what is wanted, and does not repeat the value.
    """
    return _READERS[kind](value)


def read_settings_file(path: Path) -> dict[str, Any]:
    """The file's values. JSON or TOML by its ending.

    Raises:
        SettingsRejected: Missing, unreadable, or neither.
    """
    readers: dict[str, Callable[[str], Any]] = {".json": json.loads, ".toml": tomllib.loads}
    reader = readers.get(path.suffix)
    if reader is None:
        raise settings_rejected([f"{path}: the file must end in .json or .toml"])
    try:
        values = reader(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise settings_rejected([f"{path}: {error.strerror}"]) from None
    except ValueError as error:
        raise settings_rejected([f"{path}: {error}"]) from None
    if not isinstance(values, dict):
        raise settings_rejected([f"{path}: must hold an object at its top"])
    return values


def settings_rejected(faults: Iterable[str]) -> SettingsRejected:
    """The error for these faults, one a line."""
    lines = "\n  ".join(faults)
    return SettingsRejected(f"the settings do not hold together:\n  {lines}", fix="mend each line; nothing was started")


def faults_of(error: SettingsRejected) -> list[str]:
    """The faults that `settings_rejected` made the error of."""
    return [line.strip() for line in error.message.splitlines()[1:]]


def _broker(section: object, where: str, faults: list[str]) -> BrokerSettings:
    keys = broker_keys()
    read: dict[str, Any] = {}
    found: list[str] = []
    for name, value in _section(section, where, found).items():
        key = keys.get(name)
        if key is None:
            found.append(f"{where}.{name}: no such setting{_nearest(name, keys)}")
            continue
        try:
            read[name] = read_value(key.kind, value)
        except ValueError as error:
            found.append(f"{where}.{name}: {error}")
    broker_type = read.get("broker_type", keys["broker_type"].default)
    if broker_type not in BROKER_TYPES:
        found.append(f"{where}.broker_type: one of {', '.join(BROKER_TYPES)}{_nearest(str(broker_type), BROKER_TYPES)}")
        del read["broker_type"]
    settings = BrokerSettings(**read)
    unread = {fault.removeprefix(f"{where}.").partition(":")[0] for fault in found}
    found += [f"{where}.{fault}" for fault in settings.faults() if fault.partition(":")[0] not in unread]
    faults += found
    return settings


def _section(value: object, where: str, faults: list[str]) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    faults.append(f"{where}: must be an object")
    return {}


def _from_environment(environment: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    """The sections that variables make, lower-case. What is no variable of a section, but nearly, is a fault."""
    made: dict[str, Any] = {}
    for variable in sorted(environment, key=lambda name: (name.count(LEVEL), name)):  # a whole section comes first
        upper = variable.upper()
        if not upper.startswith(PREFIX):
            continue
        path = upper.removeprefix(PREFIX).lower().split(LEVEL)
        if path[0] not in _SECTIONS:
            near = get_close_matches(path[0], _SECTIONS, n=1, cutoff=0.8)
            if near:
                right = PREFIX + LEVEL.join([near[0], *path[1:]]).upper()
                faults.append(f"{variable}: no such setting; did you mean {right}?")
            continue
        value: Any = environment[variable]
        if len(path) < (2 if path[0] == "messaging" else 3):
            value = _json_section(variable, value, faults)
        _put(made, path, value)
    return made


def _json_section(variable: str, text: str, faults: list[str]) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    faults.append(f'{variable}: not a JSON object, such as \'{{"broker_type": "nats"}}\'')
    return {}


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    here = values
    for part in path[:-1]:
        if not isinstance(here.get(part), dict):
            here[part] = {}
        here = here[part]
    _lay_over(here, {path[-1]: value})


def _lay_over(values: dict[str, Any], above: Mapping[str, Any]) -> None:
    """What is above wins, key by key."""
    for name, value in above.items():
        below = values.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged = dict(below)
            _lay_over(merged, value)
            values[name] = merged
        else:
            values[name] = value


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("takes text")


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):  # its text would repeat the value
            return int(value)
    raise ValueError("takes a whole number")


def _number(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    raise ValueError("takes a number")


def _truth(value: object) -> bool:
    truth = value if isinstance(value, bool) else _TRUTHS.get(value.strip().lower()) if isinstance(value, str) else None
    if truth is None:
        raise ValueError("takes true or false")
    return truth


_READERS: Final[Mapping[type, Callable[[object], str | int | float | bool]]] = MappingProxyType(
    {str: _text, int: _whole, float: _number, bool: _truth}
)
