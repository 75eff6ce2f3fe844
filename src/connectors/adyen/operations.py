"""Which operations Adyen does: each with what makes its request and what reads its answer. Tables only.

Not here, as Adyen has no counterpart: customers (a shopperReference is the merchant's own name of one), subscriptions,
and asking for a payment's current state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connectors.adyen import answers, requests
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
}
"""Capability → what makes its request."""

ANSWER: Final[dict[Capability, Callable[[Call, Reply, Endpoints], Answer]]] = {
    Capability.AUTHORIZE: answers.payment_answer,
    Capability.CONFIRM_REDIRECT: answers.payment_answer,
    Capability.CAPTURE: answers.modification_answer,
    Capability.VOID: answers.modification_answer,
    Capability.INCREMENT_AUTHORIZATION: answers.modification_answer,
    Capability.REFUND: answers.refund_answer,
}
"""Capability → what reads its answer."""

GONE_IS_DONE: Final[frozenset[Capability]] = frozenset()
"""Operations that were carried out if Adyen, asked again, does not know what they are about any more."""

QUALITIES: Final = frozenset({Capability.PARTIAL_CAPTURE, Capability.MULTIPLE_CAPTURE, Capability.PARTIAL_REFUND})
"""What operations above can do besides; no calls of their own."""
DECLARED: Final = frozenset(PREPARE) | QUALITIES
