"""`orchestrator vault`: the keys that secrets in the database are encrypted with."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from orchestrator.access.audit import append
from orchestrator.access.principal import EVERYBODY
from orchestrator.cli.administration import database_options, print_json, print_table, with_application
from orchestrator.services.administration.sealed import SEALED
from orchestrator.vault import Rotated, Rotation

if TYPE_CHECKING:
    from orchestrator.bootstrap import Application


@click.group()
def vault() -> None:
    """Which keys encrypt what; bring everything to the newest."""


@vault.command()
@database_options
def status(config: str | None, database_url: str | None, as_json: bool) -> None:
    """How many secrets each key has encrypted. A key with none may be taken out of vault_keys."""
    known, current, found = with_application(config, database_url, _counted)
    keys = list(dict.fromkeys([*known, *(key for counts in found.values() for key in counts)]))
    states = {key: _state(key, known, current) for key in keys}
    if as_json:
        for key in keys:
            counted = {name: counts[key] for name, counts in found.items()}
            print_json({"key": key, "state": states[key], "secrets": counted})
        return
    print_table(
        ("key", "state", *found),
        [(key or "-", states[key], *(str(counts[key]) for counts in found.values())) for key in keys],
        none="no key is configured, and no secret is kept: `openssl rand -base64 32` makes a key",
    )


def _state(key: str, known: list[str], current: str) -> str:
    if key == current:
        return "seals"
    if key in known:
        return "opens"
    return "missing" if key else "damaged"


@vault.command()
@database_options
def rotate(config: str | None, database_url: str | None, as_json: bool) -> int:
    """Encrypt everything that an older key has encrypted with the newest one, beside running servers.

    First give all servers the new key: in front of the others, where it only opens; then last, where it encrypts. A run
    that is broken off is begun again, and goes on where it ended. Exit status 1: some could not be opened.
    """
    rotated = with_application(config, database_url, partial(_rotated, quiet=as_json))
    counts = {
        "resealed": rotated.resealed,
        "unreadable": rotated.unreadable.total(),
        "changed_meanwhile": rotated.changed,
    }
    if as_json:
        print_json({**counts, "missing_keys": sorted(key for key in rotated.unreadable if key)})
    else:
        click.echo(f"{rotated.resealed} secrets are encrypted with the newest key now")
        for key, count in sorted(rotated.unreadable.items()):
            why = f"of key {key}, which is not configured" if key else "that were damaged"
            click.echo(f"{count} {why}: they stay as they are", err=True)
        if rotated.changed:
            click.echo(
                f"{rotated.changed} were changed meanwhile by a server with an older key: run it again", err=True
            )
    return 1 if rotated.unreadable or rotated.changed else 0


async def _counted(application: Application) -> tuple[list[str], str, dict[str, Counter[str]]]:
    """Ids of the keys at hand, the one that seals, and counts by table and key."""
    found = await Rotation(application.ledger.tables, application.vault, SEALED).by_key()
    known = application.vault.key_ids
    return known, known[-1] if known else "", found


async def _rotated(application: Application, *, quiet: bool) -> Rotated:
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
    tables = application.ledger.tables
    rotation = Rotation(tables, application.vault, SEALED)
    application.vault.check()
    with bar:
        task = bar.add_task("secrets", total=await rotation.count())
        rotated = await rotation.run(lambda so_far: bar.update(task, completed=so_far.seen))
    details = {"resealed": str(rotated.resealed), "unreadable": str(rotated.unreadable.total())}
    await tables.transact(lambda: append("vault.rotated", application.vault.key_ids[-1], EVERYBODY, details))
    return rotated
