"""Secrets that must be found nowhere, in whatever form; and where to look for them."""

from __future__ import annotations

import base64
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from connectors.spi import SampleWebhook
from connectors.spi.simulating import App, Message, Receive, Scope, Send

CARD_NUMBER: Final = "4938127654902139"
CVC: Final = "canary-cvc-90731"
RAW_KEY: Final = base64.b64encode(b"canary of raw bodies, 32 bytes!!").decode()
SECRETS: Final = frozenset(
    {
        "STRIPE_API_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "ADYEN_API_KEY",
        "ADYEN_TRANSFERS_API_KEY",
        "ADYEN_HMAC_KEY",
        "PAYPAL_CLIENT_SECRET",
        "MPESA_CONSUMER_KEY",
        "MPESA_CONSUMER_SECRET",
        "MPESA_PASSKEY",
        "MPESA_SECURITY_CREDENTIAL",
        "MPESA_URL_TOKEN",
    }
)
"""Of the credentials, those that nobody may see. The others are names: accounts, shortcodes, addresses, client ids."""
SECRET_HEADERS: Final = frozenset({b"authorization", b"x-api-key"})
SECRET_FIELDS: Final = re.compile(rb'"(?:Password|SecurityCredential|access_token)"\s*:\s*"([^"]+)"')
SIGNATURE_HEADERS: Final = frozenset({"stripe-signature", "paypal-transmission-sig"})
ADYENS_SIGNATURE: Final = re.compile(rb'"hmacSignature"\s*:\s*"([^"]+)"')
PROBE: Final = b"a line that must be seen"
SHORTEST: Final = 8
"""Of what is searched for. Characters: shorter ones are everywhere."""


@dataclass
class Canaries:
    """What must not be found. Watches what goes to and comes from the provider for more of it."""

    known: dict[str, str] = field(default_factory=lambda: {"card number": CARD_NUMBER, "CVC": CVC, "raw key": RAW_KEY})

    def add(self, name: str, text: str) -> None:
        if len(text) >= SHORTEST:
            self.known[f"{name} {len(self.known)}"] = text

    def watch(self, app: App) -> App:
        """The app; what it is given to prove who we are is a canary, too."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            for name, value in scope["headers"]:
                if name.lower() in SECRET_HEADERS:
                    self.add(name.decode(), value.decode("latin-1").rpartition(" ")[2])

            async def received() -> Message:
                message = await receive()
                self._search(message.get("body", b""))
                return message

            async def sent(message: Message) -> None:
                self._search(message.get("body", b""))
                await send(message)

            await app(scope, received, sent)

        return watched

    def add_signatures(self, posted: list[SampleWebhook]) -> None:
        for webhook in posted:
            for name, value in webhook.headers.items():
                if name.lower() in SIGNATURE_HEADERS:
                    self.add(name, value.rpartition("v1=")[2])
            for found in ADYENS_SIGNATURE.findall(webhook.body):
                self.add("hmacSignature", found.decode())

    def forms(self) -> Iterator[tuple[str, bytes]]:
        """Every canary, as it might have been written down."""
        for name, text in dict.fromkeys((text, name) for name, text in self.known.items()):
            plain = name.encode()
            yield text, plain
            yield f"{text} in hexadecimal", plain.hex().encode()
            for shift in range(3):  # the middle of it is the same wherever in a text it stands
                middle = base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : -4]
                if len(middle) >= SHORTEST:
                    yield f"{text} in base64", middle

    def found_in(self, places: dict[str, bytes]) -> list[str]:
        """Where there is one: its name and the place, never itself."""
        return sorted(
            {f"{name}: {place}" for name, form in self.forms() for place, text in places.items() if form in text}
        )

    def _search(self, body: bytes) -> None:
        for found in SECRET_FIELDS.findall(body):
            self.add("field", found.decode())


def told_by(error: BaseException) -> str:
    """Everything that an error says, and those that it came from."""
    said = ["".join(traceback.format_exception(error))]
    seen: BaseException | None = error
    while seen is not None:
        said += [repr(seen), str(seen), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(said)


def files_of(folder: Path, when: str) -> dict[str, bytes]:
    return {f"{file.name}, {when}": file.read_bytes() for file in folder.iterdir()}


async def dump_of(url: str, folder: Path, when: str) -> dict[str, bytes]:
    """All that the database holds."""
    if not url.startswith("postgresql"):
        return files_of(folder, when)
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        names = [
            row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        rows = {name: await connection.fetch(f'SELECT * FROM "{name}"') for name in names}  # noqa: S608 - its own names
    finally:
        await connection.close()
    return {
        f"{name}, {when}": b"\n".join(
            value if isinstance(value, bytes) else str(value).encode() for row in found for value in row.values()
        )
        for name, found in rows.items()
    }
