"""`orchestrator serve`: gRPC, webhooks and the relay, in one process or several."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from orchestrator.serving import Addresses, run_loop
from orchestrator.serving import serve as serve_here
from orchestrator.settings_loading import load_settings, unread_file_warning
from orchestrator.startup import report
from orchestrator.telemetry.logs import configure_logs
from orchestrator.workers import Supervisor, stay_on_a_cpu


@click.command()
@click.option("--config", "config", type=click.Path(dir_okay=False), help="Settings file, JSON or TOML.")
@click.option("--grpc-host", help="Address for gRPC. [default: 127.0.0.1]")
@click.option("--grpc-port", type=click.IntRange(0, 65_535), help="Port for gRPC; 0 takes a free one. [default: 50051]")
@click.option("--http-host", help="Address for webhooks. [default: 127.0.0.1]")
@click.option(
    "--http-port", type=click.IntRange(0, 65_535), help="Port for webhooks; 0 takes a free one. [default: 8080]"
)
@click.option("--database-url", help="memory:, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that share the ports. [default: 1]")
@click.option("--pin-cpus", is_flag=True, help="Keep each process on one CPU.")
@click.option("--log-format", type=click.Choice(["json", "console"]), help="Logs for machines or people.")
@click.option(
    "--insecure", is_flag=True, default=None, help="Allow addresses beyond this machine without TLS and API keys."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was started as one JSON object.")
def serve(config: str | None, pin_cpus: bool, as_json: bool, **overrides: Any) -> None:
    """Take webhooks over HTTP and gRPC, record their events once, publish them.

    Listens on 127.0.0.1 with a SQLite file in this folder, unless told otherwise. Every option is also a setting:
    --grpc-port is ORCHESTRATOR_GRPC_PORT, and grpc_port in the file. `orchestrator config check` lists them all.

    Prints one block when it serves; logs go to standard error. SIGTERM and Ctrl-C finish what is in hand and end it;
    a second one ends it at once.

    Exit status: 0 after a stop that was asked for, 2 wrong settings, 3 the database or an address cannot be had.
    """
    settings = load_settings(config, overrides)
    configure_logs(settings.log_level, settings.log_format)

    def started(addresses: Addresses) -> None:
        found = report(settings, addresses)
        found.warnings.extend(unread_file_warning(config))
        click.echo(msgspec.json.encode(found.as_dict()).decode() if as_json else found.as_text())

    if settings.workers > 1:
        Supervisor(settings, pin_cpus=pin_cpus).run(started)
    else:
        if pin_cpus:
            stay_on_a_cpu()
        run_loop(serve_here(settings, started))
