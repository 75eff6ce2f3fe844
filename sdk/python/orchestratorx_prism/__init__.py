"""OrchestratorX Prism: the Python SDK of OrchestratorX."""
