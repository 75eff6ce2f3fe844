"""A process from which servers are forked quickly."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from killable_server import zygote_process


@pytest.fixture(scope="module")
def zygote() -> Iterator[subprocess.Popen[str]]:
    with zygote_process() as process:
        yield process
