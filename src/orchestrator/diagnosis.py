"""What is unsafe about a deployment: its settings, its database, its broker. For `orchestrator doctor`."""

from __future__ import annotations

from orchestrator.bootstrap import build
from orchestrator.ledger.checkup import checkup as checkup_of_database
from orchestrator.plugins import installed_connectors
from orchestrator.publishing.channel_settings import configured_brokers, configured_channels, used_brokers
from orchestrator.settings import Settings
from orchestrator.startup import settings_warnings
from orchestratorx_prism.brokers.checkup import Finding
from orchestratorx_prism.brokers.checkup import checkup as checkup_of_broker
from orchestratorx_prism.errors import SettingsRejected

_LATE_S = 60.0
"""An event that waits longer than this for its broker means that nobody publishes."""


async def diagnose(settings: Settings) -> list[Finding]:
    """Everything found, the unsafe first.

    Raises:
        SettingsRejected: The settings do not hold together.
        Unavailable: The database or the broker cannot be asked.
    """
    texts = settings_warnings(settings, installed_connectors())
    found = [Finding("advice", "settings", *_parted(text)) for text in texts]
    found += await checkup_of_database(settings.database_url.get_secret_value())
    used = used_brokers(configured_channels(settings))
    for name, broker in configured_brokers(settings).items():
        found += await checkup_of_broker(broker) if name in used else []
    found += await _of_outbox(settings)
    return sorted(found, key=lambda finding: finding.level != "unsafe")


def _parted(text: str) -> tuple[str, str]:
    """What a warning says, and what it advises: it ends with that."""
    cut = max(text.rfind(": "), text.rfind("; "))
    return text[:cut], text[cut + 2 :]


async def _of_outbox(settings: Settings) -> list[Finding]:
    """Whether what is recorded is published. Not for a database that this process would have to make first."""
    if settings.database_url.get_secret_value().startswith("memory:"):
        return []
    application = build(settings.model_copy(update={"database_migrate": False, "relay": False}))
    try:
        await application.ledger.open()
    except SettingsRejected as outdated:
        return [Finding("unsafe", "database", outdated.message, outdated.fix)]
    try:
        outbox = application.ledger.outbox
        backlogs = {channel.name: await outbox.backlog(channel.name) for channel in configured_channels(settings)}
    finally:
        await application.stop()
    return [
        Finding(
            "unsafe",
            f"channel {channel}",
            f"{backlog.unsent} events are not published, the oldest for {backlog.oldest_age_s:.0f} s",
            "run a process with relay = true; its log and orchestrator_relay_failed say what keeps it",
        )
        for channel, backlog in backlogs.items()
        if backlog.oldest_age_s > _LATE_S
    ]
