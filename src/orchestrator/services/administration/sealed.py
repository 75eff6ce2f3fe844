"""Every table with sealed secrets: what `orchestrator vault rotate` goes through."""

from __future__ import annotations

from typing import Final

from orchestrator.delivery.registry import SEALED_AS, headers_place, secret_place
from orchestrator.ledger.schema_delivery import endpoint_secrets, endpoints
from orchestrator.ledger.schema_tenancy import provider_credentials
from orchestrator.services.directory import KIND, place_of
from orchestrator.vault import SealedTable

CREDENTIALS: Final = SealedTable(
    provider_credentials,
    (provider_credentials.c.merchant_id, provider_credentials.c.connector, provider_credentials.c.environment),
    provider_credentials.c.sealed,
    lambda key: (KIND, *place_of((key[0], key[1], key[2]))),
)

ENDPOINT_SECRETS: Final = SealedTable(
    endpoint_secrets,
    (endpoint_secrets.c.endpoint, endpoint_secrets.c.n, endpoint_secrets.c.merchant_id),
    endpoint_secrets.c.sealed,
    lambda key: (SEALED_AS, key[2], secret_place(key[0], key[1])),
)
ENDPOINT_HEADERS: Final = SealedTable(
    endpoints,
    (endpoints.c.n, endpoints.c.merchant_id),
    endpoints.c.headers,
    lambda key: (SEALED_AS, key[1], headers_place(key[0])),
)

SEALED: Final = (CREDENTIALS, ENDPOINT_SECRETS, ENDPOINT_HEADERS)
"""Add a table here, and its secrets are brought to the newest key with all others."""
