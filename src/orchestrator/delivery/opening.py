"""Puts the parts of delivery together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from orchestrator.delivery.alerts import Alerts
from orchestrator.delivery.completing import Note
from orchestrator.delivery.dispatcher import Dispatcher
from orchestrator.delivery.egress import Guard
from orchestrator.delivery.options import DeliveryMetrics, DispatchOptions
from orchestrator.delivery.posting import Poster
from orchestrator.delivery.registry import Opener, Registry
from orchestrator.delivery.telling import EnvironmentOf, Record, Telling
from orchestrator.ledger.tables import Tables
from orchestrator.settings import Settings

LEASE_MARGIN_S = 15.0
"""What a process has after an attempt's time to write down what came of it, before another one tries again."""
_S_PER_DAY = 86_400.0


@dataclass(frozen=True)
class Delivery:
    """What sends, and what it sends with."""

    guard: Guard
    poster: Poster
    """Shared with test messages."""
    dispatcher: Dispatcher

    async def stop(self) -> None:
        """Lets attempts under way end, then closes the connections."""
        await self.dispatcher.stop()
        await self.poster.aclose()


def open_delivery(
    settings: Settings,
    tables: Tables,
    vault: Opener,
    wait_for_work: Callable[[float], Awaitable[None]],
    note: Note,
    metrics: DeliveryMetrics | None = None,
    *,
    record: Record,
    environment_of: EnvironmentOf,
) -> Delivery:
    """Nothing runs yet.

    Args:
        record: Records an event of ours.
        environment_of: In which world a merchant works.

    Raises:
        SettingsRejected: The proxy or the mail server is not named as it must be.
    """
    guard = Guard(allow_http=settings.allow_http_endpoints, allowed=settings.endpoint_allowed_networks)
    poster = Poster(
        guard,
        timeout_s=settings.delivery_timeout_s,
        proxy_url=settings.egress_proxy.get_secret_value(),
        ca_file=settings.endpoint_ca_file,
    )
    options = DispatchOptions(
        slots=settings.delivery_slots,
        timeout_s=settings.delivery_timeout_s,
        lease_margin_s=LEASE_MARGIN_S,
        disable_after_s=settings.endpoint_failed_after_days * _S_PER_DAY,
        retention_s=settings.delivery_retention_days * _S_PER_DAY,
        drain_s=settings.shutdown_grace_s,
    )
    alert = Alerts(
        command=settings.endpoint_failed_command,
        smtp_url=settings.smtp_url.get_secret_value(),
        mail_from=settings.alert_mail_from,
        mail_to=settings.alert_mail_to,
    )
    registry = Registry(tables, vault)
    dispatcher = Dispatcher(
        tables,
        registry,
        poster,
        wait_for_work,
        note,
        options=options,
        metrics=metrics,
        alert=alert,
        telling=Telling(tables, record, environment_of),
    )
    return Delivery(guard, poster, dispatcher)
