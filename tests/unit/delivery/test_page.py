"""What docs/webhooks-out.md shows is what the code does."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.delivery import egress
from orchestrator.delivery.messages import body_of
from orchestrator.delivery.schedule import SCHEDULE_S
from orchestrator.delivery.signing import HMAC, new_secret, secret_text, signed_headers
from orchestrator.settings_delivery import DeliverySettings
from orchestratorx_prism.v1.event_pb2 import Event

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks-out.md").read_text()


@pytest.fixture
def receive() -> Any:
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/webhooks-out.md", "exec"), names)  # noqa: S102 - our own page
    return names["receive"]


def test_the_receiver_of_the_page_takes_a_message_once(receive: Any, capsys: pytest.CaptureFixture[str]) -> None:
    event = Event(id="evt_1", type="payment.captured", merchant_transaction_id="order 7", environment=1)
    event.occurred_at.FromSeconds(1_767_268_800)
    event.payment.SetInParent()
    body = body_of(event.SerializeToString())
    secret = new_secret(HMAC)
    headers = dict(signed_headers([secret], "msg_1", int(time.time()), body))
    assert receive(body, headers, [secret_text(new_secret(HMAC)), secret_text(secret)]) == 200
    assert receive(body, headers, [secret_text(secret)]) == 200
    assert capsys.readouterr().out == "ship order 7\n"
    assert receive(body + b" ", headers, [secret_text(secret)]) == 400
    assert receive(body, {}, [secret_text(secret)]) == 400


def test_the_schedule_of_the_page_is_the_schedule() -> None:
    [row] = re.findall(r"\| after \| at once \|(.*)\|", PAGE)
    units = {"s": 1, "min": 60, "h": 3_600}
    shown = [int(number) * units[unit] for number, unit in (cell.split() for cell in row.split("|"))]
    assert shown == list(SCHEDULE_S)


def test_every_setting_is_on_the_page() -> None:
    missing = [name for name in DeliverySettings.model_fields if f"`{name}`" not in PAGE]
    assert missing == []


def test_every_reason_is_on_the_page() -> None:
    reasons = {value for name, value in vars(egress).items() if isinstance(value, str) and value == name}
    assert len(reasons) == 7
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in PAGE] == []
