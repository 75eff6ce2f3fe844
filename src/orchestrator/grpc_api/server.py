"""The gRPC server: which services, which limits, which port; starting and stopping."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc

from orchestrator.access.guard import Guard
from orchestrator.access.opening import open_access
from orchestrator.grpc_api import health, reflection
from orchestrator.grpc_api.calls import Observe, Streams
from orchestrator.grpc_api.dispatch import Dispatcher, Table, any_key, nothing
from orchestrator.listening import address_unavailable, check_tls, join_host_port
from orchestrator.readiness import Readiness
from orchestrator.settings import Settings, TlsSettings


class GrpcServer:
    """Serves services by their descriptors, with health and reflection."""

    def __init__(
        self,
        settings: Settings,
        services: Mapping[Any, object],
        readiness: Readiness,
        observe: Observe,
        *,
        guard: Guard | None = None,
        share_port: bool = False,
    ) -> None:
        """
        Args:
            guard: Who may call what; None: whoever has one of the settings' keys, if there are any.
            services: protobuf ServiceDescriptor → the object whose methods, in snake case, are its rpcs.
            share_port: Whether other processes listen on the same port (SO_REUSEPORT).
        """
        self._settings = settings
        self._guard = guard or open_access(settings).guard
        self._streams = Streams()
        self._server: Any = grpc.aio.server(options=_options(settings, share_port=share_port))
        self._server.add_generic_rpc_handlers((self._dispatcher(services, readiness, observe),))

    async def start(self) -> int:
        """Listens; returns the port.

        Raises:
            Unavailable: The address cannot be had.
            SettingsRejected: The TLS files cannot be used.
        """
        address = join_host_port(self._settings.grpc_host, self._settings.grpc_port)
        try:
            if self._settings.tls.on:
                port: int = self._server.add_secure_port(address, _credentials(self._settings.tls))
            else:
                port = self._server.add_insecure_port(address)
        except RuntimeError:
            raise address_unavailable(
                self._settings.grpc_host, self._settings.grpc_port, "it is taken, or not an address of this machine"
            ) from None
        await self._server.start()
        return port

    async def stop(self, grace_s: float) -> None:
        """Takes no more calls; ends streams; waits for the others as long as `grace_s`, then cuts them off."""
        stopped = asyncio.ensure_future(self._server.stop(grace_s))
        await asyncio.sleep(0)
        self._streams.end()
        await stopped

    def _dispatcher(self, services: Mapping[Any, object], readiness: Readiness, observe: Observe) -> Dispatcher:
        guard = self._guard
        table = Table(limit_s=self._settings.request_timeout_s, streams=self._streams, observe=observe, guard=guard)
        for descriptor, target in services.items():
            table.add(descriptor, target)
        own = list(table.services)
        # Watchers of health are not ended: they are told that the server stops, and end by themselves.
        table.add(health.DESCRIPTOR, health.HealthService(readiness, own), asks=nothing, streams=Streams())
        mirror = reflection.ReflectionService([*table.services, reflection.DESCRIPTOR.full_name])
        table.add(reflection.DESCRIPTOR, mirror, asks=any_key)
        asked = reflection.DESCRIPTOR.methods_by_name["ServerReflectionInfo"]
        table.add_method(f"/{reflection.V1}/{asked.name}", asked, mirror.server_reflection_info, asks=any_key)
        return Dispatcher(table, guard)


def _options(settings: Settings, *, share_port: bool) -> list[tuple[str, int]]:
    """Source: gRPC docs, "gRPC Core: Channel Args" and "Keepalive"."""
    return [
        ("grpc.so_reuseport", int(share_port)),
        ("grpc.max_receive_message_length", settings.grpc_max_message_bytes),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),  # clients may keep alive every 10 s
    ]


def _credentials(tls: TlsSettings) -> Any:
    check_tls(tls)
    certificate, key = Path(tls.certificate_file).read_bytes(), Path(tls.key_file).read_bytes()
    client_ca = Path(tls.client_ca_file).read_bytes() if tls.client_ca_file else None
    return grpc.ssl_server_credentials(
        [(key, certificate)], root_certificates=client_ca, require_client_auth=client_ca is not None
    )
