"""Outgoing webhooks: endpoints, signatures, the schedule, the guard of addresses, and the dispatcher."""
