"""Every name of a payment that a PayPal object carries: in its fields, in its related ids, and in its links.

A capture's order, a refund's capture: PayPal often says it only in a link, whose path tells what kind of name it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from connectors.spi.operations import METADATA_KEY, REQUEST
from orchestratorx_prism.v1.reference_pb2 import Reference

# Source: PayPal docs, "Payments v1", "Payments v2", "Orders v2": the self links of each resource.
LINK_KINDS = {
    "captures": "capture",
    "capture": "capture",
    "authorizations": "authorization",
    "authorization": "authorization",
    "orders": "order",
    "sale": "sale",
    "payment": "payment",
    "refunds": "refund",
    "refund": "refund",
}
"""The path segment before the id → what kind of name it is."""

MAIN_KINDS = ("order", "payment", "authorization", "capture", "sale", "transaction")
"""Which name stands for the payment as a whole: the first of these that is known."""


class Link(msgspec.Struct):
    """One of an object's `links`."""

    href: str | None = None
    rel: str | None = None


class RelatedIds(msgspec.Struct):
    """`supplementary_data.related_ids`."""

    order_id: str | None = None
    authorization_id: str | None = None
    capture_id: str | None = None


class SupplementaryData(msgspec.Struct):
    """`supplementary_data`."""

    related_ids: RelatedIds | None = None


_OWN_INVOICE = f"{METADATA_KEY}:"
"""How the invoice ids of our own requests begin. PayPal keeps no other data of the merchant's through all objects, and
refuses a second payment with the same invoice id: it guards against double charges, too."""

Names = dict[str, str]
"""Name → kind. A name is unique among all kinds at PayPal."""


def own_invoice(key: str) -> str:
    """The invoice id of a request of ours."""
    return f"{_OWN_INVOICE}{key}"


def foreign_invoice(invoice_id: str | None) -> str:
    """The invoice id if it is the merchant's own reference; empty if we made it."""
    return "" if not invoice_id or invoice_id.startswith(_OWN_INVOICE) else invoice_id


def names_from_invoice(names: Names, invoice_id: str | None) -> None:
    """Adds the key of our own request, if the invoice id carries one."""
    if invoice_id and invoice_id.startswith(_OWN_INVOICE):
        names.setdefault(invoice_id.removeprefix(_OWN_INVOICE), REQUEST)


def link_name(link: Link) -> tuple[str, str] | None:
    """(kind, name) from a link: ("capture", "0JF852973C016714D"). None for actions and for other things."""
    parts = (link.href or "").rsplit("/", 2)
    if len(parts) < 3:
        return None
    kind = LINK_KINDS.get(parts[1])
    return (kind, parts[2]) if kind and parts[2] else None


def own_kind(links: Iterable[Link] | None) -> str:
    """What the object itself is, by its self link: "refund" even where the event's resource type says "capture"."""
    for link in links or ():
        if link.rel == "self" and (found := link_name(link)):
            return found[0]
    return ""


def names_from_links(names: Names, links: Iterable[Link] | None) -> None:
    """Adds the payment's names found in links. A refund's own name is not the payment's."""
    for link in links or ():
        found = link_name(link)
        if found and found[0] != "refund":
            names.setdefault(found[1], found[0])


def names_from_related(names: Names, data: SupplementaryData | None) -> None:
    """Adds the payment's names found in `supplementary_data.related_ids`."""
    related = data.related_ids if data else None
    if related is None:
        return
    for kind, value in (
        ("order", related.order_id),
        ("authorization", related.authorization_id),
        ("capture", related.capture_id),
    ):
        if value:
            names.setdefault(value, kind)


def name_of(names: Names, kind: str) -> str:
    """The first name of this kind; empty if there is none."""
    for value, found in names.items():
        if found == kind:
            return value
    return ""


def main_name(names: Names) -> str:
    """The provider's main id of the payment: the order's where it is known, else the next best."""
    for kind in MAIN_KINDS:
        if found := name_of(names, kind):
            return found
    return ""


def as_references(names: Names) -> list[Reference]:
    """As messages, in the order found."""
    return [Reference(kind=kind, value=value) for value, kind in names.items()]
