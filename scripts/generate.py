"""Generates the SDK's messages and stubs from proto/. With --check, fails if what is committed differs.

What lives here: calls of protoc and its plugins. Not here: linting and breaking checks (buf, in the Makefile).
"""

from __future__ import annotations

import filecmp
import os
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
SDK = ROOT / "sdk" / "python"
PACKAGE = Path("orchestratorx_prism") / "v1"


def run_protoc(out: Path) -> None:
    """Writes messages, type stubs and gRPC stubs below `out`."""
    bin_dir = Path(sys.executable).parent
    os.environ["PATH"] = f"{bin_dir}{os.pathsep}{os.environ.get('PATH', '')}"
    files = sorted(str(p.relative_to(PROTO)) for p in (PROTO / PACKAGE).glob("*.proto"))
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    args = [
        "protoc",
        f"-I{PROTO}",
        f"-I{well_known}",
        f"--python_out={out}",
        f"--mypy_out=quiet:{out}",
        f"--grpc_python_out={out}",
        f"--mypy_grpc_out=quiet:{out}",
        *files,
    ]
    if protoc.main(args) != 0:
        raise SystemExit("protoc failed; its message is above")
    for stub in (out / PACKAGE).glob("*_pb2_grpc.py*"):
        if not stub.name.startswith(("event_service", "payment_service", "refund_service", "dispute_service")):
            stub.unlink()


def differences(fresh: Path, committed: Path) -> list[str]:
    """Names of generated files that are missing, extra or different in `committed`."""
    names = {p.name for p in fresh.iterdir()} | {p.name for p in committed.glob("*_pb2*")}
    return sorted(
        name
        for name in names
        if not (fresh / name).exists()
        or not (committed / name).exists()
        or not filecmp.cmp(fresh / name, committed / name, shallow=False)
    )


def main() -> None:
    if "--check" not in sys.argv[1:]:
        run_protoc(SDK)
        return
    with tempfile.TemporaryDirectory() as tmp:
        run_protoc(Path(tmp))
        stale = differences(Path(tmp) / PACKAGE, SDK / PACKAGE)
    if stale:
        raise SystemExit(f"generated code is stale: {', '.join(stale)}\n  fix: make proto, and commit the result")


if __name__ == "__main__":
    main()
