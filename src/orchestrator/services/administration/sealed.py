"""Every table with sealed secrets: what `orchestrator vault rotate` goes through."""

from __future__ import annotations

from typing import Final

from orchestrator.ledger.schema_tenancy import provider_credentials
from orchestrator.services.directory import KIND, place_of
from orchestrator.vault import SealedTable

CREDENTIALS: Final = SealedTable(
    provider_credentials,
    (provider_credentials.c.merchant_id, provider_credentials.c.connector, provider_credentials.c.environment),
    provider_credentials.c.sealed,
    lambda key: (KIND, *place_of((key[0], key[1], key[2]))),
)

SEALED: Final = (CREDENTIALS,)
"""Add a table here, and its secrets are brought to the newest key with all others."""
