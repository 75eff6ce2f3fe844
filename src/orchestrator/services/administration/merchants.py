"""MerchantService: who uses this installation. Those of the settings' file are shown, and changed there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import insert, select, update

from connectors.spi import Environment
from orchestrator.access.audit import append
from orchestrator.access.principal import EVERYBODY, authority
from orchestrator.ledger.schema_tenancy import merchants as table
from orchestrator.ledger.tables import Tables, Work, now_us
from orchestrator.services.administration.revising import next_revision, no_such_merchant, seen_here, up_to_date
from orchestrator.services.checks import field_fault, page_size
from orchestrator.services.directory import Directory, KnownMerchant, environment_name
from orchestrator.services.merchants import Merchants
from orchestrator.settings import DEFAULT_MERCHANT, Settings
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1 import merchant_service_pb2 as pb
from orchestratorx_prism.v1.merchant_pb2 import Merchant

_ID: Final = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII)
_LONGEST_NAME: Final = 200
_PAGE_TOKEN: Final = "after:"  # noqa: S105 - how a page's token begins


class MerchantService:
    """Every rpc of `orchestratorx_prism.v1.MerchantService`, in snake case."""

    def __init__(self, settings: Settings, tables: Tables, directory: Directory, merchants: Merchants) -> None:
        self._settings = settings
        self._tables = tables
        self._directory = directory
        self._merchants = merchants

    async def create(self, request: pb.MerchantServiceCreateRequest) -> pb.MerchantServiceCreateResponse:
        """Makes a merchant.

        Raises:
            RequestRejected: Its id or name cannot be; or MERCHANT_EXISTS.
        """
        merchant_id = request.merchant_id
        if not _ID.fullmatch(merchant_id):
            raise field_fault("merchant_id", '1 to 64 lower case letters, digits, "-" and "_"')
        environment = _environment(request.environment) or self._merchants.environment("")
        values = {
            "merchant_id": merchant_id,
            "display_name": _name(request.display_name) or merchant_id,
            "environment": environment,
            "disabled": False,
        }
        await up_to_date(self._directory)
        if merchant_id == DEFAULT_MERCHANT or merchant_id in self._settings.merchants:
            raise _exists(merchant_id)

        def work() -> Work[None]:
            revision = yield from next_revision()
            if (yield select(table.c.merchant_id).where(table.c.merchant_id == merchant_id)):
                raise _exists(merchant_id)
            yield insert(table).values(**values, created_at=now_us(), updated_at=now_us(), revision=revision)
            yield from append(
                "merchant.created", merchant_id, merchant_id, {"environment": environment_name(environment)}
            )

        await self._tables.transact(work)
        await seen_here(self._directory)
        return pb.MerchantServiceCreateResponse(merchant=self._shown(merchant_id))

    async def get(self, request: pb.MerchantServiceGetRequest) -> pb.MerchantServiceGetResponse:
        """One merchant. Raises NotFound."""
        await up_to_date(self._directory)
        return pb.MerchantServiceGetResponse(merchant=self._shown(request.merchant_id or DEFAULT_MERCHANT))

    async def list(self, request: pb.MerchantServiceListRequest) -> pb.MerchantServiceListResponse:
        """Merchants by id: the caller's own, or all if it acts for all."""
        size = page_size(request.page_size)
        after = _after(request.page_token)
        await up_to_date(self._directory)
        own = authority().merchant_id
        known = {DEFAULT_MERCHANT, *self._settings.merchants, *self._directory.merchants}
        ids = sorted(one for one in known if own in (EVERYBODY, one) and one > after)
        page = ids[:size]
        return pb.MerchantServiceListResponse(
            merchants=[self._shown(one) for one in page],
            next_page_token=f"{_PAGE_TOKEN}{page[-1]}" if len(ids) > size else "",
        )

    async def update(self, request: pb.MerchantServiceUpdateRequest) -> pb.MerchantServiceUpdateResponse:
        """Changes what is set.

        Raises:
            NotFound: No such merchant.
            RequestRejected: FROM_SETTINGS: it stands in the settings' file.
        """
        merchant_id = request.merchant_id or DEFAULT_MERCHANT
        await up_to_date(self._directory)
        if not self._merchants.exists(merchant_id):
            raise no_such_merchant()
        if merchant_id in self._settings.merchants:
            raise RequestRejected(
                "the merchant stands in the settings' file", reason="FROM_SETTINGS", fix="change it there, and restart"
            )
        changes = _changes(request)
        if not changes:
            return pb.MerchantServiceUpdateResponse(merchant=self._shown(merchant_id))

        def work() -> Work[None]:
            revision = yield from next_revision()
            changing = update(table).where(table.c.merchant_id == merchant_id)
            if not (
                yield changing.values(**changes, updated_at=now_us(), revision=revision).returning(table.c.merchant_id)
            ):
                # Only the default merchant is there without a row.
                unset = {
                    "display_name": merchant_id,
                    "environment": self._merchants.environment(merchant_id),
                    "disabled": False,
                }
                yield insert(table).values(
                    merchant_id=merchant_id,
                    **{**unset, **changes},
                    created_at=now_us(),
                    updated_at=now_us(),
                    revision=revision,
                )
            yield from append("merchant.updated", merchant_id, merchant_id, _told(changes))

        await self._tables.transact(work)
        await seen_here(self._directory)
        return pb.MerchantServiceUpdateResponse(merchant=self._shown(merchant_id))

    def _shown(self, merchant_id: str) -> Merchant:
        known = self._directory.merchant(merchant_id)
        if merchant_id in self._settings.merchants or (known is None and merchant_id == DEFAULT_MERCHANT):
            return Merchant(
                merchant_id=merchant_id,
                display_name=merchant_id,
                environment=self._merchants.environment(merchant_id),
                from_settings=merchant_id in self._settings.merchants,
            )
        if known is None:
            raise no_such_merchant()
        return _as_message(known)


