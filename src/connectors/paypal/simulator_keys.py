"""The simulator's PayPal-Request-Ids: the same key and body get the same answer, as long as PayPal stores the key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.paypal.simulator_world import Object, Refusal, unprocessable

_CREATED = 201
_OK = 200


@dataclass(slots=True)
class _Kept:
    digest: bytes
    until_s: float
    status: int = 0
    """0: it is being worked on."""
    answer: Object = field(default_factory=dict)
    refusal: Refusal | None = None


class Keys:
    """Answers by path and key."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._tries: dict[tuple[str, str], int] = {}

    def answer(
        self, path: str, key: str, body: bytes, life_s: int, handle: Callable[[], tuple[int, Object]]
    ) -> tuple[int, Object]:
        """The kept answer, or that of `handle`. An idempotent answer to a creation is 200."""
        place = (path, key)
        digest = hashlib.sha256(body).digest()
        kept = self._kept.get(place)
        if kept is not None and self._now_s() < kept.until_s:
            if kept.digest != digest:
                raise unprocessable("PAYPAL_REQUEST_ID_PREVIOUSLY_USED")
            if kept.refusal is not None:
                raise kept.refusal
            return (_OK if kept.status == _CREATED else kept.status), kept.answer
        made = _Kept(digest, self._now_s() + life_s)
        try:
            made.status, made.answer = handle()
        except Refusal as refusal:
            if refusal.status < 500:
                made.refusal = refusal
                self._kept[place] = made
            raise
        self._kept[place] = made
        return made.status, made.answer

    def tries(self, path: str, key: str) -> int:
        """How often this was asked, this time included."""
        place = (path, key)
        self._tries[place] = self._tries.get(place, 0) + 1
        return self._tries[place]
