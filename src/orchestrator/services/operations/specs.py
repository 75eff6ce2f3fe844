"""Each operation: its messages, what it is about, and what its answer is made of. A table; nothing is called here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import Message

from connectors.spi import Capability
from connectors.spi.operations import Answer
from orchestrator.ledger.base import Ledger
from orchestratorx_prism.errors import Internal, NotFound, NothingToRefund, RequestRejected
from orchestratorx_prism.v1 import customer_service_pb2 as customers
from orchestratorx_prism.v1 import dispute_service_pb2 as disputes
from orchestratorx_prism.v1 import mandate_service_pb2 as mandates
from orchestratorx_prism.v1 import payment_method_service_pb2 as methods
from orchestratorx_prism.v1 import payment_service_pb2 as payments
from orchestratorx_prism.v1 import payout_service_pb2 as payouts
from orchestratorx_prism.v1 import refund_service_pb2 as refunds
from orchestratorx_prism.v1 import subscription_service_pb2 as subscriptions
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_UNKNOWN, Payment, PaymentStatus


@dataclass(frozen=True, slots=True)
class Subject:
    """What an operation is about, as the ledger has it. Nothing of both for one that makes something new."""

    payment: Payment | None = field(default=None, repr=False)
    dispute: Dispute | None = field(default=None, repr=False)

    @property
    def connector(self) -> str:
        """Whose it is; empty if the request has to say."""
        return self.payment.connector if self.payment else self.dispute.connector if self.dispute else ""


@dataclass(frozen=True, slots=True)
class Done:
    """What an operation came to."""

    merchant_id: str
    subject: Subject
    answer: Answer
    events: Sequence[Event]
    """As recorded."""


Respond = Callable[[Ledger, Done], Awaitable[dict[str, Any]]]
"""The fields of the rpc's answer."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One operation."""

    capability: Capability
    request: type[Message]
    response: type[Message]
    respond: Respond
    makes_payment: bool = False
    """Whether a payment comes of it that the ledger has not had before."""
    parts: Callable[[Any, Subject], Iterator[Capability]] | None = None
    """What else the connector must declare for this request."""
    check: Callable[[Subject], None] | None = None
    """Raises what refuses the operation as things stand in the ledger."""


async def _payment(ledger: Ledger, done: Done) -> dict[str, Any]:
    payment_id = next((event.payment_id for event in done.events if event.payment_id), "")
    if not payment_id and done.subject.payment is not None:
        payment_id = done.subject.payment.id
    payment = await ledger.get_payment(done.merchant_id, payment_id)
    if payment is None:
        raise Internal("the provider's answer left no payment in the ledger")
    return {"payment": payment}


async def _payment_and_action(ledger: Ledger, done: Done) -> dict[str, Any]:
    fields = await _payment(ledger, done)
    if done.answer.next_action is not None:
        fields["next_action"] = done.answer.next_action
    return fields


async def _refund(ledger: Ledger, done: Done) -> dict[str, Any]:
    refund_id = next((event.refund.refund_id for event in done.events if event.HasField("refund")), "")
    refund = await ledger.get_refund(done.merchant_id, refund_id)
    if refund is None:
        raise Internal("the provider's answer left no refund in the ledger")
    return {"refund": refund}


async def _dispute(ledger: Ledger, done: Done) -> dict[str, Any]:
    assert done.subject.dispute is not None  # noqa: S101 - the subject of every dispute's operation
    return {"dispute": await ledger.get_dispute(done.merchant_id, done.subject.dispute.id)}


async def _payout(ledger: Ledger, done: Done) -> dict[str, Any]:
    payout_id = next((event.payout.payout_id for event in done.events if event.HasField("payout")), "")
    payout = await ledger.get_payout(done.merchant_id, payout_id)
    if payout is None:
        raise Internal("the provider's answer left no payout in the ledger")
    return {"payout": payout}


async def _charged(ledger: Ledger, done: Done) -> dict[str, Any]:
    return await _payment(ledger, done)


async def _resource(_ledger: Ledger, done: Done) -> dict[str, Any]:
    resource = done.answer.resource
    return {member.name: value for member, value in resource.ListFields()} if resource is not None else {}


def _parts_of_capture(request: Any, subject: Subject) -> Iterator[Capability]:
    payment = subject.payment
    if payment is None:
        return
    captured, authorized = payment.captured.minor_units, payment.authorized.minor_units
    if captured:
        yield Capability.MULTIPLE_CAPTURE
    if request.HasField("amount") and authorized and request.amount.minor_units < authorized - captured:
        yield Capability.PARTIAL_CAPTURE


def _parts_of_refund(request: Any, subject: Subject) -> Iterator[Capability]:
    payment = subject.payment
    if payment is None or not request.HasField("amount"):
        return
    if request.amount.minor_units < payment.captured.minor_units:
        yield Capability.PARTIAL_REFUND


def _check_refund(subject: Subject) -> None:
    """Nothing was taken, or all of it is back. A payment whose amounts are not known is the provider's to judge."""
    payment = subject.payment
    if payment is None or payment.shadow or payment.status in _AMOUNTS_TO_COME:
        return
    if payment.captured.minor_units <= payment.refunded.minor_units:
        raise NothingToRefund(
            "no captured money of the payment is left",
            fix="look at its status; refresh it if the provider may know more",
            metadata={"payment_id": payment.id, "status": PaymentStatus.Name(payment.status)},
        )


