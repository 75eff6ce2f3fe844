"""What goes to one of Adyen's endpoints, and the checks that all requests share. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from connectors.adyen.amounts import amount_object
from connectors.spi.operations import Call
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment


class Endpoint(StrEnum):
    """An endpoint, as the SDK's API, group and method."""

    PAYMENTS = "checkout.payments_api.payments"
    DETAILS = "checkout.payments_api.payments_details"
    CAPTURES = "checkout.modifications_api.capture_authorised_payment"
    CANCELS = "checkout.modifications_api.cancel_authorised_payment_by_psp_reference"
    REVERSALS = "checkout.modifications_api.refund_or_cancel_payment"
    AMOUNT_UPDATES = "checkout.modifications_api.update_authorised_amount"
    REFUNDS = "checkout.modifications_api.refund_captured_payment"
    LIST_STORED = "checkout.recurring_api.get_tokens_for_stored_payment_details"
    CREATE_STORED = "checkout.recurring_api.stored_payment_methods"
    DELETE_STORED = "checkout.recurring_api.delete_token_for_stored_payment_details"
    ACCEPT_DISPUTE = "disputes.disputes_api.accept_dispute"
    DEFEND_DISPUTE = "disputes.disputes_api.defend_dispute"
    SUPPLY_DOCUMENT = "disputes.disputes_api.supply_defense_document"
    TRANSFERS = "transfers.transfers_api.transfer_funds"


@dataclass(frozen=True, slots=True)
class Prepared:
    """One request. `repr` shows nothing of what it holds."""

    endpoint: Endpoint
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    """None: a GET or a DELETE."""
    path: tuple[str, ...] = field(default=(), repr=False)
    """Ids in the address. Letters and digits only: the SDK does not quote them."""
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Unquoted."""


MAX_REFERENCE: Final = 80
_ID: Final = re.compile(r"[0-9A-Za-z]{1,64}")


def rejected(field_name: str, message: str, *, fix: str = "", reason: str | None = None) -> RequestRejected:
    """A request that Adyen cannot take, with the field's name."""
    return RequestRejected(
        message, reason=reason, fix=fix or f"mend {field_name}; nothing was sent", metadata={"field": field_name}
    )


def identifier(value: str, field_name: str) -> str:
    """One of Adyen's ids, fit for an address.

    Raises:
        RequestRejected: Empty, or not letters and digits.
    """
    if not _ID.fullmatch(value):
        raise rejected(field_name, "Adyen's ids are letters and digits", fix="take it from the payment or the webhook")
    return value


def shopper(value: str) -> str:
    """A shopperReference.

    Raises:
        RequestRejected: Not 3 to 256 characters.
    """
    if not 3 <= len(value) <= 256:
        raise rejected(
            "connector_customer_id",
            "Adyen keeps payment methods by shopperReference: 3 to 256 characters",
            fix="set connector_customer_id to your own reference of the customer, without personal data",
        )
    return value


def own_reference(value: str, field_name: str) -> str:
    """The merchant's reference, as it stands.

    Raises:
        RequestRejected: Longer than Adyen's 80 characters.
    """
    if len(value) > MAX_REFERENCE:
        raise rejected(field_name, f"Adyen's references have at most {MAX_REFERENCE} characters")
    return value


def positive(money: Money, field_name: str = "amount") -> dict[str, Any]:
    """An amount that moves money.

    Raises:
        RequestRejected: Nothing or less, or a fraction of Adyen's unit.
        PayloadRejected: CURRENCY_UNKNOWN.
    """
    if money.minor_units <= 0:
        raise rejected(field_name, "the amount must be more than nothing")
    return amount_object(money.minor_units, money.currency, field=field_name)


def psp_reference(payment: Payment | None) -> str:
    """The payment's pspReference, fit for an address.

    Raises:
        RequestRejected: Adyen has not named the payment yet.
    """
    name = payment.connector_transaction_id if payment is not None else ""
    if not name:
        raise rejected(
            "payment_id",
            "Adyen has not named this payment yet",
            fix="wait for its authorization; `Get` shows its status",
        )
    return identifier(name, "payment_id")


def known_payment(call: Call) -> Payment:
    """The payment that the operation is about.

    Raises:
        RequestRejected: There is none.
    """
    if call.payment is None:
        raise rejected("payment_id", "the operation needs a payment")
    return call.payment
