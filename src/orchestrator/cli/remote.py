"""Options of commands that talk to a running server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

import click
import httpx

from orchestratorx_prism.event_types import DATA_MEMBER

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


def warn_of_unknown_types(types: Iterable[str]) -> None:
    """Says on standard error which types and patterns fit no event type, because nothing will ever be found by them."""
    patterns = sorted({name.partition(".")[0] + ".*" for name in DATA_MEMBER})
    for text in types:
        known = any(name == text or (text.endswith("*") and name.startswith(text[:-1])) for name in DATA_MEMBER)
        if not known:
            near = get_close_matches(text, patterns if text.endswith("*") else list(DATA_MEMBER), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            click.echo(f"warning: there is no event type {text}{hint}", err=True)


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
