"""Questions about single payments and payouts, for what a provider's list does not tell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.spi import Capability, Context, Label
from connectors.spi.operations import Answer, Call, Client
from connectors.spi.reconciling import Reconciling
from orchestrator.ledger.base import Ledger, Recording
from orchestrator.reconciliation.items import anomaly
from orchestrator.reconciliation.report import Report
from orchestrator.reconciliation.windows import is_time_to_ask
from orchestrator.services.operations import Operator, outcomes
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.event_data_pb2 import PAYOUT_STATUS_PENDING, PayoutData
from orchestratorx_prism.v1.event_pb2 import CAUSE_API_RESPONSE, CAUSE_RECONCILIATION
from orchestratorx_prism.v1.event_service_pb2 import EventFilter
from orchestratorx_prism.v1.payment_pb2 import (
    PAYMENT_STATUS_ACTION_REQUIRED,
    PAYMENT_STATUS_CAPTURED,
    PAYMENT_STATUS_PENDING,
    PAYMENT_STATUS_UNKNOWN,
    Payment,
    PaymentStatus,
)
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceGetRequest, PaymentServiceListRequest
from orchestratorx_prism.v1.payout_service_pb2 import PayoutServiceCreateRequest
from orchestratorx_prism.v1.refund_pb2 import REFUND_STATUS_PENDING
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceListRequest

STILL_OPEN: Final = "STILL_OPEN"
"""Anomaly: the provider has not told what became of the payment or its refund, and soon cannot tell any more."""

OPEN: Final = (PAYMENT_STATUS_ACTION_REQUIRED, PAYMENT_STATUS_PENDING, PAYMENT_STATUS_UNKNOWN)
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Desk:
    """One merchant at one provider."""

    label: Label
    reconciling: Reconciling
    merchant_id: str
    context: Context
    client: Client | None
    """None: nothing can be asked, for the credentials are those of the list alone."""


class Asker:
    """Asks, and records the answers."""

    def __init__(self, ledger: Ledger, operator: Operator, *, timeout_s: float, now_s: Callable[[], float]) -> None:
        self._ledger = ledger
        self._operator = operator
        self._timeout_s = timeout_s
        self._now_s = now_s

    async def was_paid(self, desk: Desk, payment: Payment) -> bool | None:
        """Whether the provider says that this payment was paid; None if it cannot tell. Records nothing.

        Raises:
            ProviderUnavailable: It does not answer.
        """
        if desk.client is None or Capability.REFRESH_PAYMENT not in desk.label.capabilities:
            return None
        request = PaymentServiceGetRequest(merchant_id=desk.merchant_id, payment_id=payment.id, refresh=True)
        call = Call(Capability.REFRESH_PAYMENT, request, "", desk.context, self._timeout_s, payment=payment)
        try:
            answer = await self._operator.asking.ask(desk.label, desk.merchant_id, desk.client.call, call)
        except RequestRejected:
            return None
        stated = [event.payment.status for event in answer.events if event.type.startswith("payment.")]
        if PAYMENT_STATUS_CAPTURED in stated:
            return True
        return False if stated and not any(status in OPEN for status in stated) else None

    async def about_payments(self, desk: Desk, report: Report, last_run_s: float) -> None:
        """Asks about payments that are not decided, ever more rarely. Raises ProviderUnavailable.

        Args:
            last_run_s: How long ago the run before was; infinite: all are asked about.
        """
        if desk.client is None or Capability.REFRESH_PAYMENT not in desk.label.capabilities:
            return
        now_s, reach_s = self._now_s(), desk.reconciling.reach_s
        # All of them first: an answer moves its payment within the list.
        waiting = [each async for each in payments_since(self._ledger, desk, now_s - reach_s, statuses=OPEN)]
        for before in waiting:
            age_s = now_s - before.created_at.seconds
            if age_s < desk.reconciling.settle_s:
                continue
            payment = before
            if is_time_to_ask(age_s, last_run_s, desk.reconciling.settle_s):
                report.asked += 1
                payment = await self._asked(desk, before)
            if payment.status not in OPEN:
                report.resolved += 1
                continue
            report.open.append(payment.id)
            if age_s > reach_s / 2:
                await self._still_open(desk, payment, payment.id, report)

    async def about_refunds(self, desk: Desk, report: Report) -> None:
        """Reports refunds that are not decided: there is no way to ask about one, but its payer should not wait."""
        now_s, reach_s = self._now_s(), desk.reconciling.reach_s
        request = RefundServiceListRequest(
            merchant_id=desk.merchant_id,
            connectors=[desk.label.name],
            statuses=[REFUND_STATUS_PENDING],
            page_size=_PAGE,
        )
        while True:
            refunds, request.page_token = await self._ledger.list_refunds(request)
            for refund in refunds:
                age_s = now_s - refund.created_at.seconds
                if age_s > reach_s:
                    return
                if age_s >= desk.reconciling.settle_s:
                    report.open.append(refund.id)
                if age_s > reach_s / 2:
                    payment = await self._ledger.get_payment(desk.merchant_id, refund.payment_id)
                    if payment is not None:
                        await self._still_open(desk, payment, refund.id, report)
            if not request.page_token:
                return

    async def _still_open(self, desk: Desk, payment: Payment, about: str, report: Report) -> None:
        event = anomaly(desk.context, payment, STILL_OPEN, about)
        recorded = await self._ledger.record(Recording([event]))
        if not recorded.duplicate_ids:
            report.anomalies.append(event.id)

    async def _asked(self, desk: Desk, payment: Payment) -> Payment:
        """The payment after a question, or as it was where the provider has no way to be asked about it."""
        request = PaymentServiceGetRequest(merchant_id=desk.merchant_id, payment_id=payment.id, refresh=True)
        try:
            answered: Payment = (await self._operator.ask(Capability.REFRESH_PAYMENT, request)).payment
        except RequestRejected:
            return payment
        return answered

    async def about_payouts(self, desk: Desk, report: Report, last_run_s: float) -> None:
        """Asks about payouts that are not decided, likewise. Raises ProviderUnavailable, ProviderRefused."""
        client = desk.client
        if client is None or Capability.CREATE_PAYOUT not in desk.label.capabilities:
            return
        for payout, age_s in [each async for each in self._open_payouts(desk)]:
            if not is_time_to_ask(age_s, last_run_s, desk.reconciling.settle_s):
                report.open.append(payout.payout_id)
                continue
            report.asked += 1
            # The connector wrote the key of the call as the merchant's own reference at the provider.
            call = Call(
                Capability.CREATE_PAYOUT,
                PayoutServiceCreateRequest(merchant_id=desk.merchant_id),
                payout.merchant_payout_id,
                desk.context,
                self._timeout_s,
                payout=payout,
            )
            try:
                answer = await self._operator.asking.ask(desk.label, desk.merchant_id, client.resolve, call)
            except RequestRejected:
                answer = None
            if await self._told(answer):
                report.resolved += 1
            else:
                report.open.append(payout.payout_id)

    async def _told(self, answer: Answer | None) -> bool:
        if answer is None or not answer.events:
            return False
        events = outcomes.finished(answer.events, CAUSE_RECONCILIATION, "")
        await self._ledger.record(Recording(events, answer.body))
        return True

    async def _open_payouts(self, desk: Desk) -> AsyncIterator[tuple[PayoutData, float]]:
        """With their ages."""
        now_s = self._now_s()
        where = EventFilter(
            merchant_id=desk.merchant_id,
            types=["payout.pending"],
            connectors=[desk.label.name],
            received_from=Timestamp(seconds=max(0, int(now_s) - desk.reconciling.reach_s)),
            received_until=Timestamp(seconds=max(0, int(now_s) - desk.reconciling.settle_s)),
        )
        seen: set[str] = set()
        token = ""
        while True:
            events, token = await self._ledger.list_events(where, page_size=_PAGE, page_token=token)
            for event in events:
                known = event.payout.payout_id
                if event.cause != CAUSE_API_RESPONSE or not known or known in seen:
                    continue
                seen.add(known)
                payout = await self._ledger.get_payout(desk.merchant_id, known)
                if payout is not None and payout.status == PAYOUT_STATUS_PENDING:
                    yield payout, now_s - event.received_at.seconds
            if not token:
                return


async def payments_since(
    ledger: Ledger, desk: Desk, since_s: float, statuses: tuple[PaymentStatus.ValueType, ...] = ()
) -> AsyncIterator[Payment]:
    """The merchant's payments at the provider, newest first, until one was made before `since_s`."""
    request = PaymentServiceListRequest(
        merchant_id=desk.merchant_id, connectors=[desk.label.name], statuses=statuses, page_size=_PAGE
    )
    while True:
        payments, request.page_token = await ledger.list_payments(request)
        for payment in payments:
            if payment.created_at.seconds < since_s:
                return
            yield payment
        if not request.page_token:
            return
