"""`orchestrator doctor`: what is unsafe about the settings, the database and the broker as they are, and the cure."""

from __future__ import annotations

import click
import msgspec

from orchestrator.serving import run_loop
from orchestrator.settings_loading import load_settings


@click.command()
@click.option("--config", "config", type=click.Path(dir_okay=False), help="Settings file, JSON or TOML.")
@click.option("--json", "as_json", is_flag=True, help='[{"level", "where", "what", "fix"}, …]')
def doctor(config: str | None, as_json: bool) -> int:
    """Ask the live database and broker for settings that lose messages; say how to mend each. Changes nothing.

    "unsafe" means that messages or events can be lost, or made up by strangers. "advice" is about what only hurts when
    something else fails too, or cannot be seen from here.

    Exit status: 0 nothing unsafe, 1 something is, 2 wrong settings, 3 the database or the broker cannot be asked.
    """
    from orchestrator.diagnosis import diagnose

    found = run_loop(diagnose(load_settings(config)))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        for finding in found:
            click.echo(f"{finding.level}: {finding.where}: {finding.what}\n  fix: {finding.fix}")
        unsafe = sum(finding.level == "unsafe" for finding in found)
        click.echo(f"{unsafe} unsafe, {len(found) - unsafe} advice" if found else "all is well")
    return 1 if any(finding.level == "unsafe" for finding in found) else 0
