"""What is said of owners and consumers is checked before it is used."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from orchestrator.catalogue.about import About, ConsumerEntry, read_about
from orchestrator.catalogue.gathering import gather
from orchestrator.publishing.channels import BUILT_IN
from orchestratorx_prism.errors import SettingsRejected

WHOLE = """
owner = "payments-platform"

[teams.payments-platform]
title = "Payments platform"
email = "payments@example.com"

[teams.risk]
[teams.orders]

[owners]
"dispute.*" = "risk"

[consumers.order-service]
owner = "orders"
reads = ["payment.captured", "refund.*"]
channels = ["events"]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "about.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    about = read_about(written(tmp_path, WHOLE))
    assert about.owner_of("dispute.won") == "risk"
    assert about.owner_of("payment.captured") == "payments-platform"
    assert [team.name for team in about.all_teams()] == ["orders", "payments-platform", "risk"]
    (consumer,) = about.all_consumers()
    assert (consumer.name, consumer.title, consumer.owner) == ("order-service", "Order service", "orders")


def test_an_empty_file_is_enough(tmp_path: Path) -> None:
    assert read_about(written(tmp_path, "")) == About()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("ownr = 'a'", "ownr"),
        ("owner = 7", "owner"),
        ("owner = ", "about.toml"),
        ("[consumers.a]\nowner = 'b'", "reads"),
        ("[teams.risk]\n[owners]\n'dispute.*' = 'risc'\n", "risc .did you mean risk"),
        ("owner = '../../etc'", "use letters"),
        ("[consumers.'a/b']\nreads = ['payment.*']", "use letters"),
        ("[consumers.connector-stripe]\nreads = ['payment.*']", "is taken"),
    ],
)
def test_a_fault_in_the_file_is_named(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(SettingsRejected, match=fault):
        read_about(written(tmp_path, text))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsRejected, match="No such file"):
        read_about(tmp_path / "nothing.toml")
    path = tmp_path / "about.toml"
    path.write_bytes(b"owner = '\xff'")
    with pytest.raises(SettingsRejected, match=r"about\.toml"):
        read_about(path)


def test_what_is_said_of_events_and_channels_that_there_are_none_of_is_refused_at_once() -> None:
    about = About(
        owners={"disptes.won": "risk"},
        consumers={"orders": ConsumerEntry(reads=("payment.capture",), channels=("evnts",))},
    )
    with pytest.raises(SettingsRejected) as caught:
        asyncio.run(gather([BUILT_IN["events"]], about))
    for fault in ("owners: there is no disptes.won", "did you mean payment.captured?", "did you mean events?"):
        assert fault in caught.value.message
