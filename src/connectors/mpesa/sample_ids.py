"""Ids, amount and times of sample callbacks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from connectors.mpesa.values import EAT
from connectors.spi import SampleRequest

SHORTCODE: Final = "600000"
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"

Fields: TypeAlias = dict[str, Any]
"""A body before it is JSON."""


@dataclass(frozen=True, slots=True)
class Made:
    """One sample's ids. Those of the payment hang on the seed alone, those of payouts and reversals on the step too."""

    request: SampleRequest

    @property
    def checkout(self) -> str:
        return f"ws_CO_{self._number('checkout', 26, step=False)}"

    @property
    def merchant_request(self) -> str:
        return f"{self._number('push', 5, step=False)}-{self._number('push request', 8, step=False)}-1"

    @property
    def receipt(self) -> str:
        return self._code("receipt", step=False)

    @property
    def phone(self) -> int:
        return int(f"2547000{self._number('phone', 5, step=False)}")

    @property
    def own_receipt(self) -> str:
        return self._code("own receipt")

    @property
    def conversation(self) -> str:
        return f"AG_20260101_{self._digest('conversation')[:20]}"

    @property
    def asking(self) -> str:
        return f"AG_20260101_{self._digest('question')[:20]}"

    @property
    def originator(self) -> str:
        return f"{self._number('originator', 5)}-{self._number('originator request', 7)}-1"

    @property
    def uuid(self) -> str:
        digest = self._digest("uuid")
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"

    @property
    def amount(self) -> Decimal:
        """Shillings and cents: 1099 minor units are 10.99."""
        return Decimal(self.request.amount_minor).scaleb(-2)

    def stamp(self, layout: str = "%Y%m%d%H%M%S") -> str:
        return datetime.fromtimestamp(self.request.now_s, UTC).astimezone(EAT).strftime(layout)

    def _digest(self, purpose: str, *, step: bool = True) -> str:
        name = f"{purpose}|{self.request.seed}|{self.request.step if step else ''}"
        return hashlib.sha256(name.encode()).hexdigest()

    def _number(self, purpose: str, digits: int, *, step: bool = True) -> str:
        return str(int(self._digest(purpose, step=step), 16))[:digits]

    def _code(self, purpose: str, *, step: bool = True) -> str:
        raw = bytes.fromhex(self._digest(purpose, step=step))
        return "U" + "".join(_LETTERS[byte % len(_LETTERS)] for byte in raw[:9])
