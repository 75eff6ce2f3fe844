"""Alembic's migrations of the ledger's tables; `orchestrator.ledger.migrating` runs them."""
