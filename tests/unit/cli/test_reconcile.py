"""`orchestrator reconcile`: what it takes, and what it refuses before anything is asked."""

from __future__ import annotations

import time
from pathlib import Path

import click
import pytest

from orchestrator.cli import run
from orchestrator.cli.reconcile import _moment, _print
from orchestrator.reconciliation import Report, Unmatched
from orchestratorx_prism.v1.money_pb2 import Money

NOW_S = 1_800_000_000


def moment(text: str) -> int | None:
    return _moment(click.Context(click.Command("reconcile")), click.Option(["--since"]), text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", NOW_S - 90),
        ("5m", NOW_S - 300),
        ("2h", NOW_S - 7_200),
        ("7d", NOW_S - 604_800),
        ("2026-01-31T10:00:00Z", 1_769_853_600),
        ("2026-01-31T10:00:00", 1_769_853_600),
        ("2026-01-31T13:00:00+03:00", 1_769_853_600),
        ("2026-01-31", 1_769_817_600),
    ],
)
def test_times_are_spans_back_or_iso(text: str, seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW_S))
    assert moment(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2w", "-2h", "2.5h", "yesterday", "2026-13-01", "٣h"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        moment(text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stripe", "--until", "1h"], "--until needs --since"),
        (["stripe", "--since", "1h", "--until", "2h"], "not after --since"),
        (["stripe", "--database-url", "memory:"], "a database in memory"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reconcile", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_adyen_is_refused_with_those_that_have_a_list(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["reconcile", "adyen", "--since", "1h", "--database-url", f"sqlite:///{tmp_path / 'x.db'}"]) == 1
    said = capsys.readouterr().err
    assert "Adyen has no list of what it sent" in said
    assert "mpesa,paypal,stripe" in said


def test_a_missing_credential_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["reconcile", "stripe", "--since", "1h", "--database-url", f"sqlite:///{tmp_path / 'x.db'}"]) == 2
    assert "STRIPE_API_KEY" in capsys.readouterr().err


def test_the_report_shows_money_in_its_own_units(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("mpesa", "default", NOW_S, NOW_S + 60, NOW_S + 60, fetched=3, recorded=2, known=1)
    for amount in (Money(minor_units=1_050, currency="KES"), Money(minor_units=1_099, currency="JPY"), Money()):
        report.unmatched.append(Unmatched("pay_1", "UCE1", "", amount, "UNANNOUNCED"))
    report.open = [f"pay_{number}" for number in range(30)]
    _print(report)
    out = capsys.readouterr().out
    assert "10.50 KES" in out
    assert "1099 JPY" in out
    assert "unknown amount" in out
    assert "still open   30" in out
    assert out.count("    pay_") == 3 + 20
    assert "and 10 more" in out
