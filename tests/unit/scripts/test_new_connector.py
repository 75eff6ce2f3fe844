"""`make new-connector` writes a connector that works before a line of it is changed."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

import connectors
from connectors.spi import Context, Environment, Label, Material, SampleRequest, SignatureRejected, Webhook

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "new_connector.py"
NOW_S = 1_780_000_000


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("new_connector", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def acme(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Label:
    script.write_connector("acme", tmp_path)
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(tmp_path / "src" / "connectors")])
    label = importlib.import_module("connectors.acme").connector
    for name in [name for name in sys.modules if name.startswith("connectors.acme")]:
        monkeypatch.delitem(sys.modules, name)
    assert isinstance(label, Label)
    return label


def test_a_new_connector_verifies_its_own_samples(acme: Label) -> None:
    assert acme.sample is not None
    made = acme.sample(SampleRequest("payment.paid", secret="s3cret", now_s=NOW_S))
    headers = {name.lower(): value for name, value in made.headers.items()}
    opened = acme.open(Webhook(made.body, headers), Material(secrets=("s3cret",)), NOW_S)
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, NOW_S * 10**9)
    (event,) = acme.normalize(opened.parsed, context, made.body)
    assert event.type == "payment.captured"
    assert event.payment.amount.minor_units == 1099
    with pytest.raises(SignatureRejected):
        acme.open(Webhook(made.body + b" ", headers), Material(secrets=("s3cret",)), NOW_S)


def test_its_cases_hold(acme: Label, tmp_path: Path) -> None:
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, NOW_S * 10**9)
    for path in (tmp_path / "tests" / "connectors" / "acme" / "cases" / "webhooks").glob("*.json"):
        case = json.loads(path.read_text(encoding="utf-8"))
        body = json.dumps(case["body"]).encode()
        events = acme.normalize(acme.parse(body), context, body)
        assert [event.type for event in events] == [expected["type"] for expected in case["expect"]]


def test_the_entry_point_is_named_once(script: ModuleType, tmp_path: Path) -> None:
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text('[project.entry-points."orchestratorx.connectors"]\nstripe = "connectors.stripe:connector"\n')
    for _ in range(2):
        script.name_entry_point("acme", pyproject)
    assert pyproject.read_text().count('acme = "connectors.acme:connector"') == 1


@pytest.mark.parametrize("name", ["", "Acme", "../evil", "a-b", "1st"])
def test_a_name_that_is_none_is_refused(script: ModuleType, tmp_path: Path, name: str) -> None:
    with pytest.raises(SystemExit, match="no name"):
        script.write_connector(name, tmp_path)


def test_an_existing_folder_is_left_alone(script: ModuleType, tmp_path: Path) -> None:
    script.write_connector("acme", tmp_path)
    with pytest.raises(SystemExit, match="exists"):
        script.write_connector("acme", tmp_path)
