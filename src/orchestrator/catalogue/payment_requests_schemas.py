"""Schemas of the `payment_requests` format, from its dataclasses and its table of transitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from orchestrator.catalogue.dataclass_schemas import dataclass_schema
from orchestrator.catalogue.model import Json, MessageShape
from orchestrator.catalogue.payments_schemas import CONTENT_TYPE, headers_schema
from orchestrator.message_schemas import DIALECT, TIME
from orchestratorx_prism.envelopes.payment_requests import KINDS, STATUSES, TRANSITIONS
from orchestratorx_prism.envelopes.shapes import as_is
from orchestratorx_prism.event_types import EVENT_TYPES as OUR_TYPES

_FIRST: Final = ("submitted", "submission_failed")
_LATER: Final = tuple(
    text for number, text in STATUSES.items() if any(number in following for following in TRANSITIONS.values())
)
_SUMMARIES: Final[Mapping[str, str]] = {
    "PaymentRequestCreated": "The request was handed to the provider, or refused by it at once (submission_failed).",
    "PaymentRequestUpdated": "The request has a new status.",
    "PaymentRequestRefunded": "Money of the request came back; its status stays as it was.",
}
_MADE_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "PaymentRequestCreated": tuple(OUR_TYPES["payout"]),
    "PaymentRequestUpdated": ("payout.succeeded", "payout.pending", "payout.failed", "payout.expired"),
    "PaymentRequestRefunded": ("payout.reversed",),
}
"""Message → our types. Whichever comes first of a payout, tells Created before what it tells itself."""
_STATUSES: Final[Mapping[str, tuple[str, ...]]] = {
    "PaymentRequestCreated": _FIRST,
    "PaymentRequestUpdated": _LATER,
    "PaymentRequestRefunded": tuple(STATUSES.values()),
}
_FIELDS: Final[Mapping[str, Json]] = {
    "occurred_at": {"description": "When it happened, says the provider. UTC."} | TIME,
    "workspace_key": {"description": "The merchant.", "minLength": 1},
    "payment_request_id": {"description": "Ours: the payout's id; the partition key.", "minLength": 1},
    "account_id": {"description": "The provider's account that pays, where the provider names it."},
    "bank_transfer_id": {"description": "The provider's id of the payout."},
    "reference": {"description": "The merchant's own reference."},
    "failure_reason_code": {"description": "Our code of the failure: insufficient_funds."},
    "failure_status": {"description": "The provider's status word of the failure, as sent."},
}
_UPDATE_ID: Final = "The event's id: the same for every repeat."


def payment_requests_shapes(types: Iterable[str]) -> list[MessageShape]:
    """Three messages, where any type of payouts is published that they are made of."""
    selected = frozenset(types)
    return [_shape(name, selected) for name in KINDS if selected.intersection(_MADE_OF[name])]


def _shape(name: str, selected: frozenset[str]) -> MessageShape:
    created = name == "PaymentRequestCreated"
    update_id: Json = {"type": "null"} if created else {"type": "string", "minLength": 1}
    own: Json = {
        "status": {"enum": list(_STATUSES[name])},
        "transfer_update_id": {"description": "None in Created." if created else _UPDATE_ID} | update_id,
    }
    schema: Json = {
        "$schema": DIALECT,
        "title": name,
        "description": _SUMMARIES[name],
        "type": "object",
        "properties": {
            "event_type": {"type": "string", "const": name},
            "payload": dataclass_schema(KINDS[name], as_is, {**_FIELDS, **own}),
        },
        "required": ["event_type", "payload"],
        "additionalProperties": False,
    }
    return MessageShape(
        id=name,
        name=name,
        event_types=tuple(type_ for type_ in _MADE_OF[name] if type_ in selected),
        summary=_SUMMARIES[name],
        content_type=CONTENT_TYPE,
        schema=schema,
        headers=headers_schema(name),
    )
