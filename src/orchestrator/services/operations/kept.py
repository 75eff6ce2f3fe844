"""What is kept of a request: enough to tell a repeat and to ask what became of it. No card data."""

from __future__ import annotations

import hashlib
from typing import Any

from google.protobuf.message import Message

from connectors.spi import Capability, Label
from connectors.spi.operations import Client
from orchestrator.ledger.intents import Intent
from orchestratorx_prism.v1.event_service_pb2 import KnownRequest


def digest_of(request: Message) -> bytes:
    """What makes two requests the same. A card's number is left out: its hash could be guessed back."""
    return hashlib.sha256(without_card(request).SerializeToString(deterministic=True)).digest()


def without_card(request: Any) -> Any:
    """The request itself, or a copy without the card that is in it."""
    if "instrument" not in request.DESCRIPTOR.fields_by_name or not request.instrument.HasField("card"):
        return request
    bare = type(request)()
    bare.CopyFrom(request)
    bare.instrument.card.Clear()
    return bare


def known_before(label: Label, client: Client, intent: Intent, request: Any) -> KnownRequest | None:
    """What an unsigned callback will name, where our key is the request's own id (M-Pesa's payouts)."""
    if label.answers is None or intent.capability != Capability.CREATE_PAYOUT:
        return None
    return KnownRequest(
        connector_request_id=intent.provider_key,
        amount=request.amount,
        account=client.account,
        merchant_transaction_id=request.merchant_payout_id,
    )
