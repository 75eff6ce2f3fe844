"""Who may call, and what for: keys, scopes, limits, and the log of it all."""
