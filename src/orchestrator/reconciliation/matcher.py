"""Whose money an item is, where the provider's list has ids of its own: by its name, else by what it has in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from orchestrator.ledger.base import Ledger, Recording
from orchestrator.reconciliation.asker import Asker, Desk, payments_since
from orchestrator.reconciliation.items import Item, anomaly, belongs_to
from orchestrator.reconciliation.report import Report, Unmatched
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceListRequest

AMOUNT_DIFFERS: Final = "AMOUNT_DIFFERS"
"""Anomaly: the provider has booked another amount under this name than the ledger holds."""
AMBIGUOUS: Final = "AMBIGUOUS"
"""Anomaly: several payments fit the money, and the provider does not say which of them was paid."""
UNANNOUNCED: Final = "UNANNOUNCED"

_DAY_S: Final = 86_400
_MOST_OF_ONE_REFERENCE: Final = 100

_log = structlog.get_logger(__name__)


class Matcher:
    """Records one window's items, one after the other, each under the payment that it is of."""

    def __init__(self, ledger: Ledger, asker: Asker, desk: Desk, matches: Callable[[Event, Payment], bool]) -> None:
        self._ledger = ledger
        self._asker = asker
        self._desk = desk
        self._matches = matches
        self._nameless: list[Payment] | None = None

    async def take(self, item: Item, report: Report) -> None:
        """Records the item unless the ledger has its money already.

        Raises:
            ProviderUnavailable: The provider has to be asked whose it is, and does not answer.
        """
        fresh = False
        for event in item.events:
            fresh |= await self._take(event, item, report)
        if fresh:
            report.recorded += 1
        else:
            report.known += 1

    async def _take(self, event: Event, item: Item, report: Report) -> bool:
        merchant_id = self._desk.merchant_id
        if await self._ledger.get_event(merchant_id, event.id) is not None:
            return False
        if not event.type.startswith("payment."):
            return not (await self._ledger.record(Recording([event], item.body))).duplicate_ids
        named = await self._by_name(event)
        if named is not None and named.captured == event.payment.amount and event.payment.HasField("amount"):
            return False
        why = ""
        payment = named
        if payment is None:
            payment, why = await self._by_likeness(event)
        if payment is not None and named is None:
            belongs_to(event, payment)
        recorded = (await self._ledger.record(Recording([event], item.body))).events[0]
        if payment is None:
            await self._unmatched(recorded, why, report)
        else:
            report.matched += 1
            if _differs(payment, event):
                await self._report_anomaly(recorded, AMOUNT_DIFFERS, report)
        return True

    async def _by_name(self, event: Event) -> Payment | None:
        for reference in event.references:
            found = await self._ledger.find_payment(self._desk.merchant_id, self._desk.label.name, reference.value)
            if found is not None:
                return found
        return None

    async def _by_likeness(self, event: Event) -> tuple[Payment | None, str]:
        """The payment that waits for this money. None, and why, if there is none or nobody can say which.

        Each that fits is asked about, for the payer may have paid by another way than the one that fits.
        """
        paid, doubtful = [], []
        for payment in await self._candidates(event):
            told = await self._asker.was_paid(self._desk, payment)
            if told:
                paid.append(payment)
            elif told is None:
                doubtful.append(payment)
        fitting = paid or doubtful
        if not fitting:
            return None, UNANNOUNCED
        if len(fitting) > 1 and not paid:
            return None, AMBIGUOUS
        # Of several that were paid, alike in amount, payer and account, any is right: the oldest came first.
        return min(fitting, key=lambda payment: (payment.created_at.ToNanoseconds(), payment.id)), ""

    async def _candidates(self, event: Event) -> list[Payment]:
        found: list[Payment] = []
        if event.merchant_transaction_id:
            request = PaymentServiceListRequest(
                merchant_id=self._desk.merchant_id,
                connectors=[self._desk.label.name],
                merchant_transaction_id=event.merchant_transaction_id,
                page_size=_MOST_OF_ONE_REFERENCE,
            )
            found = (await self._ledger.list_payments(request))[0]
        fitting = [payment for payment in found if self._matches(event, payment)]
        return fitting or [payment for payment in await self._without_reference(event) if self._matches(event, payment)]

    async def _without_reference(self, event: Event) -> list[Payment]:
        """Payments that the merchant gave no reference of its own, of the days around; read once a window."""
        if self._nameless is None:
            since_s = event.occurred_at.seconds - 2 * _DAY_S
            every = payments_since(self._ledger, self._desk, since_s)
            self._nameless = [payment async for payment in every if not payment.merchant_transaction_id]
            return self._nameless
        # What was matched meanwhile has a receipt now: read those again that may fit.
        current = [await self._ledger.get_payment(self._desk.merchant_id, one.id) for one in self._nameless]
        return [payment for payment in current if payment is not None]

    async def _unmatched(self, event: Event, why: str, report: Report) -> None:
        money = Unmatched(
            event.payment_id,
            event.connector_transaction_id,
            event.merchant_transaction_id,
            event.payment.amount,
            why,
        )
        report.unmatched.append(money)
        _log.warning("reconciliation.unmatched", connector=event.connector, payment_id=event.payment_id, why=why)
        if why == AMBIGUOUS:
            await self._report_anomaly(event, AMBIGUOUS, report)

    async def _report_anomaly(self, event: Event, word: str, report: Report) -> None:
        payment = await self._ledger.get_payment(self._desk.merchant_id, event.payment_id)
        if payment is None:
            return
        said = anomaly(self._desk.context, payment, word, event.id)
        recorded = await self._ledger.record(Recording([said]))
        if not recorded.duplicate_ids:
            report.anomalies.append(said.id)


def _differs(payment: Payment, event: Event) -> bool:
    """Whether the ledger held another amount: of what it believed to be taken, else of what was asked for."""
    held = payment.captured if payment.HasField("captured") else payment.amount
    return bool(held.currency) and held != event.payment.amount
