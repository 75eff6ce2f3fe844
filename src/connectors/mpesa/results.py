"""Answers to asynchronous requests: B2C, B2B, tax, top-up, reversal, transaction status, account balance.

They all look alike. What was asked is told, in this order, by
1. the ResultParameters that only one kind has (`mapping.KIND_BY_PARAMETER`): `OriginalTransactionID` of a reversal,
   `TransactionStatus` of a status, `B2C…` of a B2C payment;
2. the purpose of the URL, where it names a kind: "reversal", "b2c.timeout";
3. ReferenceData: a bill is paid by B2B only; then Safaricom's own timeout address: `…/reversalresults/v1/submit`;
4. a result code that only reversals have: R000001;
5. nothing but an occasion in ReferenceData: a status was asked, and its answer failed.
Where nothing tells (a failure without parameters, to a URL without purpose), it is taken for a payment sent out, for
nearly all are; `provider_event_type` then says "result". Give each kind its own URL, and nothing is left open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from connectors.mpesa import codes as c
from connectors.mpesa import mapping as m
from connectors.mpesa.amounts import charge, shillings
from connectors.mpesa.notices import Notice
from connectors.mpesa.shapes import Envelope, Keyed, Parameters, References, Result, Swapped
from connectors.mpesa.values import digest, identifier, last4, moment, text, typed_by_payer
from connectors.spi import PayloadRejected

_UNSETTLED_TYPE = "1"
"""ResultType 1: "waiting for further messages". Seen with "The service request timed out."."""

_PLACEHOLDER = "0000000"
"""How a TransactionID ends that names no transaction: LGR0000000."""

_COMPLETED_TIMES = ("TransactionCompletedDateTime", "TransCompletedTime")
_TIMES = (*_COMPLETED_TIMES, "FinalisedTime", "FinalizedTime", "BOCompletedTime")
_AMOUNTS = ("TransactionAmount", "Amount")
_REVERSAL_CODES = frozenset({"R000001", "R000002"})
_SAYS_YES = ("processed successfully", "accepted successfully")
"""In the sentence of a result that went well."""


def read_result(result: Result, purpose: str) -> Notice:
    """One answer.

    Raises:
        PayloadRejected: No id at all, or a field that is read is not of its kind.
    """
    found = result.swapped_parameters if result.parameters is None else result.parameters
    parameters = _by_key(found.items if isinstance(found, Parameters | Swapped) else found)
    code = text(result.result_code, "ResultCode")
    asked_by = _own_id(result)
    notice = Notice(
        provider_type="",
        dedup_key="",
        own_id=asked_by,
        originator_id=identifier(result.originator_conversation_id, "OriginatorConversationID"),
        receipt=_receipt(result, parameters),
        occurred_at=_time(parameters, _TIMES),
        status_word=code,
        sentence=text(result.result_desc, "ResultDesc"),
    )
    notice.ids = tuple(name for name in (asked_by, notice.originator_id) if name)
    kind = _kind(result, parameters, code, purpose)
    variant = _variant(result, parameters, code, purpose, notice)
    if kind == "balance":
        notice.provider_type = "balance.result"
    elif kind == "status":
        variant = _read_status(notice, parameters, variant)
    else:
        notice.provider_type = f"{kind}.{variant}"
        notice.amount = shillings(_first(parameters, *_AMOUNTS))
        notice.fee = charge(parameters.get("DebitPartyCharges"))
        if kind == "reversal":
            _point_at_payment(notice, _original(parameters))
    # Two outcomes of one request are two events: a timeout, then the result.
    notice.dedup_key = f"result:{asked_by}:{variant}:{code}"
    return notice


def read_accepted(envelope: Envelope, purpose: str, body: bytes) -> Notice:
    """The answer to the request itself: it was taken, and nothing has happened yet.

    C2B's API alone spells it OriginatorCoversationID; it registers URLs, and no money is meant. Its version 1 leaves
    both ids empty.
    """
    conversation = identifier(envelope.conversation_id, "ConversationID")
    originator = identifier(
        envelope.originator_conversation_id or envelope.originator_coversation_id, "OriginatorConversationID"
    )
    misspelt = envelope.originator_coversation_id is not None
    own_id = conversation or originator
    if not own_id and not misspelt:
        raise PayloadRejected("the body has no ConversationID", reason="PAYLOAD_FIELD_MISSING")
    sentence = text(envelope.response_description, "ResponseDescription")
    kind = _kind_of_purpose(purpose)
    said = f"{sentence} {text(envelope.customer_message, 'CustomerMessage')}"
    if misspelt or m.REGISTRATION_WORDS in said.lower():
        kind = "c2b"
    return Notice(
        provider_type=f"{kind or 'result'}.accepted",
        dedup_key=f"accepted:{own_id or digest(body)}",
        ids=tuple(name for name in (conversation, originator) if name),
        own_id=own_id,
        originator_id=originator,
        status_word=text(envelope.response_code, "ResponseCode"),
        sentence=sentence,
    )


def _kind(result: Result, parameters: Mapping[str, Any], code: str, purpose: str) -> str:
    for key, kind in m.KIND_BY_PARAMETER.items():
        if key in parameters:
            return kind
    by_purpose = _kind_of_purpose(purpose)
    if by_purpose:
        return by_purpose
    data = result.reference_data
    references = _by_key(data.items if isinstance(data, References) else data)
    if "BillReferenceNumber" in references:
        # Told before the timeout address: the documentation's failed B2B payment names that of a balance.
        return "b2b"
    queue = str(references.get("QueueTimeoutURL"))
    for part, kind in m.KIND_BY_QUEUE.items():
        if part in queue:
            return kind
    if code in _REVERSAL_CODES:
        return "reversal"
    return "status" if references and references.keys() <= m.KEYS_OF_STATUS else "result"


def _kind_of_purpose(purpose: str) -> str:
    kind = purpose.partition(".")[0]
    return kind if kind in m.KINDS else ""


def _variant(result: Result, parameters: Mapping[str, Any], code: str, purpose: str, notice: Notice) -> str:
    """The variant, with `notice.decline` set where it is a refusal."""
    if purpose.rpartition(".")[2] == m.TIMEOUT_PURPOSE:
        return c.TIMEOUT
    meaning = c.meaning_of(c.API_CODES, code)
    if meaning.decline is None:
        return meaning.variant
    said = notice.sentence.lower()
    if text(result.result_type, "ResultType") == _UNSETTLED_TYPE:
        return c.TIMEOUT
    completed = any(parameters.get(key) for key in _COMPLETED_TIMES)
    paid = _first(parameters, *_AMOUNTS) is not None and any(words in said for words in _SAYS_YES)
    if completed or paid:
        # Refused by its code, and completed by its time, or by its sentence and amount: contradictory, so nothing is
        # claimed. The sentence alone does not outweigh the code.
        return c.UNKNOWN
    notice.decline = meaning.decline
    return meaning.variant


def _read_status(notice: Notice, parameters: Mapping[str, Any], variant: str) -> str:
    """Turns a notice of a question into one of the transaction that was asked about. Returns its variant."""
    notice.decline = None
    if variant != c.SUCCESS:
        notice.provider_type = "status.unanswered"
        return variant
    word = text(_first(parameters, "TransactionStatus", "Status"), "TransactionStatus")
    meaning = c.meaning_of(c.TRANSACTION_STATUSES, word.lower())
    family = _family_of(parameters)
    asked = identifier(parameters.get("ConversationID"), "ConversationID")
    notice.provider_type = f"{family}.{meaning.variant}"
    notice.decline = meaning.decline
    notice.status_word = word
    notice.amount = shillings(_first(parameters, "Amount", "TransactionAmount"))
    notice.fee = charge(parameters.get("DebitPartyCharges"))
    notice.occurred_at = notice.occurred_at or _time(parameters, ("InitiatedTime",))
    notice.ids += tuple(name for name in (asked, notice.receipt) if name)
    if family == "status":
        notice.payer_last4 = last4(_party(parameters, "DebitPartyName"))
        notice.merchant_reference = typed_by_payer(parameters.get("BillReferenceNumber"), "BillReferenceNumber")
        _point_at_payment(notice, notice.receipt)
        return meaning.variant
    notice.own_id = asked or notice.receipt or notice.own_id
    notice.originator_id = identifier(parameters.get("OriginatorConversationID"), "OriginatorConversationID")
    if family == "reversal_status":
        _point_at_payment(notice, _original(parameters))
    return meaning.variant


def _family_of(parameters: Mapping[str, Any]) -> str:
    """Whether the transaction asked about brought money in, sent it out, or gave it back.

    Money that goes from a shortcode to a phone went out, whatever the reason is called.
    """
    reason = parameters.get("ReasonType")
    if isinstance(reason, str):
        for start, family in m.FAMILY_BY_REASON.items():
            if reason.strip().lower().startswith(start):
                return family
    payer, payee = _party(parameters, "DebitPartyName"), _party(parameters, "CreditPartyName")
    return "payout_status" if last4(payee) and payer and not last4(payer) and len(payer) < 9 else "status"


def _party(parameters: Mapping[str, Any], key: str) -> str:
    """The number of a party, a phone or a shortcode of 5 to 7 digits: "254700000123 - Jane Doe", or the name first."""
    first, _, second = (part.strip() for part in str(parameters.get(key) or "").partition(" - "))
    return second if second.isdigit() and not first.isdigit() else first


def _point_at_payment(notice: Notice, receipt: str) -> None:
    notice.receipt = notice.payment_name = receipt
    notice.references = (("receipt", receipt),) if receipt else ()


def _original(parameters: Mapping[str, Any]) -> str:
    """The receipt of the payment that a reversal gives back."""
    return identifier(parameters.get("OriginalTransactionID"), "OriginalTransactionID")


def _own_id(result: Result) -> str:
    own_id = identifier(result.conversation_id, "ConversationID") or identifier(
        result.originator_conversation_id, "OriginatorConversationID"
    )
    own_id = own_id or identifier(result.transaction_id, "TransactionID")
    if not own_id:
        raise PayloadRejected("the result has no ConversationID", reason="PAYLOAD_FIELD_MISSING")
    return own_id


def _receipt(result: Result, parameters: Mapping[str, Any]) -> str:
    receipt = identifier(_first(parameters, "ReceiptNo", "TransactionReceipt"), "TransactionReceipt")
    receipt = receipt or identifier(result.transaction_id, "TransactionID")
    return "" if receipt.endswith(_PLACEHOLDER) else receipt


def _first(parameters: Mapping[str, Any], *keys: str) -> Any:
    for key in keys:
        value = parameters.get(key)
        if value is not None:
            return value
    return None


def _time(parameters: Mapping[str, Any], keys: tuple[str, ...]) -> Timestamp | None:
    for key in keys:
        found = moment(parameters.get(key), key) if key in parameters else None
        if found is not None:
            return found
    return None


def _by_key(found: list[Keyed | None] | Keyed | str | None) -> dict[str, Any]:
    """Values by key; "Conversation ID" and "ConversationID" are one key, and the first of two is kept.

    A second DebitPartyName is the other party: the documentation's own sample names both so.
    """
    if isinstance(found, Keyed):
        found = [found]
    if not isinstance(found, list):
        return {}
    values: dict[str, Any] = {}
    for item in found:
        if item is None or item.key is None:
            continue
        key = item.key.replace(" ", "") if " " in item.key else item.key
        if key == "DebitPartyName" and key in values:
            key = "CreditPartyName"
        values.setdefault(key, item.value)
    return values
