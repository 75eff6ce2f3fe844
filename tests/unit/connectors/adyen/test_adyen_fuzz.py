"""Whatever comes in, only a typed refusal or events come out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.adyen import connector
from connectors.spi import Context, Environment, Material, SampleRequest, Webhook
from orchestratorx_prism.errors import PayloadRejected, SignatureRejected
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

KEY = "7A" * 32
CONTEXT = Context("default", Environment.ENVIRONMENT_SANDBOX, 1_780_000_000 * 1_000_000_000)
SAMPLES = {
    name: json.loads(connector.sample(SampleRequest(name, secret=KEY, now_s=1_780_000_000)).body)
    for name in connector.event_types
    if connector.sample is not None
}
fuzz = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=True),
    st.text(max_size=20),
    st.sampled_from(["", "true", "false", "EUR", "ISK", "incoming", "booked", "2026-01-01", "0000-00-00T00:00:00Z"]),
)
values = st.recursive(
    scalars,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=6,
)


def paths(at: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    children = at.items() if isinstance(at, dict) else enumerate(at) if isinstance(at, list) else ()
    for name, inside in children:
        found += paths(inside, (*path, name))
    return found


@st.composite
def mutated(draw: Callable[..., Any]) -> bytes:
    """A sample's body with one to three values exchanged or removed."""
    body = json.loads(json.dumps(SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))]))
    for _ in range(draw(st.integers(1, 3))):
        ways = paths(body)
        if not ways:
            break
        *way, last = draw(st.sampled_from(ways))
        parent = body
        for name in way:
            parent = parent[name]
        if draw(st.booleans()) or isinstance(parent, list):
            parent[last] = draw(values)
        else:
            del parent[last]
    return json.dumps(body).encode("utf-8", "surrogatepass")


def read(body: bytes) -> list[Event]:
    try:
        events = connector.normalize(connector.parse(body), CONTEXT, body)
    except PayloadRejected:
        return []
    assert events
    for event in events:
        assert event.WhichOneof("data") == DATA_MEMBER[event.type]
        assert Event.FromString(event.SerializeToString()) == event
    return events


@fuzz
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    read(body)


@fuzz
@given(values)
def test_any_json_is_read_or_refused(value: Any) -> None:
    read(json.dumps(value).encode("utf-8", "surrogatepass"))


@settings(fuzz, max_examples=1500)
@given(mutated())
def test_any_change_of_a_real_body_is_read_or_refused(body: bytes) -> None:
    read(body)


@fuzz
@given(
    mutated() | st.binary(max_size=60),
    st.dictionaries(st.sampled_from(["hmacsignature", "HmacSignature", "x"]), st.text(max_size=60), max_size=2),
    st.lists(st.text(max_size=70) | st.just(KEY), max_size=3),
)
def test_any_headers_and_secrets_end_in_a_refusal(body: bytes, headers: dict[str, str], secrets: list[str]) -> None:
    """A changed body can still be genuine where the change is of what no signature covers; then it opens."""
    try:
        opened = connector.open(Webhook(body, headers), Material(secrets=tuple(secrets)), 0)
    except (SignatureRejected, PayloadRejected):
        return
    assert KEY in secrets
    assert opened.verification.detail
