"""Standard webhooks in Adyen's two older encodings: a form, and SOAP. Pure.

A webhook's "Method" in the Customer Area is JSON, HTTP POST (a form with one item) or SOAP (with any number). All say
the same of an item and carry the same signature, so both become the same `Batch` as JSON does.

    live=false&eventCode=CAPTURE&value=1000&currency=EUR&additionalData.hmacSignature=…
    <Envelope><Body><sendNotification><notification><live/><notificationItems><NotificationRequestItem>…

Source: Adyen docs, "Webhook structure and types"; Management API, webhooks, `communicationFormat`; Notification WSDL.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError, fromstring

import msgspec

from connectors.adyen.shapes import Batch, Item
from orchestratorx_prism.errors import PayloadRejected

BOM: Final = b"\xef\xbb\xbf"
_ADDITIONAL: Final = "additionalData."
_MOST_FIELDS: Final = 1000
_AMOUNT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def other_batch(body: bytes) -> Batch | None:
    """The items of a form or of SOAP. None: it is neither, or neither's is a standard webhook.

    Raises:
        PayloadRejected: PAYLOAD_NOT_UTF8, or PAYLOAD_FIELD_INVALID: an amount is no number, an entity is declared.
    """
    start = body.lstrip()[:1]
    if start != b"<" and not start.isalpha():
        return None
    try:
        text = body.decode("utf-8")
        return _soap(text) if start == b"<" else _form(text)
    except UnicodeDecodeError as error:
        raise PayloadRejected(
            "the body is not UTF-8", reason="PAYLOAD_NOT_UTF8", fix="pass the bytes as received"
        ) from error


def _form(text: str) -> Batch | None:
    if "eventCode=" not in text:
        return None
    try:
        pairs = parse_qsl(text.strip(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise _invalid("the form has too many fields") from error
    fields: dict[str, Any] = dict(pairs)
    if "eventCode" not in fields:
        return None
    additional = {name.removeprefix(_ADDITIONAL): value for name, value in pairs if name.startswith(_ADDITIONAL)}
    return Batch([_item(fields, fields.get("value"), fields.get("currency"), additional)], fields.get("live"))


def _soap(text: str) -> Batch | None:
    if "NotificationRequestItem" not in text:
        return None
    # SOAP forbids it, and only here can entities be declared that make a parser read files or blow up.
    if "<!DOCTYPE" in text:
        raise _invalid("the XML has a document type declaration")
    try:
        root = fromstring(text.strip())  # noqa: S314 - no declaration, no entities
    except ParseError:
        return None
    items: list[Item] = []
    live = None
    for element in root.iter():
        name = _name(element)
        if name == "live":
            live = _text(element)
        elif name == "NotificationRequestItem":
            items.append(_soap_item(element))
    return Batch(items, live, soap=True) if items else None


def _soap_item(element: Element) -> Item:
    parts = {_name(part): part for part in element}
    fields: dict[str, Any] = {name: _text(part) for name, part in parts.items() if not len(part)}
    amount = {_name(part): _text(part) for part in parts.get("amount", ())}
    additional: dict[str, str] = {}
    for entry in parts.get("additionalData", ()):
        pair = {_name(part): _text(part) for part in entry}
        key, value = pair.get("key"), pair.get("value")
        if key and value is not None:
            additional[key] = value
    return _item(fields, amount.get("value"), amount.get("currency"), additional)


def _item(fields: dict[str, Any], value: str | None, currency: str | None, additional: dict[str, str]) -> Item:
    minor = None
    if value:
        if not _AMOUNT.fullmatch(value):
            raise _invalid("an amount is no whole number")
        minor = int(value)
    amount = {"value": minor, "currency": currency}
    return msgspec.convert({**fields, "amount": amount, "additionalData": additional}, Item)


def _name(element: Element) -> str:
    """Its name without the namespace, of which Adyen mixes several."""
    return element.tag.rpartition("}")[2]


def _text(element: Element) -> str | None:
    """What it holds; None where it says that it holds nothing."""
    return None if element.get(_NIL) in {"true", "1"} else (element.text or "").strip()


def _invalid(message: str) -> PayloadRejected:
    return PayloadRejected(message, reason="PAYLOAD_FIELD_INVALID", fix="send Adyen's body unchanged")
