"""The simulator's Pull Transactions: all that came in within the last 48 hours, whether or not it was called back.

Source: Daraja documentation, "Pull Transaction". Neither how many a page holds nor what an unregistered shortcode gets
is documented: both are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from connectors.mpesa import samples
from connectors.mpesa.sample_ids import Fields
from connectors.mpesa.simulator_books import Books, bad_request, checked_phone, checked_url
from connectors.mpesa.values import EAT

PAGE: Final = 100
"""Transactions in one answer; more by OffSetValue."""
KEPT_S: Final = 48 * 3_600
_LAYOUT: Final = "%Y-%m-%d %H:%M:%S"


class Pulls:
    """Registration, and questions by time."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._registered = False

    def register(self, asked: Mapping[str, Any]) -> Fields:
        """POST /pulltransactions/v1/register."""
        self._check_shortcode(asked)
        if asked.get("RequestType") != "Pull":
            raise bad_request("RequestType")
        checked_phone(asked, "NominatedNumber")
        checked_url(asked, "CallBackURL")
        before, self._registered = self._registered, True
        return {
            "ResponseRefID": "10000-10000000-1",
            "ResponseStatus": "1001" if before else "1000",
            "ShortCode": self._books.credentials.shortcode,
            "ResponseDescription": "ShortCode already Registered" if before else "ShortCode Registered Successfully",
        }

    def query(self, asked: Mapping[str, Any]) -> Fields:
        """POST or GET /pulltransactions/v1/query: what came in from StartDate to EndDate, in EAT, both included."""
        self._check_shortcode(asked)
        if not self._registered:
            raise bad_request("ShortCode")
        start_s, end_s = _time(asked, "StartDate"), _time(asked, "EndDate")
        offset = str(asked.get("OffSetValue", "0"))
        if not (offset.isascii() and offset.isdigit()):
            raise bad_request("OffSetValue")
        now_s = self._books.now_s
        start_s, end_s = max(start_s, now_s - KEPT_S), min(end_s, now_s)
        found = [paid for paid in self._books.paid.values() if start_s <= paid.made.request.now_s <= end_s]
        found.sort(key=lambda paid: paid.made.request.now_s)
        page = found[int(offset) : int(offset) + PAGE]
        if not page:
            return samples.pull(self._books.make("254700000000", 0), "empty")
        answers = [samples.pull(paid.made, "transaction") for paid in page]
        return answers[0] | {"Response": [[answer["Response"][0][0] for answer in answers]]}

    def _check_shortcode(self, asked: Mapping[str, Any]) -> None:
        if str(asked.get("ShortCode")) != self._books.credentials.shortcode:
            raise bad_request("ShortCode")


def _time(asked: Mapping[str, Any], name: str) -> float:
    try:
        return datetime.strptime(str(asked.get(name)), _LAYOUT).replace(tzinfo=EAT).timestamp()
    except ValueError:
        raise bad_request(name) from None
