"""`orchestrator merchants`: who uses this installation."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.administration import database_options, print_json, print_table, with_services
from orchestrator.services import Services
from orchestratorx_prism.v1 import merchant_service_pb2 as pb
from orchestratorx_prism.v1.connector_pb2 import Environment
from orchestratorx_prism.v1.merchant_pb2 import Merchant

_PAGE = 1_000
_environment = click.option(
    "--environment", type=click.Choice(["SANDBOX", "PRODUCTION"], case_sensitive=False), help="Of the providers."
)


@click.group()
def merchants() -> None:
    """Make, list, show and change merchants; running servers know within a second."""


@merchants.command()
@click.argument("merchant_id")
@click.option("--name", default="", help="For people. Default: the id.")
@_environment
@database_options
def create(
    merchant_id: str,
    name: str,
    environment: str | None,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Make the merchant MERCHANT_ID: lower case letters, digits, "-" and "_"."""
    request = pb.MerchantServiceCreateRequest(
        merchant_id=merchant_id, display_name=name, environment=environment_of(environment)
    )

    answer = with_services(config, database_url, lambda services: services.merchants.create(request))
    _print([answer.merchant], as_json)


@merchants.command("list")
@database_options
def list_merchants(config: str | None, database_url: str | None, as_json: bool) -> None:
    """All merchants, by id; those of the settings' file too."""

    async def all_of(services: Services) -> list[Merchant]:
        found: list[Merchant] = []
        request = pb.MerchantServiceListRequest(page_size=_PAGE)
        while True:
            page = await services.merchants.list(request)
            found += page.merchants
            request.page_token = page.next_page_token
            if not request.page_token:
                return found

    _print(with_services(config, database_url, all_of), as_json)


@merchants.command()
@click.argument("merchant_id")
@database_options
def show(merchant_id: str, config: str | None, database_url: str | None, as_json: bool) -> None:
    """One merchant."""
    request = pb.MerchantServiceGetRequest(merchant_id=merchant_id)
    answer = with_services(config, database_url, lambda services: services.merchants.get(request))
    _print([answer.merchant], as_json)


@merchants.command()
@click.argument("merchant_id")
@click.option("--name", help="For people.")
@_environment
@click.option("--disable/--enable", "disabled", default=None, help="Close the merchant, or open it again.")
@database_options
def update(
    merchant_id: str,
    name: str | None,
    environment: str | None,
    disabled: bool | None,
    config: str | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Change the merchant MERCHANT_ID.

    A closed merchant's webhooks, operations and keys are refused; its history stays, and its credentials.
    """
    request = pb.MerchantServiceUpdateRequest(merchant_id=merchant_id, display_name=name, disabled=disabled)
    if environment is not None:
        request.environment = environment_of(environment)
    if name is None and environment is None and disabled is None:
        raise click.UsageError("say what to change: --name, --environment, --disable or --enable")

    answer = with_services(config, database_url, lambda services: services.merchants.update(request))
    _print([answer.merchant], as_json)


def environment_of(text: str | None) -> Environment.ValueType:
    """SANDBOX or PRODUCTION; None: unspecified."""
    return Environment.Value(f"ENVIRONMENT_{(text or 'UNSPECIFIED').upper()}")


def environment_text(environment: Environment.ValueType) -> str:
    """As settings say it."""
    return Environment.Name(environment).removeprefix("ENVIRONMENT_")


def _print(found: list[Merchant], as_json: bool) -> None:
    if as_json:
        for one in found:
            print_json(_as_dict(one))
        return
    rows = [
        (
            one.merchant_id,
            one.display_name,
            environment_text(one.environment),
            "closed" if one.disabled else "open",
            "settings" if one.from_settings else "database",
        )
        for one in found
    ]
    print_table(("merchant", "name", "environment", "state", "from"), rows, none="no merchants")


def _as_dict(one: Merchant) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "merchant_id": one.merchant_id,
        "display_name": one.display_name,
        "environment": environment_text(one.environment),
        "disabled": one.disabled,
        "from_settings": one.from_settings,
    }
    for name in ("created_at", "updated_at"):
        if one.HasField(name):
            shown[name] = getattr(one, name).ToJsonString()
    return shown
