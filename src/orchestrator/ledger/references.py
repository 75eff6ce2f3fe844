"""Names of payments: how a fact finds the payment it belongs to, and where our own ids come from. Pure.

A name is unique within a merchant, a connector, an environment and an account of the provider. Where a connector's
callbacks do not always say the account and its references are unique everywhere, they span accounts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container
from functools import lru_cache
from typing import Final

import msgspec

from orchestrator.ledger.projection import AXES
from orchestrator.ledger.projection.children import dispute_key
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_pb2 import Event

_LONGEST_TEXT: Final = 200

REFERENCE: Final = "r"
REFUND: Final = "f"
DISPUTE: Final = "d"
EVENT: Final = "e"
PAYOUT: Final = "o"
"""What a name is of. A refund's or dispute's own id leads to its payment, too: a later fact may state nothing else.
An event that names nothing makes a payment of its own. A payout's name leads to no payment, but to the payout."""

PAYMENT_ID: Final = "pay_"
REFUND_ID: Final = "ref_"
DISPUTE_ID: Final = "dis_"
PAYOUT_ID: Final = "pyo_"
"""How our ids begin."""

KEY_BYTES: Final = 24

Name = bytes
"""Key of a name, 24 bytes: 16 stand for kind, merchant, connector and value, 8 for environment and account."""


class Named(msgspec.Struct, gc=False):
    """An event, and what it can be found and linked by."""

    event: Event
    references: list[tuple[str, str]]
    """(value, kind) of every provider name of the payment."""
    scope: str
    names: list[Name]
    """What it finds its payment by, references first."""
    first: Name | None
    """What a new payment's id is made of: the first name, or the event's own id if it has none. None: it belongs to no
    payment."""
    payout: Name | None = None
    """The payout that it is of, if it is of one."""


def named(event: Event, spanning: Container[str]) -> Named:
    """Reads the names of an event. `spanning`: connectors whose references are unique across accounts."""
    connector = event.connector
    owner = owner_of(event.merchant_id, connector)
    scope = scope_of(event.environment, "" if connector in spanning else event.account)
    suffix = _scope_key(scope)
    references = []
    names = []
    for reference in event.references:
        if value := reference.value:
            references.append((value, reference.kind))
            names.append(base_key(f"{REFERENCE}{owner}{value}") + suffix)
    kind = event.type
    if kind not in AXES:
        payout = _payout_name(event, scope) if DATA_MEMBER.get(kind) == "payout" else None
        return Named(event, references, scope, names, names[0] if names else None, payout)
    if not references and (transaction := event.connector_transaction_id):
        references.append((transaction, ""))
        names.append(base_key(f"{REFERENCE}{owner}{transaction}") + suffix)
    if kind[0] != "p" and (own := _OWN_NAMES[kind[0]](event)):
        names.append(base_key(f"{own[0]}{owner}{own[1]}") + suffix)
    return Named(event, references, scope, names, names[0] if names else base_key(f"{EVENT}{owner}{event.id}") + suffix)


@lru_cache(maxsize=4_096)
def scope_of(environment: int, account: str) -> str:
    """Where a name counts: the environment, and the account unless names span accounts."""
    return f"{environment}:{account}"


def _payout_name(event: Event, scope: str) -> Name | None:
    """By the provider's id of the payout, else the merchant's, else the batch's; None if it has none of them."""
    data = event.payout
    value = data.connector_payout_id or data.merchant_payout_id or data.connector_batch_id
    return name_of(PAYOUT, event.merchant_id, event.connector, scope, value) if value else None


def _refund_name(event: Event) -> tuple[str, str] | None:
    refund = event.refund.connector_refund_id
    return (REFUND, refund) if refund else None


def _dispute_name(event: Event) -> tuple[str, str] | None:
    return (DISPUTE, dispute_key(event))


_OWN_NAMES: Final[dict[str, Callable[[Event], tuple[str, str] | None]]] = {
    "r": _refund_name,
    "d": _dispute_name,
}
"""First letter of a child's type → the name of its own that the fact carries besides its payment's."""


@lru_cache(maxsize=4_096)
def owner_of(merchant_id: str, connector: str) -> str:
    """The part of a name that says whose it is. The lengths keep two owners from looking like one."""
    return f"{len(merchant_id)}:{len(connector)}:{merchant_id}{connector}"


def reference_base(merchant_id: str, connector: str, value: str) -> str:
    """What the first 16 bytes of a reference's name stand for: all that a caller knows who looks a payment up by it."""
    return f"{REFERENCE}{owner_of(merchant_id, connector)}{value}"


def stable_id(prefix: str, name: Name) -> str:
    """Our id for what has this name, the same on every machine: the prefix, and the name in hexadecimal."""
    return prefix + name.hex()


def key_of_id(prefix: str, text: str) -> bytes | None:
    """The key that an id of ours holds: whatever is found by its name is found by its id, without another index."""
    if not text.startswith(prefix) or len(text) != len(prefix) + 2 * KEY_BYTES:
        return None
    try:
        return bytes.fromhex(text[len(prefix) :])
    except ValueError:
        return None


def name_of(kind: str, merchant_id: str, connector: str, scope: str, value: str) -> Name:
    """The key of a name, for an index, whatever the name's length and characters. `kind` as listed above."""
    return base_key(f"{kind}{owner_of(merchant_id, connector)}{value}") + _scope_key(scope)


def event_key(event_id: str) -> bytes:
    """16 bytes for an index: a UUID's own, else a hash."""
    if len(event_id) == 36:
        try:
            key = bytes.fromhex(event_id.replace("-", ""))
        except ValueError:
            return base_key(event_id)
        if len(key) == 16:
            return key
    return base_key(event_id)


def base_key(base: str) -> bytes:
    """16 bytes for the first half of a name."""
    return hashlib.blake2b(base.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@lru_cache(maxsize=4_096)
def _scope_key(scope: str) -> bytes:
    return hashlib.blake2b(scope.encode("utf-8", "surrogatepass"), digest_size=8).digest()


@lru_cache(maxsize=4_096)
def column_word(text: str) -> str:
    """`column_text` of what repeats: merchants, connectors, types, currencies."""
    return column_text(text)


def column_text(text: str) -> str:
    """Text as an indexed column can hold it: PostgreSQL takes no NUL, and its indexes no long values."""
    if len(text) <= _LONGEST_TEXT and "\x00" not in text and not text.startswith("sha256:"):
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_KEY_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "payment_method": ("connector_payment_method_id",),
    "customer": ("connector_customer_id",),
    "subscription": ("connector_subscription_id",),
    "invoice": ("connector_invoice_id",),
    "payout": ("connector_payout_id", "merchant_payout_id", "connector_batch_id"),
    "mandate": ("connector_mandate_id",),
    "usage": ("connector_subscription_id", "connector_usage_id"),
    "unmapped": ("connector_object_id",),
}
"""Member of `Event.data` → its fields that name the object; the first that is filled counts."""


def object_key(event: Event) -> str:
    """What keeps the order of an event that belongs to no payment: its object's id, else its own."""
    member = event.WhichOneof("data")
    for field in _KEY_FIELDS.get(member or "", ()):
        if value := getattr(getattr(event, member or ""), field):
            return column_text(value)
    return event.id
