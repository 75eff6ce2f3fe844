"""Our calls as Daraja's requests. Pure; refuses what M-Pesa cannot take, before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.mpesa.account import Account, stk_password, stk_stamp
from connectors.mpesa.amounts import CURRENCY
from connectors.spi.operations import Call
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.money_pb2 import Money
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.payment_service_pb2 import CAPTURE_MODE_MANUAL, PaymentServiceAuthorizeRequest
from orchestratorx_prism.v1.payout_service_pb2 import PayoutServiceCreateRequest
from orchestratorx_prism.v1.refund_service_pb2 import RefundServiceCreateRequest

PUSH_PATH: Final = "/mpesa/stkpush/v1/processrequest"
PAYOUT_PATH: Final = "/mpesa/b2c/v3/paymentrequest"
REVERSAL_PATH: Final = "/mpesa/reversal/v1/request"
STATUS_PATH: Final = "/mpesa/transactionstatus/v1/query"

MAX_REFERENCE: Final = 12
"""AccountReference, characters."""
MAX_DESCRIPTION: Final = 13
"""TransactionDesc, characters."""
MAX_REMARKS: Final = 100

_KES_UNIT: Final = 100
"""Minor units in a shilling: M-Pesa's APIs take whole ones only."""
_PHONE: Final = re.compile(r"(?:\+?254|0)([17]\d{8})", re.ASCII)
_SHORTCODE_PARTY: Final = "4"
"""IdentifierType of a shortcode."""
_REVERSED_PARTY: Final = "11"
"""RecieverIdentifierType of a reversal: the organization that gives the money back."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A request ready to be posted. `repr` shows the path alone: the body holds a phone number and a password."""

    path: str
    body: Mapping[str, Any] = field(repr=False)
    method: str = "POST"


def push(call: Call, account: Account, now_s: float) -> Draft:
    """AUTHORIZE: a prompt on the payer's phone. The PIN takes the money at once; there is nothing to capture.

    Raises:
        RequestRejected: `metadata["field"]` says what M-Pesa cannot take.

    Source: Daraja documentation, "M-Pesa Express".
    """
    request: PaymentServiceAuthorizeRequest = call.request
    phone = _payer(request)
    shillings = whole_shillings(request.amount)
    if request.capture_mode == CAPTURE_MODE_MANUAL:
        raise _rejected("capture_mode", "M-Pesa takes the money at once", "leave capture_mode automatic")
    for name in ("off_session", "save_instrument"):
        if getattr(request, name):
            raise _rejected(name, "a M-Pesa payer enters the PIN for every payment", f"leave {name} out")
    stamp = stk_stamp(now_s)
    return Draft(
        PUSH_PATH,
        {
            "BusinessShortCode": account.shortcode,
            "Password": stk_password(account.shortcode, account.passkey, stamp),
            "Timestamp": stamp,
            "TransactionType": "CustomerBuyGoodsOnline" if account.till else "CustomerPayBillOnline",
            "Amount": shillings,
            "PartyA": phone,
            "PartyB": account.till or account.shortcode,
            "PhoneNumber": phone,
            "CallBackURL": account.callback(call.context.merchant_id),
            "AccountReference": account_reference(call),
            "TransactionDesc": _words(request.description, "Payment", MAX_DESCRIPTION),
        },
    )


