"""Events of money sent out: payouts to the merchant's bank, transfers to connected accounts, Treasury's outbound."""

from __future__ import annotations

from connectors.spi.building import unix_time
from connectors.stripe.amounts import money
from connectors.stripe.envelope import Arrival, metadata_value, missing, whole
from connectors.stripe.failures import failure_of
from connectors.stripe.mapping import type_of
from connectors.stripe.mapping_billing import MERCHANT_PAYOUT_KEY, OUTBOUND, PAYOUT, PAYOUT_STATUS, TRANSFER
from connectors.stripe.parts import UNKNOWN_STATUS, unmapped
from connectors.stripe.shapes import ident
from connectors.stripe.shapes_billing import OUTBOUND as OUTBOUND_DECODER
from connectors.stripe.shapes_billing import PAYOUT as PAYOUT_DECODER
from connectors.stripe.shapes_billing import TRANSFER as TRANSFER_DECODER
from connectors.stripe.shapes_billing import Outbound, Payout, Transfer
from orchestratorx_prism.v1.error_pb2 import Failure
from orchestratorx_prism.v1.event_data_pb2 import PayoutData
from orchestratorx_prism.v1.event_pb2 import Event


def payout(arrival: Arrival) -> Event:
    """`payout.*`"""
    found = arrival.read(PAYOUT_DECODER)
    state = "reversed" if ident(found.reversed_by) else found.status or ""
    our_type = type_of(PAYOUT[arrival.envelope.type], state)
    failure = failure_of(found.failure_code, found.failure_message)
    arrival_s = found.date if found.arrival_date is None else found.arrival_date
    return _event(arrival, found, our_type, found.amount, arrival_s, failure)


def transfer(arrival: Arrival) -> Event:
    """`transfer.*`: to a connected account; until 2017-04-06 also what payouts were."""
    found = arrival.read(TRANSFER_DECODER)
    state = "reversed" if found.reversed else found.status or ""
    our_type = type_of(TRANSFER[arrival.envelope.type], state)
    failure = failure_of(found.failure_code, found.failure_message)
    amount = _reversed(arrival, found) if our_type == "payout.reversed" else found.amount
    return _event(arrival, found, our_type, amount, found.date, failure)


def _reversed(arrival: Arrival, found: Transfer) -> int | None:
    """What this event took back. Stripe's minor units."""
    if found.amount_reversed is None:
        return found.amount
    return found.amount_reversed - (whole(arrival.previous().get("amount_reversed")) or 0)


def outbound(arrival: Arrival) -> Event:
    """`treasury.outbound_payment.*` and `treasury.outbound_transfer.*`"""
    found = arrival.read(OUTBOUND_DECODER)
    our_type = type_of(OUTBOUND[arrival.envelope.type], found.status or "")
    failure = failure_of(found.returned_details.code) if found.returned_details is not None else None
    return _event(arrival, found, our_type, found.amount, found.expected_arrival_date, failure)


def _event(
    arrival: Arrival,
    found: Payout | Transfer | Outbound,
    our_type: str | None,
    amount: int | None,
    arrival_s: int | None,
    failure: Failure | None,
) -> Event:
    if not found.id:
        raise missing("data.object.id")
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    reference = arrival.merchant_reference(found.metadata)
    # Whose money a transfer passes on. No reference: it is no fact about that payment.
    source = ident(found.source_transaction) if isinstance(found, Transfer) else ""
    event = arrival.begin(our_type, merchant_transaction_id=reference, connector_transaction_id=source)
    event.payout.CopyFrom(
        PayoutData(
            connector_payout_id=found.id,
            merchant_payout_id=metadata_value(MERCHANT_PAYOUT_KEY, found.metadata),
            status=PAYOUT_STATUS[our_type],
            provider_status=found.status or "",
            amount=money(amount, found.currency),
            failure=failure,
            arrival_at=unix_time(arrival_s) if arrival_s is not None else None,
            merchant_transaction_id=reference,
        )
    )
    return event
