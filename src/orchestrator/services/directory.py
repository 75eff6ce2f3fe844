"""What the database knows of merchants and their credentials, in memory: opened, and never older than a second.

Every change raises a revision in its own transaction (`schema_tenancy.tenancy_revision`). Each process looks at it
every `EVERY_S`, and reads the rows that changed since; whoever changes something here reads them at once (`refresh`).

Failure policy: open for what is known. While the database is away, what was read last stays good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import msgspec
import structlog
from sqlalchemy import select

from connectors.spi import Environment
from orchestrator.ledger.schema_tenancy import merchants as merchant_rows
from orchestrator.ledger.schema_tenancy import provider_credentials as credential_rows
from orchestrator.ledger.schema_tenancy import tenancy_revision
from orchestrator.ledger.tables import Row, Tables
from orchestrator.vault import Vault
from orchestratorx_prism.errors import Internal, NotSupported, PrismError, Unavailable

EVERY_S: Final = 0.5
_ASK_AGAIN_S: Final = 5.0
"""After a key service did not open something."""
KIND: Final = "credentials"
"""Of what is sealed here."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KnownMerchant:
    """A merchant of the database. Times are microseconds since 1970, UTC."""

    merchant_id: str
    display_name: str
    environment: Environment.ValueType
    disabled: bool
    created_us: int
    updated_us: int


class Secrets(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of one merchant, connector and environment, as JSON. `repr` hides it."""

    values: dict[str, str] = {}
    """By the provider's own names, without those of the webhook secrets and id."""
    webhook_secrets: tuple[str, ...] = ()
    """Newest first."""
    webhook_id: str = ""

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self.values)})"


@dataclass(frozen=True, slots=True)
class KnownCredentials:
    """Credentials of the database."""

    secrets: Secrets | None = field(repr=False)
    """None: they cannot be opened."""
    fault: PrismError | None
    """Why not."""
    created_us: int
    updated_us: int


Key = tuple[str, str, int]
"""Merchant, connector, number of the environment."""


class Directory:
    """Read by everybody, at no cost; kept up to date by itself."""

    def __init__(self, tables: Tables, vault: Vault) -> None:
        self._tables = tables
        self._vault = vault
        self._merchants: dict[str, KnownMerchant] = {}
        self._credentials: dict[Key, KnownCredentials] = {}
        self._revision = -1
        self._unopened: dict[Key, Row] = {}
        """Rows that a key service did not open."""
        self._reading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.on_change: Callable[[set[str]], None] = lambda merchant_ids: None
        """Told which merchants, or their credentials, are others now. Called in the event loop."""

    @property
    def merchants(self) -> Mapping[str, KnownMerchant]:
        """By id."""
        return MappingProxyType(self._merchants)

    def merchant(self, merchant_id: str) -> KnownMerchant | None:
        """One of them."""
        return self._merchants.get(merchant_id)

    def credentials(self, merchant_id: str, connector: str, environment: int) -> KnownCredentials | None:
        """Those of one place."""
        return self._credentials.get((merchant_id, connector, environment))

    def credentials_of(self, merchant_id: str) -> Mapping[Key, KnownCredentials]:
        """All of a merchant's, by connector and environment."""
        return {key: self._credentials[key] for key in sorted(self._credentials) if key[0] == merchant_id}

    async def start(self) -> None:
        """Reads everything, and begins to look for changes. A ledger in memory has nothing to read.

        Raises:
            Unavailable: The database cannot be read.
        """
        try:
            await self.refresh()
        except NotSupported:
            return
        if self._task is None:
            self._task = asyncio.create_task(self._watch(), name="merchants' directory")

    async def stop(self) -> None:
        """Ends looking."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def refresh(self) -> None:
        """Reads what has changed since it was read last: everything that was committed before this call.

        Raises:
            Unavailable: The database cannot be read.
            NotSupported: It is a ledger in memory.
        """
        async with self._reading:
            revision = int((await self._tables.read(select(tenancy_revision.c.revision)))[0][0])
            if revision == self._revision:
                return
            # Both may show rows of a later revision: those are read once more then, and are the same.
            changed = {*await self._read_merchants(), *await self._read_credentials()}
            self._revision = revision
        if changed:
            self.on_change(changed)

    async def _read_merchants(self) -> set[str]:
        table = merchant_rows.c
        query = select(
            table.merchant_id,
            table.display_name,
            table.environment,
            table.disabled,
            table.created_at,
            table.updated_at,
        ).where(table.revision > self._revision)
        changed = set()
        for row in await self._tables.read(query):
            known = KnownMerchant(row[0], row[1], row[2], bool(row[3]), row[4], row[5])
            before = self._merchants.get(known.merchant_id)
            self._merchants[known.merchant_id] = known
            if before is None or (before.environment, before.disabled) != (known.environment, known.disabled):
                changed.add(known.merchant_id)
        return changed

    async def _read_credentials(self) -> set[str]:
        table = credential_rows.c
        query = select(
            table.merchant_id, table.connector, table.environment, table.sealed, table.created_at, table.updated_at
        ).where(table.revision > self._revision)
        changed = set()
        for row in await self._tables.read(query):
            if await self._take(row):
                changed.add(row[0])
        return changed

    async def _take(self, row: Row) -> bool:
        """Opens one row. Returns whether what is known has changed."""
        key, sealed = (row[0], row[1], row[2]), row[3]
        self._unopened.pop(key, None)
        if sealed is None:
            return self._credentials.pop(key, None) is not None
        secrets: Secrets | None = None
        fault: PrismError | None = None
        try:
            secrets = msgspec.json.decode(await self._vault.open(KIND, *place_of(key), bytes(sealed)), type=Secrets)
        except (PrismError, msgspec.MsgspecError) as error:
            fault = error if isinstance(error, PrismError) else Internal("kept credentials are of no known form")
            _log.warning("credentials.not_opened", merchant_id=key[0], connector=key[1], reason=fault.reason)
            if isinstance(error, Unavailable):
                self._unopened[key] = row
        before = self._credentials.get(key)
        self._credentials[key] = KnownCredentials(secrets, fault, row[4], row[5])
        return before is None or before.secrets != secrets or secrets is None

    async def _watch(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(EVERY_S)
            rounds += 1
            try:
                await self.refresh()
                if self._unopened and rounds * EVERY_S % _ASK_AGAIN_S == 0:
                    await self._ask_again()
            except PrismError as error:
                _log.warning("merchants.not_read", reason=error.reason)
            except Exception:  # a defect must not end the only thing that sees changes
                _log.error("merchants.not_read", exc_info=True)

    async def _ask_again(self) -> None:
        async with self._reading:
            changed = {row[0] for row in list(self._unopened.values()) if await self._take(row)}
        if changed:
            self.on_change(changed)


def place_of(key: Key) -> tuple[str, str]:
    """Owner and name that credentials are sealed with."""
    merchant_id, connector, environment = key
    return merchant_id, f"{connector}/{environment_name(environment)}"


def environment_name(environment: int) -> str:
    """1 is "SANDBOX"."""
    return Environment.Name(Environment.ValueType(environment)).removeprefix("ENVIRONMENT_")
