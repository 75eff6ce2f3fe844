"""What commands that talk to a running server share: where it is, and how its errors are shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from orchestratorx_prism.errors import PrismError, Unavailable

F = TypeVar("F", bound=Callable[..., Any])


def server_options(command: F) -> F:
    """Adds --target, --api-key and --merchant."""
    for option in (
        click.option("--merchant", default="default", show_default=True, help="Whose events."),
        click.option("--api-key", default=None, envvar="ORCHESTRATOR_API_KEY", help="Key for the server, if it asks."),
        click.option("--target", default="127.0.0.1:50051", show_default=True, help="The server's gRPC host:port."),
    ):
        command = option(command)
    return command


@contextmanager
def shown_errors() -> Iterator[None]:
    """Prints a PrismError as reason, message and fix, and ends with status 1."""
    try:
        yield
    except Unavailable as error:
        click.echo(f"{error.reason}: {error.message}\n  fix: is it running? `orchestrator serve` starts it", err=True)
        sys.exit(1)
    except PrismError as error:
        click.echo(f"{error.reason}: {error.message}" + (f"\n  fix: {error.fix}" if error.fix else ""), err=True)
        sys.exit(1)
