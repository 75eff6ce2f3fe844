"""docs/catalogue.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.catalogue import compatibility
from orchestrator.catalogue.about import read_about
from orchestrator.cli import cli
from orchestrator.cli.catalog import catalog, compare, export

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
RULE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")


def test_the_file_of_owners_is_readable_as_it_stands(tmp_path: Path) -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    path = tmp_path / "about.toml"
    path.write_text(toml, encoding="utf-8")
    assert read_about(path).consumers["order-service"].reads == ("payment.captured", "refund.*")


def test_every_rule_is_on_the_page_and_in_the_module() -> None:
    table = PAGE[PAGE.index("| rule |") : PAGE.index("An export into")]
    found_by_code = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', Path(compatibility.__file__).read_text(encoding="utf-8")))
    assert set(RULE.findall(table)) == found_by_code
    assert set(RULE.findall(compatibility.__doc__ or "")) == found_by_code


@pytest.mark.parametrize("option", sorted(set(re.findall(r"--[a-z][a-z-]+", PAGE)) - {"--breaking"}))
def test_options_on_the_page_are_options(option: str) -> None:
    assert option in {name for command in (export, compare) for param in command.params for name in param.opts}


def test_paths_on_the_page_are_there() -> None:
    for path in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / path).exists(), path
    for path in re.findall(r"`((?:src|scripts|docs)/[^`]+)`", PAGE):
        assert (ROOT / path).exists(), path


def test_the_commands_on_the_page_are_commands() -> None:
    named = set(re.findall(r"orchestrator catalog ([a-z]+)", PAGE))
    assert named == set(catalog.commands)
    assert "catalog" in cli.list_commands(None)  # type: ignore[arg-type]