def payout(call: Call, account: Account) -> Draft:
    """CREATE_PAYOUT: money to a phone. Our key is the OriginatorConversationID: M-Pesa refuses to see it twice.

    Raises:
        RequestRejected: `metadata["field"]` says what M-Pesa cannot take.

    Source: Daraja documentation, "Business To Customer", version 3.
    """
    request: PayoutServiceCreateRequest = call.request
    if request.destination.WhichOneof("destination") != "phone":
        raise _rejected("destination", "M-Pesa sends money to phones", "give destination.phone")
    phone = normalized_phone(request.destination.phone, "destination.phone")
    return Draft(
        PAYOUT_PATH,
        {
            "OriginatorConversationID": call.key,
            "InitiatorName": _initiator(account),
            "SecurityCredential": account.security_credential,
            "CommandID": "BusinessPayment",
            "Amount": whole_shillings(request.amount),
            "PartyA": account.b2c_shortcode,
            "PartyB": phone,
            "Remarks": _words(request.description, "Payout", MAX_REMARKS),
            "QueueTimeOutURL": account.callback(call.context.merchant_id, "b2c.timeout"),
            "ResultURL": account.callback(call.context.merchant_id, "b2c"),
            # Daraja spells it so.
            "Occassion": _words(request.merchant_payout_id, "", MAX_REMARKS),
        },
    )


def reversal(call: Call, account: Account) -> Draft:
    """REFUND: the whole of a payment goes back.

    Raises:
        RequestRejected: A part of it is asked for, or the payment has no receipt that is known, or several.

    Source: Daraja documentation, "Reversals".
    """
    request: RefundServiceCreateRequest = call.request
    payment = _payment(call)
    amount = refund_amount(call)
    return Draft(
        REVERSAL_PATH,
        {
            "Initiator": _initiator(account),
            "SecurityCredential": account.security_credential,
            "CommandID": "TransactionReversal",
            "TransactionID": receipt_of(payment),
            "Amount": whole_shillings(amount),
            "ReceiverParty": account.till or account.shortcode,
            # Daraja spells it so.
            "RecieverIdentifierType": _REVERSED_PARTY,
            "ResultURL": account.callback(call.context.merchant_id, "reversal"),
            "QueueTimeOutURL": account.callback(call.context.merchant_id, "reversal.timeout"),
            "Remarks": _words(request.refund_reason, "Refund", MAX_REMARKS),
            "Occasion": _words(request.merchant_refund_id, "", MAX_REMARKS),
        },
    )


def status_of_payout(call: Call, account: Account) -> Draft:
    """A question about a payout, by our own key. It is answered by a callback to the URL of purpose "status".

    The documentation's sample and its table name the id differently, so both names are sent.

    Source: Daraja documentation, "Transaction Status".
    """
    return Draft(
        STATUS_PATH,
        {
            "Initiator": _initiator(account),
            "SecurityCredential": account.security_credential,
            "CommandID": "TransactionStatusQuery",
            "OriginatorConversationID": call.key,
            "OriginalConversationID": call.key,
            "PartyA": account.b2c_shortcode,
            "IdentifierType": _SHORTCODE_PARTY,
            "ResultURL": account.callback(call.context.merchant_id, "status"),
            "QueueTimeOutURL": account.callback(call.context.merchant_id, "status.timeout"),
            "Remarks": "Status",
            "Occasion": "",
        },
    )


def checkouts_of(payment: Payment | None) -> list[str]:
    """The CheckoutRequestIDs of a payment's pushes; the only names that can be asked about at once."""
    references = payment.references if payment is not None else ()
    return [reference.value for reference in references if reference.kind == "checkout_request"]


def receipt_of(payment: Payment) -> str:
    """The receipt of the movement of money that a reversal undoes."""
    receipts = [reference.value for reference in payment.references if reference.kind == "receipt"]
    if len(receipts) != 1:
        raise _rejected(
            "payment_id",
            "the payment has no receipt yet" if not receipts else "the payment has several receipts",
            "wait for M-Pesa's callback, which brings the receipt; or reconcile"
            if not receipts
            else "reverse them on the M-Pesa organization portal",
        )
    return receipts[0]


