"""One attempt: sign, post, judge."""

from __future__ import annotations

import time
from functools import lru_cache

import msgspec

from orchestrator.delivery.claims import Owed
from orchestrator.delivery.completing import Outcome
from orchestrator.delivery.endpoint_ids import delivery_id
from orchestrator.delivery.messages import CONTENT_TYPE, body_of
from orchestrator.delivery.posting import Poster
from orchestrator.delivery.registry import Endpoint, Registry
from orchestrator.delivery.signing import signed_headers
from orchestrator.delivery.verdicts import Answer, judge
from orchestratorx_prism.errors import PrismError

USER_AGENT = "OrchestratorX"
_MASK = "····"
_SHOWN = frozenset({"content-type", "user-agent", "webhook-id", "webhook-timestamp", "x-payments-timestamp"})
_encode = msgspec.json.Encoder().encode
_body_of = lru_cache(maxsize=256)(body_of)
"""One event goes to many endpoints."""


class Attempter:
    """Makes attempts."""

    def __init__(self, registry: Registry, poster: Poster) -> None:
        self._registry = registry
        self._poster = poster

    async def attempt(self, owed: Owed) -> tuple[Outcome, int] | None:
        """What came of it, and how many requests the endpoint takes at once; None: the endpoint is gone."""
        now_s = time.time()
        try:
            endpoint = await self._registry.get(owed.endpoint, owed.version)
        except PrismError as error:
            if error.retryable:
                return None  # the database or the key service is away: the lease ends, and it is tried again
            answer = Answer(reason=error.reason, detail="the endpoint's secrets cannot be opened", refused=True)
            return _outcome(owed, answer, now_s, 0, "", {}), 1
        if endpoint is None:
            return None
        body = _body_of(owed.event)
        headers = headers_of(endpoint, delivery_id(owed.key), owed.event_type, body, now_s)
        began = time.monotonic()
        answer = await self._poster.post(owed.endpoint, endpoint.url, headers, body)
        took_ms = int((time.monotonic() - began) * 1_000)
        return _outcome(owed, answer, now_s, took_ms, endpoint.url, headers), endpoint.max_in_flight


def headers_of(endpoint: Endpoint, message_id: str, event_type: str, body: bytes, now_s: float) -> dict[str, str]:
    """Everything that goes along but what HTTP adds."""
    signed = signed_headers(
        endpoint.signing(int(now_s * 1_000_000)),
        message_id,
        int(now_s),
        body,
        payments_headers=event_type if endpoint.payments_headers else None,
    )
    return {"content-type": CONTENT_TYPE, "user-agent": USER_AGENT, **endpoint.headers, **signed}


def masked_headers(headers: dict[str, str]) -> str:
    """As they are kept: signatures and the merchant's own values hidden. JSON."""
    shown = {name: value if name in _SHOWN or name == "x-event-type" else _MASK for name, value in headers.items()}
    return _encode(shown).decode()


def _outcome(owed: Owed, answer: Answer, now_s: float, took_ms: int, url: str, headers: dict[str, str]) -> Outcome:
    return Outcome(
        owed,
        answer,
        judge(answer, time.time()),
        int(now_s * 1_000_000),
        took_ms,
        url,
        masked_headers(headers),
        _encode(dict(answer.headers)).decode(),
    )
