"""The webhooks that Adyen's simulator sends: late, lost or twice, as its options say."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from connectors.adyen.sample_bodies import token
from connectors.adyen.samples import item_body
from connectors.adyen.simulator import hmac_key, message_webhook, standard_webhook
from connectors.adyen.simulator_state import Memory, Paid
from connectors.spi import SampleRequest, SampleWebhook


class Hooks:
    """Makes and sends webhooks. What is due is sent before `drain` returns."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._options = memory.options
        self._key = hmac_key(memory.options.webhook_secret)
        self._chance = random.Random(memory.options.seed)  # noqa: S311 - tests want to repeat it
        self._tasks: set[asyncio.Task[None]] = set()

    def item(
        self,
        code: str,
        paid: Paid,
        *,
        success: bool = True,
        psp: str = "",
        value: int | None = None,
        reason: str = "",
        additional: dict[str, str] | None = None,
        reference: str = "",
    ) -> None:
        """Sends a standard webhook about a payment.

        Args:
            psp: The operation's own reference; empty: the webhook is about the payment itself.
            value: In Adyen's minor units; None: the payment's.
        """
        name = code if success else f"{code}:false"
        item = item_body(SampleRequest(name, now_s=int(self._options.now_s()), seed=self._options.seed))
        item |= {
            "pspReference": psp or paid.psp,
            "merchantReference": reference or paid.reference,
            "amount": {"currency": paid.currency, "value": paid.value if value is None else value},
            "paymentMethod": paid.brand,
            "reason": reason,
        }
        item["additionalData"] = {
            **(additional or {}),
            **{f"metadata.{key}": text for key, text in paid.metadata.items()},
        }
        item.pop("originalReference", None)
        if psp:
            item["originalReference"] = paid.psp
        self.send(standard_webhook(item, self._key))

    def token(self, change: str, shopper: str, saved_id: str) -> None:
        """Sends `recurring.token.…`: "created" or "disabled"."""
        name = f"recurring.token.{change}"
        body = token(name, SampleRequest(name, now_s=int(self._options.now_s()), seed=self._options.seed))
        body["eventId"] = self._memory.new_id()
        body["data"] |= {"shopperReference": shopper, "storedPaymentMethodId": saved_id}
        self.send(message_webhook(body, self.key))

    def send(self, webhook: SampleWebhook) -> None:
        """Sends a webhook, unless it gets lost."""
        if self._options.deliver is None or self._chance.random() < self._options.lost_callbacks:
            return
        times = 2 if self._chance.random() < self._options.duplicate_callbacks else 1
        task = asyncio.get_running_loop().create_task(self._deliver(webhook, times))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def key(self) -> bytes:
        """What signs."""
        return self._key

    async def drain(self) -> None:
        """Waits for everything that is due."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def _deliver(self, webhook: SampleWebhook, times: int) -> None:
        if self._options.callback_delay_s:
            await asyncio.sleep(self._options.callback_delay_s)
        deliver: Any = self._options.deliver
        for _ in range(times):
            await deliver(webhook)
