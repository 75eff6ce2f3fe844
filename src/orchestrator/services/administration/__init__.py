"""Use cases of running the installation: keys, the audit log, merchants, credentials, endpoints and deliveries."""
