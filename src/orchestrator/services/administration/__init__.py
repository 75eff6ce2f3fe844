"""Use cases of those who run the installation: merchants, credentials, keys, endpoints, the audit log."""
