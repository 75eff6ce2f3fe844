"""Starts servers quickly for the kill tests: imports everything once, then forks a child for each line it reads.

A line is a JSON object of environment variables; the answer is the child's process id. Nothing of gRPC is initialised
before the fork; each child is a whole `orchestrator serve`.

An argument sets a constant in every child: `connectors.stripe.resolving:GRACE_HERE_S=6`, for tests that cannot wait as
long as one has to for a real provider.
"""

from __future__ import annotations

import importlib
import json
import os
import sys


def set_constant(assignment: str) -> None:
    place, _, value = assignment.partition("=")
    module, _, name = place.partition(":")
    getattr(importlib.import_module(module), name)  # AttributeError: it is gone, or named otherwise
    setattr(importlib.import_module(module), name, float(value))


def main() -> None:
    import asyncpg  # noqa: F401 - imported here so that each child need not
    import grpc.aio  # noqa: F401
    import nats  # noqa: F401
    import uvicorn  # noqa: F401

    import orchestrator.bootstrap
    import orchestrator.serving  # noqa: F401
    from orchestrator.cli import main as command_line
    from orchestrator.plugins import installed_connectors

    installed_connectors()
    for assignment in sys.argv[1:]:
        set_constant(assignment)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.environ.update(json.loads(line))
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            sys.argv = ["orchestrator", "serve"]
            command_line()
            os._exit(0)
        print(child, flush=True)
        # The parent of a killed child must collect it, or its port stays taken by a zombie's descriptors.
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main()
