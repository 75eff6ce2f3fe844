"""`orchestrator openapi`: the REST API's document, for generators of clients and for review."""

from __future__ import annotations

import click

from orchestrator.bootstrap import build
from orchestrator.settings_loading import settings_from


@click.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 document of the REST API, as a server gives it at /openapi.json."""
    from orchestrator.http_api.rest.app import document_of

    application = build(settings_from({"database_url": "memory:"}), publishes=False)
    click.echo(document_of(application.services.by_descriptor()))
