"""Options of commands that talk to a running server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
import httpx

F = TypeVar("F", bound=Callable[..., Any])


api_key_option = click.option(
    "--api-key", default=None, envvar="ORCHESTRATOR_API_KEY", help="Key for the server, if it asks."
)


def server_options(command: F) -> F:
    """Adds --target, --api-key and --merchant."""
    for option in (
        click.option("--merchant", default="default", show_default=True, help="Whose events."),
        api_key_option,
        click.option("--target", default="127.0.0.1:50051", show_default=True, help="The server's gRPC host:port."),
    ):
        command = option(command)
    return command


def http_url(text: str) -> httpx.URL:
    """
    Raises:
        click.BadParameter: It is no URL that can be posted to.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise click.BadParameter(str(error)) from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise click.BadParameter("not of the form http://host:port/path")
    return url
