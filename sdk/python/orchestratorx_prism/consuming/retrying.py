"""How often a handler is tried, and how long it waits in between. Pure: the dice are an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestratorx_prism.errors import PrismError, SettingsRejected

_EXPONENT_LIMIT = 64
"""2.0 ** 64 is beyond every longest delay."""


class DoNotRetry(Exception):
    """Raise it in a handler when trying again would change nothing: the message goes to the dead letters at once."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter: 1 s, 2 s, 4 s, … each up to a fifth shorter or longer."""

    attempts: int | None = 5
    """How often the handler is tried before the message is parked. None: for ever; the payment waits meanwhile."""
    initial_s: float = 1.0
    factor: float = 2.0
    max_s: float = 300.0
    """Longest delay, before jitter. Seconds."""
    jitter: float = 0.2
    """Share of the delay by which it varies, so that what failed together does not come again together."""
    non_retryable: tuple[type[BaseException], ...] = ()
    """Errors after which trying again changes nothing; beside `DoNotRetry` and what says so itself (`retryable`)."""

    def __post_init__(self) -> None:
        faults = []
        if self.attempts is not None and self.attempts < 1:
            faults.append("attempts: 1 or more, or None for ever")
        if not 0 < self.initial_s <= self.max_s:
            faults.append("initial_s: more than 0, and not more than max_s")
        if self.factor < 1:
            faults.append("factor: 1 or more")
        if not 0 <= self.jitter < 1:
            faults.append("jitter: 0 or more, and less than 1")
        if faults:
            raise SettingsRejected(f"retry policy: {'; '.join(faults)}")

    def retries(self, error: BaseException, failures: int) -> bool:
        """Whether the handler is to be tried again after it failed `failures` times, last with this error."""
        if isinstance(error, (DoNotRetry, *self.non_retryable)):
            return False
        if isinstance(error, PrismError) and not error.retryable:
            return False
        return self.attempts is None or failures < self.attempts

    def delay_s(self, failures: int, dice: Callable[[], float], error: BaseException | None = None) -> float:
        """How long to wait after so many failures.

        Args:
            dice: Gives a number from 0 to 1.
            error: The last one; where it asks for a longer wait (`retry_after_s`), it gets it.
        """
        exponent = min(max(failures, 1) - 1, _EXPONENT_LIMIT)
        delay_s = min(self.initial_s * self.factor**exponent, self.max_s)
        delay_s *= 1 + self.jitter * (2 * dice() - 1)
        asked_s = error.retry_after_s if isinstance(error, PrismError) else None
        return max(delay_s, asked_s or 0.0)
