"""Ports for servers that tests start, kill and start again."""

import contextlib
import random
import socket

BELOW_OUTGOING = range(15_000, 32_768)
"""Linux gives outgoing connections ports from 32,768 on: one of those may take a killed server's port before it is
back, even a client's own attempt to reach it, which then talks to itself."""


def free_ports(count: int) -> list[int]:
    """Of 127.0.0.1, each another one."""
    found: list[int] = []
    for port in random.sample(BELOW_OUTGOING, len(BELOW_OUTGOING)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"fewer than {count} ports are free from {BELOW_OUTGOING.start} to {BELOW_OUTGOING.stop}")


def free_port() -> int:
    return free_ports(1)[0]
