"""What is sealed of endpoints, for `orchestrator vault rotate`."""

from __future__ import annotations

from typing import Final

from orchestrator.delivery.registry import SEALED_AS, headers_place, secret_place
from orchestrator.ledger.schema_delivery import endpoint_secrets, endpoints
from orchestrator.vault import SealedTable

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
