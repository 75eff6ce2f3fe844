"""Settings of routing: which connector gets a payment whose caller names none."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from orchestrator.settings_messaging import Section
from orchestratorx_prism.currencies import EXPONENTS


class RouteRule(Section):
    """What a payment must be for these connectors to be tried, in this order. What is empty matters not."""

    connectors: Annotated[tuple[str, ...], Field(min_length=1)]
    """The first that is well gets it; the next one, only if those before certainly did nothing."""
    merchants: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    """ISO 4217, upper case."""
    countries: tuple[str, ...] = ()
    """The payer's, ISO 3166-1 alpha-2, upper case."""
    instruments: tuple[str, ...] = ()
    """token, connector_payment_method_id, phone, redirect_method."""
    minor_units_from: Annotated[int, Field(ge=0)] = 0
    """Smallest amount, in minor units."""
    minor_units_until: Annotated[int, Field(ge=1)] | None = None
    """Amounts below this one, in minor units. Unset: no limit."""

    @field_validator("currencies")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for currency in value:
            if currency not in EXPONENTS:
                raise ValueError(f"{currency} is no ISO 4217 code in upper case")
        return value


class RoutingSettings(Section):
    """How a connector is chosen."""

    rules: tuple[RouteRule, ...] = ()
    """The first that fits decides."""
    function: str = ""
    """Instead of rules: "package.module:name" of a `services.routing.Router` of your own."""
