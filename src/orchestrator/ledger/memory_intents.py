"""Intents without a disk: as bounded as the window they belong to, gone with the process."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from dataclasses import replace

from orchestrator.ledger.intents import Intent, State, known_key
from orchestratorx_prism.v1.event_service_pb2 import KnownRequest

_ENDED = {State.DONE, State.REFUSED}


class MemoryIntents:
    """Implements `Intents`. The oldest ended one goes where there are too many; what is not ended stays."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._rows: OrderedDict[bytes, Intent] = OrderedDict()
        self._due: dict[bytes, float] = {}
        self._known: OrderedDict[bytes, KnownRequest] = OrderedDict()

    async def begin(self, intent: Intent, *, lease_s: float, known: KnownRequest | None = None) -> tuple[Intent, bool]:
        """See `Intents`."""
        row, now = self._rows.get(intent.key), time.monotonic()
        if row is None:
            row = replace(intent, claim=uuid.uuid4().bytes)
            self._rows[row.key] = row
            self._know(row, known)
            self._make_room()
        elif row.state in _ENDED or (self._due[row.key] > now and row.claim):
            return row, False
        else:
            row = self._rows[row.key] = replace(row, state=State.UNKNOWN, claim=uuid.uuid4().bytes)
        self._due[row.key] = now + lease_s
        return row, True

    async def finish(self, intent: Intent, state: State, answer: bytes, known: KnownRequest | None = None) -> bool:
        """See `Intents`."""
        if not self._holds(intent):
            return False
        self._rows[intent.key] = replace(self._rows[intent.key], state=state, answer=answer, claim=b"")
        del self._due[intent.key]
        self._know(intent, known)
        return True

    async def postpone(self, intent: Intent, *, delay_s: float, counts: bool = True) -> bool:
        """See `Intents`."""
        if not self._holds(intent):
            return False
        row = self._rows[intent.key]
        self._rows[intent.key] = replace(row, state=State.UNKNOWN, claim=b"", tries=row.tries + counts)
        self._due[intent.key] = time.monotonic() + delay_s
        return True

    async def forget(self, intent: Intent) -> bool:
        """See `Intents`."""
        if not self._holds(intent):
            return False
        del self._rows[intent.key], self._due[intent.key]
        return True

    async def claim_due(self, *, limit: int, lease_s: float) -> list[Intent]:
        """See `Intents`."""
        now = time.monotonic()
        due = sorted((at, key) for key, at in self._due.items() if at <= now)[:limit]
        held = []
        for _, key in due:
            self._rows[key] = replace(self._rows[key], state=State.UNKNOWN, claim=uuid.uuid4().bytes)
            self._due[key] = now + lease_s
            held.append(self._rows[key])
        return held

    async def known_request(self, merchant_id: str, connector: str, connector_request_id: str) -> KnownRequest | None:
        """See `Intents`."""
        return self._known.get(known_key(merchant_id, connector, connector_request_id))

    async def under_way(self, merchant_id: str, connector: str) -> bool:
        """See `Intents`."""
        rows = (self._rows[key] for key in self._due)
        return any(r.claim and r.merchant_id == merchant_id and r.connector == connector for r in rows)

    async def unresolved(self) -> tuple[int, float]:
        """See `Intents`."""
        begun = [row.created_us for row in self._rows.values() if row.state is State.UNKNOWN]
        return len(begun), max(0.0, time.time() - min(begun) / 1e6) if begun else 0.0

    async def purge(self, *, older_than_s: float, limit: int) -> int:
        """See `Intents`."""
        before_us = int((time.time() - older_than_s) * 1e6)
        old = [r.key for r in self._rows.values() if r.state in _ENDED and r.created_us < before_us][:limit]
        for key in old:
            del self._rows[key]
        return len(old)

    def _holds(self, intent: Intent) -> bool:
        row = self._rows.get(intent.key)
        return row is not None and row.claim == intent.claim != b""

    def _know(self, intent: Intent, known: KnownRequest | None) -> None:
        if known is not None:
            self._known[known_key(intent.merchant_id, intent.connector, known.connector_request_id)] = known
            while len(self._known) > self._bound:
                self._known.popitem(last=False)

    def _make_room(self) -> None:
        if len(self._rows) > self._bound:
            ended = next((row.key for row in self._rows.values() if row.state in _ENDED), None)
            if ended is not None:
                del self._rows[ended]
