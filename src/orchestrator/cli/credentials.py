"""`orchestrator credentials`: merchants' own keys for providers, encrypted in the database."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from orchestrator.cli.administration import database_options, merchant_option, print_json, print_table, with_services
from orchestrator.cli.merchants import environment_of, environment_text
from orchestratorx_prism.v1 import credential_service_pb2 as pb

environment_option = click.option(
    "--environment",
    type=click.Choice(["SANDBOX", "PRODUCTION"], case_sensitive=False),
    help="Default: the merchant's own.",
)


@click.group()
def credentials() -> None:
    """Put, list, show and delete merchants' credentials of providers; running servers know within a second."""


@credentials.command()
@click.argument("connector")
@merchant_option
@environment_option
@click.option("--from-env", "variables", multiple=True, metavar="NAME[=VARIABLE]", help="NAME's value; repeatable.")
@click.option("--from-file", "files", multiple=True, metavar="FILE", help="JSON, or NAME=value lines; - is stdin.")
@click.option("--prompt", "prompts", multiple=True, metavar="NAME", help="Ask for NAME's value, hidden; repeatable.")
@click.option("--update", is_flag=True, help="Keep what is there and not named, in place of putting all anew.")
@click.option("--keep-webhook-secrets", type=int, help="With --update: how many stay valid behind the new one.")
@database_options
def put(
    connector: str,
    merchant: str,
    environment: str | None,
    variables: tuple[str, ...],
    files: tuple[str, ...],
    prompts: tuple[str, ...],
    update: bool,
    keep_webhook_secrets: int | None,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Keep a merchant's credentials of CONNECTOR, by the names that `orchestrator connectors` lists.

    Values come from the environment, from files or by prompt, never from arguments, which other users of this machine
    can see. While a provider rotates its webhook secret, let both be valid: --update --keep-webhook-secrets 1.
    """
    values = _gathered(variables, files, prompts)
    if not values and keep_webhook_secrets is None:
        raise click.UsageError("say where the values come from: --from-env, --from-file or --prompt")
    request = pb.CredentialServicePutRequest(
        merchant_id=merchant,
        connector=connector,
        environment=environment_of(environment),
        values=values,
        keep_others=update,
        keep_webhook_secrets=keep_webhook_secrets,
    )

    answer = with_services(config, database_url, lambda services: services.credentials.put(request))
    _print([answer.credentials], as_json)


@credentials.command("list")
@merchant_option
@database_options
def list_credentials(merchant: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """All of a merchant's, masked; those of the settings' file too."""
    request = pb.CredentialServiceListRequest(merchant_id=merchant)
    answer = with_services(config, database_url, lambda services: services.credentials.list(request))
    _print(answer.credentials, as_json)


@credentials.command()
@click.argument("connector")
@merchant_option
@environment_option
@database_options
def show(
    connector: str,
    merchant: str,
    environment: str | None,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """A merchant's credentials of CONNECTOR, masked."""
    request = pb.CredentialServiceGetRequest(
        merchant_id=merchant, connector=connector, environment=environment_of(environment)
    )

    answer = with_services(config, database_url, lambda services: services.credentials.get(request))
    _print([answer.credentials], as_json)


@credentials.command()
@click.argument("connector")
@merchant_option
@environment_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_options
def delete(
    connector: str,
    merchant: str,
    environment: str | None,
    yes: bool,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Forget a merchant's credentials of CONNECTOR. Its webhooks and operations are refused from then on."""
    if not yes:
        click.confirm(f"forget the {connector} credentials of merchant {merchant}?", abort=True)
    request = pb.CredentialServiceDeleteRequest(
        merchant_id=merchant, connector=connector, environment=environment_of(environment)
    )
    with_services(config, database_url, lambda services: services.credentials.delete(request))
    if as_json:
        print_json({"deleted": True})
    else:
        click.echo("forgotten", err=True)


def _gathered(variables: tuple[str, ...], files: tuple[str, ...], prompts: tuple[str, ...]) -> dict[str, str]:
    """Name → value. What is wrong is said without a value."""
    values: dict[str, str] = {}
    for file in files:
        values.update(_in_file(file))
    for one in variables:
        name, _, variable = one.partition("=")
        value = os.environ.get(variable or name)
        if value is None:
            raise click.BadParameter(f"{variable or name} is not set in the environment", param_hint="--from-env")
        values[name] = value
    for name in prompts:
        values[name] = click.prompt(name, hide_input=True, err=True)
    return values


def _in_file(file: str) -> dict[str, str]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise click.BadParameter(f"{file}: {why}", param_hint="--from-file") from None
    if text.lstrip().startswith("{"):
        try:
            return msgspec.json.decode(text, type=dict[str, str])
        except msgspec.MsgspecError:  # its words could repeat a value
            raise click.BadParameter(f"{file}: no JSON object of texts", param_hint="--from-file") from None
    values = {}
    for number, line in enumerate(text.splitlines(), start=1):
        name, separator, value = line.strip().partition("=")
        if name.startswith("#") or not line.strip():
            continue
        if not separator:
            raise click.BadParameter(f"{file}: line {number} is not NAME=value", param_hint="--from-file")
        values[name.removeprefix("export ").strip()] = value.strip().strip("\"'")
    return values


def _print(found: Sequence[pb.CredentialSet], as_json: bool) -> None:
    if as_json:
        for one in found:
            print_json(_as_dict(one))
        return
    rows = []
    for one in found:
        values = [f"{name} {value}" for name, value in sorted(one.masked_values.items())]
        secrets = ", ".join(one.masked_webhook_secrets)
        values += [f"webhook secrets {secrets}"] * bool(secrets) + [f"webhook id {one.webhook_id}"] * bool(
            one.webhook_id
        )
        rows.append((one.connector, environment_text(one.environment), _state(one), "; ".join(values)))
    print_table(("connector", "environment", "state", "values"), rows, none="no credentials")
    if any(one.shadowed for one in found):
        click.echo("not used: the settings' file has some of the same connector; take them out there", err=True)


def _state(one: pb.CredentialSet) -> str:
    if one.fault:
        return one.fault
    if one.from_settings:
        return "settings"
    return "kept, not used" if one.shadowed else "kept"


def _as_dict(one: pb.CredentialSet) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "merchant_id": one.merchant_id,
        "connector": one.connector,
        "environment": environment_text(one.environment),
        "masked_values": dict(sorted(one.masked_values.items())),
        "masked_webhook_secrets": list(one.masked_webhook_secrets),
        "webhook_id": one.webhook_id,
        "from_settings": one.from_settings,
        "shadowed": one.shadowed,
        "fault": one.fault,
    }
    for name in ("created_at", "updated_at"):
        if one.HasField(name):
            shown[name] = getattr(one, name).ToJsonString()
    return shown
