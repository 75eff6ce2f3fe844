"""Connectors: one folder a provider. Found by entry point (`orchestratorx.connectors`), never imported by name."""
