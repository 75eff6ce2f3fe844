"""Processes under load: `orchestrator serve` over a fresh SQLite file, and servers that do nothing beside it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bodies import SECRET
from free_ports import free_port
from measuring import process_cpu_s

_START_S = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves."""

    pid: int
    grpc_port: int
    http_port: int

    def cpu_s(self) -> float:
        """CPU seconds used so far."""
        return process_cpu_s(self.pid)


@contextlib.contextmanager
def orchestrator(database_url: str | None = None, *, relay: bool = False, pinned: bool = False) -> Iterator[Server]:
    """`orchestrator serve`, one process; SQLite with synchronous=FULL unless told another database.

    Without `relay` it verifies, records and commits, outbox included, and leaves publishing to another process. When
    `pinned`, it keeps to the first CPU, and the load comes from the others, where there are any.
    """
    with tempfile.TemporaryDirectory(prefix="orchestratorx-bench-") as folder:
        grpc_port, http_port = free_port(), free_port()
        environment = {
            **os.environ,
            "ORCHESTRATOR_DATABASE_URL": database_url or f"sqlite:///{Path(folder) / 'bench.db'}",
            "ORCHESTRATOR_GRPC_PORT": str(grpc_port),
            "ORCHESTRATOR_HTTP_PORT": str(http_port),
            "ORCHESTRATOR_LOG_LEVEL": "error",
            "ORCHESTRATOR_RELAY": "true" if relay else "false",
            "STRIPE_WEBHOOK_SECRET": SECRET,
        }
        command = [str(Path(sys.executable).parent / "orchestrator"), "serve", *(["--pin-cpus"] if pinned else [])]
        with _running(command, environment, http_port) as pid:
            mine = os.sched_getaffinity(0)
            os.sched_setaffinity(0, (mine - {min(mine)} if pinned else mine) or mine)
            try:
                yield Server(pid, grpc_port, http_port)
            finally:
                os.sched_setaffinity(0, mine)


@contextlib.contextmanager
def floor(kind: str) -> Iterator[Server]:
    """A server that does nothing: "grpc" or "http", see floors.py."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).parent / "floors.py"), kind, str(port)]
    with _running(command, {**os.environ, "UV_USE_IO_URING": "0"}, port) as pid:
        yield Server(pid, port, port)


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str], port: int) -> Iterator[int]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError("the server does not answer")
