"""Examples for the document: one value for each kind of field, so that every answer, new ones too, has an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from orchestrator.message_schemas import Json, constants
from orchestratorx_prism.values import DATA, TIMESTAMP

_PAYMENT_ID: Final = "pay_7872a5358e2a2b51876b9ea7042eb8b672c273de85904255"
_SAMPLES: Final[Mapping[str, Any]] = {
    "Money.minor_units": 1099,
    "Money.currency": "USD",
    "currency": "USD",
    "id": _PAYMENT_ID,
    "Refund.id": "ref_e4eb43b27f73eba136dad4a8a91f33b472c273de85904255",
    "Dispute.id": "dis_5f2b6f5c27f73eba136dad4a8a91f33b472c273de85904255",
    "Event.id": "d1b5c1f8-6c2c-5c0f-9a57-3f2f1c0b8e21",
    "event_id": "d1b5c1f8-6c2c-5c0f-9a57-3f2f1c0b8e21",
    "payment_id": _PAYMENT_ID,
    "refund_id": "ref_e4eb43b27f73eba136dad4a8a91f33b472c273de85904255",
    "dispute_id": "dis_5f2b6f5c27f73eba136dad4a8a91f33b472c273de85904255",
    "payout_id": "po_9a0f1c2e27f73eba136dad4a8a91f33b472c273de85904255",
    "merchant_id": "default",
    "connector": "stripe",
    "merchant_transaction_id": "order-1001",
    "connector_transaction_id": "pi_3Nw000000000000000000001",
    "connector_customer_id": "cus_000000000001",
    "connector_payment_method_id": "pm_000000000001",
    "connector_subscription_id": "sub_000000000001",
    "connector_mandate_id": "mandate_000000000001",
    "connector_plan_id": "price_basic",
    "Reference.kind": "payment_intent",
    "Reference.value": "pi_3Nw000000000000000000001",
    "PaymentMethodDetails.type": "card",
    "Event.type": "payment.captured",
    "event_type": "payment.captured",
    "event_types": ["payment.*"],
    "last4": "4242",
    "expiry_month": 12,
    "expiry_year": 2030,
    "network": "visa",
    "url": "https://shop.example/hooks",
    "endpoint_id": "we_2f4b1f6b7a10",
    "delivery_id": "msg_2f4b1f6b7a10",
    "key_id": "key_2f4b1f6b7a10",
    "prefix": "ox_4fT9aQ2z",
    "scopes": ["payments:read", "payments:write"],
    "environment": "SANDBOX",
    "page_size": 50,
    "next_page_token": "",
    "page_token": "",
    "action": "key.created",
    "actor": "key_2f4b1f6b7a10",
    "remote_address": "192.0.2.7",
    "masked_values": {"STRIPE_API_KEY": "····dp7dc"[:8]},
    "masked_secrets": ["whsec_····abcd"],
    "masked_webhook_secrets": ["····abcd"],
    "masked_headers": {"X-Shop": "····"},
    "display_name": "Acme Ltd",
    "secret": "shown-once",
    "schema_version": 1,
    "sequence": 2,
    "status_code": 200,
    "last_status_code": 200,
    "amount_from": 500,
    "amount_until": 5000,
}
""" "Message.field" or "field" → what stands there in examples. Secrets are none."""
_LEFT_OUT: Final = frozenset({"failure", "next_action", "failing_since", "revoked_at", "anomaly", "held_reason"})
"""Fields of a message that are not set where all is well."""
_TIME: Final = "2026-01-31T12:00:00Z"
_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_CONSTANT: Final = {"PaymentStatus": "CAPTURED", "RefundStatus": "SUCCEEDED", "Environment": "SANDBOX"}
_DEEPEST: Final = 6


def example_of(descriptor: Any, depth: int = 0) -> Json:
    """A message as plain values, as `values.to_dict` prints one."""
    values: Json = {}
    oneof = descriptor.oneofs_by_name.get(DATA)
    members = () if oneof is None else tuple(field.name for field in oneof.fields)
    for field in descriptor.fields:
        if field.name in members or (field.has_presence and (field.name in _LEFT_OUT or depth > _DEEPEST)):
            continue
        if field.containing_oneof is not None and field.containing_oneof.fields[0] is not field:
            continue
        values[field.name] = example_value(field, depth)
    if oneof is not None:
        values[DATA] = example_of(oneof.fields[0].message_type, depth + 1)
    return values


def example_value(field: Any, depth: int = 0) -> Any:
    """A value of the field."""
    for name in (f"{field.containing_type.name}.{field.name}", field.name):
        if name in _SAMPLES and field.enum_type is None:
            return _SAMPLES[name]
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {}
    one = _one(field, depth)
    return [one] if field.is_repeated else one


def _one(field: Any, depth: int) -> Any:
    if field.message_type is not None:
        return _TIME if field.message_type.full_name == TIMESTAMP else example_of(field.message_type, depth + 1)
    if field.enum_type is not None:
        names = constants(field.enum_type)
        return _CONSTANT.get(field.enum_type.name, names[min(1, len(names) - 1)])
    if field.type == FieldDescriptor.TYPE_BOOL:
        return False
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _DIGEST if field.name == "sha256" else ""
    return "" if field.type == FieldDescriptor.TYPE_STRING else 0
