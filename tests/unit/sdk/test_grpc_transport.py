"""The gRPC transport: what goes in clear, certificates, waiting before a retry."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from orchestratorx_prism import EventClient, SettingsRejected, Tls, Unavailable
from orchestratorx_prism.transports.grpc import GrpcTransport, Retry, is_this_machine
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import GetEventRequest, GetEventResponse

SERVICE = "orchestratorx_prism.v1.EventService"
ONCE = Retry(attempts=1)


@pytest.mark.parametrize(
    "target",
    [
        "localhost:50051",
        "127.0.0.1:50051",
        "127.3.2.1:1",
        "[::1]:50051",
        "ipv4:127.0.0.1:50051",
        "ipv6:[::1]:50051",
        "dns:///localhost:50051",
        "unix:/run/orchestrator.sock",
        "unix:///run/orchestrator.sock",
    ],
)
def test_these_targets_are_this_machine(target: str) -> None:
    assert is_this_machine(target)


@pytest.mark.parametrize(
    "target",
    [
        "payments:50051",
        "10.0.0.5:50051",
        "0.0.0.0:50051",
        "[2001:db8::1]:50051",
        "127.0.0.1.example.com:443",
        "localhost.example.com:443",
        "dns://8.8.8.8/localhost:50051",
        "ipv4:127.0.0.1:50051,10.0.0.5:50051",
        "xds:///payments",
    ],
)
def test_these_targets_are_not(target: str) -> None:
    assert not is_this_machine(target)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """(kind of channel, options) of every channel that is opened; none connects."""
    seen: list[tuple[str, dict[str, Any]]] = []
    nowhere = grpc.aio.insecure_channel

    def insecure(_target: str, options: Any) -> Any:
        seen.append(("clear", dict(options)))
        return nowhere("127.0.0.1:1")

    def secure(_target: str, _credentials: Any, options: Any) -> Any:
        seen.append(("tls", dict(options)))
        return nowhere("127.0.0.1:1")

    monkeypatch.setattr(grpc.aio, "insecure_channel", insecure)
    monkeypatch.setattr(grpc.aio, "secure_channel", secure)
    return seen


async def _open(transport: GrpcTransport) -> None:
    with pytest.raises(Unavailable):
        await _get(transport)


async def _get(transport: GrpcTransport) -> GetEventResponse:
    return await transport.unary(SERVICE, "GetEvent", GetEventRequest(event_id="1"), response_type=GetEventResponse)


async def test_secrets_go_in_clear_to_this_machine_only_unless_told(opened: list[tuple[str, dict[str, Any]]]) -> None:
    await _open(GrpcTransport("127.0.0.1:1", retry=ONCE))
    await _open(GrpcTransport("payments:50051", retry=ONCE))
    await _open(GrpcTransport("payments:50051", insecure=True, retry=ONCE))
    await _open(GrpcTransport("127.0.0.1:1", tls=Tls(server_name="payments"), retry=ONCE))
    assert [kind for kind, _ in opened] == ["clear", "tls", "clear", "tls"]
    # A proxy named by the environment must not get what is meant for this machine.
    assert ["grpc.enable_http_proxy" in options for _, options in opened] == [True, False, False, False]
    assert opened[3][1]["grpc.ssl_target_name_override"] == "payments"


def test_tls_and_insecure_contradict_each_other() -> None:
    with pytest.raises(SettingsRejected):
        GrpcTransport("payments:50051", tls=Tls(), insecure=True)


def test_certificates_and_keys_are_not_shown() -> None:
    assert "hidden" not in repr(Tls(client_certificate=b"hidden", client_key=b"hidden"))


@dataclass
class Party:
    certificate: bytes
    key: bytes


def _party(name: str, issuer: Party | None) -> Party:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer: Any = key
    issued_by = subject
    if issuer is not None:
        signer = serialization.load_pem_private_key(issuer.key, None)
        issued_by = x509.load_pem_x509_certificate(issuer.certificate).subject
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issued_by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .sign(signer, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Party(certificate.public_bytes(serialization.Encoding.PEM), private)


async def test_certificates_are_checked_on_both_sides() -> None:
    root = _party("root", None)
    server_side, client_side = _party("payments", root), _party("shop", root)

    async def answer(_request: Any, _context: Any) -> GetEventResponse:
        return GetEventResponse(event=Event(id="1"))

    handler = grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=GetEventRequest.FromString,
        response_serializer=GetEventResponse.SerializeToString,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"GetEvent": handler}),))
    credentials = grpc.ssl_server_credentials(
        [(server_side.key, server_side.certificate)], root_certificates=root.certificate, require_client_auth=True
    )
    target = f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', credentials)}"
    await server.start()
    known = Tls(root.certificate, client_side.certificate, client_side.key, server_name="payments")
    try:
        async with EventClient(target=target, tls=known) as client:
            assert (await client.get_event("1")).id == "1"
        for refused in (
            Tls(root_certificates=root.certificate),
            Tls(None, client_side.certificate, client_side.key),
            Tls(root.certificate, client_side.certificate, client_side.key, server_name="someone-else"),
            None,
        ):
            transport = GrpcTransport(target, tls=refused, retry=ONCE)
            with pytest.raises(Unavailable) as caught:
                await _get(transport)
            assert target in caught.value.fix
            await transport.close()
    finally:
        await server.stop(0)


def test_a_retry_waits_as_the_server_asks_or_at_random_below_a_growing_limit() -> None:
    retry = Retry(first_delay_s=0.1, longest_delay_s=0.3)
    assert retry.delay_s(1, 7.5) == 7.5
    for attempt, most in ((1, 0.1), (2, 0.2), (3, 0.3), (9, 0.3)):
        delays = [retry.delay_s(attempt, None) for _ in range(200)]
        assert min(delays) >= 0
        assert most / 2 < max(delays) <= most
