"""Card numbers: refused, unless the merchant has switched them on; then passed on, and kept and said nowhere."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
import structlog
from canaries import Canaries, files_of, told_by
from every_operation import Counter
from provider_desk import Desk, desk_of

from connectors.spi import Capability
from connectors.spi.simulating import Faults
from connectors.stripe import repeating
from orchestratorx_prism.errors import NotSupported, OutcomeUnknown, PrismError, RequestRejected
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_CAPTURED

NUMBER, CVC, HOLDER = "4938127654902139", "9071", "CANARY OF THE HOLDER"
"""A number whose check digit fits, and which no test card has."""
CARD = {"number": NUMBER, "cvc": CVC, "expiry_month": 3, "expiry_year": 2031, "holder": HOLDER}
TAKE_CARDS = ["stripe", "adyen", "paypal"]
C = Capability


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe is tried several times with pauses that make every lost answer two seconds long."""
    monkeypatch.setattr(repeating, "FIRST_PAUSE_S", 0.01)


def desk(connector: str, folder: Path | None = None, *, switched_on: bool = True, **options: Any) -> Any:
    url = "memory:" if folder is None else f"sqlite:///{folder / 'ledger.db'}"
    rules, settings = {"raw_cards": switched_on}, {"resolve_after_s": [0.01]}
    return desk_of(connector, database_url=url, raw_cards=True, rules=rules, settings=settings, **options)


def paying(counter: Counter, **card: Any) -> dict[str, Any]:
    return counter.authorization({"card": {**CARD, **card}})


async def refusal_of(counter: Counter, fields: dict[str, Any], request_id: str = "") -> PrismError:
    with pytest.raises(PrismError) as refused:
        await counter.ask(C.AUTHORIZE, fields, request_id)
    return refused.value


@pytest.mark.parametrize("connector", [*TAKE_CARDS, "mpesa"])
async def test_a_card_is_refused_where_the_merchant_has_not_switched_it_on(connector: str) -> None:
    async with desk(connector, switched_on=False) as opened:
        counter = Counter(opened)
        refused = await refusal_of(counter, paying(counter))
        assert (refused.reason, refused.metadata) == ("RAW_CARD_REFUSED", {"field": "instrument.card"})
        assert "raw_cards" in refused.fix
        assert opened.simulator.truths() == []


@pytest.mark.parametrize("connector", TAKE_CARDS)
async def test_a_card_pays_where_it_is_switched_on(connector: str) -> None:
    async with desk(connector) as opened:
        counter = Counter(opened)
        answer = await counter.ask(C.AUTHORIZE, paying(counter))
        assert answer.payment.status in {PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_CAPTURED}
        assert len(opened.simulator.truths()) == 1


async def test_a_provider_that_has_no_cards_takes_none() -> None:
    async with desk("mpesa") as opened:
        counter = Counter(opened)
        assert (await refusal_of(counter, paying(counter))).reason == "RAW_CARD_REFUSED"


@pytest.mark.parametrize("connector", TAKE_CARDS)
async def test_a_card_in_a_token_is_refused_all_the_same(connector: str) -> None:
    async with desk(connector) as opened:
        counter = Counter(opened)
        for token in (NUMBER, f'{{"type": "scheme", "number": "{NUMBER}"}}'):
            refused = await refusal_of(counter, counter.authorization({"token": token}))
            assert refused.reason == "RAW_CARD_REFUSED"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "4938127654902130"),
        ("number", "4938 1276 5490 2139"),
        ("number", "42"),
        ("number", "\uff14" * 16),
        ("expiry_month", 13),
        ("expiry_month", 0),
        ("expiry_year", 31),
        ("cvc", "12"),
        ("cvc", "abc"),
    ],
)
async def test_what_no_card_can_be_is_refused_before_anything_is_sent(field: str, value: Any) -> None:
    async with desk("stripe") as opened:
        counter = Counter(opened)
        refused = await refusal_of(counter, paying(counter, **{field: value}))
        assert isinstance(refused, RequestRejected)
        assert (refused.reason, refused.metadata) == ("CARD_INVALID", {"field": f"instrument.card.{field}"})
        assert str(value) not in f"{refused.message} {refused.fix}" or field == "expiry_month"
        assert opened.simulator.truths() == []


@pytest.mark.parametrize("connector", TAKE_CARDS)
async def test_a_lost_answer_charges_once_and_the_caller_who_repeats_learns_of_it(connector: str) -> None:
    async with desk(connector) as opened:
        counter = Counter(opened)
        fields, request_id = paying(counter), counter.name()
        opened.faulty.faults = Faults(lost_replies=1.0)
        assert isinstance(await refusal_of(counter, fields, request_id), PrismError)
        opened.faulty.faults = Faults()
        await counter.ask(C.AUTHORIZE, fields, request_id)
        assert len(opened.simulator.truths()) == 1


@pytest.mark.parametrize("connector", TAKE_CARDS)
async def test_whoever_asks_later_without_the_card_charges_nobody(connector: str) -> None:
    """The resolver has the request as it was kept: without the card."""
    async with desk(connector) as opened:
        counter = Counter(opened)
        fields, request_id = paying(counter), counter.name()
        opened.faulty.faults = Faults(lost_replies=1.0)
        lost = await refusal_of(counter, fields, request_id)
        opened.faulty.faults = Faults()
        truths = len(opened.simulator.truths())
        if isinstance(lost, OutcomeUnknown):
            await resolved(opened)
        assert len(opened.simulator.truths()) == truths
        await counter.ask(C.AUTHORIZE, fields, request_id)
        assert len(opened.simulator.truths()) == 1


async def resolved(opened: Desk) -> None:
    """What is unknown is asked about, as soon as it is due."""
    async with asyncio.timeout(10):
        while not await opened.application.resolver.round():  # noqa: ASYNC110 - due by the clock
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("connector", TAKE_CARDS)
async def test_a_card_that_was_passed_on_is_kept_and_said_nowhere(
    connector: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    with structlog.testing.capture_logs() as logged:
        async with desk(connector, tmp_path) as opened:
            counter = Counter(opened)
            said.append(repr(await counter.ask(C.AUTHORIZE, paying(counter))))
            opened.faulty.faults = Faults(lost_replies=1.0)
            said.append(told_by(await refusal_of(counter, paying(counter))))
            opened.faulty.faults = Faults(errors=1.0)
            said.append(told_by(await refusal_of(counter, paying(counter))))
            opened.faulty.faults = Faults()
            if C.ATTACH_PAYMENT_METHOD in counter.capabilities:
                try:
                    saving = {**await counter.customer(), "instrument": {"card": CARD}}
                    said.append(repr(await counter.ask(C.ATTACH_PAYMENT_METHOD, saving)))
                except (NotSupported, RequestRejected) as refused:
                    said.append(told_by(refused))
            places = files_of(tmp_path, "while it is open")
        places |= files_of(tmp_path, "closed")
    places["said"] = "\n".join(said).encode()
    places["structlog"] = "\n".join(repr(line) for line in logged).encode()
    places["logging"] = "\n".join(f"{vars(record)!r} {record.getMessage()}" for record in caplog.records).encode()
    assert Canaries({"number": NUMBER, "holder": HOLDER}).found_in(places) == []
