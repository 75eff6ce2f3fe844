"""Writes a new connector's folder and its test cases, and names its entry point. Used by `make new-connector`."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "scripts" / "templates" / "connector"
_GROUP = '[project.entry-points."orchestratorx.connectors"]\n'


def write_connector(name: str, root: Path) -> list[Path]:
    """Writes the files below `root`. Returns their paths.

    Raises:
        SystemExit: The name is not a lower-case Python name, or the folder exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise SystemExit(f"{name!r} is no name for a connector\n  fix: make new-connector NAME=acme (lower case)")
    folder = root / "src" / "connectors" / name
    if folder.exists():
        raise SystemExit(f"src/connectors/{name} exists already")
    written = []
    for template in sorted(TEMPLATES.glob("*.txt")):
        text = template.read_text(encoding="utf-8")
        for word, value in {"{{name}}": name, "{{NAME}}": name.upper(), "{{Title}}": name.capitalize()}.items():
            text = text.replace(word, value)
        written.append(_write(folder / template.name.removesuffix(".txt"), text))
    cases = root / "tests" / "connectors" / name / "cases" / "webhooks"
    for case_name, case in _cases().items():
        written.append(_write(cases / f"{case_name}.json", json.dumps(case, indent=2) + "\n"))
    return written


def name_entry_point(name: str, pyproject: Path) -> None:
    """Adds the connector's line to the entry points."""
    text = pyproject.read_text(encoding="utf-8")
    line = f'{name} = "connectors.{name}:connector"\n'
    if line not in text:
        pyproject.write_text(text.replace(_GROUP, _GROUP + line), encoding="utf-8")


def _cases() -> dict[str, object]:
    body = {"id": "evt_1", "type": "payment.paid", "created": 1767225600, "payment_id": "pay_1", "reference": "order-1"}
    return {
        "paid": {
            "name": "a paid payment is captured",
            "body": {**body, "amount": 1099, "currency": "USD"},
            "expect": [{"type": "payment.captured", "merchant_transaction_id": "order-1"}],
        },
        "unknown_type": {
            "name": "a type without a word of ours is kept",
            "body": {**body, "type": "weather.changed"},
            "expect": [{"type": "connector.unmapped"}],
        },
    }


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    name = parser.parse_args().name
    for path in write_connector(name, ROOT):
        print(path.relative_to(ROOT))
    name_entry_point(name, ROOT / "pyproject.toml")
    print("pyproject.toml (entry point)")
    print("next: .venv/bin/pip install --no-deps -e . && make check; CONTRIBUTING.md has the steps")


if __name__ == "__main__":
    main()
