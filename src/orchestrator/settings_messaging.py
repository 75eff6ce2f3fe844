"""Settings of brokers and channels. What a broker's keys are, the SDK's `BrokerSettings` says, and nothing here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, create_model, field_validator, model_validator
from pydantic_core import PydanticCustomError

from orchestratorx_prism.brokers import BrokerSettings
from orchestratorx_prism.brokers.settings import BROKER_TYPES
from orchestratorx_prism.config import BrokerKey, broker_keys, read_value

FAULTS: Final = "faults"
"""Type of an error that is several: `ctx["faults"]` has them, each with the name of its key in front."""


class Section(BaseModel):
    """A part of the settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _reader(kind: type) -> Callable[[object], object]:
    """As the SDK reads it; what is a secret already comes from a section that was read before."""
    return lambda value: value if isinstance(value, SecretStr) else read_value(kind, value)


class BrokerSection(Section):
    """What the settings of every broker share; the other keys join below."""

    broker_type: Annotated[str, BeforeValidator(partial(read_value, str))] = "memory"
    url: Annotated[SecretStr, BeforeValidator(_reader(str))] = SecretStr("")

    @field_validator("broker_type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in BROKER_TYPES:
            raise ValueError(f"one of {', '.join(BROKER_TYPES)}")
        return value

    @model_validator(mode="after")
    def _holds_together(self) -> BrokerSection:
        faults = self.broker_settings().faults()
        if faults:
            raise PydanticCustomError(FAULTS, "{text}", {"text": "; ".join(faults), "faults": faults})
        return self

    def broker_settings(self) -> BrokerSettings:
        """The same, as brokers take them: secrets are plain text again."""
        return BrokerSettings(**{name: _plain(value) for name, value in self})


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _field(key: BrokerKey) -> tuple[Any, Any]:
    default = SecretStr(str(key.default)) if key.secret else key.default
    return Annotated[SecretStr if key.secret else key.kind, BeforeValidator(_reader(key.kind))], default


_DERIVED: Final[dict[str, Any]] = {
    name: _field(key) for name, key in broker_keys().items() if name not in BrokerSection.model_fields
}

if TYPE_CHECKING:
    MessagingSettings = BrokerSection
else:
    MessagingSettings = create_model("MessagingSettings", __base__=BrokerSection, **_DERIVED)
    MessagingSettings.__doc__ = "The broker that events are published to."


class ChannelSettings(Section):
    """One channel. Of a built-in one, what is not said stays as it is; docs/channels.md."""

    enabled: bool = True
    """Whether it is published. A built-in channel is on if it has a section; `events` is on without one, too."""
    address: str | None = None
    """Template: "payments.{env}.events". A channel of your own needs one."""
    routing_key: str | None = None
    key: str | None = None
    """Template of the partition key."""
    envelope: str | None = None
    broker: str | None = None
    """Name of one of `brokers`; "default" is the one of `messaging`."""
    types: tuple[str, ...] | None = None
    """Which events: "payment.captured", an older name, or "payment.*". Empty: all."""
    connectors: tuple[str, ...] | None = None
    merchants: tuple[str, ...] | None = None
