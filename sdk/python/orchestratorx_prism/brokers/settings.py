"""What can be set about a broker, checked before anything connects."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

BROKER_TYPES: Final = ("memory", "nats", "redis", "kafka", "rabbitmq")
"""Every `broker_type` that there is a word for."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_NATS_SCHEMES = {"nats", "tls", "ws", "wss"}


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Which broker, where, and how. `faults()` lists what does not hold together."""

    broker_type: str = "memory"
    """"memory", "nats"; "redis", "kafka" and "rabbitmq" are known, and not available in this version."""
    url: str = field(default="", repr=False)
    """With user and password where the broker wants them: `nats://user:password@host:4222`, several with commas.

    Memory: `memory://name`; brokers of one process and name share their messages. Empty: the name is "default".
    """
    subject_prefix: str = ""
    """NATS: before every subject. The stream takes `<prefix>.>`, or `payments.>` without a prefix."""
    stream: str = "PAYMENTS"
    """NATS: the JetStream stream, made if it is missing; dead letters go to `<stream>_DEAD_LETTERS`."""
    queue_group: str = "orchestratorx"
    """The consumer group of those who name none."""
    replicas: int = 1
    """NATS: copies of the stream, when it is made, 1 to 5. Three for production."""
    credentials_file: str = field(default="", repr=False)
    """NATS: a .creds file, instead of user and password in the URL."""
    tls_ca_file: str = ""
    """PEM file of the authority that signed the broker's certificate; empty: the system's. The URL says `tls://`."""
    publish_timeout_s: float = 5.0
    """Longest wait for one acknowledgement, for a connection, and for room in a full broker. Seconds."""
    ack_wait_s: float = 30.0
    """A delivery that is not ended in this time goes to another consumer. Seconds."""
    max_unacked: int = 256
    """Most unfinished deliveries a group may hold. 1: strict order over all consumers, one message at a time."""
    max_age_s: float = 7 * 86_400.0
    """NATS: how long the stream keeps messages, when it is made. Seconds; 0: for ever. The ledger can replay."""
    duplicate_window_s: float = 120.0
    """NATS: how long the stream remembers message ids, when it is made. Seconds."""
    capacity: int = 10_000
    """Memory: most messages kept. When the oldest is still wanted by a group, publishing waits, then fails."""

    @property
    def servers(self) -> list[str]:
        """The URLs one by one. Not for logs: they may hold passwords."""
        return [part.strip() for part in self.url.split(",") if part.strip()]

    @property
    def address(self) -> str:
        """Where the broker is, for people: the URLs without user and password."""
        return ",".join(_without_password(server) for server in self.servers)

    def faults(self) -> list[str]:
        """Everything that is wrong, a line each with its fix; empty if all is well."""
        found = [] if _TOKEN.fullmatch(self.queue_group) else ["queue_group: use letters, digits, _ and - only"]
        positive = ("publish_timeout_s", "ack_wait_s", "max_unacked", "capacity")
        found += [f"{name}: must be more than 0" for name in positive if getattr(self, name) <= 0]
        return found + (self._nats_faults() if self.broker_type == "nats" else [])

    def _nats_faults(self) -> list[str]:
        found = []
        if not self.servers:
            found.append("url: missing; for example nats://127.0.0.1:4222")
        if any(_scheme(server) not in _NATS_SCHEMES for server in self.servers):
            found.append("url: every server begins with nats://, tls://, ws:// or wss://")
        if not _TOKEN.fullmatch(self.stream):
            found.append("stream: use letters, digits, _ and - only")
        if self.subject_prefix and not all(_TOKEN.fullmatch(token) for token in self.subject_prefix.split(".")):
            found.append("subject_prefix: use words of letters, digits, _ and -, with dots between them")
        if not 1 <= self.replicas <= 5:
            found.append("replicas: 1 to 5; three survive the loss of one server")
        if self.max_age_s < 0 or self.duplicate_window_s <= 0:
            found.append("max_age_s must not be negative, duplicate_window_s must be more than 0")
        elif 0 < self.max_age_s < self.duplicate_window_s:
            found.append("duplicate_window_s: must not be longer than max_age_s")
        return found


def _scheme(server: str) -> str:
    return server.partition("://")[0].lower()


def _without_password(server: str) -> str:
    try:
        parts = urlsplit(server)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "(a URL that cannot be read)"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")
