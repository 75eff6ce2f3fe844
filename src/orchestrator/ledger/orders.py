"""In which order payments are listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orchestratorx_prism.v1 import payment_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class Order:
    """By a column, and by number where that is the same."""

    column: str
    ascending: bool = False


NEWEST_FIRST: Final = Order("created_at")
PAYMENT_ORDERS: Final[dict[int, Order]] = {
    pb.PAYMENT_ORDER_UNSPECIFIED: NEWEST_FIRST,
    pb.PAYMENT_ORDER_NEWEST_FIRST: NEWEST_FIRST,
    pb.PAYMENT_ORDER_OLDEST_FIRST: Order("created_at", ascending=True),
    pb.PAYMENT_ORDER_GREATEST_AMOUNT_FIRST: Order("amount"),
    pb.PAYMENT_ORDER_LEAST_AMOUNT_FIRST: Order("amount", ascending=True),
}
BY_AMOUNT: Final = frozenset(number for number, order in PAYMENT_ORDERS.items() if order.column == "amount")
"""Amounts are comparable in one currency only."""
