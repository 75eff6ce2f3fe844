"""What a connector's client is: the calls it makes to the provider, and the values that go in and come out.

A connector declares an operation by its capability, and its `Client` carries out what is declared. The orchestrator has
stored the intent before `Client.call`, and records the events of the answer after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from connectors.spi import Capability, Context, Environment
from orchestratorx_prism.v1.dispute_pb2 import Dispute
from orchestratorx_prism.v1.error_pb2 import Failure, FailureCategory
from orchestratorx_prism.v1.event_data_pb2 import PayoutData
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.event_service_pb2 import KnownRequest
from orchestratorx_prism.v1.payment_pb2 import NextAction, Payment
from orchestratorx_prism.v1.refund_pb2 import Refund

REQUEST: Final = "request"
"""Kind of the reference that every operation's events carry: `Call.key`. It joins what is told before the provider has
named the payment with what comes after."""
METADATA_KEY: Final = "orchestratorx_request"
"""Under this name `Call.key` is sent to providers that keep the merchant's own data, and so comes back in webhooks."""


@dataclass(frozen=True, slots=True)
class Call:
    """One operation for one merchant, ready to be sent. `repr` shows nothing of the request."""

    capability: Capability
    request: Any = field(repr=False)
    """The rpc's request message."""
    key: str
    """The provider's idempotency key: made of ours, the same for every repeat, also after a crash. 36 characters."""
    context: Context
    timeout_s: float
    """How long the provider may take, all attempts together. Seconds."""
    payment: Payment | None = field(default=None, repr=False)
    """For operations on a payment, refund or dispute: the payment's current state."""
    refund: Refund | None = field(default=None, repr=False)
    dispute: Dispute | None = field(default=None, repr=False)
    payout: PayoutData | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider's answer says."""

    events: Sequence[Event] = ()
    """Normalized, without verification and cause: the orchestrator sets them. A decline is an event, too."""
    body: bytes = field(default=b"", repr=False)
    """The answer as received, of which the events were made."""
    next_action: NextAction | None = None
    """What the payer has to do."""
    known_request: KnownRequest | None = None
    """What a later, unsigned callback will answer (M-Pesa)."""
    resource: Any = field(default=None, repr=False)
    """For operations on what the ledger does not keep (customers, saved methods, subscriptions): the rpc's answer."""


class Client(Protocol):
    """The I/O half of a connector's operations, for one merchant: `client.py`. Holds connections and tokens."""

    @property
    def account(self) -> str:
        """The account that its events name: Adyen's merchant account, M-Pesa's shortcode. Empty if they name none."""
        ...

    async def call(self, call: Call) -> Answer:
        """Carries out one operation, repeating what the idempotency key makes safe, within `call.timeout_s`.

        Raises:
            RequestRejected: The request lacks something that this provider needs. Nothing was sent.
            ProviderRefused: The provider said no, and it is no decline of a payment (those are events).
            ProviderUnavailable: The provider certainly did nothing: it could not be reached, or said "later".
            OutcomeUnknown: The request may have been carried out, and the answer is lost.
        """
        ...

    async def resolve(self, call: Call) -> Answer | None:
        """What became of a call whose answer was lost. Asks; starts nothing that was not asked for already.

        Returns:
            The answer: also of a call that never reached the provider, as a failure with code "never_received". None
            while the provider cannot tell.

        Raises:
            ProviderRefused: The provider refused the call then.
            ProviderUnavailable: The provider does not answer now.
        """
        ...

    async def aclose(self) -> None:
        """Closes connections."""
        ...


MakeClient = Callable[[Mapping[str, str], Environment.ValueType], Client]
"""(provider credentials by config key, environment) → its client.

Raises SettingsRejected if a credential is missing; `fix` says where it is found.
"""


NEVER_RECEIVED: Final = Failure(
    code="never_received",
    category=FailureCategory.FAILURE_CATEGORY_PROVIDER_DOWN,
    retryable=True,
    provider_message="The provider has no trace of the request.",
)
"""Why an operation failed whose request was lost on the way."""


ADVICE: Final[dict[FailureCategory.ValueType, str]] = {
    FailureCategory.FAILURE_CATEGORY_UNSPECIFIED: "read the provider's own code and message; ask the provider",
    FailureCategory.FAILURE_CATEGORY_DECLINED: "ask the payer for another way to pay",
    FailureCategory.FAILURE_CATEGORY_AUTHENTICATION_REQUIRED: "let the payer confirm: ask again with the payer there",
    FailureCategory.FAILURE_CATEGORY_INSUFFICIENT_FUNDS: "ask the payer for another way to pay, or for less",
    FailureCategory.FAILURE_CATEGORY_INVALID_REQUEST: "see what it is about in its current state; the provider's code "
    "says what does not fit, and a repeat changes nothing",
    FailureCategory.FAILURE_CATEGORY_CREDENTIALS: "check the merchant's credentials, and what the account may do",
    FailureCategory.FAILURE_CATEGORY_RATE_LIMIT: "wait, then ask again under another request_id",
    FailureCategory.FAILURE_CATEGORY_PROVIDER_DOWN: "ask again later under another request_id: nothing was done",
    FailureCategory.FAILURE_CATEGORY_UNKNOWN_OUTCOME: "repeat with the same request_id, never with a new one",
    FailureCategory.FAILURE_CATEGORY_CANCELED_BY_PAYER: "let the payer begin anew",
    FailureCategory.FAILURE_CATEGORY_EXPIRED: "begin anew: its time is over",
    FailureCategory.FAILURE_CATEGORY_FRAUD: "do not try again; look at the payment with the provider",
}
"""What to do about a failure, where the connector knows no more."""


def details_of(failure: Failure) -> dict[str, str]:
    """A failure as the metadata of a `ProviderRefused`."""
    category = FailureCategory.Name(failure.category).removeprefix("FAILURE_CATEGORY_")
    said = {
        "category": category,
        "code": failure.code,
        "provider_code": failure.provider_code,
        "provider_message": failure.provider_message,
        "network_code": failure.network_code,
    }
    return {name: text for name, text in said.items() if text}
