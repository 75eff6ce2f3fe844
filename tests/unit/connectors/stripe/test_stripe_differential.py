"""Our verification against the official package's, on 10,000 generated webhooks: they agree, but where it is wrong."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import stripe
import stripe._webhook

from connectors.spi import Material, Webhook
from connectors.stripe import connector
from connectors.stripe.signatures import TOLERANCE_S, sign
from orchestratorx_prism.errors import PayloadRejected, SignatureRejected

CASES = 10_000
NOW_S = 1_773_480_500
SECRETS = ("whsec_Zr4mUYHq0dM9eXo2", "whsec_0ldB9Kf3wVt7Jc1y", "whsec_ключ", "plain secret", " ", "")

FUTURE = "takes a signed time far in the future for recent"
WRONG: dict[str, tuple[frozenset[str], str]] = {
    FUTURE: (frozenset({"accepted", "payload", "AttributeError"}), "signature"),
    "raises UnicodeDecodeError for a body that is not UTF-8": (frozenset({"UnicodeDecodeError"}), "payload"),
    "raises UnicodeDecodeError before it looks at the signature": (frozenset({"UnicodeDecodeError"}), "signature"),
    "raises AttributeError for signed JSON that is no object": (frozenset({"AttributeError"}), "payload"),
    "raises TypeError for a signature that is not ASCII": (frozenset({"TypeError"}), "signature"),
}
"""Where the official package is wrong: what it does, and what we do. Each must occur, or this list has rotted."""


@dataclass(frozen=True)
class Case:
    body: bytes
    header: str | None
    secret: str


class Generator:
    """Seeded: the same cases in every run."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def case(self) -> Case:
        body, secret = self._body(), self._random.choice(SECRETS)
        signer = secret if self._random.random() < 0.85 else self._random.choice(SECRETS)
        header: str | None = sign(body, signer, self._time())
        change = self._random.choice(CHANGES)
        return change(self._random, Case(body, header, secret))

    def _body(self) -> bytes:
        draw = self._random.random()
        if draw < 0.08:
            return self._random.choice([b"[]", b'[{"id":"evt_1"}]', b"7", b'"text"', b"null", b"true"])
        if draw < 0.16:
            return self._random.choice(
                [b"", b"{", b'{"id":', b"evt_1", b"\xff\xfe\x00", b'{"id":"\xe9"}', b"\xed\xa0\x80"]
            )
        event: dict[str, Any] = {
            "id": f"evt_{self._random.randrange(10**9)}",
            "object": "event",
            "type": self._random.choice(["payment_intent.succeeded", "customer.created", "never.heard.of"]),
            "created": NOW_S,
            "data": {"object": {"id": "x", "note": self._random.choice(["", "ünï", "日本", "🙂", "a" * 3000])}},
        }
        if draw < 0.35:
            created = "2026-03-14T09:26:53.589Z"
            event = {**event, "object": "v2.core.event", "type": "v1.charge.refunded", "created": created}
            event["related_object"] = {"id": "ch_1", "type": "charge", "url": "/v1/charges/ch_1"}
            event |= {"livemode": False}
        indent = self._random.choice([None, 2])
        return json.dumps(event, ensure_ascii=self._random.random() < 0.5, indent=indent).encode()

    def _time(self) -> int:
        edges = [TOLERANCE_S - 1, TOLERANCE_S, TOLERANCE_S + 1, 10_000, NOW_S]
        off = self._random.choice([0, 0, 0, self._random.randrange(TOLERANCE_S), self._random.choice(edges)])
        return NOW_S + off * self._random.choice([-1, -1, 1])


def as_signed(_random: random.Random, case: Case) -> Case:
    return case


def other_body(random: random.Random, case: Case) -> Case:
    if not case.body:
        return case
    changed = bytearray(case.body)
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(7)
    return Case(bytes(changed), case.header, case.secret)


