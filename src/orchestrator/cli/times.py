"""Times that people type, for options of commands."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from google.protobuf.timestamp_pb2 import Timestamp


def time_option(_context: click.Context, _param: click.Parameter, text: str | None) -> Timestamp | None:
    """A click callback: ISO 8601; without an offset it is UTC."""
    if text is None:
        return None
    stamp = Timestamp()
    try:
        moment = datetime.fromisoformat(text)
        stamp.FromDatetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except ValueError:
        raise click.BadParameter("not ISO 8601: 2026-01-31 or 2026-01-31T10:00:00Z") from None
    except OverflowError:
        raise click.BadParameter("before the year 1 or after 9999 in UTC") from None
    return stamp
