"""The parent of several workers: starts them, starts dead ones again, passes signals on. Workers here are toys."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.listening import bind, port_of, reserve
from orchestratorx_prism.errors import Unavailable

PROGRAM = '''
import json, os, signal, socket, sys, time
from orchestrator.listening import bind
from orchestrator.settings_loading import settings_from
from orchestrator.workers import Supervisor
from orchestratorx_prism.errors import PrismError, Unavailable

def toy(settings, pipe, cpu):
    """Answers every connection with its process id, until it is told to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.path.exists(sys.argv[1] + "/refuse"):
        pipe.send(Unavailable("no database", fix="start it"))
        sys.exit(1)
    if os.path.exists(sys.argv[1] + "/die"):
        sys.exit(9)
    stubborn = os.path.exists(sys.argv[1] + "/stubborn")
    signal.signal(signal.SIGTERM, signal.SIG_IGN if stubborn else lambda *_: sys.exit(0))
    listener = bind(settings.http_host, settings.http_port, share=True)
    listener.setblocking(True)
    listener.listen()
    pipe.send(None)
    while True:
        connection, _ = listener.accept()
        connection.sendall(json.dumps({"pid": os.getpid(), "cpu": cpu}).encode())
        connection.close()

if __name__ == "__main__":
    values = {"workers": 2, "http_port": 0, "grpc_port": 0, "shutdown_grace_s": 0.2, "database_url": "sqlite:///x"}
    supervisor = Supervisor(settings_from(values), pin_cpus="--pin" in sys.argv, target=toy)
    try:
        supervisor.run(lambda addresses: print(addresses.http_port, flush=True))
    except PrismError as error:
        print(error.reason, flush=True)
        sys.exit(3)
'''


class Team:
    """A supervisor and its workers."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        program = folder / "team.py"
        program.write_text(PROGRAM)
        command = [sys.executable, str(program), str(folder), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline().strip()

    def ask(self) -> dict[str, Any]:
        """What one of the workers says."""
        with socket.create_connection(("127.0.0.1", int(self.first_line)), timeout=5) as connection:
            found: dict[str, Any] = json.loads(connection.recv(1_000))
            return found

    def members(self, count: int, *, without: int = 0, timeout_s: float = 60.0) -> set[int]:
        """The process ids that answer, once there are `count` of them."""
        seen: set[int] = set()
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            try:
                seen.add(self.ask()["pid"])
            except (ConnectionError, ValueError):
                seen.clear()
            if len(seen - {without}) >= count:
                return seen - {without}
            time.sleep(0.01)
        pytest.fail(f"only {seen} answer")

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


Start = Callable[..., Team]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts teams of two toys on one port; they are stopped after the test."""
    teams: list[Team] = []

    def started(*arguments: str) -> Team:
        teams.append(Team(tmp_path, *arguments))
        return teams[-1]

    yield started
    for team in teams:
        if team.process.poll() is None:
            team.stop()
        assert team.process.stdout is not None
        team.process.stdout.close()


def alive(pid: int) -> bool:
    """Whether the process is there, and no zombie."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def cpu_seconds(pid: int) -> float:
    """What the process has used so far, without its children."""
    used = Path(f"/proc/{pid}/stat").read_text().split()
    return sum(map(int, used[13:15])) / os.sysconf("SC_CLK_TCK")


def test_two_workers_answer_on_one_port(start: Start) -> None:
    team = start()
    assert len(team.members(2)) == 2


def test_a_dead_worker_is_replaced_on_the_same_port(start: Start) -> None:
    team = start()
    victim = min(team.members(2))
    os.kill(victim, signal.SIGKILL)
    assert victim not in team.members(2, without=victim)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_passed_on_to_all(start: Start, number: int) -> None:
    team = start()
    members = team.members(2)
    assert team.stop(number) == 0
    assert not any(alive(pid) for pid in members)


def test_a_worker_that_does_not_stop_is_killed(start: Start, tmp_path: Path) -> None:
    (tmp_path / "stubborn").touch()
    team = start()
    members = team.members(2)
    began = time.monotonic()
    assert team.stop() == 0
    assert time.monotonic() - began < 25
    assert not any(alive(pid) for pid in members)
    assert team.process.stdout is not None
    team.process.stdout.close()


@pytest.mark.parametrize(("switch", "said"), [("refuse", "UNAVAILABLE"), ("die", "UNAVAILABLE")])
def test_a_team_whose_first_worker_cannot_start_does_not_start(
    start: Start, tmp_path: Path, switch: str, said: str
) -> None:
    (tmp_path / switch).touch()
    team = start()
    assert team.first_line == said
    assert team.process.wait(timeout=20) == 3


def test_a_worker_that_dies_again_and_again_is_started_ever_more_slowly(start: Start, tmp_path: Path) -> None:
    team = start()
    victim = min(team.members(2))
    (tmp_path / "die").touch()
    before_s = cpu_seconds(team.process.pid)
    os.kill(victim, signal.SIGKILL)
    time.sleep(2.5)
    assert cpu_seconds(team.process.pid) - before_s < 1.5  # the parent does not spin
    (tmp_path / "die").unlink()
    assert len(team.members(2, without=victim)) == 2
    assert team.stop() == 0


def test_workers_may_keep_a_cpu_each(start: Start) -> None:
    team = start("--pin")
    team.members(2)
    cpus = {team.ask()["cpu"] for _ in range(50)}
    assert cpus <= os.sched_getaffinity(0)
    assert len(cpus) == min(2, len(os.sched_getaffinity(0)))
    assert team.stop() == 0


def test_a_port_that_another_program_shares_willingly_is_not_taken() -> None:
    theirs = bind("127.0.0.1", 0, share=True)
    theirs.listen()
    with theirs, pytest.raises(Unavailable):
        reserve("127.0.0.1", port_of(theirs))
