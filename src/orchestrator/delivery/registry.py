"""Endpoints as the dispatcher uses them: with their secrets, opened. Read when a claim says that one has changed.

So a change counts from the next claim on, on every replica, and nothing is polled.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec
from sqlalchemy import select

from orchestrator.delivery.endpoint_ids import endpoint_id
from orchestrator.delivery.signing import Secret, secret_of
from orchestrator.ledger.schema_delivery import endpoint_secrets, endpoints
from orchestrator.ledger.tables import Row, Tables

SEALED_AS: Final = "endpoint"
"""The vault's word for what is sealed here."""
_MOST: Final = 20_000
_decode_headers = msgspec.json.Decoder(dict[str, str]).decode


class Opener(Protocol):
    """Of the vault, as much as is needed here."""

    async def open(self, kind: str, owner: str, name: str, sealed: bytes) -> bytes:
        """What was sealed, at the same place."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """As much as sending needs to know."""

    n: int
    version: int
    merchant_id: str
    url: str
    max_in_flight: int
    payments_headers: bool
    headers: dict[str, str] = field(repr=False)
    secrets: tuple[tuple[Secret, int | None], ...] = field(repr=False)
    """Newest first, each with the end of its time. Microseconds; None: it is the current one."""

    def signing(self, now_us: int) -> list[Secret]:
        """The secrets in use."""
        return [secret for secret, expires_us in self.secrets if expires_us is None or expires_us > now_us]


class Registry:
    """Remembers endpoints by number and version."""

    def __init__(self, tables: Tables, vault: Opener) -> None:
        self._tables = tables
        self._vault = vault
        self._known: OrderedDict[int, Endpoint] = OrderedDict()

    async def get(self, n: int, version: int) -> Endpoint | None:
        """The endpoint, of this version or newer; None: it is gone.

        Raises:
            PrismError: Its secrets cannot be opened, or the database cannot answer.
        """
        known = self._known.get(n)
        if known is None or known.version < version:
            known = await self.load(n)
            if known is None:
                return None
            self._known[n] = known
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return known

    async def load(self, n: int) -> Endpoint | None:
        """As it stands in the database.

        Raises:
            PrismError: As `get`.
        """
        c = endpoints.c
        columns = (c.version, c.merchant_id, c.url, c.max_in_flight, c.payments_headers, c.headers)
        rows = await self._tables.read(select(*columns).where(c.n == n))
        if not rows:
            return None
        version, merchant_id, url, most, payments_headers, headers = rows[0]
        return Endpoint(
            n,
            version,
            merchant_id,
            url,
            most,
            bool(payments_headers),
            await open_headers(self._vault, merchant_id, n, headers),
            await open_secrets(self._tables, self._vault, merchant_id, n),
        )


async def open_headers(vault: Opener, merchant_id: str, n: int, sealed: bytes | None) -> dict[str, str]:
    """The merchant's own headers."""
    if sealed is None:
        return {}
    return _decode_headers(await vault.open(SEALED_AS, merchant_id, headers_place(n), bytes(sealed)))


async def open_secrets(
    tables: Tables, vault: Opener, merchant_id: str, n: int
) -> tuple[tuple[Secret, int | None], ...]:
    """Every kept secret of an endpoint, newest first, with the end of its time."""
    c = endpoint_secrets.c
    query = select(c.n, c.sealed, c.expires_at).where(c.endpoint == n)
    rows = await tables.read(query.order_by(c.expires_at.is_(None).desc(), c.created_at.desc(), c.n))
    return tuple([(await _secret(vault, merchant_id, n, row), row[2]) for row in rows])


async def _secret(vault: Opener, merchant_id: str, n: int, row: Row) -> Secret:
    text = await vault.open(SEALED_AS, merchant_id, secret_place(n, row[0]), bytes(row[1]))
    return secret_of(text.decode())


def headers_place(n: int) -> str:
    """Where an endpoint's headers are sealed."""
    return f"{endpoint_id(n)}/headers"


def secret_place(n: int, secret: int) -> str:
    """Where one of its secrets is."""
    return f"{endpoint_id(n)}/secret/{secret:x}"
