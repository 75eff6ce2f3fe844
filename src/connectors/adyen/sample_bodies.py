"""Makers of bodies that a header signs: platforms, management, tokenization, classic. Written from Adyen's pages."""

from __future__ import annotations

from typing import Any, Final

from connectors.adyen.mapping_messages import PAYMENT_FAILURE, SCHEDULED_REFUNDS
from connectors.adyen.samples import MERCHANT_ACCOUNT, amount, at, psp
from connectors.spi import SampleRequest

BALANCE_PLATFORM: Final = "ExamplePlatform"
Body = dict[str, Any]


def _platform(request: SampleRequest, name: str, data: Body) -> Body:
    return {
        "data": {"balancePlatform": BALANCE_PLATFORM, **data},
        "environment": "test",
        "timestamp": at(request),
        "type": name,
    }


def _signed_amount(request: SampleRequest, sign: int) -> Body:
    found = amount(request)
    return {**found, "value": sign * found["value"]}


def transfer(
    name: str, category: str, kind: str, direction: str, status: str, reason: str, request: SampleRequest
) -> Body:
    acquired = category == "platformPayment"
    booking = {
        "modificationPspReference": psp(request, kind, request.step),
        "paymentMerchantReference": request.merchant_transaction_id,
        "platformPaymentType": "BalanceAccount",
        "pspPaymentReference": psp(request, "payment"),
    }
    data = {
        "id": psp(request, f"transfer-{direction}-{kind}", request.step),
        "type": kind,
        "accountHolder": {"id": "AH00000000000000000000001"},
        "amount": amount(request),
        "balanceAccount": {"id": "BA00000000000000000000001"},
        "category": category,
        "categoryData": {"type": category, **(booking if acquired else {})},
        "creationDate": at(request),
        "direction": direction,
        "reason": reason,
        "reference": request.merchant_transaction_id,
        "sequenceNumber": _SEQUENCE[status],
        "status": status,
    }
    return _platform(request, name, data)


_SEQUENCE: Final[dict[str, int]] = {
    "received": 1,
    "authorised": 2,
    "booked": 3,
    "captured": 3,
    "refunded": 3,
    "chargeback": 3,
    "failed": 4,
    "returned": 4,
}


def transaction(sign: int, request: SampleRequest) -> Body:
    data = {
        "id": psp(request, "transaction", request.step),
        "amount": _signed_amount(request, sign),
        "status": "booked",
        "transfer": {
            "id": psp(request, f"transfer-{'incoming' if sign > 0 else 'outgoing'}-bankTransfer", request.step),
            "reference": request.merchant_transaction_id,
            "categoryData": {"type": "bank", "priority": "regular"},
        },
        "bookingDate": at(request),
        "creationDate": at(request),
        "valueDate": at(request),
    }
    return _platform(request, "balancePlatform.transaction.created", data)


def movement(name: str, status: str, sign: int, request: SampleRequest) -> Body:
    moved = _signed_amount(request, sign)
    data = {
        "id": psp(request, "movement", request.step),
        "paymentId": psp(request, "movement", request.step),
        "amount": moved,
        "originalAmount": moved,
        "modification": {"type": status, "amount": moved},
        "creationDate": at(request),
        "status": status,
    }
    return _platform(request, name, data)


def mandate(name: str, status: str, request: SampleRequest) -> Body:
    mandate = {
        "id": f"MNDT{psp(request, 'mandate')}",
        "balanceAccountId": "BA00000000000000000000001",
        "paymentInstrumentId": "PI00000000000000000000001",
        "status": status,
        "type": "bacs",
        "createdAt": at(request),
        "updatedAt": at(request),
    }
    return _platform(request, name, {"mandate": mandate})


def dispute(name: str, status: str, request: SampleRequest) -> Body:
    data = {
        "id": f"DS{psp(request, 'issuing dispute')}",
        "creationDate": at(request),
        "disputedAmount": amount(request),
        "status": status,
        "transactionId": psp(request, "transaction"),
        "type": "notDelivered",
    }
    return _platform(request, name, data)


