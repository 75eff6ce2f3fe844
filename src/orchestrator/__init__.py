"""OrchestratorX: a payment orchestrator. Raw provider webhooks in, one stream of events out."""
