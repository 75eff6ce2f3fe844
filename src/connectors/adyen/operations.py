"""Which operations Adyen does: each with what makes its request and what reads its answer. Tables only.

Not here, as Adyen has no counterpart: customers (a shopperReference is the merchant's own name of one), subscriptions,
and asking for a payment's current state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connectors.adyen import answers, answers_other, requests, requests_other
from connectors.adyen.endpoints import Endpoints
from connectors.adyen.prepared import Prepared
from connectors.adyen.replies import Reply
from connectors.spi import Capability
from connectors.spi.operations import Answer, Call

PREPARE: Final[dict[Capability, Callable[[Call, Endpoints], Prepared]]] = {
    Capability.AUTHORIZE: requests.authorize,
    Capability.CONFIRM_REDIRECT: requests.confirm_redirect,
    Capability.CAPTURE: requests.capture,
    Capability.VOID: requests.void,
    Capability.INCREMENT_AUTHORIZATION: requests.increment,
    Capability.REFUND: requests.refund,
    Capability.ACCEPT_DISPUTE: requests_other.dispute,
    Capability.DEFEND_DISPUTE: requests_other.dispute,
    Capability.SUBMIT_EVIDENCE: requests_other.dispute,
    Capability.CREATE_PAYOUT: requests_other.payout,
    Capability.ATTACH_PAYMENT_METHOD: requests_other.attach_method,
    Capability.GET_PAYMENT_METHOD: requests_other.list_methods,
    Capability.LIST_PAYMENT_METHODS: requests_other.list_methods,
    Capability.DETACH_PAYMENT_METHOD: requests_other.delete_method,
    Capability.SETUP_MANDATE: requests_other.setup_mandate,
    Capability.CHARGE_MANDATE: requests_other.charge_mandate,
    Capability.REVOKE_MANDATE: requests_other.delete_method,
}
"""Capability → what makes its request."""

ANSWER: Final[dict[Capability, Callable[[Call, Reply, Endpoints], Answer]]] = {
    Capability.AUTHORIZE: answers.payment_answer,
    Capability.CONFIRM_REDIRECT: answers.payment_answer,
    Capability.CAPTURE: answers.modification_answer,
    Capability.VOID: answers.modification_answer,
    Capability.INCREMENT_AUTHORIZATION: answers.modification_answer,
    Capability.REFUND: answers.refund_answer,
    Capability.ACCEPT_DISPUTE: answers_other.dispute_answer,
    Capability.DEFEND_DISPUTE: answers_other.dispute_answer,
    Capability.SUBMIT_EVIDENCE: answers_other.dispute_answer,
    Capability.CREATE_PAYOUT: answers_other.payout_answer,
    Capability.ATTACH_PAYMENT_METHOD: answers_other.attach_answer,
    Capability.GET_PAYMENT_METHOD: answers_other.get_answer,
    Capability.LIST_PAYMENT_METHODS: answers_other.list_answer,
    Capability.DETACH_PAYMENT_METHOD: answers_other.detach_answer,
    Capability.SETUP_MANDATE: answers_other.setup_answer,
    Capability.CHARGE_MANDATE: answers.payment_answer,
    Capability.REVOKE_MANDATE: answers_other.revoke_answer,
}
"""Capability → what reads its answer."""

GONE_IS_DONE: Final = frozenset({Capability.DETACH_PAYMENT_METHOD, Capability.REVOKE_MANDATE})
"""Operations that were carried out if Adyen, asked again, does not know what they are about any more."""

QUALITIES: Final = frozenset({Capability.PARTIAL_CAPTURE, Capability.MULTIPLE_CAPTURE, Capability.PARTIAL_REFUND})
"""What operations above can do besides; no calls of their own."""
DECLARED: Final = frozenset(PREPARE) | QUALITIES
