"""Where master keys come from."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator.settings_loading import settings_from
from orchestrator.vault import vault_of
from orchestratorx_prism.errors import SettingsRejected

ONE, TWO = base64.b64encode(b"1" * 32).decode(), base64.b64encode(b"2" * 32).decode()


def key_file(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "keys.json"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_keys_of_the_file_come_behind_those_of_the_settings(tmp_path: Path) -> None:
    name = key_file(tmp_path, json.dumps({"two": TWO}))
    assert vault_of(settings_from({"vault_keys": {"one": ONE}, "vault_keys_file": name})).key_ids == ["one", "two"]
    again = vault_of(settings_from({"vault_keys": {"two": TWO, "one": ONE}, "vault_keys_file": name}))
    assert again.key_ids == ["one", "two"]


def test_one_id_for_two_keys_is_refused(tmp_path: Path) -> None:
    name = key_file(tmp_path, json.dumps({"one": TWO}))
    with pytest.raises(SettingsRejected, match="another key"):
        vault_of(settings_from({"vault_keys": {"one": ONE}, "vault_keys_file": name}))


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    name = key_file(tmp_path, json.dumps({"one": ONE}), mode)
    with pytest.raises(SettingsRejected) as refused:
        vault_of(settings_from({"vault_keys_file": name}))
    assert "chmod 600" in refused.value.fix


@pytest.mark.parametrize("text", ["", "[]", '{"one": 1}', '{"one": "hunter2"}', '{"one": "aHVudGVyMg=="}'])
def test_a_file_that_holds_no_keys_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsRejected) as refused:
        vault_of(settings_from({"vault_keys_file": key_file(tmp_path, text)}))
    assert "hunter2" not in str(refused.value)
    assert "aHVudGVyMg" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsRejected, match="No such file"):
        vault_of(settings_from({"vault_keys_file": str(tmp_path / "none.json")}))


@pytest.mark.parametrize("key", ["hunter2", "aHVudGVyMg==", "x" * 32])
def test_a_setting_that_is_no_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(SettingsRejected, match="openssl rand -base64 32") as refused:
        settings_from({"vault_keys": {"one": key}})
    assert key not in str(refused.value)


def test_settings_show_no_key() -> None:
    settings = settings_from({"vault_keys": {"one": ONE}})
    assert ONE not in repr(settings)
    assert ONE not in settings.model_dump_json()


@pytest.mark.parametrize("where", ["nowhere", "nowhere:factory", "json:nothing", "json:decoder", "json:loads", ":"])
def test_a_key_service_that_cannot_be_made_is_refused(where: str) -> None:
    with pytest.raises(SettingsRejected, match="vault_kms"):
        vault_of(settings_from({"vault_kms": where}))


def test_a_key_service_is_made_by_its_factory(monkeypatch: pytest.MonkeyPatch) -> None:
    class Service:
        key_id = "arn:key/1"

        async def wrap(self, data_key: bytes) -> bytes:
            raise NotImplementedError

        async def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
            raise NotImplementedError

    module = ModuleType("a_key_service")
    module.make = Service  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_key_service", module)
    vault = vault_of(settings_from({"vault_keys": {"one": ONE}, "vault_kms": "a_key_service:make"}))
    assert vault.key_ids == ["one", "kms:arn:key/1"]
