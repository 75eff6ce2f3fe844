"""`orchestrator demo` ends well, and would say so if it did not."""

from __future__ import annotations

import pytest

from orchestrator.cli import run
from orchestrator.demonstration import running
from orchestrator.demonstration.posting import Mischief


def test_the_demo_ends_as_its_stories_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--rounds", "1", "--pace", "0"]) == 0
    out = capsys.readouterr().out
    assert "All as it must be." in out
    for provider in ("stripe", "adyen", "paypal", "mpesa"):
        assert provider in out
    for outcome in ("recorded", "duplicate", "refused"):
        assert outcome in out


async def test_a_payment_that_ends_otherwise_is_a_fault() -> None:
    report = await running.run(1, seed=3, pace_s=0, show=lambda _: None)
    assert report.faults == []
    story, reference, payment = report.payments[0]
    report.payments[0] = (story, reference, {**payment, "status": "VOIDED"})
    assert any("ended as VOIDED" in fault for fault in running._faults(report, []))


async def test_a_forgery_that_passes_is_a_fault() -> None:
    report = await running.run(1, seed=3, pace_s=0, show=lambda _: None)
    forged = next(outcome for outcome in report.outcomes if outcome.letter.mischief is Mischief.FORGED)
    forged.kind = "recorded"
    assert any("recorded" in fault for fault in running._faults(report, []))
