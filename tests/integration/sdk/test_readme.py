"""The README's ten lines, run as they stand."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx
import pytest

from orchestratorx_prism.testing import signed_webhook

README = Path(__file__).resolve().parents[3] / "README.md"
SECRET = "whsec_…"


async def test_the_ten_lines_take_a_signed_webhook(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    lesson: dict[str, object] = {"__name__": "lesson"}
    exec(compile(block, "README.md", "exec"), lesson)  # noqa: S102 - that is the test
    made = signed_webhook("stripe", "payment_intent.succeeded", secret=SECRET, now_s=int(time.time()))
    transport = httpx.ASGITransport(app=lesson["app"])  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post("/webhooks/stripe", content=made.body, headers=dict(made.headers))
    assert answer.status_code == 200
    assert capsys.readouterr().out.startswith("paid: ")
