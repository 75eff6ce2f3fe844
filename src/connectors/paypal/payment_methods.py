"""Saved cards and payment tokens: to `payment_method.*`."""

from __future__ import annotations

import msgspec

from connectors.paypal.delivery import Delivery
from connectors.paypal.mapping import PAYMENT_METHODS
from connectors.paypal.payment_source import (
    Customer,
    PaymentSource,
    calendar,
    last4,
    method_details,
    source_payer_id,
)
from connectors.spi.decoding import decode
from orchestratorx_prism.v1.event_data_pb2 import PaymentMethodData
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentMethodDetails


class Token(msgspec.Struct):
    """A payment token (v3) or a stored credit card (v1)."""

    id: str | None = None
    status: str | None = None
    state: str | None = None
    customer: Customer | None = None
    payment_source: dict[str, PaymentSource | None] | None = None
    type: str | None = None
    number: str | None = None
    expire_month: str | int | None = None
    expire_year: str | int | None = None
    payer_id: str | None = None
    external_customer_id: str | None = None
    create_time: str | None = None
    update_time: str | None = None


class NetworkToken(msgspec.Struct):
    """PAYMENT-TOKENIZATION.*: only what every object of PayPal has."""

    id: str | None = None
    status: str | None = None


TOKEN = msgspec.json.Decoder(Token)
_NETWORK_TOKEN = msgspec.json.Decoder(NetworkToken)
_TEXTS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def payment_method_events(delivery: Delivery) -> list[Event]:
    """One event for a saved card or token."""
    token = _decoded(delivery)
    return [payment_method_event(delivery, PAYMENT_METHODS[delivery.type], token)]


def payment_method_event(delivery: Delivery, our_type: str, token: Token) -> Event:
    """The event for a saved card or token."""
    event = delivery.event(our_type, resource_times=(token.update_time, token.create_time))
    event.payment_method.CopyFrom(payment_method_data(token))
    return event


def payment_method_data(token: Token) -> PaymentMethodData:
    """What is known of a saved card or token."""
    customer = token.customer or Customer()
    return PaymentMethodData(
        connector_payment_method_id=token.id or "",
        connector_customer_id=customer.id or token.payer_id or source_payer_id(token.payment_source),
        merchant_customer_id=customer.merchant_customer_id or token.external_customer_id or "",
        details=method_details(token.payment_source) or _stored_card(token),
        provider_status=token.status or token.state or "",
    )


def _decoded(delivery: Delivery) -> Token:
    if delivery.type.startswith("PAYMENT-TOKENIZATION."):
        found = delivery.decode(_NETWORK_TOKEN)
        return Token(id=found.id, status=found.status)
    token = delivery.decode(TOKEN)
    return token if token.id else _untidy(delivery)


def _untidy(delivery: Delivery) -> Token:
    """PayPal's published card events have blanks at the end of their field names, and inside their values."""
    fields = {name.strip(): value for name, value in delivery.decode(_TEXTS).items()}
    kept = {name: bytes(fields[name]) for name in Token.__struct_fields__ if name in fields}
    token = decode(TOKEN, b"{" + b",".join(b'"%s":%s' % (name.encode(), raw) for name, raw in kept.items()) + b"}")
    token.id = (token.id or "").replace(" ", "")
    token.state = (token.state or "").strip()
    return token


def _stored_card(token: Token) -> PaymentMethodDetails | None:
    if not (token.number or token.type):
        return None
    year, month = calendar(str(token.expire_year or ""), str(token.expire_month or ""))
    return PaymentMethodDetails(
        type="card",
        network=(token.type or "").strip().lower(),
        last4=last4(token.number),
        expiry_year=year,
        expiry_month=month,
    )
