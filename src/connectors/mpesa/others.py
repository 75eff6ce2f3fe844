"""Bodies of the rest: standing orders (Ratiba), refused calls, and what has no known shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.mpesa import codes as c
from connectors.mpesa import mapping as m
from connectors.mpesa.notices import Notice
from connectors.mpesa.shapes import Envelope, RatibaHeader
from connectors.mpesa.values import digest, identifier, required, text

_STILL_PROCESSING = "500.001.1001"


def read_ratiba(envelope: Envelope) -> Notice:
    """A standing order: how the request for it ended, or that the payer is being asked.

    The documentation writes the callback's names in both cases, `responseHeader` and `ResponseHeader`; the answer to
    the request is `ResponseHeader` too, and has no responseData. Both reference ids are the one that the partner chose.

    Raises:
        PayloadRejected: No reference id.
    """
    if envelope.ratiba_callback is not None:
        return _read_order(envelope.ratiba_callback, envelope.ratiba_callback_body)
    header = envelope.ratiba_answer or RatibaHeader()
    if _listed(envelope.ratiba_answer_body) is not None:
        return _read_order(header, envelope.ratiba_answer_body)
    mandate = required(header.response_ref_id, "responseRefID")
    return Notice(
        provider_type="ratiba.accepted",
        dedup_key=f"ratiba_accepted:{mandate}",
        ids=(mandate,),
        own_id=mandate,
        status_word=text(header.response_code, "responseCode"),
    )


def _read_order(header: RatibaHeader, body: Any) -> Notice:
    mandate = required(header.request_ref_id or header.response_ref_id, "requestRefID")
    code = text(header.response_code, "responseCode")
    meaning = _order_meaning(code, _words(_listed(body)).get("status"))
    variant = c.FAILED if meaning.decline is not None else meaning.variant
    return Notice(
        provider_type=f"ratiba.{variant if variant in (c.SUCCESS, c.FAILED) else c.UNKNOWN}",
        dedup_key=f"ratiba:{mandate}:{code}",
        ids=(mandate,),
        own_id=mandate,
        status_word=code,
        sentence=text(header.response_description, "responseDescription"),
        decline=meaning.decline,
    )


def _order_meaning(code: str, status: object) -> c.Meaning:
    """What the code says; where it leaves open whether the order was made, what the word `Status` says."""
    meaning = c.meaning_of(c.RATIBA_CODES, code)
    refused = c.RATIBA_REFUSALS.get(status.strip().lower()) if isinstance(status, str) else None
    if refused is None or meaning is c.STILL_PROCESSING or meaning.decline is not None:
        return meaning
    return c.NOT_KNOWN if meaning is c.OK else refused  # a code that says yes and a word that says no: neither


def _listed(body: Any) -> Any:
    """The list in a callback's body, under either name; None where there is no such name."""
    if not isinstance(body, dict):
        return None
    found = body.get("responseData")
    return body.get("ResponseData") if found is None else found


def _words(listed: Any) -> Mapping[str, Any]:
    """Values by name, in small letters: `Name` and `Value` come in both cases, too."""
    items = [listed] if isinstance(listed, dict) else listed if isinstance(listed, list) else []
    lowered = [{key.lower(): value for key, value in item.items()} for item in items if isinstance(item, dict)]
    return {str(item.get("name")).lower(): item.get("value") for item in lowered}


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
        dedup_key=f"api:{request or digest(body)}",
        status_word=code,
        sentence=sentence,
    )


def read_express_answer(envelope: Envelope, body: bytes) -> Notice:
    """The answer to a B2B Express CheckOut: the prompt was sent. It names nothing."""
    code = text(envelope.express_code, "code")
    return Notice(
        provider_type="b2b_express.accepted" if code == "0" else "api.refused",
        dedup_key=f"b2b_express_accepted:{digest(body)}",
        status_word=code,
    )


def read_empty_pull(envelope: Envelope, body: bytes) -> Notice:
    """A pulled list without transactions, or the answer to a registration for pulling."""
    request = identifier(envelope.pull_ref_id, "ResponseRefID")
    return Notice(
        provider_type="pull.empty",
        dedup_key=f"pull_empty:{request or digest(body)}",
        own_id=request,
        status_word=text(envelope.response_code, "ResponseCode"),
    )


def read_unrecognised(body: bytes) -> Notice:
    """An object of no known shape: kept whole, for it may be a kind of callback that came after this was written."""
    return Notice(provider_type=m.UNRECOGNISED, dedup_key=f"unrecognised:{digest(body)}")
