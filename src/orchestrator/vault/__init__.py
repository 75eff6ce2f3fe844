"""Secrets at rest: credentials of providers, signing secrets of endpoints. Encrypted, each bound to its place.

`Vault` seals and opens, `Rotation` brings what is sealed to the newest key. What is sealed where, its owners know; see
`services/administration/sealed.py`. Raw bodies have keys of their own: `ledger/raw.py`.
"""

from orchestrator.vault.key_service import KeyService
from orchestrator.vault.opening import vault_of
from orchestrator.vault.rotation import Rotated, Rotation, SealedTable
from orchestrator.vault.sealing import Vault, key_id_of

__all__ = ["KeyService", "Rotated", "Rotation", "SealedTable", "Vault", "key_id_of", "vault_of"]
