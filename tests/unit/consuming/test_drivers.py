"""What an application is told whose environment lacks what stream consumers need."""

from __future__ import annotations

import pytest

from orchestratorx_prism import DriverMissing, consuming


@pytest.mark.parametrize("lacking", ["sqlalchemy", "greenlet"])
def test_stream_workers_name_the_install_command_where_a_module_is_missing(
    lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> object:
        assert name == "orchestratorx_prism.consuming.worker"
        raise ModuleNotFoundError(f"No module named {lacking!r}", name=lacking)

    monkeypatch.setattr(consuming, "import_module", missing)
    with pytest.raises(DriverMissing) as caught:
        _ = consuming.StreamWorker
    assert caught.value.fix == 'pip install "orchestratorx-prism[sqlalchemy]"'


def test_the_error_of_sqlalchemys_own_that_greenlet_is_missing_is_told_in_the_same_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_greenlet(_name: str) -> object:
        try:
            raise ModuleNotFoundError("No module named 'greenlet'", name="greenlet")
        except ImportError as missing:
            raise ImportError("The SQLAlchemy asyncio module requires that greenlet is installed.") from missing

    monkeypatch.setattr(consuming, "import_module", without_greenlet)
    with pytest.raises(DriverMissing, match="SQLAlchemy"):
        _ = consuming.StreamWorker


def test_another_import_error_is_not_taken_for_a_missing_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> object:
        raise ImportError("cannot import name 'x'", name="orchestratorx_prism.consuming.worker")

    monkeypatch.setattr(consuming, "import_module", broken)
    with pytest.raises(ImportError, match="cannot import name"):
        _ = consuming.StreamWorker
