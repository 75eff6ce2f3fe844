"""PayPal's operations for one merchant: each call with its time, its repeats, and its errors in our words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from connectors.paypal import answers, other_calls, payment_calls, requests, requests_other
from connectors.paypal.endpoints import Endpoints, read_endpoints
from connectors.paypal.exchange import Exchange
from connectors.paypal.issues import unknown
from connectors.paypal.session import Session
from connectors.spi import Capability, Environment
from connectors.spi.operations import ADVICE, NEVER_RECEIVED, Answer, Call, details_of
from orchestratorx_prism.errors import (
    NotSupported,
    OutcomeUnknown,
    PayloadRejected,
    ProviderRefused,
    ProviderUnavailable,
    SettingsRejected,
)

KEY_MARGIN_S = 600.0
"""A key is taken for forgotten that long before PayPal may forget it: clocks differ, and requests take time."""
SETTLED_S = 600.0
"""After this long nothing of a request is still on its way: what PayPal does not show then, it has not done."""
SAVED_KINDS_KEPT = 10_000

CarryOut = Callable[[Exchange, Call], Awaitable[Answer]]
LookUp = Callable[[Exchange, Call], Awaitable[Answer | None]]


def make_client(credentials: Mapping[str, str], environment: Environment.ValueType) -> PayPalClient:
    """The client for one merchant.

    Args:
        credentials: PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET; PAYPAL_API_BASE for simulators.

    Raises:
        SettingsRejected: A credential is missing, or an address that credentials may not go to.
    """
    endpoints = read_endpoints(credentials, environment)
    if not endpoints.client_id:
        raise SettingsRejected(
            "PayPal's API credentials are missing",
            fix="set PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET: Developer Dashboard > Apps & Credentials > your app",
        )
    return PayPalClient(endpoints)


class PayPalClient:
    """See `connectors.spi.operations.Client`. Belongs to one event loop."""

    def __init__(self, endpoints: Endpoints, now_s: Callable[[], float] = time.time) -> None:
        self._session = Session(endpoints)
        self._now_s = now_s
        self._saved_kinds: dict[str, str] = {}
        self._operations: dict[Capability, CarryOut] = {
            Capability.AUTHORIZE: self._authorize,
            Capability.CHARGE_MANDATE: self._charge,
            Capability.CONFIRM_REDIRECT: payment_calls.confirm,
            Capability.CAPTURE: payment_calls.capture,
            Capability.VOID: payment_calls.void,
            Capability.REFUND: payment_calls.refund,
            Capability.REFRESH_PAYMENT: payment_calls.refresh,
            **_OTHERS,
        }

    @property
    def account(self) -> str:
        """PayPal's events name none."""
        return ""

    async def call(self, call: Call) -> Answer:
        """Carries out one operation. See `connectors.spi.operations.Client.call`."""
        carry_out = self._operations.get(_base(call.capability))
        if carry_out is None:
            raise NotSupported(f"PayPal does not do {call.capability.value}")
        return await self._in_time(call, carry_out)

    async def resolve(self, call: Call) -> Answer | None:
        """What became of a call whose answer was lost.

        PayPal is asked for what the call made; if there is nothing, the same request is sent with the same key while
        PayPal stores the key, as it documents for lost answers: it does what was asked once, whenever it arrives. The
        call's age is counted from `call.context.received_at_ns`: the context must be that of the first try.
        """
        try:
            return await self._in_time(call, self._look_up)
        except OutcomeUnknown:
            return None

    async def aclose(self) -> None:
        """Closes connections."""
        await self._session.aclose()

    async def _in_time(self, call: Call, carry_out: LookUp) -> Answer:
        exchange = Exchange(self._session, call.timeout_s)
        try:
            async with asyncio.timeout(call.timeout_s):
                answer = await carry_out(exchange, call)
        except TimeoutError as error:
            if exchange.lost or exchange.under_way:
                raise unknown("PayPal did not answer in time") from error
            raise ProviderUnavailable(
                "PayPal did not answer in time", fix="nothing was done; repeat the call"
            ) from error
        except PayloadRejected as error:
            why = f"PayPal's answer cannot be read [{error.reason}]"
            raise (unknown(why) if exchange.changed else ProviderUnavailable(why)) from error
        if answer is None:
            raise unknown("PayPal cannot tell yet")
        return answer

    async def _look_up(self, exchange: Exchange, call: Call) -> Answer | None:
        age_s = self._now_s() - call.context.received_at_ns / 1e9
        known = age_s < _KEY_LIVES_S.get(_base(call.capability), 0.0) - KEY_MARGIN_S
        capability = _base(call.capability)
        carry_out = self._operations.get(capability)
        if carry_out is None:
            raise NotSupported(f"PayPal does not do {call.capability.value}")
        find, forgotten = _LOOK_UPS.get(capability, (None, None))
        if find is not None and (found := await find(exchange, call)):
            return found
        if known or forgotten is None:
            return await carry_out(exchange, call)
        return forgotten(call) if age_s > SETTLED_S else None

    async def _authorize(self, exchange: Exchange, call: Call) -> Answer:
        return await payment_calls.authorize(exchange, call, self._saved_kind)

    async def _charge(self, exchange: Exchange, call: Call) -> Answer:
        return await self._authorize(exchange, replace(call, request=requests.charge(call)))

    async def _saved_kind(self, exchange: Exchange, method_id: str) -> str:
        """What a saved method is; asked once, for it never changes."""
        known = self._saved_kinds.get(method_id)
        if known is None:
            known = await payment_calls.saved_kind(exchange, method_id)
            if len(self._saved_kinds) >= SAVED_KINDS_KEPT:
                del self._saved_kinds[next(iter(self._saved_kinds))]
            self._saved_kinds[method_id] = known
        return known


