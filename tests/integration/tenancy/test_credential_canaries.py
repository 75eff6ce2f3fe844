"""Credentials that were put into the database, used, shown, refused, rotated and deleted are nowhere in clear: not in
the database, not in a log, not in an answer, an error or a repr."""

from __future__ import annotations

import base64
import logging
from pathlib import Path

import pytest
import structlog
from canaries import PROBE, SECRETS, Canaries, dump_of, told_by
from every_operation import GOOD, Counter
from provider_desk import SECRETS as WEBHOOK_SECRETS
from provider_desk import desk_of
from tenants import create, put, webhook

from connectors.spi import Capability
from connectors.spi.simulating import Faults
from orchestrator.bootstrap import Application
from orchestrator.services.administration.sealed import SEALED
from orchestrator.vault import Rotation, Vault
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.v1 import credential_service_pb2 as pb
from orchestratorx_prism.v1.event_service_pb2 import HandleEventRequest

OLD_KEY, NEW_KEY = b"canary of the vault, first key!!", b"canary of the vault, second key!"
PUT_LATER = "whsec_or_token_canary_put_later_0123456789abcdef"


async def used(application: Application, counter: Counter, connector: str) -> list[str]:
    """All that callers are told while the credentials are used, and where they are of no use."""
    said = []

    async def tried(what: object) -> None:
        try:
            said.append(repr(await what))  # type: ignore[misc]
        except PrismError as error:
            said.append(told_by(error))

    fields = {**await counter.good(Capability.AUTHORIZE), "merchant_id": "acme"}
    await tried(counter.ask(Capability.AUTHORIZE, fields))
    counter.desk.faulty.faults = Faults(lost_replies=1.0)
    await tried(counter.ask(Capability.AUTHORIZE, fields, counter.name()))
    counter.desk.faulty.faults = Faults()
    credentials, events = application.services.credentials, application.services.events
    for environment in (0, 2):
        request = pb.CredentialServiceGetRequest(merchant_id="acme", connector=connector, environment=environment)
        await tried(credentials.get(request))
    await tried(credentials.list(pb.CredentialServiceListRequest(merchant_id="acme")))
    for values in ({"STRIPE_API_KEE": PUT_LATER}, {next(iter(counter.desk.label.config_keys)): PUT_LATER + "\n"}):
        await tried(put(application, "acme", connector=connector, values=values))
    await tried(put(application, "nobody", connector=connector, webhook_secrets=[PUT_LATER]))
    await tried(events.handle_event(HandleEventRequest(connector=connector, merchant_id="acme", payload=b"{}")))
    if connector == "stripe":
        await tried(events.handle_event(webhook("acme", WEBHOOK_SECRETS["stripe"])))
        await tried(events.handle_event(webhook("acme", "whsec_wrong", seed=2)))
    return said


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    fresh: str = request.getfixturevalue("fresh_postgres_url")
    return fresh


@pytest.mark.timeout(120)
@pytest.mark.parametrize("connector", list(GOOD))
async def test_no_credential_is_kept_or_said_in_clear(
    connector: str, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = Canaries()
    canaries.known.clear()
    settings = {"vault_keys": {"old": base64.b64encode(OLD_KEY).decode()}}
    with structlog.testing.capture_logs() as logged:
        async with desk_of(connector, database_url=url, settings=settings, watch=canaries.watch) as desk:
            application = desk.application
            await application.start()
            logging.getLogger(__name__).debug(PROBE.decode())
            structlog.get_logger(__name__).debug(PROBE.decode())
            named = application.settings.merchants["default"].connectors[connector].credentials
            values = {name: secret.get_secret_value() for name, secret in named.items()}
            values[desk.label.webhook_secret_key or desk.label.webhook_id_key] = WEBHOOK_SECRETS[connector]
            for name in SECRETS & values.keys():
                canaries.add(name, values[name])
            for name, text in (("put later", PUT_LATER), ("old key", OLD_KEY.decode()), ("new key", NEW_KEY.decode())):
                canaries.add(name, text)
            assert len(canaries.known) >= 4
            await create(application, "acme")
            said = [repr(await put(application, "acme", connector=connector, values=values))]
            assert application.merchants.credentials(desk.label, "acme")[0] == values
            said += await used(application, Counter(desk), connector)
            newer = Vault({"old": OLD_KEY, "new": NEW_KEY})
            rotated = await Rotation(application.ledger.tables, newer, SEALED).run()
            assert rotated.resealed == 1
            objects = (application, application.directory, vars(application.directory), application.merchants)
            said += [repr(objects), repr(application.vault), repr(newer), repr(rotated)]
            places = await dump_of(url, tmp_path, "while it is open")
            request = pb.CredentialServiceDeleteRequest(merchant_id="acme", connector=connector)
            await application.services.credentials.delete(request)
            await desk.simulator.aclose()
        places |= await dump_of(url, tmp_path, "closed")
    places["answers and errors"] = "\n".join(said).encode()
    places["structlog"] = "\n".join(repr(line) for line in logged).encode()
    places["logging"] = "\n".join(f"{record.getMessage()} {vars(record)!r}" for record in caplog.records).encode()
    assert canaries.found_in(places) == []
    assert all(PROBE in places[name] for name in ("structlog", "logging")), "logs were not looked at"
    everything = b"".join(places.values())
    assert b"acme" in everything
    assert b"\x01\x03new" in everything, "the database was not looked at"  # how what the new key sealed begins
