"""Single values as M-Pesa writes them: numbers or text for the same thing, three forms of time, masked phones."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.spi import PayloadRejected
from connectors.spi.building import datetime_time, unix_time

EAT: Final = timezone(timedelta(hours=3), "EAT")
"""East Africa Time, in which M-Pesa writes its times. It has no summer time."""

_EAT_S: Final = 3 * 3_600
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()

MAX_IDENTIFIER: Final = 255
"""Longest name of a transaction that is accepted. Characters; M-Pesa's own stay under 60."""

_STAMP: Final = re.compile(r"\d{14}", re.ASCII)
_DOTTED: Final = re.compile(r"\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}:\d{2}", re.ASCII)
_PHONE: Final = re.compile(r"(?:\+?254|\b0)[17]\d{8}(?!\d)", re.ASCII)
_PHONE_DIGITS: Final = re.compile(r"\+?\d{9,15}", re.ASCII)
_MASKED_PHONE: Final = re.compile(r"[\d *+]*\*[ ]*(\d+)", re.ASCII)


def text(value: object, name: str) -> str:
    """Text of a string or number: 1032, 1032.0 and "1032" are all "1032". Absent and null are "".

    Raises:
        PayloadRejected: Neither; `name` says which field in the message.
    """
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal) and -10 < value.adjusted() < 30:
        whole = value.to_integral_value()
        return str(int(whole)) if whole == value else str(value)
    raise PayloadRejected(f"{name} is neither text nor a number", reason="PAYLOAD_FIELD_INVALID")


def identifier(value: object, name: str) -> str:
    """Like `text`, for a name of something: printable, and at most `MAX_IDENTIFIER` characters."""
    said = text(value, name)
    if len(said) > MAX_IDENTIFIER or not said.isprintable():
        raise PayloadRejected(f"{name} is too long, or is not printable", reason="PAYLOAD_FIELD_INVALID")
    return said


def typed_by_payer(value: object, name: str) -> str:
    """Like `text`, for the account number that a payer typed into a phone.

    No character of it refuses a body about money that has moved: blanks of any kind become plain ones, what cannot be
    printed is left out, and what follows the first `MAX_IDENTIFIER` characters, too.
    """
    said = text(value, name)
    if not said.isprintable():
        said = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in said).strip()
    return said[:MAX_IDENTIFIER]


def required(value: object, name: str) -> str:
    """Like `identifier`, where the body is worth nothing without it.

    Raises:
        PayloadRejected: PAYLOAD_FIELD_MISSING, besides the reasons of `identifier`.
    """
    said = identifier(value, name)
    if not said:
        raise PayloadRejected(f"the body has no {name}", reason="PAYLOAD_FIELD_MISSING")
    return said


def digest(body: bytes) -> str:
    """What tells a body that names nothing from another: SHA-256, in hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()


def last4(value: object) -> str:
    """Last four digits of a phone number: "254700000123" is "0123".

    C2B version 2 masks the number ("2547 ***** 126") and version 1 hashes it; where fewer than four digits are in
    the clear, or none, the answer is "". Never refuses: nothing depends on it.
    """
    if not isinstance(value, str | int):
        return ""
    said = str(value).strip()
    if _PHONE_DIGITS.fullmatch(said):
        return said[-4:]
    masked = _MASKED_PHONE.fullmatch(said)
    return masked[1][-4:] if masked and len(masked[1]) >= 4 else ""


def without_phones(sentence: str) -> str:
    """The provider's sentence with any Kenyan phone number in it cut to its last four digits."""
    return _PHONE.sub(lambda found: f"***{found[0][-4:]}", sentence)


def moment(value: object, name: str) -> Timestamp | None:
    """UTC time from 20170727101415 (a number or text), "17.07.2017 10:54:57" or ISO 8601; in EAT unless it says else.

    Returns:
        None where the body gives no time.

    Raises:
        PayloadRejected: None of these forms.

    Source: Daraja documentation, pages "M-Pesa Express", "Business To Customer", "Pull Transaction".
    """
    said = text(value, name)
    if not said:
        return None
    try:
        if _DOTTED.fullmatch(said):
            said = f"{said[6:10]}{said[3:5]}{said[:2]}{said[11:13]}{said[14:16]}{said[17:]}"
        if _STAMP.fullmatch(said):
            return _from_stamp(int(said))
        found = datetime.fromisoformat(said)
        return datetime_time(found if found.tzinfo else found.replace(tzinfo=EAT))
    except ValueError:
        raise PayloadRejected(f"{name} is not a time in M-Pesa's forms", reason="PAYLOAD_FIELD_INVALID") from None


def _from_stamp(stamp: int) -> Timestamp:
    """20170727101415 in EAT, by arithmetic: every callback has one."""
    day_number, clock = divmod(stamp, 1_000_000)
    year, month_day = divmod(day_number, 10_000)
    hour, minute_second = divmod(clock, 10_000)
    minute, second = divmod(minute_second, 100)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("no such time of day")
    days = date(year, month_day // 100, month_day % 100).toordinal() - _EPOCH_DAY
    return unix_time(days * 86_400 + hour * 3_600 + minute * 60 + second - _EAT_S)
