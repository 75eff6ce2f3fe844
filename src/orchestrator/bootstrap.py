"""Settings in, a wired application out. The only place where parts are put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.access import audit
from orchestrator.access.guard import Guard
from orchestrator.access.observing import AccessObserver
from orchestrator.access.opening import Access, open_access
from orchestrator.delivery.opening import Delivery, open_delivery
from orchestrator.delivery.options import DeliveryMetrics
from orchestrator.ledger.base import ChannelRule, Ledger, Recording
from orchestrator.ledger.factory import migrate_ledger, open_ledger
from orchestrator.ledger.tables import NoTables
from orchestrator.publishing.channel_settings import configured_brokers, configured_channels, used_brokers
from orchestrator.publishing.channels import DEFAULT_BROKER, Channel
from orchestrator.publishing.relay import Relay, RelayMetrics, RelayOptions
from orchestrator.reconciliation import Reconciler, Schedule, Tally
from orchestrator.reconciliation.service import ReconciliationService
from orchestrator.retention import Retention
from orchestrator.services import (
    ApiKeyService,
    AuditService,
    CredentialService,
    DeliveryService,
    DisputeService,
    EventService,
    MerchantService,
    PaymentService,
    PayoutService,
    RefundService,
    Services,
    WebhookEndpointService,
    provider_held,
)
from orchestrator.services.administration.revising import up_to_date
from orchestrator.services.directory import Directory
from orchestrator.services.intake import Intake
from orchestrator.services.merchants import Merchants
from orchestrator.services.observing import Observer
from orchestrator.services.operations import Operator, Resolver
from orchestrator.services.operations.asking import Asking
from orchestrator.services.routing import router_of
from orchestrator.settings import Settings
from orchestrator.telemetry.logs import lend_to_logging
from orchestrator.vault import Vault, vault_of
from orchestratorx_prism.brokers import open_broker
from orchestratorx_prism.brokers.base import Broker

_S_PER_H = 3_600.0
_S_PER_DAY = 86_400.0


class Counters(Observer, RelayMetrics, Tally, AccessObserver, DeliveryMetrics, Protocol):
    """Whoever counts, on both sides of the outbox."""

    def committed(self, recordings: int) -> None:
        """One commit recorded so many webhooks. May be called from another thread."""
        ...


@dataclass(frozen=True)
class Application:
    """Everything that runs behind the front doors."""

    settings: Settings
    ledger: Ledger
    brokers: Mapping[str, Broker]
    """By name; `default` is the one of `messaging`."""
    services: Services
    merchants: Merchants
    operator: Operator
    resolver: Resolver
    relay: Relay | None
    """None: nothing is published; subscribers read the ledger."""
    retention: Retention
    reconciler: Reconciler
    schedule: Schedule
    """Started by whoever serves; embedded use fetches when it is told to."""
    directory: Directory
    vault: Vault
    access: Access
    """Who may call; asked by the front doors. Embedded use has none."""
    delivery: Delivery
    """Likewise: embedded use owes deliveries, and a server over the same database sends them."""

    @property
    def keeps_administration(self) -> bool:
        """Whether there is a database for it; a ledger in memory has none."""
        return not isinstance(self.ledger.tables, NoTables)

    @property
    def guard(self) -> Guard:
        """What the front doors ask."""
        return self.access.guard

    @property
    def broker(self) -> Broker:
        """The one of `messaging`."""
        return self.brokers[DEFAULT_BROKER]

    async def check_brokers(self) -> None:
        """Returns if every broker answers. Raises BrokerUnavailable of the first that does not."""
        await asyncio.gather(*(broker.health() for broker in self.brokers.values()))

    async def start(self) -> None:
        """Opens the ledger and begins to publish.

        Raises:
            Unavailable: The database cannot be reached. A broker that is away does not stop the start.
        """
        await self.ledger.open()
        await self.directory.start()
        self.access.start()
        if self.relay is not None and self.settings.relay:
            await self.relay.start()
        self.resolver.start()
        if self.ledger.keeps_raw:
            self.retention.start()

    async def stop(self) -> None:
        """Finishes what is in hand, then closes in the reverse order, all of it even if a part fails."""
        async with contextlib.AsyncExitStack() as closing:
            closing.push_async_callback(self.ledger.close)
            closing.push_async_callback(self.access.stop)
            closing.push_async_callback(self.merchants.aclose)
            closing.push_async_callback(self.retention.stop)
            closing.push_async_callback(self.operator.stop)
            closing.push_async_callback(self.resolver.stop)
            closing.push_async_callback(self.reconciler.aclose)
            closing.push_async_callback(self.schedule.stop)
            closing.push_async_callback(self.directory.stop)
            closing.push_async_callback(self.delivery.stop)
            if self.relay is not None:
                for broker in self.brokers.values():
                    closing.push_async_callback(broker.close)
                closing.push_async_callback(self.relay.stop)


def build(settings: Settings, counters: Counters | None = None, *, publishes: bool = True) -> Application:
    """Puts the parts together; nothing is opened yet.

    Args:
        publishes: False for embedded use without settings: no outbox, no relay.

    Raises:
        SettingsRejected: No such database, broker or channel.
        DriverMissing: A driver is not installed; the fix is the install command.
    """
    lend_to_logging()
    channels = configured_channels(settings) if publishes else []
    ledger = _ledger(settings, channels, counters)
    used = used_brokers(channels)
    brokers = {name: open_broker(each) for name, each in configured_brokers(settings).items() if name in used}
    vault = vault_of(settings)
    directory = Directory(ledger.tables, vault)
    merchants = Merchants(settings, directory)
    intake = Intake(
        merchants,
        keeps_raw=ledger.keeps_raw,
        max_body_bytes=settings.http_max_body_bytes,
        intents=ledger.intents,
    )
    operator = Operator(
        merchants,
        ledger,
        Asking(counters),
        timeout_s=settings.provider_timeout_s,
        margin_s=settings.operation_margin_s,
        first_asked_s=settings.resolve_after_s[0],
    )
    reconciler = Reconciler(merchants, ledger, operator, timeout_s=settings.provider_timeout_s, tally=counters)
    access = open_access(settings, ledger.tables, counters, is_closed=merchants.is_closed)

    delivery = open_delivery(
        settings,
        ledger.tables,
        vault,
        ledger.outbox.wait_for_work,
        audit.append,
        counters,
        record=lambda event: ledger.record(Recording([event])),
        environment_of=merchants.environment,
    )

    async def known_merchant(merchant_id: str) -> bool:
        await up_to_date(directory)
        return merchants.exists(merchant_id)

    services = Services(
        EventService(intake, ledger, counters),
        PaymentService(ledger, operator, router_of(settings.routing)),
        RefundService(ledger, operator),
        DisputeService(ledger, operator),
        PayoutService(ledger, operator),
        provider_held.customers(operator),
        provider_held.payment_methods(operator),
        provider_held.mandates(operator),
        provider_held.subscriptions(operator),
        MerchantService(settings, ledger.tables, directory, merchants),
        CredentialService(settings, ledger.tables, vault, directory, merchants),
        ReconciliationService(reconciler, merchants),
        ApiKeyService(ledger.tables, known_merchant, access.keys_changed),
        AuditService(ledger.tables),
        WebhookEndpointService(ledger.tables, vault, delivery.guard, delivery.poster, exists=merchants.exists),
        DeliveryService(ledger.tables),
    )
    options = RelayOptions(retention_s=settings.outbox_retention_hours * _S_PER_H)
    relay = Relay(ledger.outbox, channels, brokers, metrics=counters, options=options) if publishes else None
    retention = Retention(ledger, keep_s=settings.raw_retention_days * _S_PER_DAY)
    resolver = Resolver(operator, ledger, counters, schedule_s=settings.resolve_after_s)
    schedule = Schedule(reconciler, ledger, every_s=settings.reconcile_every_s)
    return Application(
        settings,
        ledger,
        brokers,
        services,
        merchants,
        operator,
        resolver,
        relay,
        retention,
        reconciler,
        schedule,
        directory,
        vault,
        access,
        delivery,
    )


async def migrate_database(settings: Settings) -> None:
    """Brings the database's schema up to date.

    Raises:
        SettingsRejected: No such database.
        Unavailable: It cannot be reached.
    """
    await migrate_ledger(settings.database_url.get_secret_value())


def _ledger(settings: Settings, channels: Sequence[Channel], counters: Counters | None) -> Ledger:
    return open_ledger(
        settings.database_url.get_secret_value(),
        channels=[ChannelRule(channel.name, channel.takes) for channel in channels],
        raw_keys={key_id: secret.get_secret_value() for key_id, secret in settings.raw_keys.items()},
        migrate=settings.database_migrate,
        window=settings.duplicate_window,
        memory_outbox=True,
        on_commit=None if counters is None else counters.committed,
    )
