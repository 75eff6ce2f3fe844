"""The shapes of what has no word of ours: the Terminal API's display and event notifications, and any `data`.

Source: Adyen docs, "Terminal API", "Display notifications"; "Event notifications".
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import field

from connectors.adyen.shapes import Shape


class TerminalHeader(Shape):
    """`MessageHeader` of the Terminal API."""

    category: Any = field(default=None, name="MessageCategory")


class TerminalNotice(Shape):
    """`EventNotification`: what happened to a terminal."""

    time: Any = field(default=None, name="TimeStamp")


class TerminalMessage(Shape):
    """`SaleToPOIRequest`."""

    header: TerminalHeader | None = field(default=None, name="MessageHeader")
    notice: TerminalNotice | None = field(default=None, name="EventNotification")


class Relayed(Shape, rename="camel"):
    """A question to an issuer, which in its first versions came without a `type`."""

    payment_instrument_id: Any = None
    purchase: Any = None
    payment_instrument: Any = None
    balance_platform: Any = None
    original_amount: Any = None


class Outline(Shape, rename="camel"):
    """`data` of anything: what and whose it is, and when it was made."""

    id: Any = None
    psp_reference: Any = None
    merchant_account: Any = None
    merchant_account_code: Any = None
    merchant_id: Any = None
    balance_platform: Any = None
    creation_date: Any = None


RELAYED: Final[msgspec.json.Decoder[Relayed]] = msgspec.json.Decoder(Relayed)
OUTLINE: Final[msgspec.json.Decoder[Outline]] = msgspec.json.Decoder(Outline)
TERMINAL_MESSAGE: Final[msgspec.json.Decoder[TerminalMessage]] = msgspec.json.Decoder(TerminalMessage)
