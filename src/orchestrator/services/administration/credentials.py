"""CredentialService: merchants' own keys for providers. What is put comes out again masked, or to the provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, and_, insert, select, update

from connectors.spi import Environment, Label
from orchestrator.access.audit import append
from orchestrator.ledger.schema_tenancy import provider_credentials as table
from orchestrator.ledger.tables import Tables, Work, now_us
from orchestrator.plugins import connector_named, installed_connectors
from orchestrator.services.administration.credential_sets import check_whole, given_in, merged, show, told
from orchestrator.services.administration.merchants import timestamp
from orchestrator.services.administration.revising import next_revision, no_such_merchant, seen_here, up_to_date
from orchestrator.services.checks import field_fault
from orchestrator.services.directory import KIND, Directory, Key, KnownCredentials, Secrets, environment_name, place_of
from orchestrator.services.merchants import Merchants, holds_secrets
from orchestrator.settings import DEFAULT_MERCHANT, ConnectorSettings, Settings
from orchestrator.vault import Vault
from orchestratorx_prism.errors import NotFound, RequestRejected
from orchestratorx_prism.v1 import credential_service_pb2 as pb

_ATTEMPTS: Final = 10
"""Of keeping what others kept: each begins anew when somebody else wrote meanwhile."""


class CredentialService:
    """Every rpc of `orchestratorx_prism.v1.CredentialService`, in snake case."""

    def __init__(
        self, settings: Settings, tables: Tables, vault: Vault, directory: Directory, merchants: Merchants
    ) -> None:
        self._settings = settings
        self._tables = tables
        self._vault = vault
        self._directory = directory
        self._merchants = merchants

    async def put(self, request: pb.CredentialServicePutRequest) -> pb.CredentialServicePutResponse:
        """Keeps credentials, sealed. They are used from the next call on: here at once, elsewhere within a second.

        Raises:
            UnknownConnector: No such connector is installed; the fix names the nearest.
            RequestRejected: A name that the connector does not have, or a value that cannot be.
            SettingsRejected: VAULT_KEY_NEEDED: there is no key to encrypt them with.
            NotFound: No such merchant.
        """
        label = connector_named(request.connector)
        given = given_in(label, request)
        keep_secrets = request.keep_webhook_secrets if request.HasField("keep_webhook_secrets") else None
        if keep_secrets is not None and (keep_secrets < 0 or not request.keep_others):
            raise field_fault("keep_webhook_secrets", "not negative, and only with keep_others")
        self._vault.check()
        key = await self._key(request.merchant_id, label, request.environment)
        for _ in range(_ATTEMPTS):
            before = await self._sealed(key)
            new = given
            if request.keep_others and before is not None:
                new = merged(await self._opened(key, before), given, keep_secrets)
            check_whole(new)
            if await self._written(key, before if request.keep_others else None, new):
                break
        else:
            raise RequestRejected("others change these credentials all the time", reason="CONFLICT", fix="repeat it")
        await seen_here(self._directory)
        return pb.CredentialServicePutResponse(credentials=self._kept(key))

    async def get(self, request: pb.CredentialServiceGetRequest) -> pb.CredentialServiceGetResponse:
        """What is kept, else what the settings have. Masked. Raises NotFound."""
        label = connector_named(request.connector)
        key = await self._key(request.merchant_id, label, request.environment)
        if self._directory.credentials(*key) is not None:
            return pb.CredentialServiceGetResponse(credentials=self._kept(key))
        for one in self._from_settings(key[0]):
            if (one.connector, one.environment) == key[1:]:
                return pb.CredentialServiceGetResponse(credentials=one)
        raise _no_such_credentials()

    async def list(self, request: pb.CredentialServiceListRequest) -> pb.CredentialServiceListResponse:
        """All of a merchant's, masked: those kept, and those of the settings. Raises NotFound for no such merchant."""
        merchant_id = await self._merchant(request.merchant_id)
        found = [self._kept(key) for key in self._directory.credentials_of(merchant_id)]
        found += self._from_settings(merchant_id)
        found.sort(key=lambda one: (one.connector, one.environment, one.from_settings))
        return pb.CredentialServiceListResponse(credentials=found)

    async def delete(self, request: pb.CredentialServiceDeleteRequest) -> pb.CredentialServiceDeleteResponse:
        """Forgets what is kept. Raises NotFound if nothing is."""
        label = connector_named(request.connector)
        key = await self._key(request.merchant_id, label, request.environment)

        def work() -> Work[None]:
            revision = yield from next_revision()
            forgetting = update(table).where(_is(key), table.c.sealed.is_not(None))
            if not (
                yield forgetting.values(sealed=None, updated_at=now_us(), revision=revision).returning(
                    table.c.connector
                )
            ):
                raise _no_such_credentials()
            yield from append("credentials.deleted", _target(key), key[0])

        await self._tables.transact(work)
        await seen_here(self._directory)
        return pb.CredentialServiceDeleteResponse()

    async def _merchant(self, asked: str) -> str:
        await up_to_date(self._directory)
        merchant_id = asked or DEFAULT_MERCHANT
        if not self._merchants.exists(merchant_id):
            raise no_such_merchant()
        return merchant_id

    async def _key(self, merchant_id: str, label: Label, environment: Environment.ValueType) -> Key:
        if environment not in Environment.values():
            raise field_fault("environment", "SANDBOX or PRODUCTION, or none for the merchant's own")
        known = await self._merchant(merchant_id)
        return known, label.name, environment or self._merchants.environment(known)

    async def _sealed(self, key: Key) -> bytes | None:
        rows = await self._tables.read(select(table.c.sealed).where(_is(key), table.c.sealed.is_not(None)))
        return bytes(rows[0][0]) if rows else None

    async def _opened(self, key: Key, sealed: bytes) -> Secrets:
        return msgspec.json.decode(await self._vault.open(KIND, *place_of(key), sealed), type=Secrets)

    async def _written(self, key: Key, before: bytes | None, new: Secrets) -> bool:
        """Whether it was: not if `before` was merged with, and is no longer what is there."""
        sealed = await self._vault.seal(KIND, *place_of(key), msgspec.json.encode(new))

        def work() -> Work[bool]:
            revision = yield from next_revision()
            rows = yield select(table.c.sealed).where(_is(key))
            there = rows[0][0] if rows else None
            if before is not None and (there is None or bytes(there) != before):
                return False
            values = {"sealed": sealed, "updated_at": now_us(), "revision": revision}
            if there is None:
                values["created_at"] = now_us()
            if rows:
                yield update(table).where(_is(key)).values(**values)
            else:
                place = dict(zip(("merchant_id", "connector", "environment"), key, strict=True))
                yield insert(table).values(**place, **values)
            yield from append("credentials.changed", _target(key), key[0], told(new))
            return True

        return await self._tables.transact(work)

    def _kept(self, key: Key) -> pb.CredentialSet:
        known = self._directory.credentials(*key)
        if known is None:  # put here, and deleted elsewhere before it could be shown
            raise _no_such_credentials()
        return self._as_message(key, known)

    def _as_message(self, key: Key, known: KnownCredentials) -> pb.CredentialSet:
        merchant_id, connector, environment = key
        shown = pb.CredentialSet(
            merchant_id=merchant_id,
            connector=connector,
            environment=Environment.ValueType(environment),
            created_at=timestamp(known.created_us),
            updated_at=timestamp(known.updated_us),
            shadowed=holds_secrets(self._named(merchant_id, connector)),
        )
        if known.secrets is not None:
            show(shown, known.secrets)
        elif known.fault is not None:
            shown.fault = known.fault.reason
        return shown

    def _named(self, merchant_id: str, connector: str) -> ConnectorSettings:
        merchant = self._settings.merchants.get(merchant_id)
        return (merchant and merchant.connectors.get(connector)) or ConnectorSettings()

    def _from_settings(self, merchant_id: str) -> Iterator[pb.CredentialSet]:
        merchant = self._settings.merchants.get(merchant_id)
        for name in sorted(merchant.connectors) if merchant else ():
            label, named = installed_connectors()[name], self._named(merchant_id, name)
            if holds_secrets(named):
                shown = pb.CredentialSet(
                    merchant_id=merchant_id,
                    connector=name,
                    environment=self._merchants.environment(merchant_id),
                    from_settings=True,
                )
                show(shown, _secrets_of(label, named))
                yield shown


def _secrets_of(label: Label, named: ConnectorSettings) -> Secrets:
    of_webhooks = {label.webhook_secret_key, label.webhook_id_key}
    values = {name: one.get_secret_value() for name, one in named.credentials.items() if name not in of_webhooks}
    return Secrets(values, tuple(one.get_secret_value() for one in named.webhook_secrets), named.webhook_id)


def _is(key: Key) -> ColumnElement[bool]:
    merchant_id, connector, environment = key
    return and_(
        table.c.merchant_id == merchant_id, table.c.connector == connector, table.c.environment == int(environment)
    )


def _target(key: Key) -> str:
    return f"{key[1]}/{environment_name(key[2])}"


def _no_such_credentials() -> NotFound:
    return NotFound("no such credentials", fix="check merchant, connector and environment: List shows what is kept")
