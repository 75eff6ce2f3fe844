"""`orchestrator catalog`: what is published, for people and tools that consume it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from orchestrator.catalogue.about import About, read_about
from orchestrator.catalogue.asyncapi import asyncapi_files
from orchestrator.catalogue.compatibility import breaks_of_events
from orchestrator.catalogue.configured import configured_servers
from orchestrator.catalogue.eventcatalog import eventcatalog_files
from orchestrator.catalogue.gathering import gather
from orchestrator.catalogue.json_schemas import json_schema, json_schema_files, read_schemas
from orchestrator.catalogue.model import Catalogue
from orchestrator.catalogue.writing import write_files
from orchestrator.publishing.channel_settings import configured_channels
from orchestrator.publishing.channels import BUILT_IN, Channel
from orchestrator.settings import Settings
from orchestrator.settings_loading import load_settings

FORMATS: Mapping[str, Callable[[Catalogue], dict[str, str]]] = {
    "asyncapi": asyncapi_files,
    "eventcatalog": eventcatalog_files,
    "jsonschema": json_schema_files,
}
"""Format → what makes its files. A new format is one line."""

_CONFIG = click.option("--config", "config", type=click.Path(dir_okay=False), help="Settings file, JSON or TOML.")
_ALL = click.option("--all-channels", is_flag=True, help="Also the built-in channels that are off.")


@click.group()
def catalog() -> None:
    """Describe what is published."""


@catalog.command()
@click.option("--format", "format_", required=True, type=click.Choice(list(FORMATS)), help="Which kind of files.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to; of EventCatalog, the project's root. Default: catalogue/FORMAT.",
)
@click.option(
    "--about", "about_file", type=click.Path(dir_okay=False, path_type=Path), help="Owners and consumers, TOML."
)
@_ALL
@_CONFIG
def export(format_: str, output: Path | None, about_file: Path | None, all_channels: bool, config: str | None) -> None:
    """Write the catalogue of the configured channels.

    Every event with its version, schema, example, owner, producers, consumers, channel, address and guarantee. What is
    in the folder already and not of this catalogue is left alone; of EventCatalog, an event's older version moves to
    its folder `versioned`. The same settings make the same bytes.

    Exit status: 0 written, 2 settings, or what --about says, do not hold together.
    """
    about = read_about(about_file) if about_file is not None else About()
    folder = output or Path("catalogue") / format_
    files = FORMATS[format_](_gathered(about, config, all_channels))
    written = write_files(folder, files)
    click.echo(f"{folder}: {len(files)} files, {written} of them new or changed")


@catalog.command()
@click.argument("old", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_ALL
@_CONFIG
def compare(old: Path, all_channels: bool, config: str | None) -> None:
    """Tell what would break consumers of an earlier export: OLD is a folder that --format jsonschema wrote.

    One line a break: the event, the field, the rule, and what changed.

    Exit status: 0 nothing breaks, 1 something does, 2 OLD or the settings cannot be used.
    """
    before = read_schemas(old)
    after = {event.shape.id: json_schema(event) for event in _gathered(About(), config, all_channels).events}
    found = breaks_of_events(before, after)
    for each in found:
        click.echo(str(each))
    if found:
        raise SystemExit(1)
    click.echo(f"nothing breaks: {len(before)} events compared")


def _gathered(about: About, config: str | None, all_channels: bool) -> Catalogue:
    settings = load_settings(config)
    channels = _channels(settings, all_channels)
    return asyncio.run(gather(channels, about, servers=configured_servers(settings)))


def _channels(settings: Settings, all_channels: bool) -> list[Channel]:
    on = configured_channels(settings)
    names = {channel.name for channel in on}
    off = [channel for name, channel in BUILT_IN.items() if all_channels and name not in names]
    return on + off
