"""Bodies of the rest: standing orders (Ratiba), refused calls, and what has no known shape."""

from __future__ import annotations

import hashlib

from connectors.mpesa import codes as c
from connectors.mpesa import mapping as m
from connectors.mpesa.notices import Notice
from connectors.mpesa.shapes import Envelope, RatibaHeader
from connectors.mpesa.values import identifier, required, text

_STILL_PROCESSING = "500.001.1001"


def read_ratiba(envelope: Envelope) -> Notice:
    """How the request for a standing order ended. Both reference ids are the one that the partner chose.

    Raises:
        PayloadRejected: No reference id.
    """
    header = envelope.ratiba_callback or RatibaHeader()
    mandate = required(header.request_ref_id or header.response_ref_id, "requestRefID")
    code = text(header.response_code, "responseCode")
    meaning = c.meaning_of(c.RATIBA_CODES, code)
    said_no = meaning.decline is not None
    variant = c.FAILED if said_no else meaning.variant
    return Notice(
        provider_type=f"ratiba.{variant if variant in (c.SUCCESS, c.FAILED) else c.UNKNOWN}",
        dedup_key=f"ratiba:{mandate}:{code}",
        ids=(mandate,),
        own_id=mandate,
        status_word=code,
        sentence=text(header.response_description, "responseDescription"),
        decline=meaning.decline,
    )


def read_ratiba_answer(envelope: Envelope) -> Notice:
    """The answer to the request for a standing order: the payer is being asked."""
    header = envelope.ratiba_answer or RatibaHeader()
    mandate = required(header.response_ref_id, "responseRefID")
    return Notice(
        provider_type="ratiba.accepted",
        dedup_key=f"ratiba_accepted:{mandate}",
        ids=(mandate,),
        own_id=mandate,
        status_word=text(header.response_code, "responseCode"),
    )


def read_error(envelope: Envelope, body: bytes) -> Notice:
    """An answer of Daraja's gateway to a call of ours. It names no transaction; the request that it answers may.

    500.001.1001 is "the transaction is being processed" from an STK query, and "wrong credentials" from a push.
    """
    code = text(envelope.error_code, "errorCode")
    sentence = text(envelope.error_message, "errorMessage")
    refused = code != _STILL_PROCESSING or any(words in sentence.lower() for words in m.REFUSED_CALLS)
    request = identifier(envelope.request_id, "requestId")
    return Notice(
        provider_type="api.refused" if refused else "api.processing",
        dedup_key=f"api:{request or _digest(body)}",
        status_word=code,
        sentence=sentence,
    )


def read_express_answer(envelope: Envelope, body: bytes) -> Notice:
    """The answer to a B2B Express CheckOut: the prompt was sent. It names nothing."""
    code = text(envelope.express_code, "code")
    return Notice(
        provider_type="b2b_express.accepted" if code == "0" else "api.refused",
        dedup_key=f"b2b_express_accepted:{_digest(body)}",
        status_word=code,
    )


def read_empty_pull(envelope: Envelope, body: bytes) -> Notice:
    """A pulled list without transactions, or the answer to a registration for pulling."""
    request = identifier(envelope.pull_ref_id, "ResponseRefID")
    return Notice(
        provider_type="pull.empty",
        dedup_key=f"pull_empty:{request or _digest(body)}",
        own_id=request,
        status_word=text(envelope.response_code, "ResponseCode"),
    )


def read_unrecognised(body: bytes) -> Notice:
    """An object of no known shape: kept whole, for it may be a kind of callback that came after this was written."""
    return Notice(provider_type=m.UNRECOGNISED, dedup_key=f"unrecognised:{_digest(body)}")


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
