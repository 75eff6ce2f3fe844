"""The simulator's list of webhook events: all that happened, whether or not a webhook told it.

Source: PayPal docs, "Webhooks Management API", "List event notifications", "Show event notification details".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from connectors.paypal.simulator_world import Ask, Object, World, invalid, not_found

PATH = "/v1/notifications/webhooks-events"
KEPT = timedelta(days=30)
_MOST = 300


def listing(world: World, ask: Ask) -> tuple[int, Object]:
    """GET: newest first, both ends included; more by the link "next"."""
    query = dict(ask.query)
    since, until = _time(query, "start_time"), _time(query, "end_time")
    kept_from = datetime.fromtimestamp(world.now_s(), tz=UTC) - KEPT
    wanted = [
        event
        for event in reversed(world.events)
        if max(since or kept_from, kept_from) <= datetime.fromisoformat(event["create_time"])
        and (until is None or datetime.fromisoformat(event["create_time"]) <= until)
        and query.get("event_type") in {None, event["event_type"]}
    ]
    size, offset = _number(query, "page_size", 10), _number(query, "offset", 0)
    page = wanted[offset : offset + size]
    links = [ask.link("self", f"{PATH}?{urlencode(query)}")]
    if offset + size < len(wanted):
        links.append(ask.link("next", f"{PATH}?{urlencode({**query, 'offset': offset + size})}"))
    return 200, {"events": page, "count": len(page), "links": links}


def show(world: World, _ask: Ask, event_id: str) -> tuple[int, Object]:
    """GET one."""
    for event in world.events:
        if event["id"] == event_id:
            return 200, event
    raise not_found()


def _time(query: Object, name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("INVALID_PARAMETER_SYNTAX", name) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(query: Object, name: str, default: int) -> int:
    text = str(query.get(name, default))
    if not (text.isascii() and text.isdigit()) or int(text) > (_MOST if name == "page_size" else 10**9):
        raise invalid("INVALID_PARAMETER_VALUE", name)
    return int(text)
