"""Webhook endpoints for FastAPI, Flask and Django: the raw body, its limit, the answer. One file a framework."""
