"""The document and the server say the same: schemathesis calls every operation with what fits and what does not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from rest_desk import ALL_KEY, rest_on_a_socket

from orchestrator.http_api.rest.table import ROWS

LEFT_OUT = "positive_data_acceptance"
"""A request that fits the schema may still be refused: its payment is not there, its currency is none."""
_GENERATED = re.compile(r"(\d+) generated, (.*)")
SMALL, FULL = 400, 5_000


@pytest.mark.timeout(1_100)
def test_no_call_of_the_document_meets_a_server_error_or_an_answer_of_another_shape(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    wanted: int = request.config.getoption("--rest-examples")
    # Few calls: one example an operation, without the phase that tries every border of every schema.
    extent = ["--phases", "examples,fuzzing", "--max-examples", str(max(1, wanted // len(ROWS) // 2))]
    if wanted >= FULL:
        extent = ["--max-examples", str(max(1, wanted // len(ROWS)))]
    with rest_on_a_socket() as url:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"),
            *("-H", f"X-API-Key: {ALL_KEY}"),
            *("--checks", "all", "--exclude-checks", LEFT_OUT, "--seed", "1", "--no-color"),
            *extent,
        ]
        run = subprocess.run(command, capture_output=True, text=True, timeout=1_000, cwd=tmp_path, check=False)
    summary = _GENERATED.search(run.stdout)
    assert summary is not None, run.stdout + run.stderr
    print(f"schemathesis: {summary[0]}")
    assert run.returncode == 0, run.stdout[-8_000:]
    assert f"Tested: {len(ROWS)}" in run.stdout
    assert int(summary[1]) >= wanted
