"""The check of the committed catalogue: stale files and broken consumers fail it, and it says which."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator.catalogue.about import About, ConsumerEntry

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "generate_catalogue.py"
FOLDER = Path("docs") / "catalogue"
SCHEMA = FOLDER / "jsonschema" / "payment.captured.schema.json"
ABOUT = About(consumers={"shop": ConsumerEntry(reads=("payment.*",), title="The shop")})


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, at work on a repository of its own whose one commit holds the catalogue as it is now."""
    spec = importlib.util.spec_from_file_location("generate_catalogue", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VERSIONS", tmp_path / "versions.json")
    for variable in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("BREAKING_AGAINST", "HEAD")
    module.write(tmp_path / FOLDER, ABOUT, breaking=False)
    commit(tmp_path)
    return module


def commit(root: Path) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Catalogue"]):
        subprocess.run([*git, *arguments], cwd=root, check=True, capture_output=True)


def edit(path: Path, change: str, to: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert change in text
    path.write_text(text.replace(change, to), encoding="utf-8")


def add_to_committed_schema(root: Path, field: str) -> None:
    """As if an earlier version had published one more field."""
    path = root / SCHEMA
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["properties"][field] = {"type": "string"}
    path.write_text(json.dumps(schema), encoding="utf-8")


def test_what_was_just_written_is_clean(script: ModuleType, tmp_path: Path) -> None:
    script.check(tmp_path / FOLDER, ABOUT)


@pytest.mark.parametrize(
    "name", ["asyncapi.json", "jsonschema/index.json", "eventcatalog/events/refund.failed/index.mdx"]
)
def test_a_file_that_differs_is_stale(name: str, script: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / FOLDER / name
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    with pytest.raises(SystemExit, match=f"stale in docs/catalogue: {name}\n  fix: make catalogue"):
        script.check(tmp_path / FOLDER, ABOUT)
    path.unlink()
    with pytest.raises(SystemExit, match=name):
        script.check(tmp_path / FOLDER, ABOUT)


def test_a_file_too_many_is_stale_and_is_taken_away(script: ModuleType, tmp_path: Path) -> None:
    extra = tmp_path / FOLDER / "jsonschema" / "payment.gone.json"
    extra.write_text("{}", encoding="utf-8")
    older = tmp_path / FOLDER / "eventcatalog" / "events" / "payment.captured" / "versioned" / "0.9.0" / "index.mdx"
    older.parent.mkdir(parents=True)
    older.write_text("kept", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"payment\.gone\.json\n"):
        script.check(tmp_path / FOLDER, ABOUT)
    script.write(tmp_path / FOLDER, ABOUT, breaking=False)
    assert not extra.exists()
    assert older.exists()
    script.check(tmp_path / FOLDER, ABOUT)


def test_a_change_that_breaks_is_not_written_and_names_who_reads_it(script: ModuleType, tmp_path: Path) -> None:
    add_to_committed_schema(tmp_path, "colour")
    with pytest.raises(SystemExit) as caught:
        script.write(tmp_path / FOLDER, ABOUT, breaking=False)
    assert "payment.captured: colour: FIELD_REMOVED: it was published, and is no more (read by The shop)" in str(
        caught.value
    )


def test_a_break_against_the_commit_before_fails_the_check(script: ModuleType, tmp_path: Path) -> None:
    current = (tmp_path / SCHEMA).read_text(encoding="utf-8")
    add_to_committed_schema(tmp_path, "colour")
    commit(tmp_path)
    (tmp_path / SCHEMA).write_text(current, encoding="utf-8")
    with pytest.raises(SystemExit, match=r"payment\.captured: colour: FIELD_REMOVED"):
        script.check(tmp_path / FOLDER, ABOUT)


def test_a_break_on_purpose_raises_the_major_version_and_keeps_the_older(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_to_committed_schema(tmp_path, "colour")
    commit(tmp_path)
    script.write(tmp_path / FOLDER, ABOUT, breaking=True)
    versions = json.loads((tmp_path / "versions.json").read_text(encoding="utf-8"))
    assert versions == {"payment.captured": "2.0.0"}
    kept = tmp_path / FOLDER / "eventcatalog" / "events" / "payment.captured" / "versioned" / "1.0.0"
    assert (kept / "schema.json").exists()
    monkeypatch.setattr(script, "recorded_versions", lambda: versions)
    script.check(tmp_path / FOLDER, ABOUT)


def test_a_moved_address_fails_the_check(script: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / FOLDER / "asyncapi.json"
    current = path.read_text(encoding="utf-8")
    edit(path, '"address": "payments.{env}.events"', '"address": "old.{env}.events"')
    commit(tmp_path)
    path.write_text(current, encoding="utf-8")
    with pytest.raises(SystemExit, match="channel payments: address: ADDRESS_CHANGED"):
        script.check(tmp_path / FOLDER, ABOUT)


def test_a_commit_without_a_catalogue_is_nothing_to_compare_with(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BREAKING_AGAINST", "HEAD~1")
    assert script.schemas_at("HEAD~1") is None
    script.check(tmp_path / FOLDER, ABOUT)