def _authorize_forgotten(call: Call) -> Answer | None:
    """Without the link that was lost nobody can approve the order. What was charged at once, a webhook tells."""
    at_page = call.request.instrument.WhichOneof("instrument") == "redirect_method"
    return answers.payment_never_received(call) if at_page else None


def _capture_forgotten(call: Call) -> Answer | None:
    return answers.operation_never_received(call, "payment.capture_failed")


def _void_forgotten(call: Call) -> Answer | None:
    return answers.operation_never_received(call, "payment.void_failed")


def _cannot_tell(_call: Call) -> Answer | None:
    """PayPal has forgotten the key, and shows nothing that bears it."""
    return None


def _never_done(_call: Call) -> Answer | None:
    fix = ADVICE[NEVER_RECEIVED.category]
    raise ProviderRefused(NEVER_RECEIVED.provider_message, fix=fix, metadata=details_of(NEVER_RECEIVED))


_OTHERS: dict[Capability, CarryOut] = {
    Capability.CREATE_PAYOUT: other_calls.create_payout,
    Capability.ACCEPT_DISPUTE: other_calls.accept_dispute,
    Capability.SUBMIT_EVIDENCE: other_calls.submit_evidence,
    Capability.ATTACH_PAYMENT_METHOD: other_calls.save_method,
    Capability.GET_PAYMENT_METHOD: other_calls.show_method,
    Capability.LIST_PAYMENT_METHODS: other_calls.list_methods,
    Capability.DETACH_PAYMENT_METHOD: other_calls.forget_method,
    Capability.SETUP_MANDATE: other_calls.ask_consent,
    Capability.REVOKE_MANDATE: other_calls.revoke_consent,
    Capability.CREATE_SUBSCRIPTION: other_calls.create_subscription,
    Capability.GET_SUBSCRIPTION: other_calls.show_subscription,
    Capability.UPDATE_SUBSCRIPTION: other_calls.update_subscription,
    Capability.CANCEL_SUBSCRIPTION: other_calls.cancel_subscription,
}

_KEY_LIVES_S: dict[Capability, float] = {
    Capability.AUTHORIZE: requests.ORDER_KEY_LIFE_S,
    Capability.CONFIRM_REDIRECT: requests.ORDER_KEY_LIFE_S,
    Capability.CHARGE_MANDATE: requests.ORDER_KEY_LIFE_S,
    Capability.CAPTURE: requests.PAYMENT_KEY_LIFE_S,
    Capability.VOID: requests.PAYMENT_KEY_LIFE_S,
    Capability.REFUND: requests.PAYMENT_KEY_LIFE_S,
    Capability.CREATE_PAYOUT: requests_other.PAYOUT_KEY_LIFE_S,
    Capability.ATTACH_PAYMENT_METHOD: requests_other.TOKEN_KEY_LIFE_S,
    Capability.SETUP_MANDATE: requests_other.TOKEN_KEY_LIFE_S,
    Capability.CREATE_SUBSCRIPTION: requests_other.SUBSCRIPTION_KEY_LIFE_S,
}
"""How long PayPal stores the key of such a request. Others take none, and are not sent again by a look-up."""

_LOOK_UPS: dict[Capability, tuple[LookUp | None, Callable[[Call], Answer | None]]] = {
    Capability.AUTHORIZE: (None, _authorize_forgotten),
    Capability.CONFIRM_REDIRECT: (payment_calls.confirmed, answers.payment_never_received),
    Capability.CAPTURE: (payment_calls.capture_made, _capture_forgotten),
    Capability.VOID: (payment_calls.void_made, _void_forgotten),
    Capability.REFUND: (payment_calls.refund_made, _never_done),
    Capability.CREATE_PAYOUT: (None, _cannot_tell),
    Capability.ACCEPT_DISPUTE: (other_calls.dispute_accepted, _never_done),
    Capability.SUBMIT_EVIDENCE: (other_calls.evidence_submitted, _never_done),
    Capability.ATTACH_PAYMENT_METHOD: (None, _cannot_tell),
    Capability.DETACH_PAYMENT_METHOD: (other_calls.method_forgotten, _never_done),
    Capability.CHARGE_MANDATE: (None, _cannot_tell),
    Capability.REVOKE_MANDATE: (other_calls.consent_revoked, _never_done),
    # Without the link that was lost nobody can approve these.
    Capability.SETUP_MANDATE: (None, _never_done),
    Capability.CREATE_SUBSCRIPTION: (None, _never_done),
    Capability.UPDATE_SUBSCRIPTION: (other_calls.subscription_updated, _never_done),
    Capability.CANCEL_SUBSCRIPTION: (other_calls.subscription_canceled, _never_done),
}
"""Capability → (how to find what the call made, what it came to if there is nothing and no key that PayPal knows)."""

_BASES = {
    Capability.PARTIAL_CAPTURE: Capability.CAPTURE,
    Capability.MULTIPLE_CAPTURE: Capability.CAPTURE,
    Capability.PARTIAL_REFUND: Capability.REFUND,
}
"""A capability that only widens another → that other."""


def _base(capability: Capability) -> Capability:
    return _BASES.get(capability, capability)
