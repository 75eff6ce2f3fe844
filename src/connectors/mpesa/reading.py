"""From the envelope to notices: which family a body is of, told by the names at its top."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from connectors.mpesa import others
from connectors.mpesa.customer import read_bill, read_c2b, read_pulled
from connectors.mpesa.notices import Notice
from connectors.mpesa.results import read_accepted, read_result
from connectors.mpesa.shapes import BARE_CALLBACK_DECODER, BARE_RESULT_DECODER, Envelope, StkCallback
from connectors.mpesa.stk import read_answer, read_callback, read_express
from connectors.spi import PayloadRejected
from connectors.spi.decoding import decode


def read(envelope: Envelope, purpose: str, body: bytes) -> list[Notice]:
    """What the body says, at least one notice.

    Raises:
        PayloadRejected: A name that its family cannot do without is missing, or has a wrong value.
    """
    if envelope.body is not None:
        return [_read_wrapped(envelope.body.stk_callback, body)]
    if envelope.trans_id is not None:
        return [read_c2b(envelope, purpose)]
    if envelope.result is not None:
        return [read_result(envelope.result, purpose)]
    if envelope.checkout_request_id is not None:
        return [_read_push(envelope, body)]
    if envelope.conversation_id is not None or envelope.originator_conversation_id is not None:
        return [_read_request(envelope, purpose, body)]
    return _read_rarer(envelope, purpose, body)


def _read_push(envelope: Envelope, body: bytes) -> Notice:
    """An answer to a call of ours; with CallbackMetadata, a callback out of its Body."""
    if envelope.bare_metadata is not None:
        return read_callback(decode(BARE_CALLBACK_DECODER, body))
    return read_answer(envelope)


def _read_request(envelope: Envelope, purpose: str, body: bytes) -> Notice:
    """The answer to a request; with a ResultType, what came of it, out of its Result."""
    if envelope.bare_result_type is not None:
        return read_result(decode(BARE_RESULT_DECODER, body), purpose)
    return read_accepted(envelope, purpose, body)


def _read_wrapped(callback: StkCallback | None, body: bytes) -> Notice:
    """What `Body` holds: an STK callback, or one of a name that came after this was written."""
    if callback is not None:
        return read_callback(callback)
    inside = msgspec.json.decode(body, type=dict[str, msgspec.Raw])["Body"]
    if msgspec.json.decode(inside, type=dict[str, msgspec.Raw]).keys() <= {"stkCallback"}:
        raise PayloadRejected("the body has no stkCallback", reason="PAYLOAD_FIELD_MISSING")
    return others.read_unrecognised(body)


def _read_rarer(envelope: Envelope, purpose: str, body: bytes) -> list[Notice]:
    if envelope.bare_callback is not None:
        return [read_callback(envelope.bare_callback)]
    for names, reader in _RARER:
        if all(getattr(envelope, name) is not None for name in names):
            return reader(envelope, purpose, body)
    if not msgspec.json.decode(body, type=dict[str, msgspec.Raw]):
        raise PayloadRejected("the body is an empty object", reason="PAYLOAD_FIELD_MISSING")
    return [others.read_unrecognised(body)]


def _pulled(envelope: Envelope, _purpose: str, body: bytes) -> list[Notice]:
    return read_pulled(envelope) or [others.read_empty_pull(envelope, body)]


Reader: TypeAlias = Callable[[Envelope, str, bytes], list[Notice]]

# What must be there for a body to be of a family; the first that fits reads it.
_RARER: Final[tuple[tuple[tuple[str, ...], Reader], ...]] = (
    (("error_code",), lambda envelope, _purpose, body: [others.read_error(envelope, body)]),
    (("express_result_code",), lambda envelope, _purpose, _body: [read_express(envelope)]),
    (("transaction_id", "paid_amount"), lambda envelope, _purpose, _body: [read_bill(envelope)]),
    (("transaction_id", "trx_date"), _pulled),
    (("pulled",), _pulled),
    (("pull_ref_id",), _pulled),
    (("ratiba_callback",), lambda envelope, _purpose, _body: [others.read_ratiba(envelope)]),
    (("ratiba_answer",), lambda envelope, _purpose, _body: [others.read_ratiba(envelope)]),
    (("originator_coversation_id",), lambda envelope, purpose, body: [read_accepted(envelope, purpose, body)]),
    (("express_code",), lambda envelope, _purpose, body: [others.read_express_answer(envelope, body)]),
)
