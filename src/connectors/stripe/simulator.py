"""The simulator's webhook half: signed, realistic Stripe webhooks of every type that the connector knows.

Built from Stripe's documentation, not from our codec. Which object a type carries, and in what state, is a table.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from connectors.spi import SampleRequest, SampleWebhook
from connectors.stripe import sample_billing as billing
from connectors.stripe import sample_objects as objects
from connectors.stripe.families import EVENT_TYPES
from connectors.stripe.mapping_thin import PREFIX
from connectors.stripe.sample_frame import signed, snapshot
from connectors.stripe.sample_objects import Json, Maker

Make = Callable[[Maker], tuple[Json, Json]]
"""Makes the object and, where the event states them, its previous attributes."""


def _plain(make: Callable[..., Json], **state: object) -> Make:
    return lambda maker: (make(maker, **state), {})


def _authorized(maker: Maker) -> tuple[Json, Json]:
    return objects.payment_intent(
        maker, status="requires_capture", amount_capturable=maker.total, capture_method="manual"
    ), {}


def _succeeded(maker: Maker) -> tuple[Json, Json]:
    return objects.payment_intent(maker, amount_received=maker.amount), {}


def _failed(maker: Maker) -> tuple[Json, Json]:
    error = {**objects.decline(), "charge": maker.id("ch", "declined")}
    return objects.payment_intent(
        maker, status="requires_payment_method", latest_charge=maker.id("ch", "declined"), last_payment_error=error
    ), {}


def _action_required(maker: Maker) -> tuple[Json, Json]:
    url = "https://hooks.stripe.com/3d_secure_2/hosted?merchant=acct_1Sample"
    action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": "https://example.com/back", "url": url}}
    return objects.payment_intent(maker, status="requires_action", next_action=action, latest_charge=None), {}


def _canceled(maker: Maker) -> tuple[Json, Json]:
    return objects.payment_intent(
        maker, status="canceled", canceled_at=maker.now, cancellation_reason="requested_by_customer"
    ), {}


def _captured(maker: Maker) -> tuple[Json, Json]:
    return objects.partly_captured_charge(maker), {"amount_captured": maker.done - maker.amount, "captured": False}


def _declined_charge(maker: Maker) -> tuple[Json, Json]:
    return objects.charge(
        maker,
        id=maker.id("ch", "declined"),
        amount_captured=0,
        captured=False,
        paid=False,
        status="failed",
        failure_code="card_declined",
        failure_message="Your card has insufficient funds.",
        outcome={"network_decline_code": "51", "reason": "insufficient_funds", "type": "issuer_declined"},
    ), {}


def _refunded(maker: Maker) -> tuple[Json, Json]:
    refunded = maker.done
    before = {"amount_refunded": refunded - maker.amount, "refunded": False}
    return objects.charge(maker, amount_refunded=refunded, refunded=refunded == maker.total), before


def _refund_failed(maker: Maker) -> tuple[Json, Json]:
    return objects.refund(maker, status="failed", failure_reason="lost_or_stolen_card"), {"status": "succeeded"}


def _renewed(maker: Maker) -> tuple[Json, Json]:
    earlier = maker.now - 30 * 86_400
    before = {"items": {"data": [{"current_period_end": maker.now, "current_period_start": earlier}]}}
    return billing.subscription(maker), before


def _detached(maker: Maker) -> tuple[Json, Json]:
    return billing.payment_method(maker, customer=None), {"customer": maker.id("cus")}


def _setup_failed(maker: Maker) -> tuple[Json, Json]:
    error = {**objects.decline(), "payment_method": billing.payment_method(maker)}
    return billing.setup_intent(
        maker, status="requires_payment_method", payment_method=None, last_setup_error=error
    ), {}


def _transfer_reversed(maker: Maker) -> tuple[Json, Json]:
    return billing.transfer(maker, amount_reversed=maker.amount, reversed=True), {
        "amount_reversed": 0,
        "reversed": False,
    }


def _outbound(name: str, status: str) -> dict[str, Make]:
    return {
        f"treasury.{kind}.{name}": _plain(billing.outbound, kind=kind, status=status)
        for kind in ("outbound_payment", "outbound_transfer")
    }


# Most specific first: a type takes the longest beginning that fits it.
# Source: Stripe API reference, "Types of events": "data.object is a …".
MAKERS: Final[dict[str, Make]] = {
    "payment_intent.": _plain(objects.payment_intent, status="processing"),
    "payment_intent.created": _plain(
        objects.payment_intent, status="requires_payment_method", latest_charge=None, payment_method=None
    ),
    "payment_intent.requires_action": _action_required,
    "payment_intent.amount_capturable_updated": _authorized,
    "payment_intent.succeeded": _succeeded,
    "payment_intent.payment_failed": _failed,
    "payment_intent.cancel": _canceled,
    "payment_intent.expired": _plain(objects.payment_intent, status="canceled", cancellation_reason="expired"),
    "payment.created": _plain(objects.charge, payment_intent=None),
    "order.payment_": _plain(objects.order),
    "charge.": _plain(objects.charge),
    "charge.captured": _captured,
    "charge.pending": _plain(objects.charge, status="pending", paid=False, captured=True),
    "charge.failed": _declined_charge,
    "charge.expired": lambda maker: (
        objects.charge(maker, amount_captured=0, captured=False, amount_refunded=maker.total, refunded=True),
        {},
    ),
    "charge.refunded": _refunded,
    "charge.refund.updated": _plain(objects.refund),
    "refund.": _plain(objects.refund),
    "refund.created": _plain(objects.refund, status="pending"),
    "refund.failed": _refund_failed,
    "charge.dispute.": _plain(objects.dispute),
    "charge.dispute.updated": _plain(objects.dispute, status="under_review"),
    "charge.dispute.closed": _plain(objects.dispute, moves=2, status="won"),
    "charge.dispute.funds_reinstated": _plain(objects.dispute, moves=2, status="won"),
    "radar.early_fraud_warning.": _plain(objects.fraud_warning),
    "issuer_fraud_record.": _plain(objects.fraud_warning),
    "checkout.session.": _plain(objects.checkout_session),
    "checkout.session.async_payment_failed": _plain(objects.checkout_session, payment_status="unpaid"),
    "checkout.session.expired": _plain(
        objects.checkout_session, payment_status="unpaid", status="expired", payment_intent=None
    ),
    "setup_intent.": _plain(billing.setup_intent),
    "setup_intent.created": _plain(billing.setup_intent, status="requires_payment_method", payment_method=None),
    "setup_intent.requires_action": _plain(billing.setup_intent, status="requires_action"),
    "setup_intent.setup_failed": _setup_failed,
    "setup_intent.canceled": _plain(billing.setup_intent, status="canceled", cancellation_reason="abandoned"),
    "mandate.": _plain(billing.mandate),
    "payment_method.": _plain(billing.payment_method),
    "payment_method.detached": _detached,
    "customer.source.": _plain(billing.saved_card),
    "customer.card.": _plain(billing.saved_card),
    "customer.bank_account.": _plain(billing.saved_bank_account),
    "source.": _plain(billing.source),
    "source.failed": _plain(billing.source, status="failed"),
    "source.canceled": _plain(billing.source, status="canceled"),
    "customer.": _plain(billing.customer),
    "customer.tax_id.": _plain(billing.part_of_customer, kind="tax_id", prefix="txi"),
    "customer.discount.": _plain(billing.part_of_customer, kind="discount", prefix="di"),
    "customer_cash_balance_transaction.": _plain(
        billing.part_of_customer, kind="customer_cash_balance_transaction", prefix="ccsbtxn"
    ),
    "cash_balance.": _plain(billing.part_of_customer, kind="cash_balance", prefix="csb"),
    "customer.subscription.": _plain(billing.subscription),
    "customer.subscription.updated": _renewed,
    "customer.subscription.deleted": _plain(billing.subscription, status="canceled"),
    "customer.subscription.paused": _plain(billing.subscription, status="paused"),
    "customer.subscription.trial_will_end": _plain(billing.subscription, status="trialing"),
    "subscription_schedule.": _plain(billing.schedule),
    "subscription_schedule.canceled": _plain(billing.schedule, status="canceled"),
    "subscription_schedule.aborted": _plain(billing.schedule, status="canceled"),
    "subscription_schedule.completed": _plain(billing.schedule, status="completed"),
    "invoice.": _plain(billing.invoice),
    "invoice.created": _plain(billing.invoice, status="draft"),
    "invoice.upcoming": _plain(billing.invoice, id=None, number=None, status="draft"),
    "invoice.paid": _plain(billing.paid_invoice),
    "invoice.payment_succeeded": _plain(billing.paid_invoice),
    "invoice.payment_failed": _plain(billing.invoice, attempt_count=1),
    "invoice.voided": _plain(billing.invoice, status="void"),
    "invoice_payment.": _plain(billing.invoice_payment),
    "invoice.payment.": _plain(billing.invoice_payment),
    "invoiceitem.": _plain(billing.part_of_invoice, kind="invoiceitem", prefix="ii"),
    "credit_note.": _plain(billing.part_of_invoice, kind="credit_note", prefix="cn", status="issued"),
    "credit_note.voided": _plain(billing.part_of_invoice, kind="credit_note", prefix="cn", status="void"),
    "payout.": _plain(billing.payout),
    "payout.paid": _plain(billing.payout, status="paid"),
    "payout.updated": _plain(billing.payout, status="in_transit"),
    "payout.reconciliation_completed": _plain(billing.payout, status="paid", automatic=True),
    "payout.failed": _plain(
        billing.payout, status="failed", failure_code="account_closed", failure_message="The bank account is closed."
    ),
    "payout.canceled": _plain(billing.payout, status="canceled"),
    "transfer.": _plain(billing.transfer),
    "transfer.reversed": _transfer_reversed,
    "transfer.paid": _plain(billing.transfer, status="paid"),
    "transfer.failed": _plain(billing.transfer, status="failed", failure_code="account_closed"),
    "transfer.canceled": _plain(billing.transfer, status="canceled"),
    **_outbound("", "processing"),
    **_outbound("posted", "posted"),
    **_outbound("failed", "failed"),
    **_outbound("canceled", "canceled"),
    **_outbound("returned", "returned"),
    "billing.alert.triggered": _plain(billing.alert_triggered),
}
_LONGEST_FIRST: Final = sorted(MAKERS, key=len, reverse=True)
_RELATED: Final[dict[str, tuple[str, str]]] = {
    "payment_intent.": ("payment_intent", "pi"),
    "charge.": ("charge", "ch"),
    "charge.refund.": ("refund", "re"),
    "charge.dispute.": ("dispute", "du"),
    "refund.": ("refund", "re"),
    "checkout.session.": ("checkout.session", "cs_test"),
    "setup_intent.": ("setup_intent", "seti"),
    "payment_method.": ("payment_method", "pm"),
    "customer.": ("customer", "cus"),
    "customer.subscription.": ("subscription", "sub"),
    "invoice.": ("invoice", "in"),
    "payout.": ("payout", "po"),
    "v2.money_management.outbound_payment.": ("v2.money_management.outbound_payment", "obp_test"),
    "v2.money_management.payout_intent.": ("v2.money_management.payout_intent", "pint_test"),
}
"""Beginning of a thin type → its object's type and the prefix of its id."""
_RELATED_LONGEST_FIRST: Final = sorted(_RELATED, key=len, reverse=True)


