"""Who pays and with what: `payer` and `payment_source`, of several API versions. Never more of a card than its end."""

from __future__ import annotations

import msgspec

from orchestratorx_prism.v1.payment_pb2 import PaymentMethodDetails


class PayerInfo(msgspec.Struct):
    """v1 `payer.payer_info`."""

    payer_id: str | None = None


class Payer(msgspec.Struct):
    """`payer`, or a subscription's `subscriber`."""

    payer_id: str | None = None
    payer_info: PayerInfo | None = None


class Customer(msgspec.Struct):
    """The customer that a token belongs to."""

    id: str | None = None
    merchant_customer_id: str | None = None


class Vault(msgspec.Struct):
    """`attributes.vault` of a payment source that was saved."""

    id: str | None = None
    customer: Customer | None = None


class Attributes(msgspec.Struct):
    """`attributes` of a payment source."""

    vault: Vault | None = None


class Card(msgspec.Struct):
    """A card inside a wallet's payment source."""

    brand: str | None = None
    last_digits: str | None = None
    expiry: str | None = None


class PaymentSource(msgspec.Struct):
    """One member of `payment_source`; its name is the kind: "card", "paypal", "venmo", "apple_pay", "ideal"."""

    brand: str | None = None
    last_digits: str | None = None
    card_last_digits: str | None = None
    """Of Bancontact: the card's behind it."""
    iban_last_chars: str | None = None
    """Of iDEAL, Bancontact, MyBank: the account's."""
    expiry: str | None = None
    card: Card | None = None
    payer_id: str | None = None
    account_id: str | None = None
    attributes: Attributes | None = None


def payer_id(payer: Payer | None) -> str:
    """PayPal's id of the payer; empty if the body does not say."""
    if payer is None:
        return ""
    return payer.payer_id or (payer.payer_info.payer_id if payer.payer_info else None) or ""


def source_payer_id(sources: dict[str, PaymentSource | None] | None) -> str:
    """PayPal's id of the payer, as a payment source says it."""
    for source in (sources or {}).values():
        if source and (found := source.payer_id or source.account_id):
            return found
    return ""


def method_details(sources: dict[str, PaymentSource | None] | None) -> PaymentMethodDetails | None:
    """What the payer pays with; None if the body does not say."""
    for kind, source in (sources or {}).items():
        if source is None:
            return PaymentMethodDetails(type=kind)
        card = source.card or source
        vault = source.attributes.vault if source.attributes else None
        year, month = expiry(card.expiry)
        return PaymentMethodDetails(
            type=kind,
            network=(card.brand or "").lower(),
            last4=last4(card.last_digits) or last4(source.card_last_digits) or last4(source.iban_last_chars),
            expiry_year=year,
            expiry_month=month,
            connector_payment_method_id=(vault.id if vault else None) or "",
        )
    return None


def last4(text: str | None) -> str:
    """The last four digits of "xxxxxxxxxxx0331" or "0331"; empty if they are no digits."""
    end = (text or "").strip()[-4:]
    return end if len(end) == 4 and end.isascii() and end.isdigit() else ""


def expiry(text: str | None) -> tuple[int, int]:
    """(year, month) from "2027-02"; (0, 0) if it is not that."""
    year, _, month = (text or "").partition("-")
    return calendar(year, month)


def calendar(year: str, month: str) -> tuple[int, int]:
    """(year, month) from their texts; (0, 0) if they are not a month of a year."""
    year, month = year.strip(), month.strip()
    if not (len(year) == 4 and year.isascii() and year.isdigit() and month.isascii() and month.isdigit()):
        return 0, 0
    return (int(year), int(month)) if len(month) <= 2 and 1 <= int(month) <= 12 else (0, 0)
