"""Lists of what is in memory: filters and pages as SQL has them."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import TypeVar

from orchestrator.ledger.orders import NEWEST_FIRST, Order
from orchestrator.ledger.paging import position_of, token_after
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceListRequest

T = TypeVar("T")


def within(amount: int | None, request: PaymentServiceListRequest) -> bool:
    """Whether the amount is in the range asked for; an unknown one is in none."""
    least = request.amount_from if request.HasField("amount_from") else None
    most = request.amount_until if request.HasField("amount_until") else None
    if least is None and most is None:
        return True
    return amount is not None and (least is None or amount >= least) and (most is None or amount <= most)


def page_of(
    found: Iterable[tuple[tuple[int, int], T]],
    mark: bytes,
    page_size: int,
    page_token: str,
    order: Order = NEWEST_FIRST,
) -> tuple[list[T], str]:
    """One page of (position, thing), in order, and the next one's token."""
    after = position_of(page_token, mark)
    page: list[T] = []
    last = (0, 0)
    for position, thing in sorted(found, key=itemgetter(0), reverse=not order.ascending):
        if after is not None and (position <= after if order.ascending else position >= after):
            continue
        if len(page) == page_size:
            return page, token_after(mark, last)
        page.append(thing)
        last = position
    return page, ""
