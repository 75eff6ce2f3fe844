"""Providers lose replies, cut connections, are late and fail, and the server is killed: nobody is charged twice.

Shoppers pay, capture, void and refund through a real server against three simulated providers. They repeat what has no
answer with the same request id, as a good client does; some go away and never ask again. In the end the ledger and the
providers must tell the same story. `--kill-cycles 100` is full scale: 1,000 payments, with the settings and the
patience towards providers that an installation has; here they are short, so that the test is.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
from free_ports import free_port
from killable_server import Server, ledger_events, zygote_process
from lost_reply_providers import (
    AMOUNT,
    KINDS,
    Providers,
    Shoppers,
    charges_of_orders,
    order_name,
    providers_at,
    trust_of_paypal,
)

from connectors.spi.simulating import Faults
from orchestrator.ledger.intents import State
from orchestratorx_prism.transports.grpc import GrpcTransport
from orchestratorx_prism.v1.event_pb2 import Event

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

LOST = {"lost_replies": 0.15, "cut_requests": 0.1, "errors": 0.1, "errors_after": 0.1, "delays": 0.05}
SEED = 20260404


@dataclass(frozen=True)
class Scale:
    """How much is tried, and how long things take."""

    payments: int
    kills: int
    faults: Faults
    alive_s: tuple[float, float]
    """For how long a server lives, at least and at most."""
    settle_s: float
    """For how long the resolver may work after the last answer."""
    constants: tuple[str, ...] = ()
    """How long providers may take, where it is shortened."""
    settings: dict[str, str] = field(default_factory=dict)


SMALL = Scale(
    payments=60,
    kills=6,
    # Some are later than `provider_timeout_s`: carried out when nobody waits any more.
    faults=Faults(**LOST, delay_s=2.2),
    alive_s=(0.2, 0.7),
    settle_s=60,
    # Twice what a request can take here: the server's 2 s, and the delay.
    constants=("connectors.stripe.resolving:GRACE_HERE_S=8",),
    settings={
        "ORCHESTRATOR_PROVIDER_TIMEOUT_S": "2",
        "ORCHESTRATOR_OPERATION_MARGIN_S": "1",
        "ORCHESTRATOR_RESOLVE_AFTER_S": "[0.5, 1, 2, 4, 4, 4, 4]",
    },
)


def full(kills: int) -> Scale:
    return Scale(kills * 10, kills, Faults(**LOST, delay_s=5.0), alive_s=(0.2, 1.5), settle_s=900)


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> Scale:
    kills: int | None = request.config.getoption("--kill-cycles")
    return SMALL if kills is None else full(kills)


@dataclass
class Team:
    """Servers over one database."""

    servers: list[Server]
    dead: list[Server] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dead = list(self.servers)

    async def start(self) -> None:
        """All that are dead; returns when they take connections."""
        while self.dead:
            server = self.dead.pop()
            server.start()
            await server.ready()

    async def kill(self, victims: list[Server]) -> None:
        for server in victims:
            if server not in self.dead:
                await asyncio.to_thread(server.kill)
                self.dead.append(server)


@dataclass(frozen=True)
class Place:
    """Where the servers run."""

    database_url: str
    zygotes: list[subprocess.Popen[str]]
    """One for each server."""


@pytest.fixture(params=["one on SQLite", pytest.param("two on PostgreSQL", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, scale: Scale, tmp_path: Path) -> Iterator[Place]:
    one = request.param.startswith("one")
    url = f"sqlite:///{tmp_path / 'ledger.db'}" if one else request.getfixturevalue("fresh_postgres_url")
    with ExitStack() as stack:
        yield Place(url, [stack.enter_context(zygote_process(*scale.constants)) for _ in range(1 if one else 2)])


async def kill_again_and_again(team: Team, scale: Scale, shoppers: Shoppers) -> list[asyncio.Task[None]]:
    """Orders come evenly over the lives of the servers. Returns all of them, some of which have not ended."""
    dice = random.Random(SEED)
    orders: list[asyncio.Task[None]] = []
    for cycle in range(scale.kills):
        await team.start()
        numbers = range(scale.payments * cycle // scale.kills, scale.payments * (cycle + 1) // scale.kills)
        alive_s = dice.uniform(*scale.alive_s)
        for number in numbers:
            orders.append(asyncio.create_task(shoppers.order(number), name=order_name(number)))
            await asyncio.sleep(alive_s / len(numbers))
        await team.kill(dice.sample(team.servers, dice.randint(1, len(team.servers))))
    return orders


async def unfinished(database_url: str) -> int:
    """How many requests have no answer: in flight, or unknown."""
    waiting = f"({int(State.IN_FLIGHT)}, {int(State.UNKNOWN)})"
    query = f"SELECT count(*) FROM intents WHERE state IN {waiting}"  # noqa: S608 - constants
    if database_url.startswith("sqlite:///"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as reader:
            return int(reader.execute(query).fetchone()[0])
    connection = await asyncpg.connect(database_url)
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


async def until_told_the_same(
    shoppers: Shoppers, providers: Providers, database_url: str, settle_s: float
) -> list[str]:
    """Waits for the resolver; returns what differs in the end."""
    ends_at_s = time.monotonic() + settle_s
    while True:
        wrong = await shoppers.differences(providers)
        if waiting := await unfinished(database_url):
            wrong.append(f"{waiting} requests have no answer")
        if not wrong or time.monotonic() >= ends_at_s:
            return wrong
        await asyncio.sleep(0.5)


def check_events(events: list[Event]) -> None:
    """Each id once; each payment's in sequence."""
    assert len({event.id for event in events}) == len(events), "recorded twice"
    sequences: dict[str, list[int]] = defaultdict(list)
    for event in events:
        if event.payment_id:
            sequences[event.payment_id].append(event.sequence)
    wrong = {payment: found for payment, found in sequences.items() if found != list(range(1, len(found) + 1))}
    assert wrong == {}, "out of sequence"


