"""TLS: both servers by the same certificate, gRPC with certificates of its clients, and files that cannot be used."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from certificates import Pair, pair
from cryptography.hazmat.primitives import serialization

from orchestratorx_prism.errors import SettingsRejected


@pytest.fixture
def server(tmp_path: Path) -> Pair:
    return pair(tmp_path, "server")


def tls(server: Pair, **more: str) -> dict[str, Any]:
    return {"tls": {"certificate_file": str(server.certificate), "key_file": str(server.key), **more}}


def client_credentials(server: Pair, client: Pair | None = None) -> Any:
    return grpc.ssl_channel_credentials(
        server.certificate.read_bytes(),
        client.key.read_bytes() if client else None,
        client.certificate.read_bytes() if client else None,
    )


async def test_webhooks_come_over_tls_and_not_without(http_server: Any, server: Pair) -> None:
    async with http_server(tls(server)) as http:
        assert (await http.post()).status_code == 200
        async with httpx.AsyncClient() as plain:
            with pytest.raises(httpx.HTTPError):
                await plain.post(f"http://127.0.0.1:{http.port}/webhooks/stripe/default")
    assert len(http.script.seen) == 1


async def test_tls_older_than_1_2_is_refused(http_server: Any, server: Pair) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    async with http_server(tls(server)) as http, httpx.AsyncClient(verify=old) as client:
        with pytest.raises(httpx.ConnectError):
            await client.post(f"https://127.0.0.1:{http.port}/webhooks/stripe/default")


async def test_calls_come_over_tls_and_not_without(grpc_server: Any, server: Pair) -> None:
    async with grpc_server(tls(server), credentials=client_credentials(server)) as rpc:
        await rpc.handle(timeout=10)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{rpc.port}") as plain:
            with pytest.raises(grpc.aio.AioRpcError):
                await plain.unary_unary("/orchestratorx_prism.v1.EventService/HandleEvent")(b"", timeout=2)
    assert len(rpc.script.seen) == 1


async def test_with_a_client_authority_only_its_clients_get_in(grpc_server: Any, server: Pair, tmp_path: Path) -> None:
    client, stranger = pair(tmp_path, "client"), pair(tmp_path, "stranger")
    values = tls(server, client_ca_file=str(client.certificate))
    async with grpc_server(values, credentials=client_credentials(server, client)) as rpc:
        await rpc.handle(timeout=10)
        for credentials in (client_credentials(server), client_credentials(server, stranger)):
            async with grpc.aio.secure_channel(f"127.0.0.1:{rpc.port}", credentials) as channel:
                with pytest.raises(grpc.aio.AioRpcError):
                    await channel.unary_unary("/orchestratorx_prism.v1.EventService/HandleEvent")(b"", timeout=2)
    assert len(rpc.script.seen) == 1


@pytest.mark.parametrize("which", ["certificate_file", "key_file"])
async def test_files_that_cannot_be_read_are_named_at_start(
    http_server: Any, grpc_server: Any, server: Pair, which: str
) -> None:
    values = tls(server)
    values["tls"][which] = "/nowhere/file.pem"
    for make in (http_server, grpc_server):
        with pytest.raises(SettingsRejected, match="tls"):
            async with make(values):
                pytest.fail("it started")


async def test_a_key_that_does_not_belong_to_its_certificate_is_refused_at_start(
    http_server: Any, grpc_server: Any, server: Pair, tmp_path: Path
) -> None:
    values = tls(Pair(server.certificate, pair(tmp_path, "other").key))
    for make in (http_server, grpc_server):
        with pytest.raises(SettingsRejected, match="tls"):
            async with make(values):
                pytest.fail("it started")


async def test_a_key_under_a_passphrase_is_refused_and_nobody_is_asked_for_it(
    http_server: Any, grpc_server: Any, server: Pair
) -> None:
    key = serialization.load_pem_private_key(server.key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"hunter2")
    server.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    for make in (http_server, grpc_server):
        with pytest.raises(SettingsRejected, match="tls"):
            async with make(tls(server)):
                pytest.fail("it started")
