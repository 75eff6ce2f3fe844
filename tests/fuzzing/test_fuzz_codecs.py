"""A short run of the coverage-guided fuzzer over every codec; longer ones by hand."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.plugins import installed_connectors

SCRIPT = Path(__file__).parent / "fuzz_codecs.py"
RUNS = 100_000


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris does not install on this Python")
@pytest.mark.parametrize("connector", list(installed_connectors()))
def test_any_input_ends_in_events_or_a_typed_refusal(connector: str, tmp_path: Path) -> None:
    options = [f"-runs={RUNS}", "-seed=1", "-max_len=8192", f"-artifact_prefix={tmp_path}/"]
    outcome = subprocess.run(
        [sys.executable, str(SCRIPT), connector, *options], capture_output=True, text=True, timeout=100, check=False
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    assert f"Done {RUNS} runs" in outcome.stderr
