"""Every table of every part, for whoever compares the declarations with a database."""

from __future__ import annotations

from orchestrator.ledger import schema_access
from orchestrator.ledger.schema import HEAD, metadata

__all__ = ["HEAD", "metadata", "schema_access"]
