"""Sockets to listen on: bound here, so that every way to start the server finds ports and faults alike."""

from __future__ import annotations

import socket
import ssl

from orchestrator.settings import TlsSettings
from orchestratorx_prism.errors import SettingsRejected, Unavailable


def bind(host: str, port: int, *, share: bool = False) -> socket.socket:
    """A bound TCP socket that does not listen yet. Port 0: a free one.

    Args:
        share: Let other sockets of this user bind the same port too (SO_REUSEPORT).

    Raises:
        Unavailable: The address cannot be had.
    """
    bare = host.strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            bare, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if share:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(address)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:  # UnicodeError: no host name at all, as "a..b"
        raise address_unavailable(host, port, getattr(error, "strerror", "") or type(error).__name__) from None
    return listener


def reserve(host: str, port: int) -> socket.socket:
    """A port that this process's workers may share, and that was nobody's before.

    The socket never listens; it keeps the port while workers come and go.

    Raises:
        Unavailable: Somebody has it, be it another server that would share it.
    """
    alone = bind(host, port)
    found: int = alone.getsockname()[1]
    alone.close()
    return bind(host, found, share=True)


def check_tls(tls: TlsSettings) -> None:
    """
    Raises:
        SettingsRejected: A file cannot be read or is no PEM, or the key does not belong to the certificate, or wants a
            passphrase.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password of its own OpenSSL would ask for it at the terminal, and wait.
        context.load_cert_chain(tls.certificate_file, tls.key_file, password="")
        if tls.client_ca_file:
            context.load_verify_locations(tls.client_ca_file)
    except OSError as error:  # ssl.SSLError is one
        why = error.strerror or getattr(error, "reason", "") or type(error).__name__
        raise SettingsRejected(
            f"tls: certificate_file, key_file or client_ca_file cannot be used: {why}",
            fix="name PEM files that can be read; the key must belong to the certificate and have no passphrase",
        ) from None


def port_of(listener: socket.socket) -> int:
    """The port a socket is bound to."""
    port: int = listener.getsockname()[1]
    return port


def join_host_port(host: str, port: int) -> str:
    """`127.0.0.1:50051`, `[::1]:50051`."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def address_unavailable(host: str, port: int, why: str) -> Unavailable:
    """The refusal to start on an address."""
    return Unavailable(
        f"cannot listen on {join_host_port(host, port)}: {why}",
        reason="ADDRESS_UNAVAILABLE",
        fix="stop the program that has the port, or set another (grpc_port, http_port; 0 takes a free one)",
    )
