"""The post bag: every story's webhooks, shuffled, some twice, some forged."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from enum import StrEnum

from connectors.spi import SampleRequest, SampleWebhook, Trust
from orchestrator.demonstration.stories import STORIES, Step, Story
from orchestrator.plugins import connector_named

SECRETS = {
    "stripe": "whsec_demo",
    "adyen": "5A" * 32,
    "paypal": "8PT597110X687430L",
    "mpesa": "demo-token-0123456789abcdef",
}
"""Made up; nobody else's."""
DUPLICATES = 0.35
FORGERIES = 0.25


class Mischief(StrEnum):
    """What was done to a webhook on its way."""

    NONE = ""
    DUPLICATE = "twice"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class Letter:
    """One webhook on its way to us."""

    story: Story
    step: Step
    payment: int
    webhook: SampleWebhook = field(repr=False)
    mischief: Mischief

    @property
    def reference(self) -> str:
        return f"order-{self.payment}"

    def request(self) -> dict[str, object]:
        """As a webhook endpoint would hand it to `handle_event`."""
        made, secret = self.webhook, SECRETS[self.story.connector]
        request: dict[str, object] = {
            "payload": made.body,
            "headers": dict(made.headers),
            "webhook_secret": secret,
            "certificates": list(made.certificates),
            "url_token": made.url_token,
            "purpose": made.purpose,
        }
        if connector_named(self.story.connector).webhook_id_key:
            request["webhook_id"] = secret
        if made.known_request is not None:
            request["known_request"] = made.known_request
        return request


def post_bag(rounds: int, *, seed: int, now_s: int) -> list[Letter]:
    """`rounds` times every story, in one shuffled bag; the same seed makes the same bag."""
    dice = random.Random(seed)  # noqa: S311 - a reproducible shuffle, not a secret
    bag: list[Letter] = []
    for payment, story in enumerate(STORIES * rounds, start=1):
        for order, step in enumerate(story.steps):
            letter = _letter(story, step, payment, now_s - 60 + order)
            bag.append(letter)
            if dice.random() < DUPLICATES:
                bag.append(replace(letter, mischief=Mischief.DUPLICATE))
            if dice.random() < FORGERIES:
                bag.append(replace(letter, webhook=_forged(letter), mischief=Mischief.FORGED))
    dice.shuffle(bag)
    return bag


def _letter(story: Story, step: Step, payment: int, at_s: int) -> Letter:
    sample = connector_named(story.connector).sample
    if sample is None:
        raise LookupError(f"{story.connector} has no simulator")
    made = sample(
        SampleRequest(
            step.event_type,
            secret=SECRETS[story.connector],
            now_s=at_s,
            seed=payment,
            step=step.step,
            amount_minor=story.amount_minor if step.amount_minor is None else step.amount_minor,
            total_minor=story.amount_minor,
            currency=story.currency,
            merchant_transaction_id=f"order-{payment}",
        )
    )
    return Letter(story, step, payment, made, Mischief.NONE)


def _forged(letter: Letter) -> SampleWebhook:
    """Another amount under the same signature; where nothing is signed, a guessed token."""
    made = letter.webhook
    if connector_named(letter.story.connector).trust == Trust.TRUST_QUERY_BACK:
        return replace(made, url_token="guessed-token-0000000000")  # noqa: S106 - made up
    position = next(i for i in range(len(made.body) - 1, -1, -1) if chr(made.body[i]).isdigit())
    body = bytearray(made.body)
    body[position] ^= 1
    return replace(made, body=bytes(body))
