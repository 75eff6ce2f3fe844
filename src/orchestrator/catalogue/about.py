"""Who owns and who reads: what no table of the code can know, from a TOML file. Every fault at once.

owner = "payments-platform"                 # of everything that no line below says otherwise

[teams.payments-platform]
title = "Payments platform"
email = "payments@example.com"

[owners]
"dispute.*" = "risk"                        # names of events, or patterns that end in *

[consumers.order-service]
title = "Order service"
owner = "orders"
reads = ["payment.captured", "refund.*"]
channels = ["events"]                       # left out: all
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import msgspec

from orchestrator.catalogue.model import CatalogueChannel, CatalogueEvent, Consumer, Team, matches
from orchestratorx_prism.errors import SettingsRejected

DEFAULT_OWNER: Final = "payments"
PUBLISHER: Final = "orchestratorx"
"""What publishes, as a service of the catalogue."""
CONNECTOR_PREFIX: Final = "connector-"
"""Before a connector's name, as a service of the catalogue."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class TeamEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[teams.NAME]`"""

    title: str = ""
    summary: str = ""
    email: str = ""


class ConsumerEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[consumers.NAME]`"""

    reads: tuple[str, ...]
    title: str = ""
    summary: str = ""
    owner: str = ""
    channels: tuple[str, ...] = ()


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    owner: str = DEFAULT_OWNER
    teams: dict[str, TeamEntry] = {}
    owners: dict[str, str] = {}
    consumers: dict[str, ConsumerEntry] = {}

    def owner_of(self, name: str) -> str:
        """The first line of `owners` that takes the event's name; else `owner`."""
        return next((team for pattern, team in self.owners.items() if matches(pattern, name)), self.owner)

    def all_teams(self) -> tuple[Team, ...]:
        """Every team that is named, by name."""
        named = {self.owner, *self.owners.values(), *(each.owner or self.owner for each in self.consumers.values())}
        entries = {name: self.teams.get(name, TeamEntry()) for name in sorted(named | self.teams.keys())}
        return tuple(
            Team(name, entry.title or title_of(name), entry.summary, entry.email) for name, entry in entries.items()
        )

    def all_consumers(self) -> tuple[Consumer, ...]:
        """Every consumer, by name."""
        return tuple(
            Consumer(
                name,
                entry.title or title_of(name),
                entry.summary,
                entry.owner or self.owner,
                entry.reads,
                entry.channels,
            )
            for name, entry in sorted(self.consumers.items())
        )


def title_of(name: str) -> str:
    """ "order-service" → "Order service" """
    return name.replace("-", " ").replace("_", " ").capitalize()


def read_about(path: Path) -> About:
    """The file's content.

    Raises:
        SettingsRejected: It cannot be read, or holds what it should not.
    """
    try:
        about = msgspec.toml.decode(path.read_bytes(), type=About)
    except OSError as error:
        raise _rejected(path, [error.strerror or "cannot be read"]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _rejected(path, [str(error)]) from None
    faults = _unfit_names(about)
    faults += [f"teams: there is no {name}{_nearest(name, about.teams)}" for name in _unknown_teams(about)]
    if faults:
        raise _rejected(path, faults)
    return about


def check_about(about: About, events: Iterable[CatalogueEvent], channels: Iterable[CatalogueChannel]) -> None:
    """Raises SettingsRejected for whatever is said of events and channels that there are none of."""
    names = sorted({event.shape.name for event in events})
    channel_names = [channel.name for channel in channels]
    faults = [f"owners: {fault}" for fault in _unmatched(about.owners, names)]
    for consumer, entry in about.consumers.items():
        faults += [f"consumers.{consumer}.reads: {fault}" for fault in _unmatched(entry.reads, names)]
        faults += [
            f"consumers.{consumer}.channels: there is no {name}{_nearest(name, channel_names)}"
            for name in entry.channels
            if name not in channel_names
        ]
    if faults:
        raise _rejected("what is said about the catalogue", faults)


def _unfit_names(about: About) -> list[str]:
    """Names become names of files, so nothing else may be in them."""
    teams = [("teams", team.name) for team in about.all_teams()]
    consumers = [("consumers", name) for name in about.consumers]
    faults = [
        f"{where}: {name}: use letters, digits, _, - and ."
        for where, name in teams + consumers
        if not _NAME.fullmatch(name)
    ]
    taken = [name for name in about.consumers if name == PUBLISHER or name.startswith(CONNECTOR_PREFIX)]
    return faults + [f"consumers: {name}: the name is taken by a part of this software" for name in taken]


def _unknown_teams(about: About) -> list[str]:
    if not about.teams:
        return []
    named = [about.owner, *about.owners.values(), *(entry.owner for entry in about.consumers.values() if entry.owner)]
    return [name for name in dict.fromkeys(named) if name not in about.teams]


def _unmatched(patterns: Iterable[str], names: list[str]) -> list[str]:
    unmatched = [pattern for pattern in patterns if not any(matches(pattern, name) for name in names)]
    return [f"there is no {pattern}{_nearest(pattern, names)}" for pattern in unmatched]


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _rejected(where: Path | str, faults: list[str]) -> SettingsRejected:
    lines = "\n  ".join(faults)
    return SettingsRejected(f"{where}:\n  {lines}", fix="docs/catalogue.md shows the file", reason="CATALOGUE_INVALID")
