"""What a ledger keeps of one payment besides its facts: the state, and what no fact says (id, sequence, aliases)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from orchestrator.ledger.projection import Identity, PaymentState, dispute_of, payment_of, refund_of
from orchestrator.ledger.references import (
    DISPUTE,
    DISPUTE_ID,
    REFERENCE,
    REFUND,
    REFUND_ID,
    Name,
    name_of,
    stable_id,
)
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.payment_pb2 import Payment
from orchestratorx_prism.v1.refund_pb2 import Refund


class PaymentRecord(msgspec.Struct, array_like=True, gc=False):
    """One payment's row. New fields go to the end, with a default."""

    id: str
    merchant_id: str
    connector: str
    environment: int
    scope: str
    """Where its names count: `references.scope_of`."""
    created_us: int
    """When it was first recorded; of two that turn out to be one, the earlier survives."""
    sequence: int = 0
    status: int = 0
    aliases: tuple[str, ...] = ()
    """Ids of payments that turned out to be this one."""
    reported: tuple[str, ...] = ()
    """Anomalies that an event was made of."""
    state: PaymentState = msgspec.field(default_factory=PaymentState)
    amount: int | None = None
    """What it is of, in the currency of its totals. Minor units; None if no fact says."""

    def identity(self) -> Identity:
        """What its views need besides the state."""
        return Identity(self.id, self.merchant_id, self.connector, self.environment)  # type: ignore[arg-type]

    @property
    def currency(self) -> str:
        """The one that totals are in; empty if none is known."""
        return self.state.currency[2] if self.state.currency is not None else ""

    def payment(self) -> Payment:
        """Its current state for readers."""
        return payment_of(self.state, self.identity(), self.sequence)

    def refund_name(self, connector_refund_id: str) -> Name:
        """The name of one of its refunds."""
        return name_of(REFUND, self.merchant_id, self.connector, self.scope, connector_refund_id)

    def refund_id(self, connector_refund_id: str) -> str:
        """Our id of one of its refunds."""
        return stable_id(REFUND_ID, self.refund_name(connector_refund_id))

    def refund(self, connector_refund_id: str) -> Refund:
        """One of its refunds, for readers."""
        return refund_of(self.state, connector_refund_id, self.refund_id(connector_refund_id), self.identity())

    def dispute_name(self, key: str) -> Name:
        """The name of one of its disputes."""
        return name_of(DISPUTE, self.merchant_id, self.connector, self.scope, key)

    def dispute_id(self, key: str) -> str:
        """Our id of one of its disputes."""
        return stable_id(DISPUTE_ID, self.dispute_name(key))

    def dispute(self, key: str) -> Dispute:
        """One of its disputes, for readers."""
        return dispute_of(self.state, key, self.dispute_id(key), self.identity())

    def names(self) -> Iterator[Name]:
        """Every name that leads here. One made of an event without names has none: nothing else can lead to it."""
        for value in self.state.references:
            yield name_of(REFERENCE, self.merchant_id, self.connector, self.scope, value)
        for refund in self.state.refunds:
            yield self.refund_name(refund)
        for dispute in self.state.disputes:
            yield self.dispute_name(dispute)


ENCODE: Final = msgspec.msgpack.Encoder(order="deterministic").encode
DECODE: Final = msgspec.msgpack.Decoder(PaymentRecord).decode
