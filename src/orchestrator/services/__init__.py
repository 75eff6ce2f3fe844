"""Use cases: what the front doors call."""
