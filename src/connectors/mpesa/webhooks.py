"""The webhook codec: open, parse, normalize, acknowledge. Pure.

M-Pesa does not sign. `open` lets a callback in by the token in its URL; how far it is believed stands in
`Opened.verification`, and what the provider says when asked, in `client.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from connectors.mpesa import mapping as m
from connectors.mpesa.events import build
from connectors.mpesa.notices import Notice
from connectors.mpesa.reading import read
from connectors.mpesa.shapes import DECODER, Envelope
from connectors.mpesa.verification import (
    BY_TOKEN,
    BY_TOKEN_AND_ADDRESS,
    check_address,
    check_token,
    match_known,
)
from connectors.spi import Context, Material, Opened, Reply, Webhook
from connectors.spi.building import raw_of
from connectors.spi.decoding import decode
from orchestratorx_prism.v1.event_pb2 import Event

_JSON: Final = {"content-type": "application/json"}
_ACCEPTED: Final = Reply(body=b'{"ResultCode":0,"ResultDesc":"Accepted"}', headers=_JSON)
_VALID: Final = Reply(body=b'{"ResultCode":"0","ResultDesc":"Accepted"}', headers=_JSON)
"""C2B validation: the code is text there. Safaricom waits about eight seconds for it."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""Some proxies put it before the text. It says nothing, so it does not refuse money that has moved."""


class Parsed(msgspec.Struct, gc=False):
    """A decoded body and, once `open` has read it, what it says: read once, used twice."""

    envelope: Envelope
    notices: list[Notice] | None = None
    purpose: str = ""
    """The purpose that `notices` were read for."""


def open_webhook(webhook: Webhook, material: Material, _now_s: int) -> Opened:
    """Checks the URL token, the sender's address and the known request, in this order.

    Args:
        webhook: With `url_token`, `remote_address` and `purpose` as the front door found them.
        material: `secrets` are the URL tokens in use; an empty `allowed_addresses` switches the list off.

    Raises:
        SignatureRejected: SECRET_MISSING, SECRET_MALFORMED, TOKEN_MISSING, TOKEN_MISMATCH, ADDRESS_REFUSED,
            REQUEST_MISMATCH.
        PayloadRejected: The body cannot be read.
    """
    check_token(webhook, material)
    check_address(webhook, material)
    body = webhook.body.removeprefix(_BYTE_ORDER_MARK)
    envelope = decode(DECODER, body)
    notices = read(envelope, webhook.purpose, body)
    verification = BY_TOKEN_AND_ADDRESS if material.allowed_addresses else BY_TOKEN
    if material.known_request is not None:
        verification = match_known(notices, material.known_request) or verification
    return Opened(Parsed(envelope, notices, webhook.purpose), verification)


def parse(body: bytes) -> Parsed:
    """The body's fields, without any trust.

    Raises:
        PayloadRejected: Not UTF-8, not JSON, not an object, or an object where text is wanted.
    """
    return Parsed(decode(DECODER, body.removeprefix(_BYTE_ORDER_MARK)))


def answers(parsed: Parsed) -> Sequence[str]:
    """The ids of the request that an opened callback answers; none of a list, or of what nobody asked for."""
    notices = parsed.notices or ()
    return notices[0].ids if len(notices) == 1 else ()


def normalize(parsed: Parsed, context: Context, body: bytes) -> list[Event]:
    """One event, or one for each transaction of a pulled list. The purpose of the URL is in the context.

    Raises:
        PayloadRejected: A name that the family cannot do without is missing, or a value that is read is wrong.
    """
    notices = parsed.notices
    if notices is None or parsed.purpose != context.purpose:
        notices = read(parsed.envelope, context.purpose, body.removeprefix(_BYTE_ORDER_MARK))
    raw = raw_of(body, context)
    return [build(notice, context, raw) for notice in notices]


def acknowledge(_parsed: Parsed, context: Context) -> Reply:
    """`ResultCode` 0. A C2B validation is accepted too: refusing payers is the application's business."""
    return _VALID if context.purpose == m.VALIDATION_PURPOSE else _ACCEPTED
