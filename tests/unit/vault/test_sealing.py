"""Sealed secrets open where they belong, with their key, unchanged, and in no other way."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest

from orchestrator.vault import Vault, key_id_of
from orchestratorx_prism.errors import Internal, SettingsRejected, Unavailable

ONE, TWO = b"1" * 32, b"2" * 32
PLACE = ("credentials", "acme", "stripe/SANDBOX")
SECRET = b"sk_test_canary"


class Service:
    """A key service in this process: AES key wrap by master keys of its own."""

    def __init__(self) -> None:
        self.masters: dict[str, bytes] = {"m1": b"m" * 32}
        self.key_id = "m1"
        self.asked = 0
        self.away = False

    async def wrap(self, data_key: bytes) -> bytes:
        from cryptography.hazmat.primitives.keywrap import aes_key_wrap

        return aes_key_wrap(self._master(self.key_id), data_key)

    async def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

        return aes_key_unwrap(self._master(key_id), wrapped)

    def _master(self, key_id: str) -> bytes:
        self.asked += 1
        if self.away:
            raise ConnectionError("no route to the key service")
        return self.masters[key_id]


def vaults() -> Mapping[str, Vault]:
    return {"local": Vault({"one": ONE, "two": TWO}), "envelope": Vault({}, Service())}


@pytest.mark.parametrize("kind", vaults())
async def test_what_was_sealed_opens_at_its_place_and_does_not_show(kind: str) -> None:
    vault = vaults()[kind]
    sealed = await vault.seal(*PLACE, SECRET)
    assert await vault.open(*PLACE, sealed) == SECRET
    assert SECRET not in sealed
    assert sealed != await vault.seal(*PLACE, SECRET)


@pytest.mark.parametrize("kind", vaults())
async def test_it_opens_at_no_other_place(kind: str) -> None:
    vault = vaults()[kind]
    sealed = await vault.seal(*PLACE, SECRET)
    others = [
        ("endpoint", "acme", "stripe/SANDBOX"),
        ("credentials", "rival", "stripe/SANDBOX"),
        ("credentials", "acme", "stripe/PRODUCTION"),
        ("credentials", "acmestripe", "/SANDBOX"),
        ("credentialsacme", "", "stripe/SANDBOX"),
    ]
    for place in others:
        with pytest.raises(Internal) as refused:
            await vault.open(*place, sealed)
        assert refused.value.reason == "VAULT_UNREADABLE"


@pytest.mark.parametrize("kind", vaults())
async def test_whatever_byte_is_changed_or_cut_off_it_is_refused(kind: str) -> None:
    vault = vaults()[kind]
    sealed = await vault.seal(*PLACE, SECRET)
    changed = [sealed[:i] + bytes((sealed[i] ^ 1,)) + sealed[i + 1 :] for i in range(len(sealed))]
    cut = [sealed[:i] for i in range(len(sealed))]
    for stored in itertools.chain(changed, cut, [SECRET, b""]):
        with pytest.raises((Internal, SettingsRejected, Unavailable)):
            await vault.open(*PLACE, stored)


async def test_the_last_key_seals_and_every_key_opens() -> None:
    before = await Vault({"one": ONE}).seal(*PLACE, SECRET)
    rotated = Vault({"one": ONE, "two": TWO})
    after = await rotated.seal(*PLACE, SECRET)
    assert (key_id_of(before), key_id_of(after)) == ("one", "two")
    assert (rotated.is_current(before), rotated.is_current(after)) == (False, True)
    assert await rotated.open(*PLACE, before) == await rotated.open(*PLACE, after) == SECRET
    with pytest.raises(SettingsRejected) as refused:
        await Vault({"two": TWO}).open(*PLACE, before)
    assert refused.value.reason == "VAULT_KEY_MISSING"
    assert refused.value.metadata == {"key_id": "one"}


async def test_without_a_key_nothing_is_sealed_and_the_fix_is_a_command() -> None:
    with pytest.raises(SettingsRejected) as refused:
        await Vault({}).seal(*PLACE, SECRET)
    assert refused.value.reason == "VAULT_KEY_NEEDED"
    assert "openssl rand -base64 32" in refused.value.fix


async def test_a_key_service_is_asked_once_for_many_secrets() -> None:
    service = Service()
    vault = Vault({}, service)
    sealed = [await vault.seal(*PLACE, SECRET) for _ in range(5)]
    assert [await vault.open(*PLACE, one) for one in sealed] == [SECRET] * 5
    assert service.asked == 1
    assert await Vault({}, service).open(*PLACE, sealed[0]) == SECRET
    assert service.asked == 2


async def test_when_the_key_service_has_rotated_its_new_key_seals_and_the_old_one_opens() -> None:
    service = Service()
    vault = Vault({}, service)
    before = await vault.seal(*PLACE, SECRET)
    service.masters["m2"], service.key_id = b"n" * 32, "m2"
    after = await vault.seal(*PLACE, SECRET)
    assert (key_id_of(before), key_id_of(after)) == ("kms:m1", "kms:m2")
    assert (vault.is_current(before), vault.is_current(after)) == (False, True)
    assert await Vault({}, service).open(*PLACE, before) == SECRET


async def test_a_key_service_that_is_away_makes_no_secret_readable_and_none_clear() -> None:
    service = Service()
    sealed = await Vault({}, service).seal(*PLACE, SECRET)
    service.away = True
    for attempt in (Vault({}, service).open(*PLACE, sealed), Vault({}, service).seal(*PLACE, SECRET)):
        with pytest.raises(Unavailable) as refused:
            await attempt
        assert refused.value.reason == "KEY_SERVICE_UNAVAILABLE"


async def test_a_key_service_that_wraps_nothing_is_refused() -> None:
    class Lazy(Service):
        async def wrap(self, data_key: bytes) -> bytes:
            return data_key

    with pytest.raises(Unavailable):
        await Vault({}, Lazy()).seal(*PLACE, SECRET)


async def test_from_keys_to_a_key_service_and_back_old_secrets_open() -> None:
    service = Service()
    local = await Vault({"one": ONE}).seal(*PLACE, SECRET)
    both = Vault({"one": ONE}, service)
    envelope = await both.seal(*PLACE, SECRET)
    assert await both.open(*PLACE, local) == await both.open(*PLACE, envelope) == SECRET
    assert not both.is_current(local)
    with pytest.raises(SettingsRejected) as refused:
        await Vault({"one": ONE}).open(*PLACE, envelope)
    assert refused.value.metadata == {"key_id": "m1"}


@pytest.mark.parametrize("keys", [{"": ONE}, {"k" * 256: ONE}, {"one": b"short"}])
def test_keys_that_cannot_be_used_are_refused(keys: dict[str, bytes]) -> None:
    with pytest.raises(SettingsRejected):
        Vault(keys)
