"""/docs, /openapi.json and /llms.txt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rest_desk import caller_of, rest_of_fakes

from orchestrator.http_api.rest import pages


async def test_nobody_needs_a_key_to_read_what_there_is() -> None:
    rest = rest_of_fakes()
    async with caller_of(rest, {}) as stranger:
        document = await stranger.get("/openapi.json")
        assert document.json()["openapi"] == "3.1.0"
        again = await stranger.get("/openapi.json", headers={"If-None-Match": document.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        text = (await stranger.get("/llms.txt")).text
    assert text.startswith("# OrchestratorX\n")
    assert "/openapi.json" in text
    assert "POST /v1/payments: " in text
    assert len(text) < 8_000


async def test_without_scalars_files_the_page_says_so_and_lists_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pages, "ASSETS", tmp_path)
    async with caller_of(rest_of_fakes(), {}) as stranger:
        page = await stranger.get("/docs")
        missing = await stranger.get("/docs/scalar.js")
    assert page.status_code == 200
    assert "make scalar" in page.text
    assert "<code>/v1/payments/{payment_id}/capture</code>" in page.text
    assert missing.status_code == 404


async def test_with_them_the_page_reaches_nobody_but_this_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / pages.SCRIPT).write_text("/* Scalar */")
    monkeypatch.setattr(pages, "ASSETS", tmp_path)
    async with caller_of(rest_of_fakes(), {}) as stranger:
        page = await stranger.get("/docs")
        script = await stranger.get("/docs/scalar.js")
        start = await stranger.get("/docs/start.js")
    assert script.text == "/* Scalar */"
    assert "/openapi.json" in start.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "http" not in policy
    assert "://" not in page.text


@pytest.mark.parametrize("module", ["orchestrator.cli", "orchestrator.embedded", "orchestrator.bootstrap"])
def test_whoever_serves_nothing_does_not_pay_for_fastapi(module: str) -> None:
    code = f"import {module}, sys; sys.exit('fastapi' in sys.modules or 'starlette' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