def _named(service: Any, prefix: str, rpc: str) -> tuple[type[Message], type[Message]]:
    return getattr(service, f"{prefix}{rpc}Request"), getattr(service, f"{prefix}{rpc}Response")


def _spec(capability: Capability, service: Any, prefix: str, rpc: str, respond: Respond, **more: Any) -> Spec:
    return Spec(capability, *_named(service, prefix, rpc), respond, **more)


_AMOUNTS_TO_COME: Final = frozenset({PAYMENT_STATUS_UNKNOWN})
"""Where the ledger cannot say what was taken."""

_CHANGING: Final = (
    _spec(Capability.AUTHORIZE, payments, "PaymentService", "Authorize", _payment_and_action, makes_payment=True),
    _spec(Capability.CONFIRM_REDIRECT, payments, "PaymentService", "ConfirmRedirect", _payment_and_action),
    _spec(Capability.CAPTURE, payments, "PaymentService", "Capture", _payment, parts=_parts_of_capture),
    _spec(Capability.VOID, payments, "PaymentService", "Void", _payment),
    _spec(Capability.INCREMENT_AUTHORIZATION, payments, "PaymentService", "IncrementAuthorization", _payment),
    _spec(Capability.REFUND, refunds, "RefundService", "Create", _refund, parts=_parts_of_refund, check=_check_refund),
    _spec(Capability.ACCEPT_DISPUTE, disputes, "DisputeService", "Accept", _dispute),
    _spec(Capability.DEFEND_DISPUTE, disputes, "DisputeService", "Defend", _dispute),
    _spec(Capability.SUBMIT_EVIDENCE, disputes, "DisputeService", "SubmitEvidence", _dispute),
    _spec(Capability.CREATE_PAYOUT, payouts, "PayoutService", "Create", _payout),
    _spec(Capability.CREATE_CUSTOMER, customers, "CustomerService", "Create", _resource),
    _spec(Capability.UPDATE_CUSTOMER, customers, "CustomerService", "Update", _resource),
    _spec(Capability.DELETE_CUSTOMER, customers, "CustomerService", "Delete", _resource),
    _spec(Capability.ATTACH_PAYMENT_METHOD, methods, "PaymentMethodService", "Attach", _resource),
    _spec(Capability.DETACH_PAYMENT_METHOD, methods, "PaymentMethodService", "Detach", _resource),
    _spec(Capability.SETUP_MANDATE, mandates, "MandateService", "Setup", _resource),
    _spec(Capability.CHARGE_MANDATE, mandates, "MandateService", "Charge", _charged, makes_payment=True),
    _spec(Capability.REVOKE_MANDATE, mandates, "MandateService", "Revoke", _resource),
    _spec(Capability.CREATE_SUBSCRIPTION, subscriptions, "SubscriptionService", "Create", _resource),
    _spec(Capability.UPDATE_SUBSCRIPTION, subscriptions, "SubscriptionService", "Update", _resource),
    _spec(Capability.CANCEL_SUBSCRIPTION, subscriptions, "SubscriptionService", "Cancel", _resource),
    _spec(Capability.RECORD_USAGE, subscriptions, "SubscriptionService", "RecordUsage", _resource),
)

CHANGING: Final = {spec.capability: spec for spec in _CHANGING}
"""Operations that change something: carried out once for a request id."""

ASKING: Final = {
    spec.capability: spec
    for spec in (
        _spec(Capability.REFRESH_PAYMENT, payments, "PaymentService", "Get", _payment),
        _spec(Capability.GET_CUSTOMER, customers, "CustomerService", "Get", _resource),
        _spec(Capability.GET_PAYMENT_METHOD, methods, "PaymentMethodService", "Get", _resource),
        _spec(Capability.LIST_PAYMENT_METHODS, methods, "PaymentMethodService", "List", _resource),
        _spec(Capability.GET_SUBSCRIPTION, subscriptions, "SubscriptionService", "Get", _resource),
    )
}
"""Operations that only ask."""


async def subject_of(ledger: Ledger, merchant_id: str, request: Any) -> Subject:
    """What the request names.

    Raises:
        RequestRejected: The field that should name it is empty.
        NotFound: The ledger has no such thing.
    """
    fields = request.DESCRIPTOR.fields_by_name
    if "dispute_id" in fields:
        dispute = await ledger.get_dispute(merchant_id, _given(request, "dispute_id"))
        if dispute is None:
            raise NotFound("no such dispute", fix="check the id and the merchant")
        payment = await ledger.get_payment(merchant_id, dispute.payment_id) if dispute.payment_id else None
        return Subject(payment, dispute)
    if "payment_id" in fields:
        payment = await ledger.get_payment(merchant_id, _given(request, "payment_id"))
        if payment is None:
            raise NotFound("no such payment", fix="check the id and the merchant")
        return Subject(payment)
    return Subject()


def _given(request: Any, name: str) -> str:
    value: str = getattr(request, name)
    if not value:
        raise RequestRejected(f"{name}: is empty", fix="mend the request", metadata={"field": name})
    return value