def other_header(random: random.Random, case: Case) -> Case:
    header = list(case.header or "")
    for _ in range(random.randrange(1, 3)):
        at = random.randrange(len(header))
        header[at] = random.choice("0123456789abcdefABCDEF,=tv. +-_é\x00")
    return Case(case.body, "".join(header), case.secret)


def other_form(random: random.Random, case: Case) -> Case:
    time, _, signature = (case.header or "").partition(",")
    value = signature.removeprefix("v1=")
    forms: list[str | None] = [
        None,
        "",
        " ",
        signature,
        time,
        f"{signature},{time}",
        f"{time},v0={value}",
        f"{time},v0={value},{signature}",
        f"{time},v1={'0' * 64},{signature}",
        f"{time},{signature},v1={'0' * 64}",
        f"{time},v1=,{signature}",
        f"{time},v1,{signature}",
        f"{time},v1=é,{signature}",
        f"{time},{signature},v1=é",
        f"{time}, {signature}",
        f"{time},{signature},",
        f"{time},{signature}=x",
        f"{time}=x,{signature}",
        f"{time},{signature},t=1",
        f"t=1,{time},{signature}",
        f"t,{time},{signature}",
        f"{time.replace('t=', 't=0')},{signature}",
        f"{time.replace('t=', 't= ')} ,{signature}",
        f"{time.replace('t=', 't=+')},{signature}",
        f"{time[:5]}_{time[5:]},{signature}",
        f"{time}.0,{signature}",
        f"{time},{signature.upper()}",
        f"{time},v1={value.upper()}",
        f"{time},v1={value[:-1]}",
        f"{time},v1={value}0",
        f"T{time[1:]},{signature}",
        f"t=,{signature}",
        f"t={'9' * 5000},{signature}",
    ]
    return Case(case.body, random.choice(forms), case.secret)


CHANGES = [as_signed, as_signed, as_signed, other_body, other_header, other_form, other_form]


def official(case: Case, client: stripe.StripeClient) -> str:
    """What the official package does with it; its two entrances share one verification."""
    thin = b'"v2.core.event"' in case.body
    try:
        if thin:
            client.parse_event_notification(case.body, case.header, case.secret)
        else:
            stripe.Webhook.construct_event(case.body, case.header, case.secret)
    except stripe.SignatureVerificationError:
        return "signature"
    except json.JSONDecodeError:
        return "payload"
    except (UnicodeDecodeError, AttributeError, TypeError) as fault:
        return type(fault).__name__
    return "accepted"


def ours(case: Case) -> str:
    headers = {} if case.header is None else {"stripe-signature": case.header}
    try:
        connector.open(Webhook(case.body, headers), Material(secrets=(case.secret,)), NOW_S)
    except SignatureRejected:
        return "signature"
    except PayloadRejected:
        return "payload"
    return "accepted"


def too_new(case: Case) -> bool:
    text = (case.header or "").partition("t=")[2].partition(",")[0].partition("=")[0]
    return int(text) > NOW_S + TOLERANCE_S


def reason_for(theirs: str, mine: str, case: Case) -> str | None:
    """Why the two differ, if the official package is wrong there."""
    for why, (does, we_do) in WRONG.items():
        if theirs in does and mine == we_do and (why != FUTURE or too_new(case)):
            return why
    return None


def test_we_agree_with_the_official_package_except_where_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe._webhook, "time", SimpleNamespace(time=lambda: float(NOW_S)))
    client = stripe.StripeClient("sk_test_none")
    generator = Generator(seed=20_260_314)
    agreed: Counter[str] = Counter()
    differed: Counter[str] = Counter()
    for _ in range(CASES):
        case = generator.case()
        theirs, mine = official(case, client), ours(case)
        if theirs == mine:
            agreed[mine] += 1
            continue
        why = reason_for(theirs, mine, case)
        assert why is not None, f"official: {theirs}, ours: {mine}, {case}"
        differed[why] += 1
    assert sum(agreed.values()) + sum(differed.values()) == CASES
    assert min(agreed["accepted"], agreed["signature"], agreed["payload"]) > 100, agreed
    assert set(differed) == set(WRONG), differed
