"""`orchestrator catalog`: what it writes, and how it answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli import DONE, REFUSED, USAGE, run


def export(folder: Path, format_: str, *more: str) -> int:
    return run(["catalog", "export", "--format", format_, "--output", str(folder), *more])


@pytest.mark.parametrize(
    ("format_", "files"),
    [
        ("asyncapi", ["asyncapi.json"]),
        ("eventcatalog", ["events/payment.captured/index.mdx", "channels/channel-events/index.mdx"]),
        ("jsonschema", ["index.json", "payment.captured.schema.json"]),
    ],
)
def test_each_format_is_written(
    format_: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(tmp_path, format_) == DONE
    for name in files:
        assert (tmp_path / name).stat().st_size > 0
    assert str(tmp_path) in capsys.readouterr().out


def test_a_second_export_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(tmp_path, "jsonschema")
    capsys.readouterr()
    assert export(tmp_path, "jsonschema") == DONE
    assert " 0 of them new or changed" in capsys.readouterr().out


def test_without_a_folder_it_writes_to_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["catalog", "export", "--format", "asyncapi"]) == DONE
    assert (tmp_path / "catalogue" / "asyncapi" / "asyncapi.json").exists()


def test_the_configured_channels_are_exported(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"channels": {"payments": {}, "events": {"enabled": False}}}), encoding="utf-8")
    assert export(tmp_path, "asyncapi", "--config", str(settings)) == DONE
    document = json.loads((tmp_path / "asyncapi.json").read_text(encoding="utf-8"))
    assert list(document["channels"]) == ["payments"]
    assert export(tmp_path, "asyncapi", "--config", str(settings), "--all-channels") == DONE
    document = json.loads((tmp_path / "asyncapi.json").read_text(encoding="utf-8"))
    assert set(document["channels"]) == {"events", "payments", "payment_requests"}


def test_owners_and_consumers_come_from_a_file(tmp_path: Path) -> None:
    about = tmp_path / "about.toml"
    about.write_text('owner = "till"\n[consumers.shop]\nreads = ["payment.*"]\n', encoding="utf-8")
    assert export(tmp_path, "eventcatalog", "--about", str(about)) == DONE
    assert 'owners: ["till"]' in (tmp_path / "events" / "payment.captured" / "index.mdx").read_text(encoding="utf-8")
    assert (tmp_path / "services" / "consumer-shop" / "index.mdx").exists()


def test_what_it_cannot_use_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    about = tmp_path / "about.toml"
    about.write_text('[consumers.shop]\nreads = ["payment.capturd"]\n', encoding="utf-8")
    assert export(tmp_path, "asyncapi", "--about", str(about)) == USAGE
    assert "did you mean payment.captured?" in capsys.readouterr().err
    assert run(["catalog", "export", "--format", "yaml"]) == USAGE


def test_an_earlier_export_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(tmp_path, "jsonschema")
    assert run(["catalog", "compare", str(tmp_path)]) == DONE
    assert "nothing breaks" in capsys.readouterr().out
    path = tmp_path / "payment.captured.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["properties"]["colour"] = {"type": "string"}
    path.write_text(json.dumps(schema), encoding="utf-8")
    assert run(["catalog", "compare", str(tmp_path)]) == REFUSED
    assert "payment.captured: colour: FIELD_REMOVED: " in capsys.readouterr().out


def test_a_folder_without_an_export_cannot_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "compare", str(tmp_path)]) == USAGE
    (tmp_path / "a.schema.json").write_text("{", encoding="utf-8")
    assert run(["catalog", "compare", str(tmp_path)]) == USAGE
    assert "a.schema.json" in capsys.readouterr().err
