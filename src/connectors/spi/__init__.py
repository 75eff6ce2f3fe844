"""What a connector is: its label, and the values that go in and come out of its webhook codec.

Connectors import this package and the generated messages, and nothing else of the project.
Pure values only; what a codec shares with other codecs lives beside this file: decoding, money, building.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from orchestratorx_prism.errors import (
    NotSupported,
    PayloadRejected,
    ProviderUnavailable,
    SignatureRejected,
)
from orchestratorx_prism.v1.connector_pb2 import Environment, Trust
from orchestratorx_prism.v1.event_pb2 import Event, Verification
from orchestratorx_prism.v1.event_service_pb2 import KnownRequest

if TYPE_CHECKING:
    from connectors.spi.reconciling import Reconciling

__all__ = [
    "Acknowledge",
    "Capability",
    "Context",
    "Environment",
    "KnownRequest",
    "Label",
    "Material",
    "NotSupported",
    "Opened",
    "Outside",
    "PayloadRejected",
    "ProviderUnavailable",
    "Reply",
    "SampleRequest",
    "SampleWebhook",
    "SignatureRejected",
    "Trust",
    "Webhook",
]


class Capability(StrEnum):
    """What a connector can do. What it does not declare is refused with UNIMPLEMENTED before any call."""

    WEBHOOKS = "webhooks"
    ONLINE_VERIFICATION = "online_verification"
    QUERY_BACK = "query_back"
    AUTHORIZE = "payment.authorize"
    CONFIRM_REDIRECT = "payment.confirm_redirect"
    CAPTURE = "payment.capture"
    PARTIAL_CAPTURE = "payment.capture.partial"
    """Less than what is authorized."""
    MULTIPLE_CAPTURE = "payment.capture.multiple"
    """More than one capture of an authorization."""
    VOID = "payment.void"
    INCREMENT_AUTHORIZATION = "payment.increment_authorization"
    REFRESH_PAYMENT = "payment.refresh"
    """Ask the provider for a payment's current state."""
    REFUND = "refund.create"
    PARTIAL_REFUND = "refund.create.partial"
    ACCEPT_DISPUTE = "dispute.accept"
    DEFEND_DISPUTE = "dispute.defend"
    SUBMIT_EVIDENCE = "dispute.submit_evidence"
    CREATE_CUSTOMER = "customer.create"
    GET_CUSTOMER = "customer.get"
    UPDATE_CUSTOMER = "customer.update"
    DELETE_CUSTOMER = "customer.delete"
    ATTACH_PAYMENT_METHOD = "payment_method.attach"
    GET_PAYMENT_METHOD = "payment_method.get"
    LIST_PAYMENT_METHODS = "payment_method.list"
    DETACH_PAYMENT_METHOD = "payment_method.detach"
    SETUP_MANDATE = "mandate.setup"
    CHARGE_MANDATE = "mandate.charge"
    REVOKE_MANDATE = "mandate.revoke"
    CREATE_SUBSCRIPTION = "subscription.create"
    GET_SUBSCRIPTION = "subscription.get"
    UPDATE_SUBSCRIPTION = "subscription.update"
    CANCEL_SUBSCRIPTION = "subscription.cancel"
    RECORD_USAGE = "subscription.record_usage"
    CREATE_PAYOUT = "payout.create"
    RECONCILE = "reconcile"
    """Fetch the provider's own list of what it sent or booked."""