def sample(request: SampleRequest) -> SampleWebhook:
    """A signed webhook of `request.event_type`. Pure: the same request makes the same bytes.

    Raises:
        ValueError: A type that is not in the label's `event_types`.
    """
    if request.event_type not in EVENT_TYPES:
        raise ValueError(f"Stripe has no event type {request.event_type!r}")
    maker = Maker(request)
    thin = request.event_type.startswith((PREFIX, "v2."))
    event = _thin(maker) if thin else _snapshot(maker)
    return signed(event, request.secret, request.now_s)


def _snapshot(maker: Maker) -> Json:
    request = maker.request
    beginning = next((name for name in _LONGEST_FIRST if request.event_type.startswith(name)), None)
    made, previous = MAKERS[beginning](maker) if beginning is not None else (_other_object(maker), {})
    ids = (maker.id("evt", request.event_type, request.step), maker.id("req"))
    return snapshot(request.event_type, made, previous, ids=ids, now_s=request.now_s)


def _other_object(maker: Maker) -> Json:
    """An object of a type that we have no word for: only what all of Stripe's objects have."""
    kind = maker.request.event_type.rpartition(".")[0] or maker.request.event_type
    return {"id": maker.id(kind.rpartition(".")[2][:8]), "object": kind, "created": maker.now, "livemode": False}


def _thin(maker: Maker) -> Json:
    request = maker.request
    name = request.event_type.removeprefix(PREFIX)
    beginning = next((start for start in _RELATED_LONGEST_FIRST if name.startswith(start)), None)
    kind, prefix = _RELATED[beginning] if beginning is not None else (name.rpartition(".")[0] or name, "obj")
    object_id = maker.id(prefix, request.step) if prefix == "re" else maker.id(prefix)
    moment = datetime.fromtimestamp(request.now_s, UTC)
    return {
        "id": maker.id("evt_test", request.event_type, request.step),
        "object": "v2.core.event",
        "type": request.event_type,
        "livemode": False,
        "created": moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "context": None,
        "reason": None,
        "related_object": {"id": object_id, "type": kind, "url": f"/v1/{kind}s/{object_id}"},
    }
