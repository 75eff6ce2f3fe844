"""The simulator's webhooks: each verifies, and no bit of one can be turned to change what it means."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from connectors.adyen import connector, mapping, mapping_messages, mapping_transfers
from connectors.spi import Opened, SampleWebhook
from orchestratorx_prism.errors import PayloadRejected, PrismError, RequestRejected, SignatureRejected
from orchestratorx_prism.v1.event_pb2 import Event

Sampled = Callable[..., SampleWebhook]


def lower(made: SampleWebhook) -> dict[str, str]:
    return {name.lower(): value for name, value in made.headers.items()}


def test_every_type_that_is_known_has_a_sample() -> None:
    known = {
        *mapping.KNOWN_CODES,
        *mapping_messages.METHODS,
        *mapping_messages.NO_COUNTERPART,
        *mapping_messages.CLASSIC_NO_COUNTERPART,
        *mapping_messages.CLASSIC_PAYOUTS,
        *mapping_messages.EXECUTIONS,
        *(name for name, _ in mapping_messages.DISPUTES),
        *(name for name, _ in mapping_messages.MANDATES),
        mapping_messages.PAYMENT_METHOD_CREATED,
        mapping_messages.SCHEDULED_REFUNDS,
        mapping_messages.PAYMENT_FAILURE,
        *mapping_transfers.TRANSFERS,
        *mapping_transfers.MOVEMENTS,
        mapping_transfers.TRANSACTION,
    }
    assert known == {name.split(":")[0] for name in connector.event_types}


@pytest.mark.parametrize("name", connector.event_types)
def test_a_sample_verifies_and_becomes_what_its_table_says(
    name: str, sampled: Sampled, opened: Callable[..., Opened], normalized: Callable[[Any], list[Event]]
) -> None:
    made = sampled(name)
    opened(made.body, lower(made))
    code, _, variant = name.partition(":")
    (event,) = normalized(made.body)
    assert event.provider_event_type == code
    assert event.occurred_at.seconds == 1_780_000_000
    if (code, variant != "false") in mapping.EVENTS:
        assert event.type == mapping.EVENTS[code, variant != "false"].type


@pytest.mark.parametrize(
    ("currency", "minor", "sent"),
    [
        ("USD", 1099, 1099),
        ("JPY", 1099, 1099),
        ("KWD", 12_500, 12_500),
        ("ISK", 1099, 109_900),
        ("CLP", 5, 500),
        ("IDR", 250_000, 2500),
        ("CVE", 1000, 10),
    ],
)
def test_amounts_come_back_as_they_went_in(
    currency: str, minor: int, sent: int, sampled: Sampled, normalized: Callable[[Any], list[Event]]
) -> None:
    made = sampled("CAPTURE", currency=currency, amount_minor=minor)
    item = json.loads(made.body)["notificationItems"][0]["NotificationRequestItem"]
    assert item["amount"] == {"currency": currency, "value": sent}
    amount = normalized(made.body)[0].payment.amount
    assert (amount.minor_units, amount.currency) == (minor, currency)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"event_type": "NO_SUCH_THING"}, RequestRejected),
        ({"secret": "whsec_x"}, RequestRejected),
        ({"currency": "IDR", "amount_minor": 1099}, RequestRejected),
        ({"currency": "ZZZ"}, PayloadRejected),
    ],
    ids=repr,
)
def test_what_cannot_be_sampled_is_refused(
    changes: dict[str, Any], expected: type[PrismError], sampled: Sampled
) -> None:
    with pytest.raises(expected):
        sampled(**{"event_type": "CAPTURE", **changes})


def test_without_a_secret_a_sample_is_unsigned(sampled: Sampled, opened: Callable[..., Opened]) -> None:
    for name in ("CAPTURE", "merchant.created"):
        made = sampled(name, secret="")
        with pytest.raises(SignatureRejected) as caught:
            opened(made.body, lower(made))
        assert caught.value.reason == "SIGNATURE_MISSING"


def deciding(event: Event) -> tuple[Any, ...]:
    """What the signature of an item must guard."""
    data = getattr(event, event.WhichOneof("data") or "")
    amount = getattr(data, "amount", None)
    return (
        event.type,
        event.account,
        event.merchant_transaction_id,
        event.connector_transaction_id,
        [(each.kind, each.value) for each in event.references],
        amount.SerializeToString() if amount is not None else b"",
        event.provider_event_type,
        data.status if hasattr(data, "status") else None,
    )


@pytest.mark.parametrize("name", ["AUTHORISATION", "CAPTURE", "REFUND", "CHARGEBACK", "PAYOUT_THIRDPARTY"])
def test_a_turned_bit_of_an_item_is_refused_or_decides_nothing(
    name: str, sampled: Sampled, opened: Callable[..., Opened], normalized: Callable[[Any], list[Event]]
) -> None:
    body = sampled(name).body
    before = [deciding(event) for event in normalized(body)]
    refused = 0
    for position in range(len(body) * 8):
        turned = bytearray(body)
        turned[position // 8] ^= 1 << position % 8
        try:
            opened(bytes(turned))
            after = [deciding(event) for event in normalized(bytes(turned))]
        except (SignatureRejected, PayloadRejected):
            refused += 1
            continue
        assert after == before
    assert refused > len(body) * 8 // 2


@pytest.mark.parametrize(
    "name", ["balancePlatform.transfer.updated", "recurring.token.created", "ACCOUNT_HOLDER_PAYOUT"]
)
def test_a_turned_bit_of_a_message_is_refused(name: str, sampled: Sampled, opened: Callable[..., Opened]) -> None:
    made = sampled(name)
    for position in range(len(made.body) * 8):
        turned = bytearray(made.body)
        turned[position // 8] ^= 1 << position % 8
        with pytest.raises((SignatureRejected, PayloadRejected)):
            opened(bytes(turned), lower(made))