def check_charges(providers: Providers, payments: int) -> None:
    """One charge an order; of those who went away, one at most."""
    charged = charges_of_orders(providers)
    assert {name: found for name, found in charged.items() if len(found) > 1} == {}, "charged twice"
    for number in range(payments):
        kind = KINDS[number // 3 % len(KINDS)]
        found = charged.get(order_name(number), [])
        if kind == "left alone":
            assert all((one.status, one.captured_minor) == ("AUTHORIZED", 0) for one in found)
            continue
        (truth,) = found
        assert truth.captured_minor == (0 if kind == "voided" else AMOUNT), (kind, truth)
        assert truth.refunded_minor == (2_500 if kind == "captured and refunded" else 0), (kind, truth)


def server_of(zygote: subprocess.Popen[str], ports: tuple[int, int], environment: dict[str, str]) -> Server:
    http_port, grpc_port = ports
    own = {"ORCHESTRATOR_HTTP_PORT": str(http_port), "ORCHESTRATOR_GRPC_PORT": str(grpc_port)}
    return Server(zygote, environment | own, http_port, grpc_port)


async def test_nobody_is_charged_twice_and_no_charge_is_lost(place: Place, scale: Scale, tmp_path: Path) -> None:
    began_s = time.monotonic()
    ports = [(free_port(), free_port()) for _ in place.zygotes]
    trusted = json.dumps([trust_of_paypal(tmp_path)])
    async with providers_at([http for http, _ in ports], scale.faults) as providers:
        environment = {
            **scale.settings,
            **providers.config,
            "ORCHESTRATOR_DATABASE_URL": place.database_url,
            "ORCHESTRATOR_LOG_LEVEL": "error",
            "ORCHESTRATOR_MERCHANTS__DEFAULT__CONNECTORS__PAYPAL__TRUST_ANCHOR_FILES": trusted,
        }
        team = Team([server_of(*of, environment) for of in zip(place.zygotes, ports, strict=True)])
        transports = [GrpcTransport(f"127.0.0.1:{grpc}") for _, grpc in ports]
        shoppers = Shoppers(transports)
        orders = await kill_again_and_again(team, scale, shoppers)
        killed_s = time.monotonic()
        await team.start()
        try:
            async with asyncio.timeout(scale.settle_s):
                await asyncio.gather(*orders)
            for simulator in providers.simulators.values():
                await simulator.aclose()
            answered_s = time.monotonic()
            wrong = await until_told_the_same(shoppers, providers, place.database_url, scale.settle_s)
            told_s = time.monotonic()
            events = [event async for event in ledger_events(team.servers[0])]
        finally:
            for one in orders:
                one.cancel()
            await asyncio.gather(*orders, return_exceptions=True)
            for transport in transports:
                await transport.close()
            await team.kill(team.servers)
        types = Counter(event.type for event in events)
        print(
            f"\n{len(ports)} on {place.database_url.partition(':')[0]}: {scale.payments} payments, "
            f"{scale.kills} kills in {killed_s - began_s:.1f} s, last answer {answered_s - killed_s:.1f} s later, "
            f"same story {told_s - answered_s:.1f} s later; "
            f"repeats {dict(shoppers.repeats)}, paid anew {shoppers.anew}; "
            f"{types['payment.unknown']} unknown, {types['payment.reconciled']} reconciled; "
            f"webhooks taken {dict(providers.delivered)}; {len(events)} events"
        )
        assert wrong == []
        assert providers.refused == []
        check_charges(providers, scale.payments)
        check_events(events)
        assert types["payment.reconciled"], "nothing went wrong: the test proves nothing"
