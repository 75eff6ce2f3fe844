"""How calls reach the services: `grpc` to a server, `embedded` in this process. `base` says what both promise."""
