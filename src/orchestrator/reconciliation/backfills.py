"""What fetches providers' lists, kept between runs: made anew when credentials change, closed when no run uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from connectors.spi import Environment, Label
from connectors.spi.reconciling import Backfill, Reconciling


@dataclass(slots=True)
class _Kept:
    backfill: Backfill
    credentials: Mapping[str, str] = field(repr=False)
    environment: Environment.ValueType
    users: int = 0


class Backfills:
    """One for each connector and merchant."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Kept] = {}

    @asynccontextmanager
    async def using(
        self,
        label: Label,
        reconciling: Reconciling,
        merchant_id: str,
        credentials: Mapping[str, str],
        environment: Environment.ValueType,
    ) -> AsyncIterator[Backfill]:
        """The one with these credentials. Raises SettingsRejected if one is missing."""
        key = (label.name, merchant_id)
        kept = self._kept.get(key)
        if kept is None or (kept.credentials, kept.environment) != (credentials, environment):
            made = _Kept(reconciling.make(credentials, environment), credentials, environment)
            before, self._kept[key] = kept, made
            kept = made
            if before is not None and not before.users:
                await before.backfill.aclose()
        kept.users += 1
        try:
            yield kept.backfill
        finally:
            kept.users -= 1
            if not kept.users and self._kept.get(key) is not kept:
                await kept.backfill.aclose()

    async def aclose(self) -> None:
        """Closes all of them; those that a run still uses, with the run."""
        kept, self._kept = list(self._kept.values()), {}
        for one in kept:
            if not one.users:
                await one.backfill.aclose()
