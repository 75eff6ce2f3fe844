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
_KAFKA_SCHEMES = {"", "kafka", "kafka+ssl"}
_KAFKA_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_REDIS_SCHEMES = {"redis", "rediss", "unix"}
_RABBITMQ_SCHEMES = {"amqp", "amqps"}
_EXCHANGE_TYPES = ("topic", "fanout", "direct", "headers")
_AMQP_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,120}")


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Which broker, where, and how. `faults()` lists what does not hold together."""

    broker_type: str = "memory"
    """"memory", "nats", "kafka", "redis" or "rabbitmq"."""
    url: str = field(default="", repr=False)
    """With user and password where the broker wants them: `nats://user:password@host:4222`, several with commas.

    Kafka: `kafka://host:9092`, or `kafka+ssl://` for TLS, or host:port alone.
    Redis: `redis://user:password@host:6379/0`, `rediss://` for TLS. RabbitMQ: `amqp://user:password@host:5672/vhost`,
    `amqps://` for TLS; several with commas, of one cluster.
    Memory: `memory://name`; brokers of one process and name share their messages. Empty: the name is "default".
    """
    subject_prefix: str = ""
    """NATS: before every subject. The stream takes `<prefix>.>`, or `payments.>` without a prefix."""
    stream: str = "PAYMENTS"
    """NATS: the JetStream stream, made if it is missing; dead letters go to `<stream>_DEAD_LETTERS`."""
    queue_group: str = "orchestratorx"
    """The consumer group of those who name none. Redis has its own word for it: `consumer_group`."""
    replicas: int = 1
    """NATS, Kafka: copies of the stream or topic, when it is made, 1 to 5. Three for production."""
    credentials_file: str = field(default="", repr=False)
    """NATS: a .creds file, instead of user and password in the URL."""
    tls_ca_file: str = ""
    """PEM file of the authority that signed the broker's certificate; empty: the system's. The URL says `tls://`
    (NATS) or `kafka+ssl://`."""
    publish_timeout_s: float = 5.0
    """Longest wait for one acknowledgement, for a connection, and for room in a full broker. Seconds."""
    ack_wait_s: float = 30.0
    """A delivery that is not ended in this time goes to another consumer. Seconds."""
    max_unacked: int = 256
    """Most unfinished deliveries a group may hold. 1: strict order over all consumers, one message at a time.

    Kafka: of each consumer. RabbitMQ: of each consumer, too, which is its prefetch; 1 makes the group's queue with a
    single active consumer.
    """
    max_age_s: float = 7 * 86_400.0
    """NATS, Kafka: how long messages are kept, for a stream or topic that is made. Seconds; 0: for ever. The ledger
    can replay.

    RabbitMQ: how long the history keeps them, from which new groups begin.
    """
    duplicate_window_s: float = 120.0
    """NATS: how long the stream remembers message ids, when it is made. Seconds.

    Redis: how long a stream remembers them, up to 100,000. RabbitMQ does not: its publishers and consumers each do.
    """
    capacity: int = 10_000
    """Memory: most messages kept. When the oldest is still wanted by a group, publishing waits, then fails."""
    topic_prefix: str = ""
    """Kafka: before every topic, with a dot between: "acme" makes "acme.payments.events"."""
    group_id: str = "orchestratorx"
    """Kafka: the consumer group of those who name none."""
    auto_offset_reset: str = "earliest"
    """Kafka: where a new group begins, and one whose place is no longer kept: "earliest", or "latest", which skips what
    was published before."""
    partitions: int = 12
    """Kafka: of a topic, when it is made. As many consumers of a group work at once. Do not change it later: keys move
    to other partitions, and their order is lost on the way."""
    session_timeout_s: float = 0.0
    """Kafka: a consumer that the server has not heard of for so long is dead. Seconds; 0: `ack_wait_s`, but 6 to 45.
    The server has limits of its own (`group.min.session.timeout.ms`: 6 seconds). A handler that holds up the event loop
    for so long kills its consumer, too."""
    sasl_mechanism: str = ""
    """Kafka: "PLAIN", "SCRAM-SHA-256" or "SCRAM-SHA-512"; empty: PLAIN if the URL has a user, else none."""
    sasl_username: str = field(default="", repr=False)
    """Kafka: instead of the user in the URL."""
    sasl_password: str = field(default="", repr=False)
    """Kafka: instead of the password in the URL."""
    tls_certificate_file: str = ""
    """Kafka: PEM file of our own certificate, where the server asks for one."""
    tls_key_file: str = field(default="", repr=False)
    """Kafka: PEM file of its key, if it is not in the same file."""
    stream_maxlen: int = 1_000_000
    """Redis: most messages a stream keeps; 0: no limit. What a group wants is never trimmed: publishing fails."""
    consumer_group: str = "orchestratorx"
    """Redis: the consumer group of those who name none."""
    wait_replicas: int = 0
    """Redis: an acknowledgement waits until so many replicas have the message (WAIT)."""
    wait_aof: bool = False
    """Redis 7.2 and later: an acknowledgement waits until it is on disk, here and on those replicas (WAITAOF)."""
    exchange_name: str = ""
    """RabbitMQ: one more exchange, which gets every message with its routing key, for consumers of your own.

    Empty: none. Every address has an exchange of its own besides: "payments.events".
    """
    exchange_type: str = "topic"
    """RabbitMQ: type of `exchange_name`: topic, fanout, direct or headers."""
    exchange_durable: bool = True
    """RabbitMQ: whether `exchange_name` survives a restart of the server."""
    queue_prefix: str = "orchestratorx"
    """RabbitMQ: before the names of queues: `<prefix>.group.<group>`, `<prefix>.dead_letters.<group>`."""

    @property
    def default_group(self) -> str:
        """The consumer group of those who name none."""
        own = {"redis": self.consumer_group, "kafka": self.group_id}
        return own.get(self.broker_type, self.queue_group)

    @property
    def servers(self) -> list[str]:
        """The URLs one by one. Not for logs: they may hold passwords."""
        return [part.strip() for part in self.url.split(",") if part.strip()]

    @property
    def address(self) -> str:
        """Where the broker is, for people: the URLs without user and password."""
        return ",".join(_without_password(server) for server in self.servers)

    @property
    def is_local(self) -> bool:
        """Whether every server is on this machine's loopback."""
        return all(_host(server) in {"localhost", "127.0.0.1", "::1"} for server in self.servers)

    def faults(self) -> list[str]:
        """Everything that is wrong, a line each with its fix; empty if all is well."""
        found = [] if _TOKEN.fullmatch(self.queue_group) else ["queue_group: use letters, digits, _ and - only"]
        positive = ("publish_timeout_s", "ack_wait_s", "max_unacked", "capacity")
        found += [f"{name}: must be more than 0" for name in positive if getattr(self, name) <= 0]
        if self.broker_type == "kafka":
            found += self._kafka_faults()
        if self.broker_type == "redis":
            found += self._redis_faults()
        if self.broker_type == "rabbitmq":
            found += self._rabbitmq_faults()
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

    def _redis_faults(self) -> list[str]:
        found = []
        if not self.servers:
            found.append("url: missing; for example redis://127.0.0.1:6379/0")
        elif len(self.servers) > 1:
            found.append("url: one server, the primary")
        elif _scheme(self.url) not in _REDIS_SCHEMES or not _readable(self.url):
            found.append("url: begins with redis://, rediss:// or unix://, and has a port and a database in digits")
        if not _TOKEN.fullmatch(self.consumer_group):
            found.append("consumer_group: use letters, digits, _ and - only")
        if self.stream_maxlen < 0:
            found.append("stream_maxlen: must not be negative; 0 is no limit")
        if self.wait_replicas < 0:
            found.append("wait_replicas: must not be negative; 0 does not wait")
        if self.duplicate_window_s <= 0:
            found.append("duplicate_window_s: must be more than 0")
        return found

    def _rabbitmq_faults(self) -> list[str]:
        found = []
        if not self.servers:
            found.append("url: missing; for example amqp://guest:guest@127.0.0.1:5672/")
        elif not all(_scheme(server) in _RABBITMQ_SCHEMES and _readable(server) for server in self.servers):
            found.append("url: every server begins with amqp:// or amqps://, and has a port in digits")
        if self.exchange_name and not _AMQP_NAME.fullmatch(self.exchange_name):
            found.append("exchange_name: use letters, digits, _ . : and - only, at most 120")
        if self.exchange_type not in _EXCHANGE_TYPES:
            found.append(f"exchange_type: one of {', '.join(_EXCHANGE_TYPES)}")
        if not _AMQP_NAME.fullmatch(self.queue_prefix):
            found.append("queue_prefix: use letters, digits, _ . : and - only, at most 120")
        if self.max_age_s < 0 or self.duplicate_window_s <= 0:
            found.append("max_age_s must not be negative, duplicate_window_s must be more than 0")
        if self.max_unacked > 65_535:
            found.append("max_unacked: at most 65535, which is all that AMQP can say")
        return found

    def _kafka_faults(self) -> list[str]:
        found = _kafka_url_faults(self.servers)
        if self.topic_prefix and not _KAFKA_NAME.fullmatch(self.topic_prefix):
            found.append("topic_prefix: use words of letters, digits, _ and -, with dots between them")
        if not _KAFKA_NAME.fullmatch(self.group_id):
            found.append("group_id: use words of letters, digits, _ and -, with dots between them")
        if self.auto_offset_reset not in ("earliest", "latest"):
            found.append('auto_offset_reset: "earliest" or "latest"')
        if self.partitions < 1:
            found.append("partitions: 1 or more")
        if not 1 <= self.replicas <= 5:
            found.append("replicas: 1 to 5; three survive the loss of one server")
        if self.max_age_s < 0 or self.session_timeout_s < 0:
            found.append("max_age_s and session_timeout_s: must not be negative")
        return found + self._sasl_faults()

    def _sasl_faults(self) -> list[str]:
        found = []
        if self.sasl_mechanism and self.sasl_mechanism not in _SASL_MECHANISMS:
            found.append(f"sasl_mechanism: one of {', '.join(_SASL_MECHANISMS)}")
        if bool(self.sasl_username) != bool(self.sasl_password):
            found.append("sasl_username and sasl_password: set both, or neither")
        if self.sasl_mechanism and not self.sasl_username and not any("@" in server for server in self.servers):
            found.append("sasl_mechanism: needs sasl_username and sasl_password, or both in the URL")
        if self.tls_key_file and not self.tls_certificate_file:
            found.append("tls_key_file: needs tls_certificate_file")
        return found


