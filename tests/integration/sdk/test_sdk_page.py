"""The Python blocks of docs/sdk.md run, one after the other, as a reader would type them."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

from orchestratorx_prism import PrismError
from orchestratorx_prism.testing import signed_webhook

PAGE = Path(__file__).parents[3] / "docs" / "sdk.md"
SECRET = "whsec_of_the_page"


async def test_every_block_of_the_page_runs(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    webhook = signed_webhook("stripe", "payment_intent.succeeded", secret=SECRET, merchant_transaction_id="order-1")
    (tmp_path / "payment_config.json").write_text('{"messaging": {"url": "memory://of-the-page"}}')
    names: dict[str, Any] = {"raw": webhook.body, "headers": webhook.headers, "secret": SECRET}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) >= 10
    for block in blocks:
        code = compile(block, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, names)  # noqa: S307 - our own page
        if inspect.iscoroutine(result):
            await result
    for name in ("client", "durable", "remote"):
        await names[name].aclose()
    printed = capsys.readouterr().out
    assert "order-1 1099 USD" in printed
    assert "SIGNATURE_MISMATCH 401 False" in printed
    assert "CAPTURED" in printed
    assert names["config"].messaging.url == "memory://of-the-page"
    assert issubclass(names["SignatureRejected"], PrismError)
