"""What an endpoint's answer means: a table. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from orchestrator.delivery.schedule import retry_after_of


class Verdict(Enum):
    """What an attempt came to. The values are labels of a metric."""

    DELIVERED = "delivered"
    """2xx."""
    FAILED = "failed"
    """Another try follows, if the schedule has one."""
    OVERLOADED = "overloaded"
    """As FAILED, and the whole endpoint is left alone for a while."""
    GONE = "gone"
    """The endpoint does not want anything any more."""
    REFUSED = "refused"
    """Our own guard did not let it out."""


TIMEOUT: Final = "TIMEOUT"
CONNECT_FAILED: Final = "CONNECT_FAILED"
TLS_FAILED: Final = "TLS_FAILED"
ANSWER_BROKEN: Final = "ANSWER_BROKEN"
PROXY_FAILED: Final = "PROXY_FAILED"
REDIRECT_REFUSED: Final = "REDIRECT_REFUSED"
STATUS: Final = "STATUS"
"""Reasons of failed attempts; the guard's own are in `egress`."""

_STATUSES: Final[dict[int, Verdict]] = {
    410: Verdict.GONE,
    429: Verdict.OVERLOADED,
    502: Verdict.OVERLOADED,
    504: Verdict.OVERLOADED,
}
"""Source: Standard Webhooks, "Operational considerations" (410, 429, 502, 504)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as far as it is kept."""

    status: int = 0
    """0: none came."""
    headers: tuple[tuple[str, str], ...] = ()
    """Names in lower case."""
    body: bytes = b""
    """Its beginning."""
    reason: str = ""
    """Why no answer came: TIMEOUT, …"""
    detail: str = ""
    """More of that, for people. Holds no secret."""
    refused: bool = False
    """Whether our own guard kept it from being sent."""

    def header(self, name: str) -> str | None:
        """The first of that name."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer, judged."""

    verdict: Verdict
    error: str = ""
    """ "TIMEOUT: no answer within 15 s"; empty: it was delivered."""
    retry_after_s: float | None = None


def judge(answer: Answer, now_s: float) -> Judged:
    """What the answer means."""
    if answer.refused:
        return Judged(Verdict.REFUSED, _text(answer.reason, answer.detail))
    status = answer.status
    if status == 0:
        return Judged(Verdict.FAILED, _text(answer.reason, answer.detail))
    if 200 <= status < 300:
        return Judged(Verdict.DELIVERED)
    if 300 <= status < 400:
        return Judged(Verdict.FAILED, _text(REDIRECT_REFUSED, f"HTTP {status}; give the URL that it leads to"))
    verdict = _STATUSES.get(status, Verdict.FAILED)
    wait_s = retry_after_of(answer.header("retry-after"), now_s) if verdict is not Verdict.GONE else None
    return Judged(verdict, _text(STATUS, f"HTTP {status}"), wait_s)


def _text(reason: str, detail: str) -> str:
    return f"{reason}: {detail}" if detail else reason
