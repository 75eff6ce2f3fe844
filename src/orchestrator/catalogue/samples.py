"""Who makes which event, and one real event of every type: what the codecs make of the simulators' webhooks.

Nothing is read from mapping tables: every provider type of every installed connector is made, parsed and normalized.
An example is verified, too, and recorded in a ledger, so that it has what only the ledger gives: the payment's id, the
sequence, the status before. Moments are fixed, so two runs make the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from connectors.spi import Context, Environment, Label, Material, SampleRequest, SampleWebhook, Trust, Webhook
from orchestrator.catalogue.model import Producer
from orchestrator.delivery.telling import failed_event
from orchestrator.ledger.base import Recording
from orchestrator.ledger.memory import MemoryLedger
from orchestrator.settings import DEFAULT_MERCHANT
from orchestratorx_prism.errors import Internal
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_data_pb2 import WebhookEndpointData
from orchestratorx_prism.v1.event_pb2 import CAUSE_POLL, Event, Verification
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_OWN_CALL as OWN_CALL
from orchestratorx_prism.v1.payment_pb2 import PAYMENT_STATUS_UNKNOWN

AT_S: Final = 1_767_225_600
"""When every sample happens: 2026-01-01T00:00:00Z."""
_NS: Final = 1_000_000_000
_RECEIVED_NS: Final = AT_S * _NS + 250_000_000
_PUBLISHED_NS: Final = AT_S * _NS + 258_000_000
_SECRET: Final = "5A" * 32
"""Signs the examples' webhooks: hex digits, because some providers' keys are; of no use to anybody."""
_AMOUNTS: Final = ((1099, 1099), (400, 1099))
"""(amount, total) in minor units: the whole payment, and a part of it."""

OWN_PRODUCER: Final = Producer("orchestrator", "OrchestratorX")
OWN_TYPES: Final = frozenset({"payment.anomaly", "webhook_endpoint.failed"})
"""Types that are made here, of whatever providers send, or of what endpoints answer."""

MADE_UP_FROM: Final[Mapping[str, str]] = {
    "payment.unknown": "payment.pending",
    "payment.reconciled": "payment.captured",
}
"""Type that providers do not send → the type whose example is adapted for it."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What the simulators show."""

    producers: Mapping[str, tuple[Producer, ...]]
    """Type → who makes it, by name. Empty: nobody."""
    events: Mapping[str, Event] = field(repr=False)
    """Type → an event of it as it is published."""
    made_up: frozenset[str]
    """Types whose event no simulator makes."""


@dataclass(frozen=True, slots=True)
class _Made:
    label: Label
    request: SampleRequest
    sample: SampleWebhook
    event: Event


async def take_samples(labels: Mapping[str, Label]) -> Samples:
    """Runs every simulator.

    Raises:
        Internal: A type has neither a sample nor an entry in `MADE_UP_FROM`.
    """
    made: dict[str, list[_Made]] = {type_: [] for type_ in DATA_MEMBER}
    for label in labels.values():
        for each in _all_of(label):
            made[each.event.type].append(each)
    events = {type_: await _example(_best(found)) for type_, found in made.items() if found}
    endpoint = WebhookEndpointData(
        endpoint_id="we_388df8fa60bcbc06", url="https://shop.example.com/hooks", state_reason="it answered 410 Gone"
    )
    failed = failed_event(DEFAULT_MERCHANT, Environment.ENVIRONMENT_SANDBOX, AT_S * 1_000_000, endpoint)
    failed.published_at.FromNanoseconds(_PUBLISHED_NS)
    events[failed.type] = failed
    made_up = [type_ for type_ in DATA_MEMBER if type_ not in events]
    for type_ in made_up:
        if type_ not in MADE_UP_FROM:
            raise Internal(
                f"no simulator makes {type_}", fix="add it to a simulator, or to orchestrator.catalogue.samples"
            )
        events[type_] = _adapted(events[MADE_UP_FROM[type_]], type_)
    producers = {type_: _producers(type_, found) for type_, found in made.items()}
    return Samples(producers, events, frozenset(made_up))


def _all_of(label: Label) -> Iterator[_Made]:
    if label.sample is None:
        return
    for provider_type in label.event_types:
        for amount, total in _AMOUNTS:
            request = SampleRequest(provider_type, secret=_SECRET, now_s=AT_S, amount_minor=amount, total_minor=total)
            sample = label.sample(request)
            for event in label.normalize(label.parse(sample.body), _context(sample), sample.body):
                yield _Made(label, request, sample, event)


def _context(sample: SampleWebhook) -> Context:
    return Context(
        DEFAULT_MERCHANT,
        Environment.ENVIRONMENT_SANDBOX,
        _RECEIVED_NS,
        purpose=sample.purpose,
        known_request=sample.known_request,
    )


def _producers(type_: str, found: list[_Made]) -> tuple[Producer, ...]:
    by_label: dict[str, tuple[Label, dict[str, None]]] = {}
    for each in found:
        by_label.setdefault(each.label.name, (each.label, {}))[1][each.request.event_type] = None
    producers = [Producer(name, label.title, tuple(types)) for name, (label, types) in sorted(by_label.items())]
    return (*producers, OWN_PRODUCER) if type_ in OWN_TYPES else tuple(producers)


def _best(found: list[_Made]) -> _Made:
    """The one that says most, of the connector that is signed and knows the most types; among equals the first."""
    return max(
        found,
        key=lambda made: (
            made.label.trust == Trust.TRUST_SIGNED,
            len(made.label.event_types),
            made.request.amount_minor == made.request.total_minor,
            made.event.ByteSize(),
        ),
    )


async def _example(made: _Made) -> Event:
    """As published: verified, recorded, handed to the broker."""
    sample = made.sample
    headers = {name.lower(): value for name, value in sample.headers.items()}
    webhook = Webhook(sample.body, headers, sample.url_token, purpose=sample.purpose)
    material = Material(
        secrets=(_SECRET,),
        webhook_id=_SECRET,
        certificates=sample.certificates,
        known_request=sample.known_request,
    )
    verification = made.label.open(webhook, material, AT_S).verification
    event = Event()
    event.CopyFrom(made.event)
    return await _published(event, verification)


async def _published(event: Event, verification: Verification) -> Event:
    event.verification.CopyFrom(verification)
    recorded = await MemoryLedger().record(Recording([event]))
    finished = next(each for each in recorded.events if each.id == event.id)
    finished.published_at.FromNanoseconds(_PUBLISHED_NS)
    return finished


def _adapted(event: Event, type_: str) -> Event:
    """The same event as one of a type that no simulator makes."""
    adapted = Event()
    adapted.CopyFrom(event)
    adapted.type = type_
    adapted.provider_event_id = adapted.provider_event_type = ""
    adapted.cause = CAUSE_POLL
    adapted.verification.CopyFrom(Verification(method=OWN_CALL, detail="the provider's answer to our own question"))
    adapted.ClearField("raw")
    if type_ == "payment.unknown":
        adapted.payment.status = PAYMENT_STATUS_UNKNOWN
    return adapted
