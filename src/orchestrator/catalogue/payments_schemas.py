"""Schemas of the `payments` format, from its dataclasses and its table of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from google.protobuf.descriptor import EnumDescriptor

from orchestrator.catalogue.dataclass_schemas import dataclass_schema
from orchestrator.catalogue.model import Json, MessageShape
from orchestrator.message_schemas import CURRENCY_PATTERN, DIALECT, TIME, constants
from orchestratorx_prism.envelopes.payments import EVENT_TYPES, PRODUCTION_ENV, VERSION, PaymentMessage
from orchestratorx_prism.envelopes.shapes import camel_case
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.event_types import EVENT_TYPES as OUR_TYPES
from orchestratorx_prism.v1.dispute_pb2 import DisputeStatus
from orchestratorx_prism.v1.payment_pb2 import PaymentStatus
from orchestratorx_prism.v1.refund_pb2 import RefundStatus

ENVIRONMENTS: Final = ("dev", "sit", PRODUCTION_ENV)
CONTENT_TYPE: Final = "application/json"
_STATUSES: Final[Mapping[str, EnumDescriptor]] = {
    "payment": PaymentStatus.DESCRIPTOR,
    "refund": RefundStatus.DESCRIPTOR,
    "dispute": DisputeStatus.DESCRIPTOR,
}
_FIELDS: Final[Mapping[str, Json]] = {
    "timestamp": {"description": "When it happened, says the provider. UTC."} | TIME,
    "version": {"const": VERSION},
    "payload": {"description": "The payment."},
    "payload.paymentId": {"description": "Ours; the partition key.", "minLength": 1},
    "payload.orderId": {"description": "The merchant's own reference."},
    "payload.amount": {"description": "This event's own amount, in major units: 10.99 with USD is $10.99."},
    "payload.amount.value": {"description": "A decimal number: read it as a decimal, never as a float."},
    "payload.amount.currency": {"description": "ISO 4217.", "pattern": CURRENCY_PATTERN},
    "payload.paymentMethod": {"description": "How the payer pays; null where the event does not say."},
    "payload.paymentMethod.last4": {"description": "Last four digits; never more.", "maxLength": 4},
    "payload.paymentMethod.expiryMonth": {"minimum": 1, "maximum": 12},
    "payload.paymentMethod.expiryYear": {"minimum": 1, "maximum": 9999},
    "payload.transactionDetails": {"description": "The provider's names."},
    "payload.transactionDetails.processorId": {"description": "The provider's main id of the payment."},
    "metadata": {"description": "Where the message comes from."},
    "metadata.source": {"description": "The connector.", "minLength": 1},
    "metadata.environment": {"description": "prod is real money, always and only.", "enum": list(ENVIRONMENTS)},
    "metadata.idempotencyKey": {"description": "The event's id: the same for every repeat.", "minLength": 1},
}


def payments_shapes(types: Iterable[str]) -> list[MessageShape]:
    """One message a type that the format has a name for."""
    return [_shape(type_) for type_ in types if type_ in EVENT_TYPES]


def _shape(type_: str) -> MessageShape:
    name, family = EVENT_TYPES[type_], DATA_MEMBER[type_]
    summary = OUR_TYPES[family][type_]
    own: Json = {
        "eventType": {"const": name},
        "payload.status": {"description": f"The {family}'s, after the event.", "enum": constants(_STATUSES[family])},
    }
    head: Json = {"$schema": DIALECT, "title": name, "description": summary}
    return MessageShape(
        id=name,
        name=name,
        event_types=(type_,),
        summary=summary,
        content_type=CONTENT_TYPE,
        schema=head | dataclass_schema(PaymentMessage, camel_case, {**_FIELDS, **own}),
        headers=headers_schema(name),
    )


def headers_schema(name: str) -> Json:
    """Of the headers beside a plain JSON body."""
    properties = {
        "content-type": {"type": "string", "const": CONTENT_TYPE},
        "event-type": {"type": "string", "const": name},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}
