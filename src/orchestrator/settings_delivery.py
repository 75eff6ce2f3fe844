"""Settings of outgoing webhooks. Part of `Settings`, flat."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from orchestrator.settings_messaging import Section


class DeliverySettings(Section):
    """How events reach merchants' endpoints."""

    deliver: bool = True
    """Whether this process sends to endpoints. If not, another process over the same database must."""
    delivery_slots: Annotated[int, Field(ge=1, le=10_000)] = 256
    """Requests under way at once, of this process. Each takes a file descriptor."""
    delivery_timeout_s: Annotated[float, Field(gt=0, le=60)] = 15.0
    """An attempt's whole time: name, connection, TLS, answer."""
    delivery_retention_days: Annotated[int, Field(ge=1)] = 30
    """How long deliveries and their attempts are kept."""
    endpoint_failed_after_days: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 5.0
    """An endpoint whose every attempt has failed for so long is switched off."""
    endpoint_failed_command: tuple[str, ...] = ()
    """Run then, with one JSON object on its standard input: the program and its arguments."""
    smtp_url: SecretStr = SecretStr("")
    """Mail is sent then, too, through this server: smtp://user:password@host:587, or smtps://. Empty: it is not."""
    alert_mail_to: str = ""
    """Who gets that mail."""
    alert_mail_from: str = ""
    """Whom it is from. Empty: the same."""
    allow_http_endpoints: bool = False
    """Whether endpoints may be http. For development."""
    endpoint_allowed_networks: tuple[str, ...] = ()
    """Networks that endpoints may be in although they are not public, in CIDR form: an intranet, or 127.0.0.0/8."""
    endpoint_ca_file: str = ""
    """PEM bundle of roots that endpoints' certificates are checked against. Empty: the usual ones."""
    egress_proxy: SecretStr = SecretStr("")
    """http://user:password@host:port: deliveries go through this proxy (CONNECT), to addresses checked here."""

    @field_validator("endpoint_allowed_networks")
    @classmethod
    def _endpoint_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network)
        return value
