"""What Stripe's definite answer to a call says: the table of readers, and declines. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connectors.spi import Capability
from connectors.spi.building import new_event, raw_of
from connectors.spi.operations import NEVER_RECEIVED, REQUEST, Answer, Call
from connectors.stripe import answers_other as other
from connectors.stripe import answers_payments as payments
from connectors.stripe.answers_payments import Said, api_key
from connectors.stripe.envelope import NAME
from connectors.stripe.refusals import Reply, error_of, is_decline, refused
from connectors.stripe.requests import operation_of
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_FAILED, PaymentData
from orchestratorx_prism.v1.reference_pb2 import Reference

C = Capability
Reader = Callable[[Call, Reply, str], Said]

READERS: Final[dict[Capability, Reader]] = {
    C.AUTHORIZE: payments.payment,
    C.CHARGE_MANDATE: payments.payment,
    C.CONFIRM_REDIRECT: payments.payment,
    C.CAPTURE: payments.payment,
    C.VOID: payments.payment,
    C.INCREMENT_AUTHORIZATION: payments.payment,
    C.REFRESH_PAYMENT: payments.refreshed,
    C.REFUND: payments.refund,
    C.CREATE_PAYOUT: payments.payout,
    C.ACCEPT_DISPUTE: payments.dispute,
    C.DEFEND_DISPUTE: payments.dispute,
    C.SUBMIT_EVIDENCE: payments.dispute,
    C.CREATE_CUSTOMER: other.customer_created,
    C.GET_CUSTOMER: other.customer_read,
    C.UPDATE_CUSTOMER: other.customer_updated,
    C.DELETE_CUSTOMER: other.customer_deleted,
    C.ATTACH_PAYMENT_METHOD: other.method_attached,
    C.GET_PAYMENT_METHOD: other.method_read,
    C.LIST_PAYMENT_METHODS: other.methods_listed,
    C.DETACH_PAYMENT_METHOD: other.method_detached,
    C.SETUP_MANDATE: other.mandate_set_up,
    C.REVOKE_MANDATE: other.mandate_revoked,
    C.CREATE_SUBSCRIPTION: other.subscription_created,
    C.GET_SUBSCRIPTION: other.subscription_read,
    C.UPDATE_SUBSCRIPTION: other.subscription_updated,
    C.CANCEL_SUBSCRIPTION: other.subscription_canceled,
    C.RECORD_USAGE: other.usage_recorded,
}
"""Operation → how its answer is read."""

MAKES_PAYMENT: Final = frozenset({C.AUTHORIZE, C.CHARGE_MANDATE})


def answer_of(call: Call, reply: Reply) -> Answer:
    """What Stripe's definite answer to a call says.

    Raises:
        ProviderRefused: It is a refusal, and no decline of a payment.
        OutcomeUnknown: It is a success of which we do not know what it means.
        PayloadRejected: A field of it is missing or has the wrong type.
    """
    operation = operation_of(call)
    if 200 <= reply.status < 300:
        return Answer(**READERS[operation](call, reply, api_key(call)), body=reply.body)
    if operation in MAKES_PAYMENT and is_decline(reply, error_of(reply)):
        return payments.declined(call, reply)
    raise refused(reply)


def never_received(call: Call) -> Answer:
    """A payment that Stripe has no trace of: it failed, and nobody was charged."""
    reference = call.request.merchant_transaction_id
    event = new_event(
        call.context,
        raw_of(b"", call.context),
        connector=NAME,
        type="payment.failed",
        dedup_key=api_key(call),
        merchant_transaction_id=reference,
        references=(Reference(kind=REQUEST, value=call.key),),
    )
    event.idempotency_key = call.key
    event.payment.CopyFrom(
        PaymentData(
            merchant_transaction_id=reference,
            status=PAYMENT_STATUS_FAILED,
            amount=call.request.amount,
            failure=NEVER_RECEIVED,
        )
    )
    return Answer(events=(event,))
