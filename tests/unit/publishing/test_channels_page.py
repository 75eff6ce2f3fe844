"""What docs/channels.md shows is what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from orchestrator.publishing.channel_settings import configured_channels
from orchestrator.publishing.channels import BUILT_IN
from orchestrator.settings_loading import settings_from
from orchestrator.settings_messaging import ChannelSettings
from orchestratorx_prism.envelopes.payment_requests import STATUSES, TRANSITIONS, PaymentRequestEvent
from orchestratorx_prism.envelopes.payments import EVENT_TYPES, PaymentMessage

PAGE = (Path(__file__).parents[3] / "docs" / "channels.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def test_the_settings_of_the_page_hold_together() -> None:
    (toml,) = blocks("toml")
    found = {channel.name: channel for channel in configured_channels(settings_from(tomllib.loads(toml)))}
    assert set(found) == {"events", "payments", "payment_requests", "audit"}
    assert (found["payment_requests"].broker, found["payments"].sandbox_env) == ("requests", "sit")


def test_the_table_of_built_in_channels_has_their_addresses() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]*\| `([^`]+)` \|", PAGE, re.M))
    assert rows == {name: channel.address for name, channel in BUILT_IN.items()}


def test_every_key_of_a_channel_is_explained() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE.partition("| key | meaning |")[2].partition("\n\n")[0]))
    assert set(ChannelSettings.model_fields) <= named


def test_the_table_of_lifecycle_types_is_complete() -> None:
    assert dict(re.findall(r"^\| `([\w.]+)` \| `([A-Z_]+)` \|", PAGE, re.M)) == dict(EVENT_TYPES)


def test_the_examples_are_read_and_their_python_runs() -> None:
    payment, request = blocks("json")
    for example, code in zip((payment, request), blocks("python"), strict=True):
        names: dict[str, Any] = {"body": example}
        exec(compile(code, "docs/channels.md", "exec"), names)  # noqa: S102 - our own page
    assert PaymentMessage.from_json(payment).payload.amount.value is not None
    assert PaymentRequestEvent.from_json(request).status == "failed"


def test_the_diagram_shows_every_transition_and_no_other() -> None:
    (diagram,) = blocks("mermaid")
    shown = {(before, after) for before, after in re.findall(r"(\S+) --> (\w+)", diagram) if before != "[*]"}
    assert shown == {(STATUSES[before], STATUSES[after]) for before, found in TRANSITIONS.items() for after in found}