def _as_message(known: KnownMerchant) -> Merchant:
    return Merchant(
        merchant_id=known.merchant_id,
        display_name=known.display_name,
        environment=known.environment,
        disabled=known.disabled,
        created_at=timestamp(known.created_us),
        updated_at=timestamp(known.updated_us),
    )


def timestamp(microseconds: int) -> Timestamp:
    """Of microseconds since 1970."""
    stamp = Timestamp()
    stamp.FromMicroseconds(microseconds)
    return stamp


def _changes(request: pb.MerchantServiceUpdateRequest) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if request.HasField("display_name"):
        changes["display_name"] = _name(request.display_name) or request.merchant_id or DEFAULT_MERCHANT
    if request.HasField("environment"):
        environment = _environment(request.environment)
        if not environment:
            raise field_fault("environment", "SANDBOX or PRODUCTION")
        changes["environment"] = environment
    if request.HasField("disabled"):
        changes["disabled"] = request.disabled
    return changes


def _told(changes: Mapping[str, Any]) -> dict[str, str]:
    """For the audit log."""
    told = {name: str(value) for name, value in changes.items()}
    if "disabled" in changes:
        told["disabled"] = "yes" if changes["disabled"] else "no"
    if "environment" in changes:
        told["environment"] = environment_name(changes["environment"])
    return told


def _environment(asked: Environment.ValueType) -> Environment.ValueType:
    if asked not in Environment.values():
        raise field_fault("environment", "SANDBOX or PRODUCTION")
    return asked


def _name(text: str) -> str:
    name = text.strip()
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise field_fault("display_name", f"at most {_LONGEST_NAME} characters that can be printed")
    return name


def _after(token: str) -> str:
    if token and not token.startswith(_PAGE_TOKEN):
        raise field_fault("page_token", "pass next_page_token as it came, or leave it empty for the first page")
    return token.removeprefix(_PAGE_TOKEN)


def _exists(merchant_id: str) -> RequestRejected:
    return RequestRejected(
        f"there is a merchant {merchant_id} already",
        reason="MERCHANT_EXISTS",
        fix="choose another id, or change that one",
        metadata={"field": "merchant_id"},
    )
