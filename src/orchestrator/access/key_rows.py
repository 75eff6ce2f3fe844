"""Keys in the database: each change in one transaction with its row of the audit log.

Every change locks the revision first, then keys, then the audit log: so no two of them wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, insert, or_, select, update
from sqlalchemy.sql import ClauseElement

from orchestrator.access.audit import append
from orchestrator.access.keys import Key, hash_of, new_id, prefix_of
from orchestrator.access.principal import Principal
from orchestrator.ledger.schema_access import api_keys, revisions
from orchestrator.ledger.tables import Row, Work, now_us
from orchestratorx_prism.errors import NotFound, PermissionRefused, RequestRejected

REVISION: Final = "api_keys"
_US: Final = 1_000_000
_USE_IS_NOTED_US: Final = 60 * _US
"""How old what is written of a key's last use is at most, while it is used."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key to make."""

    merchant_id: str
    name: str
    scopes: frozenset[str]
    calls_per_minute: int
    """0: the installation's limit."""
    expires_at_us: int | None
    """By the database's clock; None: it has no end."""


def key_of(row: Row) -> Key:
    """A row of `selected`."""
    key_id, number, merchant_id, prefix, hashed, name, scopes, *numbers = row
    return Key(key_id, number, merchant_id, prefix, bytes(hashed), name, frozenset(scopes.split()), *numbers)


def selected() -> Select[Any]:
    """Every column of keys."""
    return select(*api_keys.c)


def create(text: str, wanted: Wanted) -> Work[Key]:
    """Keeps a new key, made of `text`.

    Raises:
        RequestRejected: Its end has already passed.
    """
    number, now = yield from _advance()
    if wanted.expires_at_us is not None and wanted.expires_at_us <= now:
        raise RequestRejected(
            "expires_at: is in the past", fix="name a time to come, or none", metadata={"field": "expires_at"}
        )
    key = _made(text, number, now, wanted)
    yield _insertion(key)
    yield from append("key.created", key.key_id, key.merchant_id, _told(key))
    return key


def rotate(key_id: str, merchant_id: str, text: str, overlap_s: int, by: Principal) -> Work[tuple[Key, Key]]:
    """Puts a key with the same rights, and as long a life, beside another, and ends that one after the overlap.

    Returns the new one, and the old one.

    Raises:
        NotFound: There is no such key.
        RequestRejected: It has ended.
        PermissionRefused: It may do what `by` may not.
    """
    number, now = yield from _advance()
    old = yield from _locked(key_id, merchant_id)
    if old.has_ended(now):
        raise RequestRejected("the key has ended", reason="KEY_ENDED", fix="make a new one")
    check_reach(by, old.scopes)
    life_us = None if old.expires_at_us is None else old.expires_at_us - old.created_at_us
    wanted = Wanted(merchant_id, old.name, old.scopes, old.calls_per_minute, None if life_us is None else now + life_us)
    new = _made(text, number, now, wanted)
    ends_us = now + overlap_s * _US
    if old.expires_at_us is not None:
        ends_us = min(ends_us, old.expires_at_us)
    [row] = yield _change(key_id, expires_at=ends_us)
    yield _insertion(new)
    yield from append("key.rotated", key_id, merchant_id, {**_told(new), "successor": new.key_id})
    return new, key_of(row)


def revoke(key_id: str, merchant_id: str) -> Work[Key]:
    """Ends a key at once. One that is revoked already stays as it is.

    Raises:
        NotFound: There is no such key.
    """
    _number, now = yield from _advance()
    key = yield from _locked(key_id, merchant_id)
    if key.revoked_at_us is not None:
        return key
    [row] = yield _change(key_id, revoked_at=now)
    yield from append("key.revoked", key_id, merchant_id)
    return key_of(row)


def note_uses(key_ids: Iterable[str]) -> Work[None]:
    """Writes down that keys were used just now, unless that was written within the last minute."""
    last = api_keys.c.last_used_at
    for key_id in sorted(key_ids):  # replicas lock rows in one order
        yield (
            update(api_keys)
            .where(api_keys.c.key_id == key_id, or_(last.is_(None), last <= now_us() - _USE_IS_NOTED_US))
            .values(last_used_at=now_us())
        )


def check_reach(by: Principal, scopes: Iterable[str]) -> None:
    """
    Raises:
        PermissionRefused: Some scope is not the maker's own: a key would reach further than whoever made it.
    """
    beyond = sorted(scope for scope in scopes if not by.may(scope))
    if beyond:
        raise PermissionRefused(
            f"a key cannot be given what its maker does not have: {', '.join(beyond)}",
            reason="SCOPE_BEYOND_MAKER",
            fix="ask somebody whose key has these scopes",
        )


def no_such_key() -> NotFound:
    """The refusal where there is no such key, or it is another merchant's."""
    return NotFound("no such key", fix="check the id and the merchant")


def _advance() -> Work[tuple[int, int]]:
    """Tells all replicas that keys change. Returns the new revision, and the time. Microseconds."""
    [(number, now)] = yield (
        update(revisions)
        .where(revisions.c.name == REVISION)
        .values(n=revisions.c.n + 1)
        .returning(revisions.c.n, now_us())
    )
    return number, now


def _locked(key_id: str, merchant_id: str) -> Work[Key]:
    where = (api_keys.c.key_id == key_id, api_keys.c.merchant_id == merchant_id)
    rows = yield selected().where(*where).with_for_update()
    if not rows:
        raise no_such_key()
    return key_of(rows[0])


def _made(text: str, number: int, now: int, wanted: Wanted) -> Key:
    prefix = prefix_of(text)
    assert prefix is not None  # noqa: S101 - `new_text` makes no others
    return Key(
        new_id(),
        number,
        wanted.merchant_id,
        prefix,
        hash_of(text),
        wanted.name,
        wanted.scopes,
        wanted.calls_per_minute,
        created_at_us=now,
        expires_at_us=wanted.expires_at_us,
        revoked_at_us=None,
        last_used_at_us=None,
    )


def _insertion(key: Key) -> ClauseElement:
    return insert(api_keys).values(
        key_id=key.key_id,
        n=key.number,
        merchant_id=key.merchant_id,
        prefix=key.prefix,
        hash=key.hash,
        name=key.name,
        scopes=" ".join(sorted(key.scopes)),
        calls_per_minute=key.calls_per_minute,
        created_at=key.created_at_us,
        expires_at=key.expires_at_us,
        revoked_at=None,
        last_used_at=None,
    )


def _change(key_id: str, **values: int) -> ClauseElement:
    return update(api_keys).where(api_keys.c.key_id == key_id).values(**values).returning(*api_keys.c)


def _told(key: Key) -> dict[str, str]:
    """What the audit log says of a key."""
    return {"prefix": key.prefix, "scopes": " ".join(sorted(key.scopes)), "name": key.name}
