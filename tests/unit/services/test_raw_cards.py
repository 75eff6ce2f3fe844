"""A card's own data is refused wherever it is put in an instrument; what providers' own fields make is taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.services.raw_cards import refuse_raw_card
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1.instrument_pb2 import Card, Instrument

NUMBER = "4938127654902139"


@pytest.mark.parametrize(
    "token",
    [
        NUMBER,
        "4938 1276 5490 2139",
        "4938-1276-5490-2139",
        json.dumps({"type": "scheme", "number": NUMBER}),
        json.dumps({"type": "scheme", "number": NUMBER, "cvc": "737"})[:-1],
        json.dumps({"type": "scheme", "cvc": "737"}),
        json.dumps({"card": {"security_code": "737"}}),
        json.dumps([{"card": {"cardNumber": int(NUMBER)}}]),
        '{"type": "scheme", "\\u006eumber": "1"}',
        f"number={NUMBER}&cvc=737",
    ],
)
def test_a_cards_own_data_in_a_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        refuse_raw_card(Instrument(token=token))
    assert (refused.value.reason, refused.value.metadata) == ("RAW_CARD_REFUSED", {"field": "instrument.token"})
    assert NUMBER not in repr(vars(refused.value))
    assert refused.value.__cause__ is refused.value.__context__ is None


def test_a_card_is_refused() -> None:
    with pytest.raises(RequestRejected) as refused:
        refuse_raw_card(Instrument(card=Card(number=NUMBER)))
    assert refused.value.metadata == {"field": "instrument.card"}


ADYENS: dict[str, Any] = {
    "type": "scheme",
    "encryptedCardNumber": "adyenjs_0_1_25$MT6ppy0FAMVMLH",
    "encryptedExpiryMonth": "test_03",
    "encryptedSecurityCode": "test_737",
    "holderName": "J. Payer",
}


@pytest.mark.parametrize(
    "instrument",
    [
        Instrument(),
        Instrument(token="pm_card_visa"),
        Instrument(token="tok_1MzLcF2eZvKYlo2C"),
        Instrument(token=json.dumps(ADYENS)),
        Instrument(token=json.dumps({**ADYENS, "encryptedCardNumber": f"test_{NUMBER}"})),
        Instrument(token=json.dumps({"type": "scheme", "storedPaymentMethodId": NUMBER})),
        Instrument(token="1" * 16),
        Instrument(token="[" * 100_000),
        Instrument(connector_payment_method_id=NUMBER),
        Instrument(phone="254708374149"),
        Instrument(redirect_method="paypal"),
    ],
    ids=lambda instrument: instrument.WhichOneof("instrument"),
)
def test_what_is_no_cards_own_data_is_taken(instrument: Instrument) -> None:
    refuse_raw_card(instrument)
