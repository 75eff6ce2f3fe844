"""The ledger: facts, projections, references and the outbox, in one database."""
