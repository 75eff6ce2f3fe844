"""What became of a call whose answer was lost. Looks it up by our own key; starts nothing that was not asked for.

Payments, refunds, payouts and transfers carry our key in their metadata, and Stripe's lists are consistent at once
(its search is not). What leaves no such trace is repeated with its idempotency key, which Stripe documents as the way
to learn the outcome, within the life of the key. Source: Stripe API reference, "Idempotent requests": 24 hours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, Protocol

import msgspec

from connectors.spi import Capability
from connectors.spi.operations import METADATA_KEY, NEVER_RECEIVED, Answer, Call
from connectors.stripe import asking
from connectors.stripe import requests_other as other
from connectors.stripe.amounts import stripe_amount
from connectors.stripe.answers import MAKES_PAYMENT, answer_of, never_received
from connectors.stripe.answers_payments import api_key, payment
from connectors.stripe.asking import Ask, get, path_id
from connectors.stripe.refusals import Reply, refused_for
from connectors.stripe.requests import operation_of
from connectors.stripe.requests_payments import Found, intent_id, payment_of
from orchestratorx_prism.errors import OutcomeUnknown, PayloadRejected, ProviderRefused, ProviderUnavailable

C = Capability

KEY_LIFE_S: Final = 23 * 3600
"""How long after the call its idempotency key is used. Stripe keeps it 24 hours."""
GRACE_S: Final = 120.0
"""So long after the call's own time a request that left no trace will leave none: a request at Stripe ends in 80 s."""
GRACE_HERE_S: Final = 10.0
"""The same on this machine, where a simulator answers."""
CLOCKS_S: Final = 60
"""How far Stripe's clock and ours may be apart."""
LONGEST_S: Final = 600
"""What was made longer than this after the call was not made by it."""
PAGE: Final = 100
PAGES: Final = 100


class Sends(Protocol):
    """The part of the client that asks."""

    async def found(self, ask: Ask) -> Found: ...


async def resolved(
    call: Call, now_s: float, sending: Sends, again: Callable[[Call], Awaitable[Answer]], *, grace_s: float = GRACE_S
) -> Answer | None:
    """As `operations.Client.resolve` says.

    Args:
        again: Carries the call out again, with the same idempotency keys.
        grace_s: As `GRACE_S`.
    """
    age_s = now_s - call.context.received_at_ns / 1e9
    try:
        if operation_of(call) in LOOKUPS:
            return await _looked_up(call, age_s >= call.timeout_s + grace_s, sending)
        return await _resolved(call, age_s, sending, again)
    except (OutcomeUnknown, PayloadRejected):
        return None


async def _resolved(
    call: Call, age_s: float, sending: Sends, again: Callable[[Call], Awaitable[Answer]]
) -> Answer | None:
    operation = operation_of(call)
    if operation in ENDINGS and (ended := await _ended(call, sending)):
        return ended
    if age_s < KEY_LIFE_S:
        try:
            return await again(call)
        except OutcomeUnknown:
            # A breakdown of Stripe's is kept under the key, too; a capture or a void may be seen all the same.
            return await _seen(call, sending) if operation in {C.CAPTURE, C.VOID} else None
        except ProviderRefused as error:
            if error.metadata.get("code") != "idempotency_key_reused":
                raise
            # Stripe had it under this key, in other words: what it came to is seen at the payment alone.
    if operation not in BY_STATE:
        return None
    answer = await _seen(call, sending, at_last=True)
    if answer is None and age_s >= KEY_LIFE_S:
        raise refused_for(NEVER_RECEIVED)
    return answer


def _payments(call: Call) -> Ask:
    whose = asking.customer(call.request.connector_customer_id)
    return get("/v1/payment_intents", expand=["data.latest_charge"], **whose, **_since(call))


def _refunds(call: Call) -> Ask:
    transaction = path_id(payment_of(call).connector_transaction_id, "payment_id", "pi_", "ch_", "py_")
    name = "payment_intent" if transaction.startswith("pi_") else "charge"
    return get("/v1/refunds", **{name: transaction}, limit=PAGE)


