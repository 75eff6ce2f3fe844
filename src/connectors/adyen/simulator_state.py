"""What Adyen's simulator remembers, and the tables of its test cards and magic values. No protocol here.

Source: Adyen docs, "Test card numbers"; "Testing result codes and refusal reasons".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.adyen.samples import MERCHANT_ACCOUNT
from connectors.spi.simulating import SimulatorOptions

BALANCE_ACCOUNT: Final = "BA00000000000000000000001"

# holderName → (refusalReasonCode, refusalReason, resultCode).
HOLDERS: Final[dict[str, tuple[str, str, str]]] = {
    "DECLINED": ("2", "Refused", "Refused"),
    "REFERRAL": ("3", "Referral", "Refused"),
    "ERROR": ("4", "Acquirer Error", "Error"),
    "BLOCK_CARD": ("5", "Blocked Card", "Refused"),
    "CARD_EXPIRED": ("6", "Expired Card", "Refused"),
    "INVALID_AMOUNT": ("7", "Invalid Amount", "Refused"),
    "INVALID_CARD": ("8", "Invalid Card Number", "Refused"),
    "ISSUER_UNAVAILABLE": ("9", "Issuer Unavailable", "Refused"),
    "NOT_SUPPORTED": ("10", "Not supported", "Refused"),
    "NOT_3D_AUTHENTICATED": ("11", "3D Not Authenticated", "Refused"),
    "NOT_ENOUGH_BALANCE": ("12", "Not enough balance", "Refused"),
    "CANCELLED": ("15", "Cancelled", "Cancelled"),
    "FRAUD": ("20", "FRAUD", "Refused"),
    "CVC_DECLINED": ("24", "CVC Declined", "Refused"),
    "RESTRICTED_CARD": ("25", "Restricted Card", "Refused"),
}
LATE: Final = "SIMULATOR_LATE"
LOST: Final = "SIMULATOR_LOST"
FAILS_AFTER: Final = "SIMULATOR_500"
"""holderNames of this simulator alone: answers two seconds late; carries it out and breaks the connection; carries it
out and answers 500. A repeat with the same key gets the answer."""
LATE_S: Final = 2.0

CHALLENGED_CARD: Final = "4917610000000000"
"""3-D Secure 2: the payer is redirected."""
BRANDS: Final[dict[str, str]] = {"4": "visa", "5": "mc", "2": "mc", "3": "amex", "6": "discover"}
"""First digit → brand."""
REDIRECTS: Final = frozenset({"ideal", "klarna", "directEbanking", "paybybank", "paypal", "bcmc_mobile", "eps"})
VOUCHERS: Final = frozenset({"multibanco", "boletobancario", "bankTransfer_IBAN"})
"""Payment methods whose payer is shown something to pay with elsewhere."""
DECLINING_SHOPPER: Final = "declines-"
"""Saved payment methods of shoppers whose reference begins so are refused: not enough balance."""

# What stands behind "!" in a redirectResult → (resultCode, refusalReasonCode, refusalReason).
RETURNS: Final[dict[str, tuple[str, str, str]]] = {
    "": ("Authorised", "", ""),
    "refused": ("Refused", "2", "Refused"),
    "cancelled": ("Cancelled", "16", "Shopper Cancelled"),
    "pending": ("Pending", "", ""),
    "received": ("Received", "", ""),
}


@dataclass(slots=True)
class Paid:
    """One payment, in Adyen's minor units."""

    psp: str
    reference: str
    key: str
    currency: str
    value: int
    result: str
    """The last `resultCode`; "Cancelled" after a cancellation, too."""
    manual: bool = False
    pre_authorized: bool = False
    captured: int = 0
    refunded: int = 0
    canceled: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    brand: str = ""
    shopper: str = ""
    saved_id: str = ""
    saves: bool = False
    """Whether it saves `saved_id`, instead of using it."""
    return_url: str = ""


@dataclass(eq=False)
class Problem(Exception):
    """A refusal in Adyen's form."""

    status: int
    code: str
    message: str
    kind: str = "validation"


@dataclass(slots=True)
class Memory:
    """Everything."""

    options: SimulatorOptions
    payments: dict[str, Paid] = field(default_factory=dict)
    waiting: dict[str, Paid] = field(default_factory=dict)
    """redirectResult → the payment whose payer is away."""
    saved: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """shopperReference → id → saved payment method."""
    disputes: dict[str, str] = field(default_factory=dict)
    """disputePspReference → the payment's pspReference."""
    closed: set[str] = field(default_factory=set)
    """Disputes that were accepted or defended."""
    documents: dict[str, list[str]] = field(default_factory=dict)
    """disputePspReference → document types."""
    transfers: list[dict[str, Any]] = field(default_factory=list)
    made: int = 0

    def new_id(self) -> str:
        """A pspReference: 16 capital letters and digits."""
        self.made += 1
        return hashlib.sha256(f"{self.options.seed}/{self.made}".encode()).hexdigest().upper()[:16]


def required(body: dict[str, Any], name: str, code: str, message: str) -> Any:
    """A field that has to be there.

    Raises:
        Problem: It is not.
    """
    value = body.get(name)
    if value is None or value == "":
        raise Problem(422, code, message)
    return value


def check_account(body: dict[str, Any], name: str = "merchantAccount") -> None:
    """The merchant account has to be the simulator's.

    Raises:
        Problem: It is not.
    """
    if body.get(name) != MERCHANT_ACCOUNT:
        raise Problem(403, "901", "Invalid Merchant Account", "security")


def amount_of(body: dict[str, Any], *, zero: bool = False) -> tuple[str, int]:
    """(currency, value) of `amount`.

    Raises:
        Problem: There is none, or it is not one.
    """
    amount = required(body, "amount", "100", "No amount specified")
    value = amount.get("value") if isinstance(amount, dict) else None
    if type(value) is not int or value < (0 if zero else 1):
        raise Problem(422, "137", "Invalid amount specified")
    currency = amount.get("currency")
    if not isinstance(currency, str) or len(currency) != 3 or not currency.isupper():
        raise Problem(422, "138", "Unsupported currency specified")
    return currency, value
