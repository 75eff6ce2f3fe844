"""Generates all of the SDK that follows from proto/. With --check, fails if what is committed differs.

It writes messages and stubs (v1/), clients (clients/_generated*.py), dataclasses (models/) and what the protos say of
each thing (v1/comments.py), for descriptors do not hold it at run time. What lives here: calls of protoc and its
plugins. Not here: the clients' text (client_source.py), linting and breaking checks (buf).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc_tools
from client_source import blocking_source, client_source, comments_source, read
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
SDK = ROOT / "sdk" / "python"
PACKAGE = Path("orchestratorx_prism") / "v1"
CLIENTS = Path("orchestratorx_prism") / "clients"
MODELS = Path("orchestratorx_prism") / "models"
GENERATED = [(PACKAGE, "*_pb2*"), (PACKAGE, "comments.py"), (CLIENTS, "_generated*.py"), (MODELS, "**/*.py")]
"""Folder and pattern of everything that is generated; whatever else is found there is stale."""
BIN = Path(sys.executable).parent


def run_protoc(*args: str) -> None:
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    files = sorted(str(p.relative_to(PROTO)) for p in (PROTO / PACKAGE).glob("*.proto"))
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    if protoc.main(["protoc", f"-I{PROTO}", f"-I{well_known}", *args, *files]) != 0:
        raise SystemExit("protoc failed; its message is above")


def write_messages(out: Path) -> None:
    """Messages, type stubs and gRPC stubs."""
    run_protoc(
        f"--python_out={out}",
        f"--mypy_out=quiet:{out}",
        f"--grpc_python_out={out}",
        f"--mypy_grpc_out=quiet:{out}",
    )
    for stub in (out / PACKAGE).glob("*_pb2_grpc.py*"):
        if "_service_pb2" not in stub.name:
            stub.unlink()


def write_clients(out: Path) -> None:
    """Asynchronous clients and their blocking twins; and the comments of everything."""
    with tempfile.TemporaryDirectory() as tmp:
        described = Path(tmp) / "descriptors"
        run_protoc(f"--descriptor_set_out={described}", "--include_source_info", "--include_imports")
        protos = read(FileDescriptorSet.FromString(described.read_bytes()))
    (out / PACKAGE / "comments.py").write_text(_formatted(comments_source(protos)), encoding="utf-8")
    (out / CLIENTS).mkdir(parents=True, exist_ok=True)
    for name, source in (("_generated.py", client_source(protos)), ("_generated_sync.py", blocking_source(protos))):
        (out / CLIENTS / name).write_text(_formatted(source), encoding="utf-8")


def write_models(out: Path) -> None:
    """betterproto2's dataclasses: an extra, for application code; nothing of ours imports them."""
    with tempfile.TemporaryDirectory() as tmp:
        run_protoc(f"--python_betterproto2_out={tmp}", "--python_betterproto2_opt=client_generation=none")
        made = Path(tmp)
        (out / MODELS).mkdir(parents=True, exist_ok=True)
        for source in sorted(made.rglob("*.py")):
            target = out / MODELS / source.relative_to(made)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    (out / MODELS / "__init__.py").write_text(_MODELS_INIT, encoding="utf-8")


_MODELS_INIT = '''"""The messages as typed dataclasses (betterproto2), for application code: the extra `models`.

They read and write the same bytes as `orchestratorx_prism.v1`; they are not quick, and nothing in the SDK uses them.
Written by scripts/generate.py; do not edit.
"""

from .orchestratorx_prism.v1 import *  # noqa: F403
'''


def _formatted(source: str) -> str:
    """As `ruff format` leaves it, with its imports sorted."""
    for args in (["check", "--select", "I,F401", "--fix", "--quiet"], ["format", "--quiet"]):
        command = [str(BIN / "ruff"), *args, "--stdin-filename", str(SDK / CLIENTS / "_generated.py"), "-"]
        source = subprocess.run(command, input=source, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return source


def write_all(out: Path) -> None:
    write_messages(out)
    write_clients(out)
    write_models(out)


def names(root: Path) -> set[Path]:
    """Every generated file below `root`, relative to it."""
    return {p.relative_to(root) for folder, pattern in GENERATED for p in (root / folder).glob(pattern)}


def differences(fresh: Path, committed: Path) -> list[str]:
    """Names of generated files that are missing, extra or different in `committed`."""
    here, there = names(fresh), names(committed)
    changed = {name for name in here & there if (fresh / name).read_bytes() != (committed / name).read_bytes()}
    return sorted(str(name) for name in (here ^ there) | changed)


def install(fresh: Path, committed: Path) -> None:
    """Makes `committed` as `fresh`, touching only what differs."""
    for name in differences(fresh, committed):
        target = committed / name
        if (fresh / name).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fresh / name, target)
        else:
            target.unlink()


def main() -> None:
    with tempfile.TemporaryDirectory() as tmp:
        write_all(Path(tmp))
        if "--check" not in sys.argv[1:]:
            install(Path(tmp), SDK)
            return
        stale = differences(Path(tmp), SDK)
    if stale:
        raise SystemExit(f"generated code is stale: {', '.join(stale)}\n  fix: make proto, and commit the result")


if __name__ == "__main__":
    main()
