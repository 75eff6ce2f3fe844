"""What a merchant's credentials may be, what becomes of them when some are put, and how they are shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from connectors.spi import Label
from orchestrator.services.checks import field_fault
from orchestrator.services.directory import Secrets
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1 import credential_service_pb2 as pb

DOTS: Final = "\N{MIDDLE DOT}" * 4
_SHOWN: Final = 4
"""How much of a value's end is shown. Characters."""
_SHORT: Final = 12
"""Of a shorter value nothing is shown. Characters."""
_LONGEST: Final = 16 * 1024
_MOST_SECRETS: Final = 4
_LONGEST_NAME: Final = 64
"""How much of a wrong name is compared with the right ones: callers choose it, and comparing takes its time."""


def masked(value: str) -> str:
    """The last four characters behind dots; of a short value dots alone."""
    return DOTS + value[-_SHOWN:] if len(value) >= _SHORT else DOTS


def given_in(label: Label, request: pb.CredentialServicePutRequest) -> Secrets:
    """What a request gives, checked. Webhook secrets and the webhook's id may stand among the values.

    Raises:
        RequestRejected: A name that the connector does not have (the fix names the nearest), or a value that is none.
    """
    values = {name: request.values[name] for name in request.values}
    for name, value in values.items():
        if name not in label.config_keys:
            raise _unknown_name(label, name)
        _check(f"values.{name}", value)
    secrets = list(request.webhook_secrets)
    listed = values.pop(label.webhook_secret_key, "")
    if listed and secrets:
        raise field_fault("webhook_secrets", f"given twice: here, and as {label.webhook_secret_key}")
    secrets = secrets or [part.strip() for part in listed.split(",") if part.strip()]
    _check_secrets(label, secrets)
    webhook_id = request.webhook_id
    among = values.pop(label.webhook_id_key, "")
    if among and webhook_id:
        raise field_fault("webhook_id", f"given twice: here, and as {label.webhook_id_key}")
    if webhook_id and not label.webhook_id_key:
        raise field_fault("webhook_id", f"{label.title} has none")
    webhook_id = webhook_id or among
    if webhook_id:
        _check("webhook_id", webhook_id)
    return Secrets(values, tuple(secrets), webhook_id)


def merged(before: Secrets, given: Secrets, keep_secrets: int | None) -> Secrets:
    """What is kept when `given` is put and the rest stays.

    Args:
        keep_secrets: How many of the webhook secrets of before stay behind those given. None: all if none are given.
    """
    if keep_secrets is None:
        keep_secrets = 0 if given.webhook_secrets else len(before.webhook_secrets)
    stays = [one for one in before.webhook_secrets if one not in given.webhook_secrets][:keep_secrets]
    return Secrets(
        {**before.values, **given.values},
        (*given.webhook_secrets, *stays),
        given.webhook_id or before.webhook_id,
    )


def check_whole(secrets: Secrets) -> None:
    """Raises RequestRejected if there would be nothing to keep, or too much."""
    if not (secrets.values or secrets.webhook_secrets or secrets.webhook_id):
        raise field_fault("values", "give at least one value or webhook secret; Delete forgets all")
    if len(secrets.webhook_secrets) > _MOST_SECRETS:
        raise field_fault("webhook_secrets", f"at most {_MOST_SECRETS}: two while the provider rotates are enough")


def show(target: pb.CredentialSet, secrets: Secrets) -> None:
    """Fills in what may be shown."""
    for name, value in secrets.values.items():
        target.masked_values[name] = masked(value)
    target.masked_webhook_secrets.extend(masked(secret) for secret in secrets.webhook_secrets)
    target.webhook_id = secrets.webhook_id


def told(secrets: Secrets) -> Mapping[str, str]:
    """For the audit log: names and counts, no value."""
    return {
        "values": ",".join(sorted(secrets.values)),
        "webhook_secrets": str(len(secrets.webhook_secrets)),
        "webhook_id": "yes" if secrets.webhook_id else "no",
    }


def _check_secrets(label: Label, secrets: Iterable[str]) -> None:
    seen: set[str] = set()
    for secret in secrets:
        if not label.webhook_secret_key:
            raise field_fault("webhook_secrets", f"{label.title} has none; it has {label.webhook_id_key or 'neither'}")
        _check("webhook_secrets", secret)
        if "," in secret:
            raise field_fault("webhook_secrets", "one each: none has a comma")
        if secret in seen:
            raise field_fault("webhook_secrets", "the same one twice")
        seen.add(secret)


def _check(field: str, value: str) -> None:
    """Never repeats the value."""
    if not value.strip():
        raise field_fault(field, "is empty")
    if len(value) > _LONGEST or "\0" in value:
        raise field_fault(field, f"at most {_LONGEST} characters of text")
    if value != value.strip():
        raise field_fault(field, "begins or ends with blank space: a copied line end, perhaps")


def _unknown_name(label: Label, name: str) -> RequestRejected:
    near = get_close_matches(name[:_LONGEST_NAME].upper(), label.config_keys, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return RequestRejected(
        f"values: {label.title} has no credential of that name",
        reason="CREDENTIAL_NAME_UNKNOWN",
        fix=f"{hint}it has: {', '.join(label.config_keys)}",
        metadata={"field": "values"},
    )
