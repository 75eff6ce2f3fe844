"""PEM bundles of trusted roots: read once, when the server starts."""

from __future__ import annotations

from pathlib import Path

from orchestratorx_prism.errors import SettingsRejected

SYSTEM_ANCHORS = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's bundle of roots; holds PayPal's, which certifi does not."""


class TrustAnchors:
    """Bundles by the names of their files."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, ...], tuple[bytes, ...]] = {}

    def of(self, files: tuple[str, ...]) -> tuple[bytes, ...]:
        """Those in the files; of no file, the system's. Raises SettingsRejected if a file cannot be read."""
        if files not in self._read:
            self._read[files] = tuple(_read_anchors(name) for name in files) or _system_anchors()
        return self._read[files]


def _system_anchors() -> tuple[bytes, ...]:
    # Failure policy: closed. Without the system's bundle there are no anchors, and certificates are refused.
    path = Path(SYSTEM_ANCHORS)
    return (path.read_bytes(),) if path.exists() else ()


def _read_anchors(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise SettingsRejected(
            f"trust_anchor_files: {name}: {error.strerror}", fix="name a readable PEM file"
        ) from None
