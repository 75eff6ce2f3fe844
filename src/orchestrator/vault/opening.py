"""Makes the vault that the settings ask for: keys from the environment, from a file, from a key service."""

from __future__ import annotations

import stat
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from orchestrator.settings import Settings, aes_key
from orchestrator.vault.key_service import KeyService
from orchestrator.vault.sealing import Vault
from orchestratorx_prism.errors import SettingsRejected

_TOO_OPEN: Final = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO
"""The group may read it: files that are mounted into containers often belong to root, and to the process's group."""


def vault_of(settings: Settings) -> Vault:
    """The vault, which may have no key at all: it opens and seals nothing then.

    Keys of the file come behind those of `vault_keys`: the last of all seals.

    Raises:
        SettingsRejected: The file or the key service cannot be used as it is.
    """
    keys = {key_id: aes_key(secret.get_secret_value()) for key_id, secret in settings.vault_keys.items()}
    for key_id, key in _keys_in(settings.vault_keys_file).items():
        if keys.pop(key_id, key) != key:
            raise SettingsRejected(
                f"vault_keys_file: {key_id[:40]} is another key than in vault_keys",
                fix="give each key an id of its own",
            )
        keys[key_id] = key
    return Vault(keys, _service(settings.vault_kms) if settings.vault_kms else None)


def _keys_in(name: str) -> dict[str, bytes]:
    if not name:
        return {}
    path = Path(name)
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except OSError as error:
        raise SettingsRejected(
            f"vault_keys_file: {name}: {error.strerror}", fix="name a readable JSON file: key id → key in base64"
        ) from None
    # Failure policy: closed. A key that others may read or replace protects nothing.
    if stat.S_IMODE(mode) & _TOO_OPEN:
        raise SettingsRejected(
            f"vault_keys_file: others may read or write {name} (mode {stat.S_IMODE(mode):o})", fix=f"chmod 600 {name}"
        )
    try:
        return {key_id: aes_key(key) for key_id, key in msgspec.json.decode(text, type=dict[str, str]).items()}
    except (msgspec.DecodeError, ValueError):  # neither's words: they could repeat a part of a key
        raise SettingsRejected(
            f"vault_keys_file: {name} is not a JSON object of key id → 32 bytes in base64",
            fix="`openssl rand -base64 32` makes a key",
        ) from None


def _service(where: str) -> KeyService:
    module, _, name = where.partition(":")
    try:
        factory: Any = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsRejected(
            f"vault_kms: {where} cannot be imported ({type(error).__name__})",
            fix='write it as "package.module:factory", of a package that is installed here',
        ) from error
    try:
        service = factory()
    except SettingsRejected:
        raise
    except Exception as error:
        raise SettingsRejected(
            f"vault_kms: {where}() raised {type(error).__name__}", fix="let it return a key service"
        ) from error
    if not isinstance(service, KeyService):
        raise SettingsRejected(
            f"vault_kms: {where} makes no key service",
            fix="let it return an object with key_id, wrap and unwrap: see orchestrator.vault.KeyService",
        )
    return service
