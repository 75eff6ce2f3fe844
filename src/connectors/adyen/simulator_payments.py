"""Payments and what is done to them, as Adyen's simulator does it.

Source: Adyen API Explorer, "Checkout" v71; Adyen docs, "Result codes", "Capture", "Refund".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from connectors.adyen.simulator_hooks import Hooks
from connectors.adyen.simulator_state import (
    BRANDS,
    CHALLENGED_CARD,
    DECLINING_SHOPPER,
    HOLDERS,
    REDIRECTS,
    RETURNS,
    VOUCHERS,
    Memory,
    Paid,
    Problem,
    amount_of,
    check_account,
    required,
)

Body = dict[str, Any]


def payments(memory: Memory, hooks: Hooks, body: Body, key: str, host: str) -> Body:
    """POST /payments.

    Raises:
        Problem: Adyen's validation fails.
    """
    check_account(body)
    currency, value = amount_of(body, zero=True)
    method = required(body, "paymentMethod", "702", "Required object 'paymentMethod' is not provided.")
    automatic = body.get("shopperInteraction") == "ContAuth"
    paid = Paid(
        psp=memory.new_id(),
        reference=required(body, "reference", "130", "Reference Missing"),
        key=key,
        currency=currency,
        value=value,
        result="",
        metadata=_metadata(body.get("metadata", {})),
        shopper=body.get("shopperReference", ""),
        return_url=body.get("returnUrl", ""),
    )
    asked = body.get("additionalData", {})
    paid.manual = asked.get("manualCapture") == "true"
    paid.pre_authorized = asked.get("authorisationType") == "PreAuth"
    if not automatic and not paid.return_url:
        raise Problem(422, "702", "Required field 'returnUrl' is not provided.")
    stored = method.get("storedPaymentMethodId")
    if stored is not None:
        saved = memory.saved.get(paid.shopper, {}).get(stored)
        if saved is None:
            raise Problem(422, "800", "Contract not found")
        paid.brand, paid.saved_id = saved["brand"], stored
        declines = paid.shopper.startswith(DECLINING_SHOPPER)
        return _decide(memory, hooks, paid, HOLDERS["NOT_ENOUGH_BALANCE"] if declines else None)
    return _new_method(memory, hooks, paid, method, body, host)


def _new_method(memory: Memory, hooks: Hooks, paid: Paid, method: Body, body: Body, host: str) -> Body:
    kind = method.get("type")
    if kind in REDIRECTS:
        paid.brand = kind
        return _redirect(memory, paid, kind, host)
    if kind in VOUCHERS:
        paid.brand, paid.result = kind, "PresentToShopper"
        memory.payments[paid.psp] = paid
        action = {"type": "voucher", "paymentMethodType": kind, "expiresAt": "2030-01-01T00:00:00Z"}
        return {**_said(paid), "action": action | {"downloadUrl": f"{host}/voucher/{paid.psp}"}}
    if kind != "scheme":
        raise Problem(422, "905", f"Payment details are not supported for {kind}")
    number = card_number(method, raw_cards=memory.options.raw_cards)
    paid.brand = BRANDS[number[0]]
    if body.get("storePaymentMethod") is True:
        if not paid.shopper:
            raise Problem(422, "139", "Recurring requires shopperReference")
        paid.saved_id, paid.saves = save(memory, paid.shopper, paid.brand, number[-4:]), True
    if number == CHALLENGED_CARD:
        return _redirect(memory, paid, "scheme", host)
    return _decide(memory, hooks, paid, HOLDERS.get(method.get("holderName", "")))


def card_number(method: Body, *, raw_cards: bool = False) -> str:
    """The number of a test card that is "encrypted" as Adyen's test prefix has it: test_4111111111111111.

    Raises:
        Problem: Plain card data on an account that may not send it, or no such card.
    """
    plain = "number" in method or "cvc" in method
    if plain and not raw_cards:
        raise Problem(403, "010", "Not allowed", "security")
    number = str(method["number"] if plain else method.get("encryptedCardNumber", "")).removeprefix("test_")
    if not number.isdigit() or not 12 <= len(number) <= 19:
        raise Problem(422, "174", "Unable to decrypt data")
    if number[0] not in BRANDS:
        raise Problem(422, "102", "Unable to determine variant")
    return number


def save(memory: Memory, shopper: str, brand: str, last_four: str) -> str:
    """Keeps a card for a shopper; its id."""
    identity = memory.new_id()
    memory.saved.setdefault(shopper, {})[identity] = {
        "id": identity,
        "type": "scheme",
        "brand": brand,
        "lastFour": last_four,
        "expiryMonth": "03",
        "expiryYear": "2030",
        "supportedRecurringProcessingModels": ["CardOnFile", "Subscription", "UnscheduledCardOnFile"],
    }
    return identity


def _metadata(given: dict[str, str]) -> dict[str, str]:
    if len(given) > 20:
        raise Problem(422, "177", "Metadata size exceeds limit")
    if any(len(name) > 20 for name in given):
        raise Problem(422, "178", "Metadata key size exceeds limit")
    if any(len(value) > 80 for value in given.values()):
        raise Problem(422, "179", "Metadata value size exceeds limit")
    return dict(given)


def _redirect(memory: Memory, paid: Paid, kind: str, host: str) -> Body:
    paid.result = "RedirectShopper"
    memory.waiting[f"X6X{paid.psp}"] = paid
    url = f"{host}/checkoutshopper/redirect/X6X{paid.psp}"
    return {
        "resultCode": paid.result,
        "action": {"paymentMethodType": kind, "url": url, "method": "GET", "type": "redirect"},
    }


def _decide(memory: Memory, hooks: Hooks, paid: Paid, refusal: tuple[str, str, str] | None) -> Body:
    memory.payments[paid.psp] = paid
    if refusal is not None:
        code, reason, paid.result = refusal
        hooks.item("AUTHORISATION", paid, success=False, reason=reason, additional={"cardSummary": "1111"})
        return {**_said(paid), "refusalReason": reason, "refusalReasonCode": code}
    paid.result = "Authorised"
    if not paid.manual:
        paid.captured = paid.value
    additional = {"authCode": "031576", "cardSummary": "1111", "expiryDate": "03/2030", "paymentMethod": paid.brand}
    if paid.saves:
        hooks.token("created", paid.shopper, paid.saved_id)
    if paid.saved_id:
        additional |= {
            "recurring.recurringDetailReference": paid.saved_id,
            "recurring.shopperReference": paid.shopper,
            "tokenization.storedPaymentMethodId": paid.saved_id,
        }
    hooks.item("AUTHORISATION", paid, additional=additional, reason="031576:1111:03/2030")
    return {**_said(paid), "additionalData": additional}


def _said(paid: Paid) -> Body:
    kind = {"type": paid.brand} if paid.brand in REDIRECTS | VOUCHERS else {"type": "scheme", "brand": paid.brand}
    return {
        "pspReference": paid.psp,
        "resultCode": paid.result,
        "merchantReference": paid.reference,
        "amount": {"currency": paid.currency, "value": paid.value},
        "paymentMethod": kind,
    }


def details(memory: Memory, hooks: Hooks, body: Body) -> Body:
    """POST /payments/details.

    Raises:
        Problem: Not the result of a redirect from here.
    """
    given = str(body.get("details", {}).get("redirectResult", ""))
    name, _, how = given.partition("!")
    paid = memory.waiting.get(name)
    if paid is None or how not in RETURNS:
        raise Problem(422, "702", "The redirectResult is invalid")
    result, code, reason = RETURNS[how]
    if paid.psp in memory.payments:  # Adyen, too, tells the same again
        return _said(paid)
    if result == "Authorised":
        return _decide(memory, hooks, paid, None)
    if reason:
        return _decide(memory, hooks, paid, (code, reason, result))
    memory.payments[paid.psp] = paid
    paid.result = result
    hooks.item("PENDING", paid)
    return _said(paid)


def capture(memory: Memory, hooks: Hooks, paid: Paid, body: Body) -> tuple[str, Body]:
    """Takes a part. Multiple partial captures are switched on: what is left stays reserved."""
    value = _part(paid, body)
    fits = paid.result == "Authorised" and not paid.canceled and paid.captured + value <= paid.value
    psp = memory.new_id()
    if fits:
        paid.captured += value
    reason = "" if fits else "Insufficient balance on payment"
    hooks.item("CAPTURE", paid, psp=psp, value=value, success=fits, reason=reason, reference=body.get("reference", ""))
    return psp, {"amount": body["amount"]}


def cancel(memory: Memory, hooks: Hooks, paid: Paid, body: Body) -> tuple[str, Body]:
    """Releases what is not captured."""
    psp = memory.new_id()
    fits = paid.result == "Authorised" and not paid.captured
    paid.canceled = paid.canceled or fits
    reason = "" if fits else "Transaction not found"
    hooks.item("CANCELLATION", paid, psp=psp, success=fits, reason=reason, reference=body.get("reference", ""))
    return psp, {}


def reverse(memory: Memory, hooks: Hooks, paid: Paid, body: Body) -> tuple[str, Body]:
    """Releases or refunds."""
    psp = memory.new_id()
    action = "refund" if paid.captured else "cancel"
    if paid.captured:
        paid.refunded = paid.captured
    else:
        paid.canceled = True
    additional = {"modification.action": action}
    hooks.item(
        "CANCEL_OR_REFUND", paid, psp=psp, additional=additional, value=paid.value, reference=body.get("reference", "")
    )
    return psp, {}


def refund(memory: Memory, hooks: Hooks, paid: Paid, body: Body) -> tuple[str, Body]:
    """Returns a part."""
    value = _part(paid, body)
    fits = paid.refunded + value <= paid.captured
    psp = memory.new_id()
    if fits:
        paid.refunded += value
    reason = "" if fits else "Insufficient balance on payment"
    hooks.item("REFUND", paid, psp=psp, value=value, success=fits, reason=reason, reference=body.get("reference", ""))
    return psp, {"amount": body["amount"]}


def adjust(memory: Memory, hooks: Hooks, paid: Paid, body: Body) -> tuple[str, Body]:
    """Sets the authorized amount of a pre-authorization."""
    value = _part(paid, body)
    fits = paid.pre_authorized and paid.result == "Authorised" and not paid.canceled and not paid.captured
    psp = memory.new_id()
    if fits:
        paid.value = value
    reason = "" if fits else "Refused"
    hooks.item("AUTHORISATION_ADJUSTMENT", paid, psp=psp, value=value, success=fits, reason=reason)
    return psp, {"amount": body["amount"]}


MODIFY: Final[dict[str, Callable[[Memory, Hooks, Paid, Body], tuple[str, Body]]]] = {
    "captures": capture,
    "cancels": cancel,
    "reversals": reverse,
    "refunds": refund,
    "amountUpdates": adjust,
}
"""Last part of the address → what it does; (the operation's pspReference, what the answer says besides)."""


def modify(memory: Memory, hooks: Hooks, psp: str, what: str, body: Body) -> Body:
    """POST /payments/{psp}/…: received, whatever comes of it.

    Raises:
        Problem: Adyen's validation fails.
    """
    check_account(body)
    paid = memory.payments.get(psp)
    if paid is None:
        raise Problem(422, "167", "Original pspReference required for this operation")
    own, said = MODIFY[what](memory, hooks, paid, body)
    return {
        "merchantAccount": body["merchantAccount"],
        "paymentPspReference": psp,
        "pspReference": own,
        "reference": body.get("reference", ""),
        "status": "received",
        **said,
    }


def _part(paid: Paid, body: Body) -> int:
    currency, value = amount_of(body)
    if currency != paid.currency:
        raise Problem(422, "138", "Unsupported currency specified")
    return value
