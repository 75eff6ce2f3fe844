"""AuditService: what the audit log says, and whether it is as it was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, false, func, or_, select

from orchestrator.access.audit import COLUMNS, FIRST, HEAD_ROW, entry_of
from orchestrator.access.principal import EVERYBODY, authority
from orchestrator.ledger.paging import fingerprint, position_of, token_after
from orchestrator.ledger.schema_access import audit_head, audit_log
from orchestrator.ledger.tables import Row, Tables
from orchestrator.services.checks import MOST_VALUES, field_fault, page_size
from orchestrator.settings import DEFAULT_MERCHANT
from orchestratorx_prism.errors import PermissionRefused
from orchestratorx_prism.v1 import audit_service_pb2 as pb

_AT_ONCE: Final = 1_000
_HASH_BYTES: Final = 32
_SUFFIX: Final = ".*"


class AuditService:
    """Every rpc of `orchestratorx_prism.v1.AuditService`, in snake case."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def list(self, request: pb.AuditServiceListRequest) -> pb.AuditServiceListResponse:
        """Entries that fit, newest first, or from the oldest on."""
        size, mark = page_size(request.page_size), fingerprint("audit", request)
        after = position_of(request.page_token, mark)
        number = audit_log.c.n
        query = select(*COLUMNS).where(*_conditions(request))
        if after is not None:
            query = query.where(number > after[0] if request.oldest_first else number < after[0])
        order = number.asc() if request.oldest_first else number.desc()
        rows = await self._tables.read(query.order_by(order).limit(size + 1))
        entries = [_shown(row) for row in rows[:size]]
        token = token_after(mark, (entries[-1].number, 0)) if len(rows) > size else ""
        return pb.AuditServiceListResponse(entries=entries, next_page_token=token)

    async def verify(self, request: pb.AuditServiceVerifyRequest) -> pb.AuditServiceVerifyResponse:
        """Computes the chain anew, as far as it went when this began; what is added meanwhile is not looked at."""
        return await self.verified(request, lambda _seen, _count: None)

    async def verified(
        self, request: pb.AuditServiceVerifyRequest, progress: Callable[[int, int], None]
    ) -> pb.AuditServiceVerifyResponse:
        """As `verify`. `progress`: told how many entries were looked at, of how many."""
        if authority().merchant_id != EVERYBODY:
            raise PermissionRefused("the chain is the whole installation's", reason="INSTALLATION_ONLY")
        if request.known_head and len(request.known_head) != _HASH_BYTES:
            raise field_fault("known_head", f"a SHA-256 has {_HASH_BYTES} bytes")
        state = (select(audit_head.c.n, audit_head.c.hash, select(func.max(audit_log.c.n)).scalar_subquery())).where(
            audit_head.c.id == HEAD_ROW
        )
        heads = await self._tables.read(state)
        if not heads:
            return pb.AuditServiceVerifyResponse(broken_at=1, finding="the head of the log is missing")
        count, seal, newest = heads[0]
        check = _Check(bytes(seal) if seal is not None else FIRST, count, newest or 0, bytes(request.known_head))
        while check.wants_more:
            after = check.seen
            page = select(*COLUMNS).where(audit_log.c.n > after, audit_log.c.n <= count)
            rows = await self._tables.read(page.order_by(audit_log.c.n).limit(_AT_ONCE))
            check.take(rows)
            progress(check.seen, count)
        return check.outcome()


@dataclass(slots=True)
class _Check:
    """Goes along the chain."""

    head: bytes
    count: int
    newest: int
    known_head: bytes
    seen: int = 0
    """The last number that is as it was written."""
    seal: bytes = FIRST
    finding: str = ""
    ended: bool = False
    met_known_head: bool = False

    @property
    def wants_more(self) -> bool:
        return not self.ended and not self.finding

    def take(self, rows: list[Row]) -> None:
        """The next rows; none: there are no more."""
        self.ended = not rows
        for row in rows:
            entry, seal = entry_of(row)
            if entry.number != self.seen + 1:
                self.finding = f"entry {self.seen + 1} is missing"
            elif entry.seal(self.seal) != seal:
                self.finding = f"entry {entry.number} is not as it was written, or not where it was written"
            if self.finding:
                return
            self.seen, self.seal = entry.number, seal
            self.met_known_head |= seal == self.known_head

    def outcome(self) -> pb.AuditServiceVerifyResponse:
        """What there is to say of it."""
        finding, broken_at = self.finding, self.seen + 1
        if not finding and self.seen < self.count:
            finding = f"entries are missing at the end: there were {self.count}"
        elif not finding and self.newest > self.count:
            finding = f"entry {self.count + 1} was never written by the log itself"
        elif not finding and self.seal != self.head:
            finding, broken_at = f"entry {self.seen} is not the one that was written last", self.seen
        elif not finding and self.known_head and not self.met_known_head:
            finding, broken_at = "no entry has the head that was kept: all of the log may have been written anew", 1
        return pb.AuditServiceVerifyResponse(
            entries=self.seen,
            intact=not finding,
            broken_at=broken_at if finding else 0,
            head=self.head,
            finding=finding,
        )


def _conditions(request: pb.AuditServiceListRequest) -> list[ColumnElement[bool]]:
    by = authority().merchant_id
    merchant_id = request.merchant_id or (DEFAULT_MERCHANT if by == EVERYBODY else by)
    if by not in (EVERYBODY, merchant_id):
        return [false()]  # whatever let it come so far: nobody else's
    found: list[ColumnElement[bool]] = []
    if merchant_id != EVERYBODY:
        found.append(audit_log.c.merchant_id == _plain("merchant_id", merchant_id))
    if request.actor:
        found.append(audit_log.c.actor == _plain("actor", request.actor))
    if len(request.actions) > MOST_VALUES:
        raise field_fault("actions", f"at most {MOST_VALUES} values")
    if request.actions:
        found.append(or_(*(_names(_plain("actions", action)) for action in request.actions)))
    for name in ("occurred_from", "occurred_until"):
        if request.HasField(name):
            at_us = _microseconds(request, name)
            found.append(audit_log.c.at >= at_us if name == "occurred_from" else audit_log.c.at < at_us)
    return found


def _names(action: str) -> ColumnElement[bool]:
    """ "auth.*": every action that begins so, dot included; else this one."""
    if action.endswith(_SUFFIX):
        return audit_log.c.action.startswith(action.removesuffix("*"), autoescape=True)
    return audit_log.c.action == action


def _plain(name: str, text: str) -> str:
    if "\0" in text:  # no row has it, and PostgreSQL does not take it
        raise field_fault(name, "has a character that no name has")
    return text


def _microseconds(request: Any, name: str) -> int:
    try:
        return int(getattr(request, name).ToMicroseconds())
    except ValueError:
        raise field_fault(name, "not a time between the years 1 and 9999") from None


def _shown(row: Row) -> pb.AuditEntry:
    entry, seal = entry_of(row)
    told = pb.AuditEntry(
        number=entry.number,
        merchant_id=entry.merchant_id,
        actor=entry.actor,
        action=entry.action,
        target=entry.target,
        remote_address=entry.remote_address,
        details=json.loads(entry.details),
        hash=seal,
    )
    told.occurred_at.FromMicroseconds(entry.at_us)
    return told
