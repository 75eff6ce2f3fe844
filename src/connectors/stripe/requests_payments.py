"""Payments and refunds: what Stripe is asked for. Pure.

Source: Stripe API reference, "PaymentIntents", "Refunds"; Stripe docs, "Finalize payments on the server".
"""

from __future__ import annotations

from typing import Any, Final

from connectors.spi.operations import Call
from connectors.stripe import asking
from connectors.stripe.asking import Ask, Params, get, path_id, post, rejected
from connectors.stripe.mapping_billing import MERCHANT_REFUND_KEY
from orchestratorx_prism.v1.instrument_pb2 import Instrument
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import CAPTURE_MODE_MANUAL

Found = dict[str, Any]
"""The decoded answer to what had to be asked first; empty if nothing had to."""

WITH_CHARGE: Final = ["latest_charge"]
"""Expanded: when and how the payment was authorized, which the PaymentIntent itself does not say."""
# Source: Stripe docs, "Capture a payment multiple times", "Increment an authorization": both have to be asked for here.
HELD: Final = {"request_multicapture": "if_available", "request_incremental_authorization": "if_available"}
"""Of a card that is not captured at once: what may be done with the hold, where the account and the card can."""
REFUND_REASONS: Final = frozenset({"duplicate", "fraudulent", "requested_by_customer"})
LONGEST_DESCRIPTION: Final = 500


def authorize_first(call: Call) -> Ask | None:
    """A card token is made a PaymentMethod. Whatever else is wrong with the request is told before."""
    authorize(call, {"id": "pm_"})
    return asking.as_method(call, _details(call))


def _details(call: Call) -> Params:
    return asking.billing_details(call.request.payer_email, call.request.country)


def authorize(call: Call, found: Found) -> Ask:
    """POST /v1/payment_intents, confirmed at once. `found`: the PaymentMethod that a card token became."""
    request = call.request
    manual = request.capture_mode == CAPTURE_MODE_MANUAL
    params: Params = {
        **_charge_params(call, request.amount, request.description),
        **asking.customer(request.connector_customer_id),
        **asking.instrument(request.instrument, _details(call), made_id(found)),
        "capture_method": "manual" if manual else "automatic",
        "metadata": asking.metadata(call, dict(request.metadata), asking.reference(call)),
    }
    _presence(params, request.instrument, request.return_url, request.off_session)
    if manual and request.instrument.WhichOneof("instrument") != "redirect_method":
        params["payment_method_options"] = {"card": HELD}
    if request.save_instrument:
        if not request.connector_customer_id:
            raise rejected("connector_customer_id", "an instrument is saved for a customer, and none is named")
        params["setup_future_usage"] = "off_session"
    return post(call, "/v1/payment_intents", params)


def _charge_params(call: Call, given: Money, description: str) -> Params:
    params: Params = {
        "amount": asking.amount(given),
        "currency": asking.currency(given),
        "confirm": True,
        "expand": WITH_CHARGE,
    }
    if description:
        params["description"] = description[:LONGEST_DESCRIPTION]
    return params


# Source: Stripe changelog, 2026-09-30.endive: `payment_method_types` cannot be set any more. What takes its place,
# `allowed_payment_method_types`, and `automatic_payment_methods` exclude each other.
def _presence(params: Params, instrument: Instrument, return_url: str, off_session: bool) -> None:
    """Whether the payer is there, and may be sent away.

    Without a return URL Stripe refuses methods that redirect, so they are switched off: 3-D Secure then goes through
    Stripe's own script in the payer's browser.
    """
    if off_session:
        params["off_session"] = True
    elif return_url:
        params["return_url"] = return_url
    if instrument.WhichOneof("instrument") == "redirect_method":
        if not return_url:
            raise rejected("return_url", "the payer is sent to the payment method's own page, and has to come back")
        return
    away: Params = {} if return_url and not off_session else {"allow_redirects": "never"}
    params["automatic_payment_methods"] = {"enabled": True, **away}


def charge_mandate(call: Call, found: Found) -> Ask:
    """POST /v1/payment_intents by earlier consent. `found`: the SetupIntent or the Mandate, where one is named."""
    request = call.request
    method = method_of(found) or path_id(request.connector_mandate_id, "connector_mandate_id")
    params: Params = {
        **_charge_params(call, request.amount, request.description),
        **asking.customer(request.connector_customer_id or customer_of(found)),
        "payment_method": method,
        "off_session": True,
        "capture_method": "automatic",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": asking.metadata(call, {}, asking.reference(call)),
    }
    mandate = found.get("mandate") if found.get("object") == "setup_intent" else found.get("id")
    if isinstance(mandate, str) and mandate.startswith("mandate_"):
        params["mandate"] = mandate
    return post(call, "/v1/payment_intents", params)


def consent(call: Call) -> Ask | None:
    """What has to be asked before a mandate is used or ended: which payment method it is about."""
    given = path_id(call.request.connector_mandate_id, "connector_mandate_id", "seti_", "mandate_", "pm_")
    if given.startswith("seti_"):
        return get(f"/v1/setup_intents/{given}")
    if given.startswith("mandate_"):
        return get(f"/v1/mandates/{given}", expand=["payment_method"])
    return None


