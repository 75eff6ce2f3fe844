"""Every table of every part, for whoever compares the declarations with a database."""

from __future__ import annotations

from orchestrator.ledger import schema_access, schema_delivery, schema_tenancy
from orchestrator.ledger.schema import HEAD, metadata

__all__ = ["HEAD", "metadata", "schema_access", "schema_delivery", "schema_tenancy"]
