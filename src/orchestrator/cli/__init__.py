"""The command line. One file a command beside this one; here they are only listed, and their errors are shown.

To add a command, add a line to COMMANDS. A command's file is imported when it is used: `--help` stays quick.

Exit status of every command:

    0    done; of `normalize`, `trigger` and their like: everything was accepted
    1    refused, or done in part
    2    wrong usage, or settings that do not hold together
    3    something it needs is not there: the database, an address, a server
    70   a defect of ours
    130  interrupted
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo:demo", "Watch webhooks of all providers become one stream of events; needs nothing."),
    "serve": ("serve:serve", "Take webhooks over HTTP and gRPC, record and publish their events."),
    "trigger": ("trigger:trigger", "Send a signed, realistic webhook to a running server."),
    "simulate": ("simulate:simulate", "Serve a provider's API on this machine, for development."),
    "listen": ("listen:listen", "Print events as they come."),
    "events": ("events:events", "List, show and replay recorded events."),
    "consumers": ("consumers:consumers", "Consumer groups: how far each is behind."),
    "dead-letters": ("dead_letters:dead_letters", "What consumers could not handle, and its way back."),
    "reconcile": ("reconcile:reconcile", "Fetch what a provider sent and never came here."),
    "merchants": ("merchants:merchants", "Make, list, show and change merchants."),
    "credentials": ("credentials:credentials", "Merchants' own keys for providers: put, list, show, delete."),
    "endpoints": ("endpoints:endpoints", "Where merchants get their events: make, try, rotate, recover."),
    "deliveries": ("deliveries:deliveries", "What was sent to endpoints, and sending it again."),
    "vault": ("vault:vault", "The keys that secrets are encrypted with: status, rotate."),
    "normalize": ("normalize:normalize", "Verify and normalize webhook bodies from disk."),
    "keys": ("keys:keys", "API keys: who may call, and what for."),
    "audit": ("audit:audit", "Who did what, and whether the log of it is as it was written."),
    "connectors": ("connectors:connectors", "What each connector can do, and the settings it takes."),
    "catalog": ("catalog:catalog", "Describe what is published: AsyncAPI, EventCatalog, JSON Schema."),
    "openapi": ("openapi:openapi", "Print the REST API's OpenAPI document."),
    "config": ("config:config", "Look at the settings."),
    "doctor": ("doctor:doctor", "Find what loses messages in the live settings, database and broker."),
    "migrate": ("migrate:migrate", "Bring the database's schema up to date."),
}
"""Command → (file:attribute, one line of help), in the order of `--help`."""

DONE, REFUSED, USAGE, UNAVAILABLE, DEFECT, INTERRUPTED = 0, 1, 2, 3, 70, 130


class Commands(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, as in the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; its file is imported."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"orchestrator.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without an import."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="orchestratorx", prog_name="orchestrator")
@click.option("--traceback", "show_traceback", is_flag=True, help="Show where an unexpected error came from.")
@click.pass_context
def cli(context: click.Context, show_traceback: bool) -> None:
    """Turns the webhooks of Stripe, Adyen, PayPal and M-Pesa into one stream of events.

    Begin with `orchestrator demo`, then `orchestrator serve`. Settings come from the environment (ORCHESTRATOR_…), then
    from a JSON or TOML file, then from defaults; `orchestrator config check` shows them.

    Exit status: 0 done, 1 refused, 2 wrong usage or settings, 3 something needed is not there, 70 a defect.
    """
    context.obj = show_traceback


def main() -> None:
    """The `orchestrator` command."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command line; returns its exit status. Errors are printed as reason, message and fix."""
    try:
        outcome = cli.main(arguments, prog_name="orchestrator", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else REFUSED if error.code else DONE
    except BrokenPipeError:
        sys.stdout = None  # or Python complains once more when it flushes at exit
        return DONE
    except Exception as error:
        return _failed(error, shown="--traceback" in arguments)
    return outcome if isinstance(outcome, int) else DONE


def _failed(error: Exception, *, shown: bool) -> int:
    from orchestratorx_prism.errors import PrismError

    if shown:
        traceback.print_exception(error)
    if isinstance(error, PrismError):
        say(error)
        return status_of(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = "/".join(frame.filename.rsplit("/", maxsplit=3)[-3:])
    click.echo(f"INTERNAL: a defect: {type(error).__name__} at {where}:{frame.lineno}", err=True)
    click.echo("  fix: report it with what `orchestrator --traceback …` prints", err=True)
    return DEFECT


def say(error: Exception) -> None:
    """Prints a PrismError on standard error: `REASON: message`, and what to do about it."""
    reason, message, fix = (getattr(error, name, "") for name in ("reason", "message", "fix"))
    click.echo(f"{reason}: {message}" + (f"\n  fix: {fix}" if fix else ""), err=True)


def status_of(error: Exception) -> int:
    """The exit status that goes with a PrismError."""
    from orchestratorx_prism.errors import Internal, SettingsRejected, Unavailable

    if isinstance(error, SettingsRejected):
        return USAGE
    if isinstance(error, Unavailable):
        return UNAVAILABLE
    return DEFECT if isinstance(error, Internal) else REFUSED
