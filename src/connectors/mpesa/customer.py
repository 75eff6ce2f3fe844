"""Money that customers paid in without a push: C2B confirmation and validation, pulled lists, Bill Manager."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from connectors.mpesa import mapping as m
from connectors.mpesa.amounts import shillings
from connectors.mpesa.notices import Notice
from connectors.mpesa.shapes import Envelope
from connectors.mpesa.values import identifier, last4, moment, required, text, typed_by_payer
from connectors.spi import PayloadRejected


class Pulled(
    msgspec.Struct,
    gc=False,
    rename={
        "transaction_id": "transactionId",
        "trx_date": "trxDate",
        "transaction_type": "transactiontype",
        "bill_reference": "billreference",
    },
):
    """One transaction of a pulled list; its names are in lower case, unlike the rest of Daraja."""

    transaction_id: Any = None
    trx_date: Any = None
    msisdn: Any = None
    transaction_type: Any = None
    bill_reference: Any = None
    amount: Any = None


def read_c2b(envelope: Envelope, purpose: str) -> Notice:
    """A customer's payment to a pay bill or till. Validation comes before the money moves, with the same body.

    Raises:
        PayloadRejected: No TransID, or no TransAmount.
    """
    receipt = required(envelope.trans_id, "TransID")
    if envelope.trans_amount is None:
        raise PayloadRejected("the body has no TransAmount", reason="PAYLOAD_FIELD_MISSING")
    stage = "validation" if purpose == m.VALIDATION_PURPOSE else "confirmation"
    return Notice(
        provider_type=f"c2b.{stage}",
        dedup_key=f"c2b:{stage}:{receipt}",
        ids=(receipt,),
        references=(("receipt", receipt),),
        payment_name=receipt,
        receipt=receipt,
        account=identifier(envelope.business_short_code, "BusinessShortCode"),
        amount=shillings(envelope.trans_amount),
        occurred_at=moment(envelope.trans_time, "TransTime"),
        merchant_reference=typed_by_payer(envelope.bill_ref_number, "BillRefNumber"),
        payer_last4=last4(envelope.msisdn),
    )


def read_bill(envelope: Envelope) -> Notice:
    """A payment of an invoice that Bill Manager sent."""
    receipt = required(envelope.transaction_id, "transactionId")
    return Notice(
        provider_type="bill_manager.payment",
        dedup_key=f"bill_manager:{receipt}",
        ids=(receipt,),
        references=(("receipt", receipt),),
        payment_name=receipt,
        receipt=receipt,
        account=identifier(envelope.short_code, "shortCode"),
        amount=shillings(envelope.paid_amount),
        occurred_at=moment(envelope.date_created, "dateCreated"),
        merchant_reference=typed_by_payer(envelope.account_reference, "accountReference"),
        payer_last4=last4(envelope.pulled_msisdn),
    )


def read_pulled(envelope: Envelope) -> list[Notice]:
    """Every transaction of a pulled list, or the one of a notification. The list is nested twice.

    Raises:
        PayloadRejected: A transaction is not an object, or has no transactionId.
    """
    if envelope.trx_date is not None:
        one = Pulled(
            envelope.transaction_id,
            envelope.trx_date,
            envelope.pulled_msisdn,
            envelope.transaction_type,
            envelope.bill_reference,
            envelope.amount,
        )
        return [_read_one(one)]
    return [_read_one(_pulled(item)) for item in _flat(envelope.pulled)]


def _flat(listed: Any) -> Iterator[Any]:
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, list):
            yield from item
        else:
            yield item


def _pulled(item: Any) -> Pulled:
    try:
        return msgspec.convert(item, Pulled)
    except msgspec.ValidationError as error:
        raise PayloadRejected(
            "a pulled transaction does not have the provider's shape", reason="PAYLOAD_FIELD_INVALID"
        ) from error


def _read_one(pulled: Pulled) -> Notice:
    receipt = required(pulled.transaction_id, "transactionId")
    kind = text(pulled.transaction_type, "transactiontype").lower()
    return Notice(
        provider_type="pull.transaction" if kind.startswith(m.PULLED_PREFIX) else "pull.unknown",
        dedup_key=f"pull:{receipt}",
        ids=(receipt,),
        references=(("receipt", receipt),),
        payment_name=receipt,
        receipt=receipt,
        amount=shillings(pulled.amount),
        occurred_at=moment(pulled.trx_date, "trxDate"),
        merchant_reference=typed_by_payer(pulled.bill_reference, "billreference"),
        payer_last4=last4(pulled.msisdn),
        status_word=kind,
    )
