"""`orchestrator normalize`: one JSON object a file, and an exit status that scripts can use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors.spi import SampleRequest
from orchestrator.cli import run
from orchestrator.plugins import connector_named

NOW_S = 1_780_000_000
SECRET = "whsec_normalize"


@pytest.fixture
def webhook(tmp_path: Path) -> tuple[Path, str]:
    """A body on disk, and its signature header."""
    sample = connector_named("stripe").sample
    assert sample is not None
    made = sample(SampleRequest("payment_intent.succeeded", secret=SECRET, now_s=NOW_S))
    path = tmp_path / "body.json"
    path.write_bytes(made.body)
    return path, f"Stripe-Signature: {made.headers['Stripe-Signature']}"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_verified_body_is_accepted(webhook: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    path, header = webhook
    arguments = ["--secret", "whsec_other", "--secret", SECRET, "--header", header, "--at", str(NOW_S), "--json"]
    assert run(["normalize", "stripe", str(path), *arguments]) == 0
    (found,) = lines(capsys)
    assert set(found) == {"file", "verified", "error", "events"}
    assert (found["file"], found["verified"], found["error"]) == (str(path), True, None)
    (event,) = found["events"]  # type: ignore[misc]
    assert event["type"] == "payment.captured"  # type: ignore[index]


def test_a_refused_body_says_why_and_the_others_are_still_done(
    webhook: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, header = webhook
    (tmp_path / "other.json").write_bytes(path.read_bytes() + b" ")
    arguments = ["--secret", SECRET, "--header", header, "--at", str(NOW_S)]
    assert run(["normalize", "stripe", str(tmp_path / "other.json"), str(path), *arguments]) == 1
    refused, accepted = lines(capsys)
    assert refused["error"] == {"reason": "SIGNATURE_MISMATCH", "message": refused["error"]["message"]}  # type: ignore[index]
    assert (refused["verified"], refused["events"]) == (False, [])
    assert accepted["error"] is None


def test_unverified_events_say_so(webhook: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["normalize", "stripe", str(webhook[0]), "--unverified", "--json"]) == 0
    (found,) = lines(capsys)
    assert found["verified"] is False
    assert found["events"][0]["verification"]["method"] == "NONE"  # type: ignore[index]


@pytest.mark.parametrize(
    "arguments",
    [
        ["strype", "BODY"],
        ["stripe"],
        ["stripe", "missing.json"],
        ["stripe", "BODY", "--header", "no colon"],
        ["stripe", "BODY", "--at", "yesterday"],
        ["paypal", "BODY", "--cert", "missing.pem"],
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], webhook: tuple[Path, str]) -> None:
    assert run(["normalize", *(str(webhook[0]) if word == "BODY" else word for word in arguments)]) == 2


def test_a_body_beyond_the_limit_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "big.json").write_bytes(b'{"a":"' + b"x" * 5_000_000 + b'"}')
    assert run(["normalize", "stripe", str(tmp_path / "big.json"), "--unverified"]) == 1
    assert lines(capsys)[0]["error"]["reason"] == "PAYLOAD_TOO_LARGE"  # type: ignore[index]


def test_a_header_without_a_name_is_told_by_its_place_and_not_repeated(
    webhook: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path, header = webhook
    nameless = header.partition(": ")[2]
    assert run(["normalize", "stripe", str(path), "--header", "A: b", "--header", nameless]) == 2
    said = capsys.readouterr().err
    assert "number 2 is not of the form 'Name: value'" in said
    assert nameless not in said
