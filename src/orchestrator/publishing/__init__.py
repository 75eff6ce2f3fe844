"""Channels and the relay: from the outbox to the brokers."""
