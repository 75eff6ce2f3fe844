"""`make bench`: what one event costs on each way in, beside floors measured in the same run.

Exit status: 0 if every budget holds, else 1. Machines are noisy; ratios to a floor of the same run are what to compare.
"""

from __future__ import annotations

import os
import platform
import sys

import in_process
from grpc_load import all_ways, echo_us
from http_load import ingress
from measuring import Result
from rich.console import Console
from rich.table import Table


def main() -> int:
    console = Console()
    hash_us = in_process.hash_floor_us()
    console.print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores; CPU time, one server process, not pinned"
    )
    results = [in_process.codec(hash_us), in_process.embedded(hash_us)]
    call_us = echo_us()
    results += [ingress(call_us), ingress(call_us, relay=True)]
    if url := os.environ.get("ORCHESTRATOR_TEST_POSTGRES_URL"):
        results.append(_postgres_ingress(call_us, url))
    results += all_ways(call_us)
    console.print(_table(results, hash_us, call_us))
    return 0 if all(result.within for result in results) else 1


def _postgres_ingress(call_us: float, url: str) -> Result:
    from dataclasses import replace

    return replace(ingress(call_us, url, "PostgreSQL"), limit_us=None)


def _table(results: list[Result], hash_us: float, call_us: float) -> Table:
    table = Table(title=f"floors: hmac.digest {hash_us:.1f} µs, empty gRPC echo {call_us:.0f} µs", title_justify="left")
    for column in ("what", "µs an event", "× floor", "floor", "budget", ""):
        table.add_column(column, justify="right" if "µs" in column or "×" in column else "left")
    for result in results:
        budget = [f"{result.limit_us:g} µs"] if result.limit_us else []
        budget += [f"{result.limit_ratio:g} ×"] if result.limit_ratio else []
        verdict = "" if not budget else "ok" if result.within else "OVER"
        table.add_row(
            result.name, f"{result.us:.1f}", f"{result.ratio:.2f}", result.floor, " or ".join(budget), verdict
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
