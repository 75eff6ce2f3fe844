"""`scripts/services`: starts what is missing, changes nothing twice, and stops exactly what it started."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "services"
Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.nats

HAS_PROC = Path("/proc/self/cmdline").exists()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs a copy of the script in a project of its own; stops at the end what it started."""
    copy = tmp_path / "scripts" / "services"
    copy.parent.mkdir()
    shutil.copy(SCRIPT, copy)
    shutil.copy(SCRIPT.with_name("kafka-server"), copy.with_name("kafka-server"))
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ORCHESTRATOR_")}
    plain["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{plain['PATH']}"

    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(copy), *arguments], env=plain | variables, capture_output=True, text=True, timeout=60, check=False
        )

    yield call
    call("stop")


def port_of(environment: str, server: str = "NATS") -> int:
    (line,) = [line for line in environment.splitlines() if server in line]
    return int(line.rstrip("'").rpartition(":")[2])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_server_is_started_once_and_stopped_by_its_own_pid(run: Run, nats_server: object) -> None:
    first = run("start", "nats")
    assert first.returncode == 0, first.stderr
    port = port_of(run("env").stdout)
    assert answers(port)
    assert port != 4222

    assert "runs already" in run("start", "nats").stderr
    assert port_of(run("env").stdout) == port
    assert f"nats: runs on port {port}" in run("status").stdout

    assert run("stop", "nats").returncode == 0
    assert not answers(port)
    assert answers(nats_server.port), "it stopped a server that it had not started"  # type: ignore[attr-defined]
    assert "NATS" not in run("env").stdout
    assert run("stop", "nats").returncode == 0


@pytest.mark.kafka
def test_kafka_is_started_once_keeps_its_port_and_data_and_is_stopped_by_its_own_pid(
    run: Run, tmp_path: Path, kafka_process: Callable[[], object]
) -> None:
    # As another project has fetched them already: a test asks no registry.
    fetched = Path(__file__).parents[3] / ".services" / "kafka"
    (tmp_path / ".services" / "kafka").mkdir(parents=True)
    for libs in fetched.glob("[0-9]*/"):
        (tmp_path / ".services" / "kafka" / libs.name).symlink_to(libs)
    first = run("start", "kafka")
    assert first.returncode == 0, first.stderr
    port = port_of(run("env").stdout, "KAFKA")
    assert answers(port)
    assert "runs already" in run("start", "kafka").stderr

    assert run("stop", "kafka").returncode == 0
    assert not answers(port)
    assert "KAFKA" not in run("env").stdout
    identity = (tmp_path / ".services" / "kafka" / "data" / "meta.properties").read_text()
    assert run("start", "kafka").returncode == 0
    assert port_of(run("env").stdout, "KAFKA") == port
    assert (tmp_path / ".services" / "kafka" / "data" / "meta.properties").read_text() == identity


@pytest.mark.skipif(not HAS_PROC, reason="looks for processes in /proc")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("redis", marks=pytest.mark.redis),
        pytest.param("rabbitmq", marks=pytest.mark.rabbitmq),
    ],
)
def test_a_server_of_a_debian_package_is_started_and_leaves_nothing_behind(
    run: Run, tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    request.getfixturevalue(f"{name}_binary")
    first = run("start", name)
    assert first.returncode == 0, first.stderr
    port = int((tmp_path / ".services" / f"{name}.port").read_text())
    assert answers(port)
    assert f"127.0.0.1:{port}/" in run("env").stdout
    assert "runs already" in run("start", name).stderr

    assert run("stop", name).returncode == 0
    assert not answers(port)
    assert processes_of(tmp_path) == []


def processes_of(folder: Path) -> list[str]:
    """What still runs with this folder as its own or in its arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place = (process / "cwd").readlink()
            arguments = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if place.is_relative_to(folder) or str(folder) in arguments:
            found.append(arguments)
    return found


def test_a_server_that_the_environment_names_is_used_and_not_started(run: Run) -> None:
    given = "nats://127.0.0.1:1"
    started = run("start", "nats", ORCHESTRATOR_TEST_NATS_URL=given)
    assert started.returncode == 0, started.stderr
    assert "the one that ORCHESTRATOR_TEST_NATS_URL names" in started.stderr
    assert f"export ORCHESTRATOR_TEST_NATS_URL='{given}'" in run("env").stdout
    assert "nats: stopped" in run("status").stdout


@pytest.mark.parametrize("arguments", [[], ["begin"], ["start", "mongodb"]])
def test_wrong_use_exits_with_2_and_says_what_is_right(run: Run, arguments: list[str]) -> None:
    wrong = run(*arguments)
    assert wrong.returncode == 2
    assert "scripts/services start" in wrong.stderr


def test_the_environment_before_any_start_is_an_error_that_says_what_to_do(run: Run) -> None:
    nothing = run("env")
    assert nothing.returncode == 1
    assert "scripts/services start" in nothing.stderr
