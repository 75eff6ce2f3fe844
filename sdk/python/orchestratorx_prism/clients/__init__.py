"""Clients: one for each service. Their methods are generated from the protos; what webhooks need besides is by hand."""
