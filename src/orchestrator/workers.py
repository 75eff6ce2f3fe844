"""Several processes on the same ports: a parent that starts them, starts dead ones again, and passes signals on.

The kernel spreads connections over the workers (SO_REUSEPORT). Each worker is a whole server with its own relay: relays
claim what they publish from the database, so they share the work, and one that dies is replaced by the others at once.
The parent serves nothing; it keeps the ports, so that they are the same for every worker.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType

from orchestrator.listening import port_of, reserve
from orchestrator.serving import Addresses, run_loop, serve
from orchestrator.settings import Settings
from orchestratorx_prism.errors import PrismError, SettingsRejected, Unavailable

_log = logging.getLogger("orchestrator.workers")

FIRST_DELAY_S = 0.5
MAX_DELAY_S = 30.0
STEADY_S = 60.0
"""A worker that lived so long is started again without delay."""
START_S = 60.0
"""How long a worker may take to start. Seconds."""
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
FAILED = 1


@dataclass
class Worker:
    """One place in the team, and the process that fills it now."""

    index: int
    process: BaseProcess | None = None
    pipe: Connection | None = field(default=None, repr=False)
    started_at: float = 0.0
    delay_s: float = 0.0
    due_at: float = 0.0
    """When to start it again, while `process` is None."""


class Supervisor:
    """Runs the workers until told to stop."""

    def __init__(
        self,
        settings: Settings,
        *,
        pin_cpus: bool = False,
        target: Callable[..., None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            pin_cpus: Whether each worker stays on a CPU of its own.
            target: What a worker runs; for tests.
        """
        refuse_unshared(settings)
        if pin_cpus:
            refuse_unpinnable()
        self._settings = settings
        self._pin_cpus = pin_cpus
        self._target = target or run_worker
        self._clock = clock
        self._context = multiprocessing.get_context("spawn")
        self._workers = [Worker(index) for index in range(settings.workers)]
        self._signals = 0
        self._woken, self._wake = socket.socketpair()
        self._wake.setblocking(False)

    def run(self, started: Callable[[Addresses], None]) -> None:
        """Until SIGTERM or SIGINT. `started` is called when the first worker serves.

        Raises:
            PrismError: What kept the first worker from starting.
        """
        with ExitStack() as stack:
            stack.callback(self._woken.close)
            stack.callback(self._wake.close)
            addresses = self._reserve(stack)
            folder = tempfile.mkdtemp(prefix="orchestratorx-metrics-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            os.environ[_METRICS_FOLDER] = folder
            stack.callback(os.environ.pop, _METRICS_FOLDER, None)
            self._catch_signals(stack)
            stack.callback(self._stop)
            first, *others = self._workers
            self._start(first)
            self._wait_until_ready(first)  # it has brought the database's schema up to date
            for worker in others:
                self._start(worker)
            started(addresses)
            while not self._signals:
                self._tend()

    def _reserve(self, stack: ExitStack) -> Addresses:
        settings = self._settings
        grpc = stack.enter_context(reserve(settings.grpc_host, settings.grpc_port))
        http = stack.enter_context(reserve(settings.http_host, settings.http_port))
        ports = {"grpc_port": port_of(grpc), "http_port": port_of(http)}
        self._settings = settings.model_copy(update=ports)
        return Addresses(settings.grpc_host, ports["grpc_port"], settings.http_host, ports["http_port"])

    def _catch_signals(self, stack: ExitStack) -> None:
        def note(_number: int, _frame: FrameType | None) -> None:
            self._signals += 1
            if self._signals > 1:
                self._signal_all()  # the workers end at once on the second
            self._wake.send(b"!")

        for number in (signal.SIGTERM, signal.SIGINT):
            stack.callback(signal.signal, number, signal.signal(number, note))

    def _start(self, worker: Worker) -> None:
        ours, theirs = self._context.Pipe()
        cpu = _cpu_of(worker.index) if self._pin_cpus else None
        worker.process = self._context.Process(
            target=self._target, args=(self._settings, theirs, cpu), name=f"worker-{worker.index}"
        )
        worker.process.start()
        theirs.close()
        worker.pipe = ours
        worker.started_at = self._clock()

    def _wait_until_ready(self, worker: Worker) -> None:
        if worker.process is None or worker.pipe is None:
            raise RuntimeError("the worker was not started")
        wait([worker.pipe, worker.process.sentinel, self._woken], timeout=START_S)
        if self._signals:
            return
        fault = None
        if worker.pipe.poll():
            try:
                fault = worker.pipe.recv()
            except EOFError:
                fault = Unavailable("the first worker ended before it served", fix="its log says why")
            if fault is None:
                return
        raise fault or Unavailable(f"the first worker did not start within {START_S:g} s", fix="its log says why")

    def _tend(self) -> None:
        """Waits for a worker's end, for the time to start one again, or for a signal."""
        now = self._clock()
        alive = {worker.process.sentinel: worker for worker in self._workers if worker.process is not None}
        due = [worker.due_at for worker in self._workers if worker.process is None]
        wait([*alive, self._woken], timeout=max(0.0, min(due) - now) if due else None)
        for worker in self._workers:
            if worker.process is not None and not worker.process.is_alive():
                self._bury(worker)
            if worker.process is None and self._clock() >= worker.due_at and not self._signals:
                self._start(worker)

    def _bury(self, worker: Worker) -> None:
        process, now = worker.process, self._clock()
        if process is None:
            return
        process.join()
        if now - worker.started_at >= STEADY_S:
            worker.delay_s = 0.0
        worker.due_at = now + worker.delay_s
        fields = {"worker": worker.index, "status": process.exitcode, "again_in_s": worker.delay_s}
        _log.error("a worker ended", extra=fields)
        worker.delay_s = min(MAX_DELAY_S, worker.delay_s * 2 or FIRST_DELAY_S)
        self._forget(worker)

    def _forget(self, worker: Worker) -> None:
        if worker.pipe is not None:
            worker.pipe.close()
        if worker.process is not None:
            worker.process.close()
        worker.pipe = worker.process = None

    def _stop(self) -> None:
        """Tells all to drain, waits a little longer than they may take, and kills what is left."""
        self._signal_all()
        end = self._clock() + self._settings.shutdown_grace_s + 10.0
        for worker in self._workers:
            if worker.process is None:
                continue
            worker.process.join(max(0.1, end - self._clock()))
            if worker.process.is_alive():
                _log.error("a worker did not stop and is killed", extra={"worker": worker.index})
                worker.process.kill()
                worker.process.join()
            self._forget(worker)

    def _signal_all(self) -> None:
        for worker in self._workers:
            if worker.process is not None and worker.process.is_alive():
                worker.process.terminate()


def refuse_unshared(settings: Settings) -> None:
    """
    Raises:
        SettingsRejected: The database or the broker is one that processes cannot share.
    """
    if settings.workers > 1 and settings.database_url.get_secret_value().startswith("memory:"):
        raise SettingsRejected(
            "workers: processes cannot share a database in memory",
            fix="set database_url to PostgreSQL (or a SQLite file), or workers to 1",
        )


def refuse_unpinnable() -> None:
    """
    Raises:
        SettingsRejected: This system cannot keep a process on a CPU.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise SettingsRejected("this system cannot keep a process on a CPU", fix="leave out --pin-cpus")


def stay_on_a_cpu() -> None:
    """Keeps this process on the first of the CPUs that it may use. Before it starts threads: they do as it does.

    Raises:
        SettingsRejected: This system cannot.
    """
    refuse_unpinnable()
    os.sched_setaffinity(0, {_cpu_of(0)})


def run_worker(settings: Settings, pipe: Connection, cpu: int | None) -> None:
    """A worker's whole life. Tells the parent None when it serves, or the error that kept it from it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent passes it on as SIGTERM
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    from orchestrator.telemetry.logs import configure_logs

    configure_logs(settings.log_level, settings.log_format)
    link = socket.socket(fileno=os.dup(pipe.fileno()))
    try:
        run_loop(serve(settings, lambda _addresses: pipe.send(None), share_ports=True, parent=link))
    except PrismError as error:
        pipe.send(error)
        sys.exit(FAILED)


def usable_cpus() -> list[int]:
    """The CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _cpu_of(index: int) -> int:
    cpus = usable_cpus()
    return cpus[index % len(cpus)]
