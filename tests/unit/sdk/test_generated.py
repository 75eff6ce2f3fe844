"""What is generated is what is committed, and a difference is found."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/generate.py as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    spec = importlib.util.spec_from_file_location("generate", ROOT / "scripts" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_code_is_what_the_protos_generate() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "generate.py"), "--check"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_a_file_that_differs_is_missing_or_too_many_is_named(generate: ModuleType, tmp_path: Path) -> None:
    fresh, committed = tmp_path / "fresh", tmp_path / "committed"
    for root, names in (
        (fresh, ["_generated.py", "_generated_sync.py"]),
        (committed, ["_generated.py", "_generated_old.py"]),
    ):
        (root / generate.CLIENTS).mkdir(parents=True)
        for name in names:
            (root / generate.CLIENTS / name).write_text(f"# of {root.name}")
    (committed / generate.CLIENTS / "by_hand.py").write_text("# stays")
    where = str(generate.CLIENTS)
    expected = [f"{where}/_generated.py", f"{where}/_generated_old.py", f"{where}/_generated_sync.py"]
    assert generate.differences(fresh, committed) == expected
    generate.install(fresh, committed)
    assert generate.differences(fresh, committed) == []
    assert sorted(p.name for p in (committed / generate.CLIENTS).iterdir()) == [
        "_generated.py",
        "_generated_sync.py",
        "by_hand.py",
    ]
