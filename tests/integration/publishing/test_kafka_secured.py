"""Kafka with users and encryption: a server that takes both, and nobody without them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from certificates import Pair, pair
from free_ports import free_port

from orchestratorx_prism.brokers import BrokerSettings, BrokerUnavailable, Message
from orchestratorx_prism.brokers.kafka import KafkaBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

Opened = Callable[..., KafkaBroker]
USER, PASSWORD = "relay", "hush-hush-1"
JAAS = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'


def inline(file: Path) -> str:
    """A PEM file as the value of a Java property."""
    return file.read_text().replace("\n", "\\n")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, Pair]:
    folder = tmp_path_factory.mktemp("certificates")
    return pair(folder, "server"), pair(folder, "client")


@pytest.fixture(scope="module")
def ports(kafka_process: Callable[[], Any], certificates: tuple[Pair, Pair]) -> dict[str, int]:
    """Of a server that listens for users with passwords (SASL_PLAINTEXT), with encryption too (SASL_SSL), and for those
    who show a certificate (SSL)."""
    server, client = certificates
    process = kafka_process()
    ports = {protocol: free_port() for protocol in ("SASL_PLAINTEXT", "SASL_SSL", "SSL")}
    extra = "".join(f",{protocol}://127.0.0.1:{port}" for protocol, port in ports.items())
    controller = process.configured("listeners").partition(",")[2]
    process.configure(
        listeners=f"PLAINTEXT://127.0.0.1:{process.port},{controller}{extra}",
        advertised_listeners=f"PLAINTEXT://127.0.0.1:{process.port}{extra}",
        listener_security_protocol_map="CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,"
        + ",".join(f"{protocol}:{protocol}" for protocol in ports),
        sasl_enabled_mechanisms="PLAIN",
        listener_name_sasl__plaintext_plain_sasl_jaas_config=JAAS,
        listener_name_sasl__ssl_plain_sasl_jaas_config=JAAS,
        ssl_keystore_type="PEM",
        ssl_keystore_certificate_chain=inline(server.certificate),
        ssl_keystore_key=inline(server.key),
        ssl_truststore_type="PEM",
        ssl_truststore_certificates=inline(client.certificate),
        listener_name_ssl_ssl_client_auth="required",
    )
    process.start()
    return ports


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    clients: list[KafkaBroker] = []
    prefix = f"test-{uuid.uuid4().hex}"

    def open_one(url: str, **settings: Any) -> KafkaBroker:
        own = {"topic_prefix": prefix, "partitions": 1, "publish_timeout_s": 3.0, "session_timeout_s": 1.0}
        clients.append(KafkaBroker(BrokerSettings("kafka", url=url, **own | settings)))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.close()


async def works(broker: KafkaBroker) -> None:
    message = Message(str(uuid.uuid4()), "payments.events", "k", b"1")
    assert await broker.publish([message]) == [None]
    subscription = await broker.subscribe(["payments.events"], group=f"group-{uuid.uuid4().hex}")
    (delivery,) = await subscription.fetch(limit=1, timeout_s=10)
    assert delivery.message == message
    await delivery.dead_letter("enough")
    assert len(await broker.dead_letters(group=subscription.group)) == 1


async def test_a_user_with_the_password_in_the_url(opened: Opened, ports: dict[str, int]) -> None:
    await works(opened(f"kafka://{USER}:{PASSWORD}@127.0.0.1:{ports['SASL_PLAINTEXT']}"))


async def test_a_user_over_tls_whose_authority_is_named(
    opened: Opened, ports: dict[str, int], certificates: tuple[Pair, Pair]
) -> None:
    ca = str(certificates[0].certificate)
    user = {"sasl_mechanism": "PLAIN", "sasl_username": USER, "sasl_password": PASSWORD}
    await works(opened(f"kafka+ssl://127.0.0.1:{ports['SASL_SSL']}", tls_ca_file=ca, **user))


async def test_a_certificate_of_our_own(opened: Opened, ports: dict[str, int], certificates: tuple[Pair, Pair]) -> None:
    server, client = certificates
    files = {"tls_certificate_file": str(client.certificate), "tls_key_file": str(client.key)}
    await works(opened(f"127.0.0.1:{ports['SSL']}", tls_ca_file=str(server.certificate), **files))


async def test_a_server_whose_certificate_nobody_vouches_for_is_not_talked_to(
    opened: Opened, ports: dict[str, int]
) -> None:
    with pytest.raises(BrokerUnavailable, match="cannot connect"):
        await opened(f"kafka+ssl://{USER}:{PASSWORD}@127.0.0.1:{ports['SASL_SSL']}").connect()


async def test_a_wrong_password_is_unavailable_and_is_named_nowhere(
    opened: Opened, ports: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with pytest.raises(BrokerUnavailable, match="cannot connect") as refused:
        await opened(f"kafka://{USER}:open-sesame@127.0.0.1:{ports['SASL_PLAINTEXT']}").connect()
    assert "user" in refused.value.fix
    right = opened(f"kafka://{USER}:{PASSWORD}@127.0.0.1:{ports['SASL_PLAINTEXT']}")
    await right.publish([Message("1", "payments.events", "k", b"4111111111111111")])
    said = f"{refused.value!s} {refused.value!r} {caplog.text}"
    assert "SaslAuthenticateRequest" in said
    assert "ProduceRequest" in said
    assert "open-sesame" not in said
    assert "4111" not in said
    assert PASSWORD not in said