def made_id(found: Found) -> str:
    """The id of what was made in a step before."""
    made = found.get("id", "")
    return path_id(made, "instrument") if isinstance(made, str) and made else ""


def method_of(found: Found) -> str:
    """The payment method that a SetupIntent or a Mandate is about."""
    method = found.get("payment_method")
    given = method.get("id") if isinstance(method, dict) else method
    return path_id(given, "connector_mandate_id") if isinstance(given, str) else ""


def customer_of(found: Found) -> str:
    """Whose mandate it is."""
    method = found.get("payment_method")
    for holder in (found, method if isinstance(method, dict) else {}):
        for name in ("customer", "customer_account"):
            if isinstance(given := holder.get(name), str):
                return given
    return ""


def capture(call: Call, _found: Found) -> Ask:
    """POST /v1/payment_intents/{id}/capture. A part that is not the last needs multicapture on Stripe's side."""
    request, payment = call.request, payment_of(call)
    params: Params = {"expand": WITH_CHARGE}
    if request.HasField("amount"):
        params["amount_to_capture"] = asking.amount(_same_currency(request.amount, payment))
        # Of what is asked for alone, not of what was captured since: a repeat has to have the same body.
        whole = payment.HasField("authorized") and request.amount.minor_units >= payment.authorized.minor_units
        if not request.final_capture and not whole:
            params["final_capture"] = False
    return post(call, f"/v1/payment_intents/{intent_id(call)}/capture", params)


def void(call: Call, _found: Found) -> Ask:
    """POST /v1/payment_intents/{id}/cancel"""
    params: Params = {"expand": WITH_CHARGE}
    return post(call, f"/v1/payment_intents/{intent_id(call)}/cancel", params)


def increment(call: Call, _found: Found) -> Ask:
    """POST /v1/payment_intents/{id}/increment_authorization, which takes the new total, not the difference."""
    payment = payment_of(call)
    if not payment.HasField("authorized"):
        raise rejected("payment_id", "what is authorized of the payment is not known yet", fix="refresh it first")
    more = _same_currency(call.request.amount, payment)
    asking.amount(more)
    total = Money(minor_units=payment.authorized.minor_units + more.minor_units, currency=more.currency)
    params: Params = {"amount": asking.amount(total), "expand": WITH_CHARGE}
    return post(call, f"/v1/payment_intents/{intent_id(call)}/increment_authorization", params)


def refresh(call: Call, _found: Found) -> Ask:
    """GET the payment, with its refunds."""
    transaction = payment_of(call).connector_transaction_id
    if transaction.startswith(("ch_", "py_")):
        return get(f"/v1/charges/{path_id(transaction, 'payment_id')}", expand=["refunds"])
    return get(f"/v1/payment_intents/{intent_id(call)}", expand=["latest_charge.refunds"])


def confirm_redirect(call: Call, _found: Found) -> Ask:
    """GET the PaymentIntent: what comes back through the payer's browser is never believed."""
    named = call.request.parameters.get("payment_intent", "")
    if named and named != intent_id(call):
        raise rejected("parameters", "the payer came back from another payment")
    return get(f"/v1/payment_intents/{intent_id(call)}", expand=WITH_CHARGE)


def refund(call: Call, _found: Found) -> Ask:
    """POST /v1/refunds"""
    request, payment = call.request, payment_of(call)
    given = request.refund_reason
    named = {
        call.context.merchant_reference_key: payment.merchant_transaction_id,
        MERCHANT_REFUND_KEY: request.merchant_refund_id,
        "refund_reason": "" if given in REFUND_REASONS else given[: asking.LONGEST_VALUE],
    }
    transaction = path_id(payment.connector_transaction_id, "payment_id", "pi_", "ch_", "py_")
    params: Params = {
        "payment_intent" if transaction.startswith("pi_") else "charge": transaction,
        "metadata": asking.metadata(call, {}, named),
    }
    if request.HasField("amount"):
        params["amount"] = asking.amount(_same_currency(request.amount, payment))
    if given in REFUND_REASONS:
        params["reason"] = given
    return post(call, "/v1/refunds", params)


def payment_of(call: Call) -> Payment:
    if call.payment is None:
        raise rejected("payment_id", "the operation needs the payment it is about")
    return call.payment


def intent_id(call: Call) -> str:
    """The PaymentIntent of a call's payment.

    Raises:
        RequestRejected: Stripe has not named it yet, or it is a charge without one.
    """
    transaction = payment_of(call).connector_transaction_id
    if not transaction:
        raise rejected("payment_id", "Stripe has not named the payment yet", fix="wait until its outcome is known")
    return path_id(transaction, "payment_id", "pi_")


def _same_currency(given: Money, payment: Payment) -> Money:
    known = payment.amount.currency or payment.authorized.currency
    if known and given.currency.upper() != known:
        raise rejected("amount.currency", f"the payment is in {known}")
    return given