def refund_amount(call: Call) -> Money:
    """What is to go back: all that was taken.

    Raises:
        RequestRejected: Nothing was taken, some of it went back already, or less is asked for.
    """
    request: RefundServiceCreateRequest = call.request
    payment = _payment(call)
    captured = payment.captured
    if not captured.minor_units:
        raise _rejected("payment_id", "nothing was taken that could go back", "refund payments that are captured")
    if payment.refunded.minor_units:
        raise _rejected("payment_id", "the payment has gone back already", "M-Pesa reverses a payment once, in whole")
    if request.HasField("amount") and request.amount != captured:
        raise _rejected("amount", "M-Pesa reverses payments in whole only", "leave the amount out; or send a payout")
    return captured


def account_reference(call: Call) -> str:
    """What the payer sees as account, and what C2B confirmations and pulled lists name: the merchant's reference.

    Without one, the beginning of our key stands there, so that a payment whose callback is lost can still be found.
    """
    reference: str = call.request.merchant_transaction_id.strip()
    if not reference:
        return default_reference(call.key)
    if len(reference) > MAX_REFERENCE or not (reference.isascii() and reference.isprintable()):
        raise _rejected(
            "merchant_transaction_id",
            f"M-Pesa shows at most {MAX_REFERENCE} characters of ASCII as the account",
            "give a shorter one, or none",
        )
    return reference


def default_reference(key: str) -> str:
    """The account reference of a call without one of the merchant's."""
    return key.replace("-", "")[:MAX_REFERENCE].upper()


def whole_shillings(amount: Money) -> int:
    """Shillings of an amount: KES 1,000 minor units are 10.

    Raises:
        RequestRejected: Another currency, nothing, or cents.
    """
    if amount.currency != CURRENCY:
        raise _rejected("amount.currency", "M-Pesa of Kenya moves shillings only", "use KES")
    shillings, cents = divmod(amount.minor_units, _KES_UNIT)
    if cents:
        raise _rejected("amount.minor_units", "M-Pesa takes whole shillings only", "use a multiple of 100 minor units")
    if shillings < 1:
        raise _rejected("amount.minor_units", "there is nothing to move", "use at least 100 minor units")
    return shillings


def normalized_phone(text: str, field_name: str) -> str:
    """A Kenyan mobile number as Daraja wants it, "254712345678", from that, +254…, 07… or 01…; spaces are allowed.

    Raises:
        RequestRejected: Anything else. The message does not show the number.
    """
    found = _PHONE.fullmatch(text.replace(" ", "").replace("-", ""))
    if found is None:
        raise _rejected(field_name, "this is no mobile number of Kenya", "give it as 2547XXXXXXXX or 2541XXXXXXXX")
    return f"254{found[1]}"


def _payer(request: PaymentServiceAuthorizeRequest) -> str:
    instrument = request.instrument
    which = instrument.WhichOneof("instrument")
    if which == "card":
        raise RequestRejected(
            "raw card data is refused",
            reason="RAW_CARD_REFUSED",
            fix="M-Pesa payers pay with instrument.phone",
            metadata={"field": "instrument.card"},
        )
    if which != "phone":
        raise _rejected("instrument", "M-Pesa payers pay with their phone", "give instrument.phone")
    return normalized_phone(instrument.phone, "instrument.phone")


def _initiator(account: Account) -> str:
    if not (account.initiator and account.security_credential):
        raise RequestRejected(
            "payouts and refunds need an initiator, and none is configured",
            reason="CREDENTIALS_MISSING",
            fix="set MPESA_INITIATOR_NAME and MPESA_SECURITY_CREDENTIAL",
        )
    return account.initiator


def _payment(call: Call) -> Payment:
    if call.payment is None:
        raise _rejected("payment_id", "there is no such payment", "give the id of a payment")
    return call.payment


def _words(text: str, otherwise: str, longest: int) -> str:
    """Text for people, cut to what M-Pesa shows. Nothing depends on it."""
    shown = "".join(char for char in text if char.isascii() and char.isprintable())
    return shown.strip()[:longest].strip() or otherwise


def _rejected(field_name: str, message: str, fix: str) -> RequestRejected:
    return RequestRejected(message, fix=fix, metadata={"field": field_name})
