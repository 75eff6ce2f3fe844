"""`make bench`: what one event costs on each way in, beside floors measured in the same run.

Exit status: 0 if every budget holds, else 1. Machines are noisy; ratios to a floor of the same run are what to compare.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import replace

import grpc_load
import http_load
import in_process
import operations_load
import relay_latency
import relay_load
from bare_loops import BARE
from measuring import HASH_US, Result
from rich.console import Console
from rich.table import Table


def main() -> int:
    console = Console(width=130)
    hash_us = in_process.hash_floor_us()
    console.print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores; CPU time, one server, pinned only where so said"
    )
    results = [in_process.codec(hash_us), in_process.embedded(hash_us)]
    bare_us = http_load.floor_us()
    results += [http_load.ingress(bare_us), http_load.ingress(bare_us, pinned=True)]
    results.append(http_load.ingress(bare_us, relay=True))
    if url := os.environ.get("ORCHESTRATOR_TEST_POSTGRES_URL"):
        results.append(replace(http_load.ingress(bare_us, url, "PostgreSQL"), limit_us=None))
    results += grpc_load.all_ways(grpc_load.floors())
    results.append(operations_load.authorize())
    for broker in BARE:
        if url := os.environ.get(f"ORCHESTRATOR_TEST_{broker.upper()}_URL"):
            results += [relay_load.throughput(broker, url), relay_latency.latency(broker, url)]
    speed = hash_us / HASH_US
    console.print(_table(results, hash_us, speed))
    return 0 if all(result.within(speed) for result in results) else 1


def _table(results: list[Result], hash_us: float, speed: float) -> Table:
    title = f"hmac.digest of the body takes {hash_us:.1f} µs here, {HASH_US} µs where budgets in µs were set"
    table = Table(title=title, title_justify="left")
    for column in ("what", "µs an event", "floor", "µs", "× floor", "budget", ""):
        table.add_column(column, justify="right" if "µs" in column or "×" in column else "left")
    for result in results:
        budget = [f"{result.limit_us:g} µs"] if result.limit_us else []
        budget += [f"{result.limit_ratio:.3g} ×"] if result.limit_ratio else []
        budget += [f"{result.most_us:g} µs"] if result.most_us else []
        verdict = "" if not budget else "ok" if result.within(speed) else "OVER"
        table.add_row(
            result.name,
            f"{result.us:.1f}",
            result.floor,
            f"{result.floor_us:.1f}",
            f"{result.ratio:.2f}",
            " or ".join(budget),
            verdict,
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