def execution(name: str, request: SampleRequest) -> Body:
    data = {
        "balanceAccountId": "BA00000000000000000000001",
        "balanceAccountPayoutScheduleId": f"PS{psp(request, 'schedule')}",
        "result": name.rsplit(".", 1)[-1],
        "triggeredAt": at(request),
    }
    return _platform(request, name, data)


def token(name: str, request: SampleRequest) -> Body:
    return {
        "createdAt": at(request),
        "eventId": psp(request, name, request.step),
        "environment": "test",
        "data": {
            "merchantAccount": MERCHANT_ACCOUNT,
            "operation": name.rsplit(".", 1)[-1],
            "shopperReference": f"shopper-{request.seed}",
            "storedPaymentMethodId": psp(request, "token"),
            "type": "visa",
        },
        "type": name,
        "version": "1",
    }


def method(name: str, status: str, request: SampleRequest) -> Body:
    data = {
        "id": f"PM{psp(request, 'payment method')}",
        "merchantId": MERCHANT_ACCOUNT,
        "status": status,
        "storeId": "ST00000000000000000000001",
        "type": "visa",
    }
    return {"createdAt": at(request), "data": data, "environment": "test", "type": name}


def notice(name: str, request: SampleRequest) -> Body:
    change = {"newBankAccountNumber": "000012345678", "newBranchCode": "021000021", "reasonCode": "C01"}
    data = {
        "notificationOfChange": change,
        "pspReference": psp(request, "payment"),
        "shopperReference": f"shopper-{request.seed}",
    }
    return {"createdAt": at(request), "data": data, "environment": "test", "type": name, "version": "1"}


def instrument(name: str, request: SampleRequest) -> Body:
    instrument = {
        "id": f"PI{psp(request, 'instrument')}",
        "balanceAccountId": "BA00000000000000000000001",
        "card": {"brand": "mc", "lastFour": "4321", "expiration": {"month": "03", "year": "2030"}},
        "issuingCountryCode": "NL",
        "status": "active",
        "type": "card",
    }
    return _platform(request, name, {"paymentInstrument": instrument})


def network_token(name: str, request: SampleRequest) -> Body:
    data = {
        "id": f"TK{psp(request, 'network token')}",
        "paymentInstrumentId": f"PI{psp(request, 'instrument')}",
        "status": "active",
        "tokenLastFour": "4321",
        "type": "wallet",
    }
    return _platform(request, name, data)


def no_word(name: str, request: SampleRequest) -> Body:
    return _platform(request, name, {"id": psp(request, name, request.step), "creationDate": at(request)})


def classic(name: str, content: Body, request: SampleRequest) -> Body:
    return {
        "eventDate": at(request),
        "eventType": name,
        "executingUserKey": "example-user",
        "live": False,
        "pspReference": psp(request, "classic", request.step),
        "content": {"accountCode": "100000001", "accountHolderCode": "holder-1", **content},
    }


def classic_payout(name: str, status: str, request: SampleRequest) -> Body:
    message = {"code": "10_135", "text": "Account closed"} if status == "Failed" else {"code": "10_999", "text": ""}
    content = {
        "amounts": [amount(request)],
        "amount": amount(request),
        "merchantReference": request.merchant_transaction_id,
        "originalPspReference": psp(request, "classic payout", request.step),
        "status": {"message": message, "statusCode": status},
    }
    return classic(name, content, request)


def scheduled_refunds(request: SampleRequest) -> Body:
    transaction = {
        "amount": amount(request),
        "capturePspReference": psp(request, "capture"),
        "merchantReference": request.merchant_transaction_id,
        "paymentPspReference": psp(request, "payment"),
    }
    result = {
        "originalTransaction": transaction,
        "pspReference": psp(request, "refund", request.step),
        "response": "[refund-received]",
    }
    return classic(SCHEDULED_REFUNDS, {"refundResults": [result]}, request)


def payment_failure(request: SampleRequest) -> Body:
    content = {
        "errorMessage": {"code": "30_114", "text": "The account code is unknown"},
        "modificationPspReference": psp(request, "capture", request.step),
        "paymentMerchantReference": request.merchant_transaction_id,
        "paymentPspReference": psp(request, "payment"),
    }
    return classic(PAYMENT_FAILURE, content, request)
