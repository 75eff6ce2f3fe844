"""Which endpoint of Stripe carries out which operation: a table. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connectors.spi import Capability
from connectors.spi.operations import Call
from connectors.stripe import requests_other as other
from connectors.stripe import requests_payments as payments
from connectors.stripe.asking import Ask
from connectors.stripe.requests_payments import Found

C = Capability

ASKS: Final[dict[Capability, Callable[[Call, Found], Ask]]] = {
    C.AUTHORIZE: payments.authorize,
    C.CONFIRM_REDIRECT: payments.confirm_redirect,
    C.CAPTURE: payments.capture,
    C.VOID: payments.void,
    C.INCREMENT_AUTHORIZATION: payments.increment,
    C.REFRESH_PAYMENT: payments.refresh,
    C.REFUND: payments.refund,
    C.CREATE_PAYOUT: other.payout,
    C.ACCEPT_DISPUTE: other.accept_dispute,
    C.DEFEND_DISPUTE: other.defend_dispute,
    C.SUBMIT_EVIDENCE: other.submit_evidence,
    C.CREATE_CUSTOMER: other.create_customer,
    C.GET_CUSTOMER: other.get_customer,
    C.UPDATE_CUSTOMER: other.update_customer,
    C.DELETE_CUSTOMER: other.delete_customer,
    C.ATTACH_PAYMENT_METHOD: other.attach_method,
    C.GET_PAYMENT_METHOD: other.get_method,
    C.LIST_PAYMENT_METHODS: other.list_methods,
    C.DETACH_PAYMENT_METHOD: other.detach_method,
    C.SETUP_MANDATE: other.setup_mandate,
    C.CHARGE_MANDATE: payments.charge_mandate,
    C.REVOKE_MANDATE: other.revoke_mandate,
    C.CREATE_SUBSCRIPTION: other.create_subscription,
    C.GET_SUBSCRIPTION: lambda call, _found: other.get_subscription(call),
    C.UPDATE_SUBSCRIPTION: other.update_subscription,
    C.CANCEL_SUBSCRIPTION: other.cancel_subscription,
    C.RECORD_USAGE: other.record_usage,
}
"""Operation → its request. Partial and several captures, and partial refunds, are their operation with an amount."""

FIRST: Final[dict[Capability, Callable[[Call], Ask | None]]] = {
    C.CHARGE_MANDATE: payments.consent,
    C.REVOKE_MANDATE: payments.consent,
    C.AUTHORIZE: payments.authorize_first,
    C.SETUP_MANDATE: other.setup_first,
    C.ATTACH_PAYMENT_METHOD: other.attach_first,
    C.UPDATE_SUBSCRIPTION: other.get_subscription,
}
"""Operation → what has to be asked before it, if anything."""

MAIN: Final[dict[Capability, Capability]] = {
    C.PARTIAL_CAPTURE: C.CAPTURE,
    C.MULTIPLE_CAPTURE: C.CAPTURE,
    C.PARTIAL_REFUND: C.REFUND,
}
"""Capabilities that are ways of another one."""

OPERATIONS: Final = frozenset(ASKS) | frozenset(MAIN)


def operation_of(call: Call) -> Capability:
    """The operation that the call's capability is, or is a way of."""
    return MAIN.get(call.capability, call.capability)
