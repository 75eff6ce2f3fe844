"""No card number, security code, API key, passkey or signature reaches a log, an error, the database or an event.

Canaries go through every operation of every connector: carried out, refused, lost and found again. Then everything that
is kept or said is searched for them, also in base64 and hexadecimal.

What is kept on purpose, with the intent, until it is purged: the provider's tokens and ids of what the payer pays with
(`pm_…`, Adyen's encrypted fields, which its private key alone opens), phone numbers, and what a payer brought back from
the provider's page. They charge nobody without the merchant's key, and a lost request cannot be repeated without them.
"""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog
from canaries import CARD_NUMBER, CVC, PROBE, RAW_KEY, SECRETS, Canaries, files_of, told_by
from every_operation import GOOD, WITH_INSTRUMENT, Counter, refused
from google.protobuf.json_format import MessageToJson
from provider_desk import Desk, desk_of

from connectors.spi.simulating import Faults
from connectors.stripe import repeating
from orchestrator.services.operations.specs import CHANGING
from orchestratorx_prism.errors import PrismError, RequestRejected
from orchestratorx_prism.v1.event_service_pb2 import EventFilter


@dataclass
class Round:
    """What became of one connector's operations."""

    counter: Counter
    said: list[str] = field(default_factory=list)
    outcomes: set[tuple[str, str]] = field(default_factory=set)
    """(capability, "carried out" or "refused" or "lost")"""

    async def does(self, capability: Any, fields: Any, request_id: str = "") -> Any:
        try:
            answer = await self.counter.ask(capability, fields, request_id)
        except PrismError as error:
            self.said.append(told_by(error))
            return error
        self.said.append(repr(answer))
        return answer

    async def all(self) -> None:
        for capability in self.counter.capabilities:
            await self._carried_out_and_refused(capability)
            if capability in WITH_INSTRUMENT:
                await self._raw_card(capability)
            if capability in CHANGING:
                await self._lost(capability)

    async def _carried_out_and_refused(self, capability: Any) -> None:
        fields = await self.counter.good(capability)
        done = await self.does(capability, fields)
        assert not refused(done), (capability, done)
        self.outcomes.add((capability, "carried out"))
        no = await self.does(capability, await self.counter.bad(capability, fields))
        assert refused(no), (capability, no)
        self.outcomes.add((capability, "refused"))

    async def _raw_card(self, capability: Any) -> None:
        good = await self.counter.good(capability)
        card = {"number": CARD_NUMBER, "cvc": CVC, "expiry_month": 3, "expiry_year": 2030}
        token = json.dumps({"type": "scheme", "number": CARD_NUMBER, "cvc": CVC})
        for instrument in ({"card": card}, {"token": token}, {"token": token[:-1]}, {"token": CARD_NUMBER}):
            no = await self.does(capability, {**good, "instrument": instrument})
            assert isinstance(no, RequestRejected), (capability, instrument.keys(), no)

    async def _lost(self, capability: Any) -> None:
        fields = await self.counter.good(capability)
        request_id = self.counter.name()
        faulty = self.counter.desk.faulty
        faulty.faults = Faults(lost_replies=1.0)
        asked_nothing = capability.value == "payment.confirm_redirect" and self.counter.connector == "stripe"
        lost = await self.does(capability, fields, request_id)
        faulty.faults = Faults()
        assert refused(lost) or asked_nothing, (capability, lost)
        self.outcomes.add((capability, "lost"))
        await self.does(capability, fields, request_id)


async def kept_by(desk: Desk) -> dict[str, bytes]:
    """The events, in both forms."""
    events, token = [], ""
    while True:
        page, token = await desk.application.ledger.list_events(EventFilter(), page_size=500, page_token=token)
        events += page
        if not token:
            break
    assert events
    return {
        "events as JSON": "\n".join(MessageToJson(event) for event in events).encode(),
        "events as protobuf": b"\n".join(event.SerializeToString() for event in events),
        "events' text": "\n".join(str(event) for event in events).encode(),
    }


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe is tried several times with pauses that make every lost answer two seconds long."""
    monkeypatch.setattr(repeating, "FIRST_PAUSE_S", 0.01)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("connector", list(GOOD))
async def test_no_canary_is_kept_or_said(connector: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = Canaries()
    settings = {"raw_keys": {"k1": RAW_KEY}}
    database_url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with structlog.testing.capture_logs() as logged:
        async with desk_of(connector, database_url=database_url, settings=settings, watch=canaries.watch) as desk:
            await desk.application.start()
            structlog.get_logger(__name__).debug(PROBE.decode())
            logging.getLogger(__name__).debug(PROBE.decode())
            config = desk.simulator.config("")
            for name in SECRETS & config.keys():
                canaries.add(name, config[name])
            made = Round(Counter(desk))
            await made.all()
            await desk.simulator.aclose()
            places = await kept_by(desk)
            places["reprs"] = repr((desk.application, vars(desk.application.operator), desk.transport)).encode()
            canaries.add_signatures(desk.posted)
            places |= files_of(tmp_path, "while it is open")
        places |= files_of(tmp_path, "closed")
    places["errors and answers"] = "\n".join(made.said).encode()
    places["structlog"] = "\n".join(repr(line) for line in logged).encode()
    places["logging"] = "\n".join(
        f"{record.getMessage()} {record.args!r} {record.exc_text} {vars(record)!r}" for record in caplog.records
    ).encode()
    assert canaries.found_in(places) == []
    assert all(PROBE in places[name] for name in ("structlog", "logging")), "logs were not looked at"
    assert all(text for name, text in places.items() if "-wal" not in name and "-shm" not in name)
    changing = [one for one in made.counter.capabilities if one in CHANGING]
    assert {one for one, how in made.outcomes if how == "lost"} == set(changing)
    assert {one for one, how in made.outcomes if how == "refused"} == set(made.counter.capabilities)
    signed = connector != "mpesa"
    assert any("ignature" in name or "sig" in name.lower() for name in canaries.known) == signed


def test_a_canary_is_found_however_it_is_written() -> None:
    canaries = Canaries({"key": "sk_test_canary_of_this_test"})
    text = b"sk_test_canary_of_this_test"
    for hidden in (text, text.hex().encode(), *(base64.b64encode(b"x" * n + text + b"y") for n in range(4))):
        assert canaries.found_in({"there": b"before" + hidden + b"after", "elsewhere": b""}), hidden
    assert canaries.found_in({"there": b"sk_test_canary_of_another"}) == []