class Webhook(msgspec.Struct, frozen=True):
    """A raw webhook as a front door received it. `repr` leaves out everything that could be secret."""

    body: bytes
    """The bytes as received, never re-serialized JSON."""
    headers: Mapping[str, str]
    """Header values by name in LOWER CASE."""
    url_token: str = ""
    """The token found in the URL (M-Pesa)."""
    remote_address: str = ""
    """The sender's address, as the front door saw it; empty if unknown."""
    purpose: str = ""
    """What the URL was registered for, where the body cannot tell (M-Pesa): "validation", "timeout"."""

    def __repr__(self) -> str:
        return f"Webhook({len(self.body)} bytes, remote_address={self.remote_address!r}, purpose={self.purpose!r})"


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a verifier may need besides the webhook and the time. `repr` hides it all.

    Built once per merchant and connector, not per webhook: verifiers may cache what they derive from it by identity.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Every secret in use, newest first; two during rotation. Stripe whsec_…, Adyen hex keys, M-Pesa URL tokens."""
    webhook_id: str = ""
    """PayPal: the webhook's id."""
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    """PayPal: PEM certificates given by the caller, who is trusted: a self-signed one among them is an anchor."""
    fetched_certificates: tuple[bytes, ...] = field(default=(), repr=False)
    """PayPal: PEM certificates fetched from the URL in a header. Never anchors."""
    trust_anchors: tuple[bytes, ...] = field(default=(), repr=False)
    """PayPal: PEM bundles of trusted roots, read from the system or the settings by the caller."""
    allowed_addresses: tuple[str, ...] = ()
    """M-Pesa: networks in CIDR form that callbacks may come from; empty switches the list off."""
    tolerance_s: int | None = None
    """How far a signed time may be from now. Seconds; None: the connector's default (Stripe 300, both directions)."""
    environment: Environment.ValueType = Environment.ENVIRONMENT_SANDBOX
    """The environment the webhook was set up for."""
    known_request: KnownRequest | None = field(default=None, repr=False)
    """M-Pesa: the request of ours that the callback claims to answer, if it is known."""


class Context(msgspec.Struct, frozen=True):
    """Where the events will belong, and when the body came. Same for all events of one body."""

    merchant_id: str
    environment: Environment.ValueType
    received_at_ns: int
    """Unix time in nanoseconds, from the caller's clock."""
    merchant_reference_key: str = "merchant_transaction_id"
    """Stripe: the metadata key that carries the merchant's reference."""
    correlation_id: str = ""
    traceparent: str = ""
    keep_raw: bool = False
    """Whether the ledger will keep the body (`Event.raw.stored`)."""
    purpose: str = ""
    """As in `Webhook`."""
    known_request: KnownRequest | None = None
    """As in `Material`: M-Pesa reads the merchant's reference from it."""

    def __repr__(self) -> str:
        return f"Context({self.merchant_id!r}, {self.environment}, {self.received_at_ns})"


class Opened(msgspec.Struct, frozen=True):
    """A body that passed verification, and its decoded form: decode once, use twice."""

    parsed: Any
    """What the connector's own `parse` returns; opaque to everybody else."""
    verification: Verification

    def __repr__(self) -> str:
        return f"Opened({self.verification.detail!r})"


class Reply(msgspec.Struct, frozen=True):
    """What to answer the provider over HTTP."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """What a simulator should make a webhook of."""

    event_type: str
    """The provider's type: one of the label's `event_types`."""
    secret: str = field(default="", repr=False)
    """What signs it: Stripe whsec_…, Adyen's hex key, M-Pesa's URL token; PayPal: the webhook's id."""
    now_s: int = 0
    """The time it happens and is signed at. Unix seconds."""
    seed: int = 0
    """Makes the ids: the same seed makes webhooks of the same payment, refund, dispute, subscription, …"""
    step: int = 0
    """Tells apart two webhooks of one type for one seed: the second partial capture, another refund."""
    amount_minor: int = 1099
    """This event's amount, in ISO 4217 minor units."""
    total_minor: int | None = None
    """The payment's whole amount; None: the same as `amount_minor`."""
    currency: str = "USD"
    """M-Pesa ignores it: always KES."""
    merchant_transaction_id: str = "order-1"


@dataclass(frozen=True, slots=True)
class SampleWebhook:
    """A webhook made by a simulator: signed, realistic, ready to post."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """As the provider would send them; names in the provider's case."""
    url_token: str = field(default="", repr=False)
    purpose: str = ""
    """As in `Webhook`."""
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    """PayPal: the simulator's leaf and root in PEM form, to be given to the verifier."""
    known_request: KnownRequest | None = field(default=None, repr=False)
    """M-Pesa: the request of ours that the callback answers."""


