"""ApiKeyService: who may call, and what for. No key reaches further than whoever made it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from sqlalchemy import or_

from orchestrator.access import key_rows
from orchestrator.access.keys import Key, is_id, new_text
from orchestrator.access.principal import EVERYBODY, Principal, authority
from orchestrator.access.scopes import SCOPES
from orchestrator.ledger.paging import fingerprint, position_of, token_after
from orchestrator.ledger.schema_access import api_keys
from orchestrator.ledger.tables import Tables, now_us
from orchestrator.services.checks import field_fault, page_size
from orchestrator.settings import DEFAULT_MERCHANT
from orchestratorx_prism.v1 import api_key_service_pb2 as pb

MAX_OVERLAP_S: Final = 30 * 86_400
DEFAULT_OVERLAP_S: Final = 86_400
_LONGEST_NAME: Final = 200
_MOST_CALLS: Final = 10_000_000

KnownMerchant = Callable[[str], Awaitable[bool]]


class ApiKeyService:
    """Every rpc of `orchestratorx_prism.v1.ApiKeyService`, in snake case."""

    def __init__(self, tables: Tables, knows: KnownMerchant, changed: Callable[[], None]) -> None:
        """`knows`: whether there is such a merchant. `changed`: told when keys have changed here."""
        self._tables = tables
        self._knows = knows
        self._changed = changed

    async def create(self, request: pb.ApiKeyServiceCreateRequest) -> pb.ApiKeyServiceCreateResponse:
        """Makes a key. Its text is in the answer, and nowhere else."""
        by = authority()
        wanted = _wanted(request, _merchant(by, request.merchant_id))
        key_rows.check_reach(by, wanted.scopes)
        if wanted.merchant_id != EVERYBODY and not await self._knows(wanted.merchant_id):
            raise field_fault("merchant_id", "no such merchant")
        text = new_text()
        key = await self._tables.transact(lambda: key_rows.create(text, wanted))
        self._changed()
        return pb.ApiKeyServiceCreateResponse(api_key=shown(key), secret=text)

    async def get(self, request: pb.ApiKeyServiceGetRequest) -> pb.ApiKeyServiceGetResponse:
        """One key."""
        merchant_id = _merchant(authority(), request.merchant_id)
        _check_id(request.key_id)
        where = (api_keys.c.key_id == request.key_id, api_keys.c.merchant_id == merchant_id)
        rows = await self._tables.read(key_rows.selected().where(*where))
        if not rows:
            raise key_rows.no_such_key()
        return pb.ApiKeyServiceGetResponse(api_key=shown(key_rows.key_of(rows[0])))

    async def list(self, request: pb.ApiKeyServiceListRequest) -> pb.ApiKeyServiceListResponse:
        """A merchant's keys, newest first."""
        merchant_id = _merchant(authority(), request.merchant_id)
        size, mark = page_size(request.page_size), fingerprint("keys", request)
        after = position_of(request.page_token, mark)
        query = key_rows.selected().where(api_keys.c.merchant_id == merchant_id)
        if after is not None:
            query = query.where(api_keys.c.n < after[0])
        if not request.ended:
            lasts = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now_us())
            query = query.where(api_keys.c.revoked_at.is_(None), lasts)
        rows = await self._tables.read(query.order_by(api_keys.c.n.desc()).limit(size + 1))
        keys = [key_rows.key_of(row) for row in rows[:size]]
        token = token_after(mark, (keys[-1].number, 0)) if len(rows) > size else ""
        return pb.ApiKeyServiceListResponse(api_keys=map(shown, keys), next_page_token=token)

    async def rotate(self, request: pb.ApiKeyServiceRotateRequest) -> pb.ApiKeyServiceRotateResponse:
        """Makes another key with the same rights; the old one ends after the overlap."""
        by = authority()
        merchant_id = _merchant(by, request.merchant_id)
        _check_id(request.key_id)
        overlap_s = request.overlap_s if request.HasField("overlap_s") else DEFAULT_OVERLAP_S
        if not 0 <= overlap_s <= MAX_OVERLAP_S:
            raise field_fault("overlap_s", f"from 0 to {MAX_OVERLAP_S} seconds")
        text = new_text()
        new, old = await self._tables.transact(
            lambda: key_rows.rotate(request.key_id, merchant_id, text, overlap_s, by)
        )
        self._changed()
        return pb.ApiKeyServiceRotateResponse(api_key=shown(new), secret=text, previous=shown(old))

    async def revoke(self, request: pb.ApiKeyServiceRevokeRequest) -> pb.ApiKeyServiceRevokeResponse:
        """Ends a key: here at once, on every other server within half a second."""
        merchant_id = _merchant(authority(), request.merchant_id)
        _check_id(request.key_id)
        key = await self._tables.transact(lambda: key_rows.revoke(request.key_id, merchant_id))
        self._changed()
        return pb.ApiKeyServiceRevokeResponse(api_key=shown(key))


def shown(key: Key) -> pb.ApiKey:
    """A key as it may be shown."""
    told = pb.ApiKey(
        key_id=key.key_id,
        merchant_id=key.merchant_id,
        prefix=key.prefix,
        name=key.name,
        scopes=sorted(key.scopes),
        calls_per_minute=key.calls_per_minute,
    )
    told.created_at.FromMicroseconds(key.created_at_us)
    for name, at_us in (
        ("expires_at", key.expires_at_us),
        ("revoked_at", key.revoked_at_us),
        ("last_used_at", key.last_used_at_us),
    ):
        if at_us is not None:
            getattr(told, name).FromMicroseconds(at_us)
    return told


def _merchant(by: Principal, named: str) -> str:
    """Whose keys; a merchant's own caller gets nobody else's, whatever let it come so far."""
    if by.merchant_id == EVERYBODY and "\0" not in named:  # which PostgreSQL does not take
        return named or DEFAULT_MERCHANT
    if named not in {"", by.merchant_id}:
        raise key_rows.no_such_key()
    return by.merchant_id


def _wanted(request: pb.ApiKeyServiceCreateRequest, merchant_id: str) -> key_rows.Wanted:
    unknown = sorted(set(request.scopes) - SCOPES)
    if unknown:
        raise field_fault("scopes", f"no such scope: {unknown[0][:50]!r}; there are {', '.join(sorted(SCOPES))}")
    if not request.scopes:
        raise field_fault("scopes", "name what the key is for, as payments:read")
    if len(request.name) > _LONGEST_NAME or not request.name.isprintable():
        raise field_fault("name", f"at most {_LONGEST_NAME} characters of one line")
    if not 0 <= request.calls_per_minute <= _MOST_CALLS:
        raise field_fault("calls_per_minute", f"from 0, for the installation's limit, to {_MOST_CALLS}")
    expires_at_us = None
    if request.HasField("expires_at"):
        try:
            expires_at_us = request.expires_at.ToMicroseconds()
        except ValueError:
            raise field_fault("expires_at", "not a time between the years 1 and 9999") from None
    return key_rows.Wanted(
        merchant_id, request.name, frozenset(request.scopes), request.calls_per_minute, expires_at_us
    )


def _check_id(key_id: str) -> None:
    if not key_id:
        raise field_fault("key_id", "name the key")
    if not is_id(key_id):
        raise key_rows.no_such_key()