def _payouts(call: Call) -> Ask:
    account = call.request.destination.connector_account_id
    return get("/v1/transfers" if account.startswith("acct_") else "/v1/payouts", **_since(call))


def _since(call: Call) -> dict[str, Any]:
    called_s = call.context.received_at_ns // 1_000_000_000
    return {"created": {"gte": called_s - CLOCKS_S, "lte": called_s + LONGEST_S}, "limit": PAGE}


LOOKUPS: Final[dict[Capability, Callable[[Call], Ask]]] = {
    C.AUTHORIZE: _payments,
    C.CHARGE_MANDATE: _payments,
    C.REFUND: _refunds,
    C.CREATE_PAYOUT: _payouts,
}
"""Operation → the list in which its object stands, if Stripe received it."""

UNTOUCHED: Final = frozenset({"requires_payment_method", "requires_confirmation"})
"""What a PaymentIntent is before its first attempt, and after a failed one."""
BY_STATE: Final = frozenset({C.CAPTURE, C.VOID, C.INCREMENT_AUTHORIZATION})
"""Operations whose outcome the payment itself shows."""


ENDINGS: Final[dict[Capability, Callable[[Call], Ask]]] = {
    C.DELETE_CUSTOMER: lambda call: other.get_customer(call, {}),
    C.CANCEL_SUBSCRIPTION: other.get_subscription,
}
"""Operations that end what they are about: a DELETE has no key, and its repeat finds nothing."""


async def _ended(call: Call, sending: Sends) -> Answer | None:
    found = await sending.found(ENDINGS[operation_of(call)](call))
    if found.get("deleted") is True or found.get("status") == "canceled":
        return answer_of(call, Reply(200, msgspec.json.encode(found)))
    return None


async def _looked_up(call: Call, settled: bool, sending: Sends) -> Answer | None:
    """`settled`: what has left no trace by now will leave none."""
    found = await _find(call.key, sending, LOOKUPS[operation_of(call)](call))
    if found is not None:
        untouched = found.get("status") in UNTOUCHED and found.get("last_payment_error") is None
        if untouched and not settled:
            return None  # it is just being confirmed
        return answer_of(call, Reply(200, msgspec.json.encode(found)))
    if not settled:
        return None
    if operation_of(call) in MAKES_PAYMENT:
        return never_received(call)
    raise refused_for(NEVER_RECEIVED)


async def _find(key: str, sending: Sends, ask: Ask) -> Found | None:
    """The object of the list whose metadata holds our key.

    Raises:
        ProviderUnavailable: The list is longer than what is looked at: nothing is known.
    """
    params = dict(ask.params)
    for _ in range(PAGES):
        page = await sending.found(Ask("get", ask.path, params))
        data = page.get("data")
        if not isinstance(data, list):
            raise ProviderUnavailable("Stripe answered with a list that cannot be read")
        listed = [one for one in data if isinstance(one, dict)]
        for one in listed:
            metadata = one.get("metadata")
            if isinstance(metadata, dict) and metadata.get(METADATA_KEY) == key:
                return one
        if not page.get("has_more") or not listed:
            return None
        params["starting_after"] = listed[-1].get("id")
    raise ProviderUnavailable("Stripe's list is too long to find one request in")


async def _seen(call: Call, sending: Sends, *, at_last: bool = False) -> Answer | None:
    """What the payment shows of a capture, a void or an increment: its state and totals.

    `at_last`: nothing more will be heard of the call, so that totals count whoever brought them about.
    """
    found = await sending.found(get(f"/v1/payment_intents/{intent_id(call)}", expand=["latest_charge"]))
    status, received = found.get("status"), found.get("amount_received") or 0
    known = payment_of(call).captured
    before = stripe_amount(known.minor_units, known.currency) if known.currency and not at_last else 0
    done = {
        C.VOID: status == "canceled",
        C.CAPTURE: status == "succeeded" or received > before,
        C.INCREMENT_AUTHORIZATION: at_last,  # which total it would have come to cannot be told any more
    }[operation_of(call)]
    if not done:
        return None
    body = msgspec.json.encode(found)
    return Answer(**payment(replace(call, capability=C.REFRESH_PAYMENT), Reply(200, body), api_key(call)), body=body)