def _kafka_url_faults(servers: list[str]) -> list[str]:
    if not servers:
        return ["url: missing; for example kafka://127.0.0.1:9092"]
    schemes = {_scheme(server) if "://" in server else "" for server in servers}
    if not schemes <= _KAFKA_SCHEMES:
        return ["url: every server is host:port, or begins with kafka:// or kafka+ssl://"]
    found = ["url: kafka:// and kafka+ssl:// cannot be mixed"] if {"kafka", "kafka+ssl"} <= schemes else []
    if any("@" in server and "://" not in server for server in servers):
        found.append("url: with a user it begins with kafka:// or kafka+ssl://")
    for server in servers:
        try:
            parts = urlsplit(server if "://" in server else f"//{server}")
            whole = parts.hostname is not None and (parts.port is None or parts.port > 0) and parts.path in ("", "/")
        except ValueError:
            whole = False
        if not whole:
            return [*found, "url: every server is host:port and nothing behind it; several with commas"]
    return found


def _scheme(server: str) -> str:
    return server.partition("://")[0].lower()


def _host(server: str) -> str:
    try:
        return urlsplit(server).hostname or ""
    except ValueError:
        return ""


def _readable(server: str) -> bool:
    """Whether the URL can be taken apart; a port that is no number cannot."""
    try:
        parts = urlsplit(server)
        return parts.port is None or bool(parts.hostname)
    except ValueError:
        return False


def _without_password(server: str) -> str:
    try:
        parts = urlsplit(server if "://" in server else f"//{server}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "(a URL that cannot be read)"
    host = f"[{host}]" if ":" in host else host
    return (f"{parts.scheme}://" if parts.scheme else "") + host + (f":{port}" if port else "")
