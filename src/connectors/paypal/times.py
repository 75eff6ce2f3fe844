"""PayPal's times. Most are ISO 8601; some older ones end in a zone's letters, and the simulator sends a month 19."""

from __future__ import annotations

import re

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.spi.building import iso_time, local_time
from orchestratorx_prism.errors import PayloadRejected

# "2017-04-13 PDT" and "2017-02-27 14:42:03 PDT" in v1 invoices, "2022-08-26T18:25:57.449PDT" in vault messages.
_LETTERED = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.\d+)?)? ?([A-Z]{3,4})", re.ASCII)
_ZONES = {
    **{"GMT": 0, "UTC": 0, "PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CST": -6, "CDT": -5, "EST": -5, "EDT": -4},
    **{"BST": 1, "CET": 1, "CEST": 2},
}


def moment(text: str | None) -> Timestamp | None:
    """The time, in UTC; None where there is none or where it cannot be read.

    An unreadable time is no reason to refuse a signed message about money: PayPal's own simulator sends
    "2018-19-12T22:20:32.000Z". The caller takes the next best time.
    """
    if not text:
        return None
    try:
        return iso_time(text)
    except PayloadRejected:
        return _lettered(text)


def first_moment(*texts: str | None) -> Timestamp | None:
    """The first that can be read."""
    for text in texts:
        found = moment(text)
        if found is not None:
            return found
    return None


def _lettered(text: str) -> Timestamp | None:
    match = _LETTERED.fullmatch(text)
    if match is None or match[3] not in _ZONES:
        return None
    try:
        return local_time(f"{match[1]} {match[2] or '00:00:00'}", "%Y-%m-%d %H:%M:%S", _ZONES[match[3]])
    except PayloadRejected:
        return None