class Outside(Protocol):
    """What verification cannot know by itself; the only part of a codec that does I/O. Lives in `client.py`."""

    async def gather(self, webhook: Webhook, material: Material) -> Material:
        """Fetches what `open` will need (PayPal: the certificates named by a header). Returns material for `open`.

        Raises:
            SignatureRejected: What the webhook names is not to be trusted.
            ProviderUnavailable: It could not be had; nothing may be believed.
        """
        ...

    async def confirm(self, webhook: Webhook, opened: Opened, material: Material) -> Verification | None:
        """Asks the provider whether this is true. Returns the stronger verification, or None if it cannot tell (yet).

        Raises:
            SignatureRejected: The provider says no.
            ProviderUnavailable: It did not answer.
        """
        ...

    async def aclose(self) -> None:
        """Closes connections."""
        ...


OpenWebhook = Callable[[Webhook, Material, int], Opened]
"""(webhook, material, now in Unix seconds) → Opened. Passes or raises; fails closed. Pure.

Raises SignatureRejected or PayloadRejected, and nothing else, whatever the bytes.
"""
Parse = Callable[[bytes], Any]
"""body → decoded form, without any trust. Raises PayloadRejected, and nothing else. Pure."""
Normalize = Callable[[Any, Context, bytes], list[Event]]
"""(parsed, context, body) → events, `verification` unset, ids set. Raises PayloadRejected, and nothing else. Pure."""
Acknowledge = Callable[[Any, Context], Reply]
"""(parsed, context) → what to answer when the events are recorded. Pure."""
Sample = Callable[[SampleRequest], SampleWebhook]
"""The simulator's webhook half: a signed, realistic webhook of any type in `event_types`. Pure but for cached keys."""
MakeOutside = Callable[[Mapping[str, str], Environment.ValueType], Outside]
"""(provider credentials by config key, environment) → its I/O half."""


PLAIN_REPLY: Final = Reply()
"""200 without a body: what most providers want."""


def plain_acknowledgement(_parsed: Any, _context: Context) -> Reply:
    """Answers with `PLAIN_REPLY`."""
    return PLAIN_REPLY


@dataclass(frozen=True)
class Label:
    """One connector's declared data: all that the rest of the system knows of it."""

    name: str
    title: str
    """The provider's name for people: "M-Pesa"."""
    capabilities: frozenset[Capability]
    config_keys: Mapping[str, str]
    """Configuration key → where the user finds its value in the provider's own pages."""
    trust: Trust.ValueType
    open: OpenWebhook
    parse: Parse
    normalize: Normalize
    acknowledge: Acknowledge = plain_acknowledgement
    make_outside: MakeOutside | None = None
    """None: verification needs nothing from outside."""
    sample: Sample | None = None
    """The simulator's webhook half."""
    event_types: Sequence[str] = ()
    """Every provider event type it has a word for, or knows to have none: the list `trigger` offers."""
    webhook_secret_key: str = ""
    """Which of `config_keys` holds the webhook secrets, several separated by commas: "STRIPE_WEBHOOK_SECRET"."""
    webhook_id_key: str = ""
    """Which of `config_keys` holds the webhook's id (PayPal)."""
    secret_hint: str = ""
    """What the webhook secret looks like, for the fix line of an error."""
    references_span_accounts: bool = False
    """Whether its references are unique across its accounts, and its callbacks do not always name the account."""
    ingress_alias: str = ""
    """Another name of it in webhook URLs, where the provider refuses URLs that hold its own (M-Pesa)."""
    purposes: Sequence[str] = ()
    """What else its URLs may be registered for, besides validation and timeout (M-Pesa): "reversal", "b2c.timeout"."""
    answers: Callable[[Any], Sequence[str]] | None = None
    """(parsed) → the names by which a request of ours may be known that this body answers. Only where an unsigned
    callback is believed for the request that it answers (M-Pesa)."""
    make_client: Callable[[Mapping[str, str], Environment.ValueType], Any] | None = None
    """Makes the `operations.Client` that carries out the declared operations; see `operations.MakeClient`."""
    make_simulator: Callable[[Any], Any] | None = None
    """Makes the provider's API for tests and development; see `simulating.MakeSimulator`."""
    reconciling: Reconciling | None = None
    """How missed webhooks are fetched, for connectors that declare RECONCILE."""
    refused_in_urls: Sequence[str] = ()
    """Words that the provider refuses in URLs registered with it, lower case: merchants and tokens must avoid them."""
