"""What `orchestrator demo` shows: stories of payments, told by all four providers at once, with mischief in between."""
