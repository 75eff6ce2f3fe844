"""What the simulator keeps: objects by id, and the webhooks that tell of their changes."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
import random
from collections.abc import Iterable
from typing import Any, Final

from connectors.spi import SampleRequest
from connectors.spi.simulating import SimulatorOptions
from connectors.stripe.sample_frame import signed, snapshot
from connectors.stripe.sample_objects import Json, Maker
from connectors.stripe.simulator_forms import Form, Refused, no_such

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

NAMES: Final[dict[str, str]] = {
    "pi": "payment_intent",
    "ch": "charge",
    "re": "refund",
    "du": "dispute",
    "cus": "customer",
    "pm": "PaymentMethod",
    "seti": "setup_intent",
    "mandate": "mandate",
    "sub": "subscription",
    "po": "payout",
    "tr": "transfer",
    "file": "file",
}
"""Prefix of an id → what error messages call it."""


class Store:
    """One account of Stripe's test mode, in memory."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self.objects: dict[str, Json] = {}
        """By id, in the order in which they were made."""
        self.request: tuple[str, str | None] = ("", None)
        """Id and idempotency key of the request that is being carried out."""
        self.events: list[Json] = []
        """Everything that happened, in order, told by a webhook or not."""
        self.made_by: dict[str, str] = {}
        """PaymentIntent → the idempotency key it was made with."""
        self._chance = random.Random(options.seed)  # noqa: S311 - tests want to repeat it
        self._serial = 0
        self._underway: set[asyncio.Task[None]] = set()

    @property
    def now_s(self) -> int:
        return int(self.options.now_s())

    def new_id(self, prefix: str) -> str:
        """Depends on the seed and on how many were made before."""
        self._serial += 1
        digest = hashlib.sha256(f"{self.options.seed}/{self._serial}/{prefix}".encode()).digest()
        return f"{prefix}_3" + "".join(_ALPHABET[byte % 62] for byte in digest[:23])

    def maker(self) -> Maker:
        """For the objects' shapes; every value that matters is given besides."""
        return Maker(SampleRequest("", now_s=self.now_s, seed=self._serial))

    def keep(self, made: Json) -> Json:
        self.objects[made["id"]] = made
        return made

    def find(self, given: str, prefix: str, param: str = "", *, in_path: bool = True) -> Json:
        """An object by its id.

        Raises:
            Refused: There is none: 404 in a path, 400 in a parameter.
        """
        found = self.objects.get(given)
        if found is None or not given.startswith(f"{prefix}_"):
            name = NAMES[prefix]
            raise no_such(name, given, param or name.lower(), 404 if in_path else 400)
        return found

    def of_kind(self, kind: str) -> list[Json]:
        """Newest first, as Stripe lists them."""
        return [one for one in reversed(self.objects.values()) if one["object"] == kind]

    def tell(self, event_type: str, about: Json, **previous: Any) -> None:
        """Keeps an event about an object as it is now, and sends its webhook, unless that is to be lost, or twice."""
        options = self.options
        request_id, key = self.request
        event = snapshot(
            event_type,
            copy.deepcopy(about),
            copy.deepcopy(previous),
            ids=(self.new_id("evt"), request_id),
            now_s=self.now_s,
            key=key,
        )
        self.events.append(event)
        if options.deliver is None or self._chance.random() < options.lost_callbacks:
            return
        times = 2 if self._chance.random() < options.duplicate_callbacks else 1
        task = asyncio.ensure_future(self._deliver(event, times))
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)

    async def _deliver(self, event: Json, times: int) -> None:
        deliver = self.options.deliver
        if deliver is None:
            return
        await asyncio.sleep(self.options.callback_delay_s)
        for _ in range(times):
            await deliver(signed(event, self.options.webhook_secret, self.now_s))

    async def settle(self) -> None:
        """Until every webhook was sent."""
        while self._underway:
            await asyncio.gather(*self._underway)

    def page(self, form: Form, found: Iterable[Json], url: str) -> Json:
        """A list, by `limit`, `starting_after` and `created`."""
        listed = [one for one in found if _within(one.get("created", 0), form.values.get("created"))]
        after = form.text("starting_after", "")
        if after:
            ids = [one["id"] for one in listed]
            if after not in ids:
                raise no_such(listed[0]["object"] if listed else "object", after, "starting_after")
            listed = listed[ids.index(after) + 1 :]
        limit = form.integer("limit", 10)
        if not 1 <= limit <= 100:
            raise Refused(400, "This value must be between 1 and 100.", param="limit", begun=False)
        return {"object": "list", "data": listed[:limit], "has_more": len(listed) > limit, "url": url}

    def expanded(self, answer: Json, paths: Iterable[str]) -> Json:
        """The answer with what is asked for in place of its id."""
        made: Json = json.loads(json.dumps(answer))
        for path in paths:
            self._expand(made, path.split("."))
        return made

    def _expand(self, inside: Any, path: list[str]) -> None:
        if isinstance(inside, list):
            for one in inside:
                self._expand(one, path)
            return
        if not isinstance(inside, dict) or not path:
            return
        name, rest = path[0], path[1:]
        if inside.get("object") == "charge" and name == "refunds":
            refunds = [one for one in self.of_kind("refund") if one["charge"] == inside["id"]]
            inside["refunds"] = {"object": "list", "data": json.loads(json.dumps(refunds[:10])), "has_more": False}
        elif name not in inside:
            text = f"This property cannot be expanded ({name})."
            raise Refused(400, text, param="expand", begun=False)
        elif isinstance(inside[name], str) and inside[name] in self.objects:
            inside[name] = json.loads(json.dumps(self.objects[inside[name]]))
        self._expand(inside[name], rest)


def _within(created: int, given: Any) -> bool:
    if given is None:
        return True
    if isinstance(given, str):
        return created == int(given)
    tests = {"gt": created.__gt__, "gte": created.__ge__, "lt": created.__lt__, "lte": created.__le__}
    return all(tests[name](int(bound)) for name, bound in given.items() if name in tests)
