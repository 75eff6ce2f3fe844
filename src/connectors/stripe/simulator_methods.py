"""Stripe's test payment methods, and what comes of charging them. Tables.

Source: Stripe docs, "Test card numbers" ("PaymentMethods" and "Tokens" columns), "Declined payments", "Refunds",
"Disputes", "3D Secure authentication".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connectors.stripe.sample_objects import Json


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a test card does."""

    brand: str = "visa"
    last4: str = "4242"
    decline: tuple[str, str | None, str, str | None] | None = None
    """Code, decline code, message, network's code."""
    authenticates: str = ""
    """"always", or "first": until it was set up for later payments."""
    refund: str = "succeeded"
    """What a refund becomes at last: "failed" after having succeeded, "pending" before it does."""
    dispute: str = ""
    """The status of the dispute that each charge brings at once."""


_DECLINED: Final = "Your card was declined."
_FUNDS: Final = "Your card has insufficient funds."

METHODS: Final[dict[str, Behaviour]] = {
    "visa": Behaviour(),
    "visa_debit": Behaviour(last4="5556"),
    "mastercard": Behaviour("mastercard", "4444"),
    "amex": Behaviour("amex", "8431"),
    "discover": Behaviour("discover", "1117"),
    "jcb": Behaviour("jcb", "0505"),
    "unionpay": Behaviour("unionpay", "0005"),
    "chargeDeclined": Behaviour(last4="0002", decline=("card_declined", "generic_decline", _DECLINED, "01")),
    "visa_chargeDeclined": Behaviour(last4="0002", decline=("card_declined", "generic_decline", _DECLINED, "01")),
    "chargeDeclinedInsufficientFunds": Behaviour(
        last4="9995", decline=("card_declined", "insufficient_funds", _FUNDS, "51")
    ),
    "visa_chargeDeclinedInsufficientFunds": Behaviour(
        last4="9995", decline=("card_declined", "insufficient_funds", _FUNDS, "51")
    ),
    "visa_chargeDeclinedLostCard": Behaviour(last4="9987", decline=("card_declined", "lost_card", _DECLINED, "41")),
    "visa_chargeDeclinedStolenCard": Behaviour(last4="9979", decline=("card_declined", "stolen_card", _DECLINED, "43")),
    "chargeDeclinedFraudulent": Behaviour(last4="0019", decline=("card_declined", "fraudulent", _DECLINED, None)),
    "chargeDeclinedExpiredCard": Behaviour(
        last4="0069", decline=("expired_card", None, "Your card has expired.", "54")
    ),
    "chargeDeclinedIncorrectCvc": Behaviour(
        last4="0127", decline=("incorrect_cvc", None, "Your card's security code is incorrect.", None)
    ),
    "chargeDeclinedProcessingError": Behaviour(
        last4="0119",
        decline=("processing_error", None, "An error occurred while processing your card. Try again later.", None),
    ),
    "chargeCustomerFail": Behaviour(last4="0341", decline=("card_declined", "generic_decline", _DECLINED, "01")),
    "authenticationRequired": Behaviour(last4="3184", authenticates="always"),
    "authenticationRequiredOnSetup": Behaviour(last4="3155", authenticates="first"),
    "threeDSecure2Required": Behaviour(last4="3220", authenticates="always"),
    "threeDSecureRequired": Behaviour(last4="3063", authenticates="always"),
    "threeDSecureRequiredChargeDeclined": Behaviour(
        last4="1629", authenticates="always", decline=("card_declined", "generic_decline", _DECLINED, "01")
    ),
    "authenticationRequiredChargeDeclinedInsufficientFunds": Behaviour(
        last4="8341", authenticates="always", decline=("card_declined", "insufficient_funds", _FUNDS, "51")
    ),
    "refundFail": Behaviour(last4="5126", refund="failed"),
    "pendingRefund": Behaviour(last4="7726", refund="pending"),
    "createDispute": Behaviour(last4="0259", dispute="needs_response"),
    "createDisputeInquiry": Behaviour(last4="1976", dispute="warning_needs_response"),
}
"""Ends of `pm_card_…` and `tok_…`."""

REDIRECTING: Final = frozenset("alipay bancontact eps ideal klarna p24 paypal revolut_pay twint".split())
"""Payment methods that the payer approves at their own pages."""


def behaviour_of(name: str) -> Behaviour | None:
    """Of "pm_card_visa" or "tok_visa"; None for another name."""
    for prefix in ("pm_card_", "tok_"):
        if name.startswith(prefix):
            return METHODS.get(name.removeprefix(prefix))
    return None


def numbered(number: str) -> Behaviour:
    """Of a card's number: what the test card with these last four digits does; any other is charged."""
    last4 = number[-4:]
    return next((one for one in METHODS.values() if one.last4 == last4), Behaviour(last4=last4))


def card_of(behaviour: Behaviour) -> Json:
    """A card as in a PaymentMethod."""
    return {
        "brand": behaviour.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": 12,
        "exp_year": 2036,
        "fingerprint": f"simulated{behaviour.last4}",
        "funding": "credit",
        "generated_from": None,
        "last4": behaviour.last4,
        "networks": {"available": [behaviour.brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def card_error(decline: tuple[str, str | None, str, str | None]) -> Json:
    """`last_payment_error`, and the `error` of the 402, of a declined card."""
    code, decline_code, message, network_code = decline
    error: Json = {
        "type": "card_error",
        "code": code,
        "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}",
        "message": message,
    }
    if decline_code is not None:
        error["decline_code"] = decline_code
    if network_code is not None:
        error["network_decline_code"] = network_code
        error["network_advice_code"] = "02"
    return error
