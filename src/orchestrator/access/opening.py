"""Puts the guard together, of the settings and a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.access.journal import Journal
from orchestrator.access.key_guard import KeyGuard, Terms
from orchestrator.access.keyring import Keyring
from orchestrator.access.observing import AccessObserver, SilentAccess
from orchestrator.access.reporting import Reporter
from orchestrator.access.shared_windows import SharedWindows, open_shared_windows
from orchestrator.access.windows import OwnWindows
from orchestrator.ledger.tables import NoTables, Tables
from orchestrator.settings import Settings


@dataclass(frozen=True, slots=True)
class Access:
    """The guard, and what works behind it."""

    guard: KeyGuard
    journal: Journal | None
    """None: no database keeps one."""
    windows: OwnWindows | SharedWindows
    ring: Keyring | None
    """None: no database keeps keys."""

    def keys_changed(self) -> None:
        """Keys were changed in this process."""
        if self.ring is not None:
            self.ring.doubt()

    def start(self) -> None:
        """The database is open: begins to write down what is reported."""
        if self.journal is not None:
            self.journal.start()

    async def stop(self) -> None:
        """Writes down the rest. The database is still open."""
        if self.journal is not None:
            await self.journal.stop()
        if isinstance(self.windows, SharedWindows):
            await self.windows.aclose()


def open_access(
    settings: Settings,
    tables: Tables | None = None,
    observer: AccessObserver | None = None,
    *,
    is_closed: Callable[[str], bool] = lambda _merchant_id: False,
) -> Access:
    """
    Args:
        tables: Where keys are kept; None, or those of a ledger in memory: the settings' keys are all there are.
        is_closed: Whether a merchant's keys are refused, for the merchant is closed. Answers at once.

    Raises:
        DriverMissing, SettingsRejected: Of rate_limit_redis_url.
    """
    counts = observer or SilentAccess()
    kept = None if isinstance(tables, NoTables) else tables
    journal = Journal(kept, counts) if kept is not None else None
    url = settings.rate_limit_redis_url.get_secret_value()
    windows = open_shared_windows(url, counts) if url else OwnWindows()
    terms = Terms(
        [key.get_secret_value() for key in settings.api_keys], settings.asks_for_keys, settings.calls_per_minute
    )
    ring = Keyring(kept) if kept is not None else None
    guard = KeyGuard(terms, ring, windows, Reporter(journal), counts, is_closed)
    return Access(guard, journal, windows, ring)
