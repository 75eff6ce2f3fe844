"""`orchestrator dead-letters`: what consumers could not handle, and its way back."""

from __future__ import annotations

import sys

import click
import msgspec

from orchestrator.cli.broker import broker_options, broker_settings, group_of, group_option, with_broker
from orchestratorx_prism.brokers import DeadLetter
from orchestratorx_prism.consuming.groups import queries_of
from orchestratorx_prism.consuming.history import read_note
from orchestratorx_prism.errors import NotFound

_ALL = 1_000_000
_REASON_WIDTH = 90


@click.group("dead-letters")
def dead_letters() -> None:
    """List and show what consumers could not handle, and hand it to them again."""


@dead_letters.command("list")
@group_option
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@broker_options
def list_dead_letters(group: str, limit: int, config: str | None, broker: str, as_json: bool) -> None:
    """A group's dead letters, oldest first."""
    settings = broker_settings(config, broker)
    wanted = group_of(settings, group)
    found = with_broker(settings, lambda open_one: open_one.dead_letters(group=wanted, limit=limit))
    for dead in found:
        if as_json:
            click.echo(msgspec.json.encode(_plain(dead)).decode())
        else:
            reason = read_note(dead.reason).reason
            click.echo(f"{dead.message.id}  {_kind(dead):30} {dead.message.key:36}  {reason[:_REASON_WIDTH]}".rstrip())
    if not found:
        click.echo(f"no dead letters of {wanted}", err=True)


@dead_letters.command()
@click.argument("message_id")
@group_option
@broker_options
def show(message_id: str, group: str, config: str | None, broker: str, as_json: bool) -> None:
    """One dead letter in full: why, every attempt, and the message with its body. The body may hold personal data."""
    settings = broker_settings(config, broker)
    wanted = group_of(settings, group)
    found = with_broker(settings, lambda open_one: open_one.dead_letters(group=wanted, limit=_ALL))
    dead = next((one for one in found if one.message.id == message_id), None)
    if dead is None:
        raise NotFound(f"{wanted} has no such dead letter", fix="orchestrator dead-letters list --group …")
    text = msgspec.json.encode({**_plain(dead), "body": dead.message.body.decode("utf-8", "replace")})
    click.echo((text if as_json else msgspec.json.format(text, indent=2)).decode())


@dead_letters.command()
@click.argument("message_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of the group's, up to --limit.")
@click.option("--limit", default=1_000, show_default=True, type=click.IntRange(1, 1_000_000), help="How many at most.")
@group_option
@broker_options
def redrive(
    message_ids: tuple[str, ...],
    everything: bool,
    limit: int,
    group: str,
    config: str | None,
    broker: str,
    as_json: bool,
) -> None:
    """Hand dead letters to their group again: MESSAGE_IDS, or --all. Mend the handler first.

    They come behind what their payment has had since. Exit status: 1 if there was nothing to hand back.
    """
    if bool(message_ids) == everything:
        raise click.UsageError("say which: ids, or --all")
    settings = broker_settings(config, broker)
    wanted = group_of(settings, group)
    done = with_broker(
        settings, lambda open_one: queries_of(open_one).redrive(group=wanted, message_ids=message_ids, limit=limit)
    )
    click.echo(f'{{"redriven": {done}}}' if as_json else f"{done} dead letters went back to {wanted}")
    sys.exit(0 if done else 1)


def _kind(dead: DeadLetter) -> str:
    return dead.message.headers.get("ce-type") or dead.message.headers.get("event-type") or dead.message.routing_key


def _plain(dead: DeadLetter) -> dict[str, object]:
    note = read_note(dead.reason)
    return {
        "id": dead.message.id,
        "group": dead.group,
        "type": _kind(dead),
        "address": dead.message.address,
        "key": dead.message.key,
        "reason": note.reason,
        "deliveries": dead.attempt,
        "attempts": [{"number": one.number, "at": one.at.isoformat(), "error": one.error} for one in note.attempts],
        "headers": dict(dead.message.headers),
    }
