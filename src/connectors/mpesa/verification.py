"""Whether an unsigned callback may be let in: URL token, address list, known request. Pure; fails closed.

None of it proves that money moved. The token shows that the sender knows a URL which only Safaricom was told; the list,
that it comes from Safaricom's network, as far as the front door can see it; the known request, that it answers what we
asked, about the amount we asked for. What the provider itself says is asked in `client.py`.

Source: Daraja documentation has no signature of callbacks.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from connectors.mpesa import mapping as m
from connectors.mpesa.notices import Notice
from connectors.spi import KnownRequest, Material, SignatureRejected, Webhook
from orchestratorx_prism.v1.event_pb2 import (
    VERIFICATION_METHOD_KNOWN_REQUEST,
    VERIFICATION_METHOD_URL_TOKEN,
    Verification,
)

MIN_TOKEN: Final = 16
"""Shortest URL token that is accepted. Characters; a shorter one can be guessed."""

BY_TOKEN: Final = Verification(
    method=VERIFICATION_METHOD_URL_TOKEN,
    detail="URL token matched; M-Pesa does not sign, so what the body says is unconfirmed",
)
BY_TOKEN_AND_ADDRESS: Final = Verification(
    method=VERIFICATION_METHOD_URL_TOKEN,
    detail="URL token and address list matched; M-Pesa does not sign, so what the body says is unconfirmed",
)
BY_KNOWN_REQUEST: Final = Verification(
    method=VERIFICATION_METHOD_KNOWN_REQUEST,
    detail="URL token matched, and id, amount and shortcode are those of our request, as far as the body states them",
)

_MOVES_MONEY: Final = frozenset({"payment.captured", "refund.succeeded", "payout.succeeded"})


def check_token(webhook: Webhook, material: Material) -> None:
    """Passes if the token in the URL is one of the secrets. Every secret is compared, in constant time.

    Raises:
        SignatureRejected: SECRET_MISSING, SECRET_MALFORMED, TOKEN_MISSING, TOKEN_MISMATCH.
    """
    if not material.secrets:
        raise SignatureRejected(
            "no URL token is configured for M-Pesa",
            reason="SECRET_MISSING",
            fix="make one (`openssl rand -hex 24`), set it, and put it at the end of the callback URLs",
        )
    if any(len(secret) < MIN_TOKEN for secret in material.secrets):
        raise SignatureRejected(
            f"a configured URL token is shorter than {MIN_TOKEN} characters",
            reason="SECRET_MALFORMED",
            fix="make a longer one: `openssl rand -hex 24`",
        )
    if not webhook.url_token:
        raise SignatureRejected(
            "the callback came to a URL without a token",
            reason="TOKEN_MISSING",
            fix="register callback URLs that end in the token",
        )
    given = webhook.url_token.encode("utf-8", "surrogatepass")
    matched = False
    for secret in material.secrets:
        matched |= hmac.compare_digest(given, secret.encode("utf-8", "surrogatepass"))
    if not matched:
        raise SignatureRejected(
            "the token in the callback's URL is not a configured one",
            reason="TOKEN_MISMATCH",
            fix="register callback URLs that end in the configured token",
        )


def check_address(webhook: Webhook, material: Material) -> None:
    """Passes if the list is off, or the sender's address is in it.

    Raises:
        SignatureRejected: ADDRESS_REFUSED.
    """
    if not material.allowed_addresses:
        return
    try:
        address = ip_address(webhook.remote_address)
        networks = _networks(material.allowed_addresses)
    except ValueError:
        # Failure policy: closed. An address or a list that cannot be read lets nobody in.
        raise _address_refused("the sender's address is not known, or the address list cannot be read") from None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if not any(address in network for network in networks):
        raise _address_refused("the sender's address is not in the address list")


def match_known(notices: list[Notice], known: KnownRequest) -> Verification | None:
    """Compares what the body states with the request that it claims to answer.

    Returns:
        A stronger verification where the id is the request's, and so is the amount if money moved; None where the body
        states too little to tell.

    Raises:
        SignatureRejected: REQUEST_MISMATCH: an id, an amount or a shortcode is another.
    """
    if len(notices) != 1:
        return None
    notice = notices[0]
    # A callback may leave an id out, and a request may be kept without one: nothing is not the same as nothing.
    same_id = bool(known.connector_request_id) and known.connector_request_id in notice.ids
    if known.connector_request_id and notice.ids and not same_id:
        raise _mismatch("id")
    wanted = known.amount if known.HasField("amount") else None
    if wanted is not None and notice.amount is not None and wanted != notice.amount:
        raise _mismatch("amount")
    if known.account and notice.account and known.account != notice.account:
        raise _mismatch("shortcode")
    if not same_id:
        return None
    if m.TYPES.get(notice.provider_type) in _MOVES_MONEY and (wanted is None or notice.amount is None):
        return None
    return BY_KNOWN_REQUEST


@lru_cache(maxsize=64)
def _networks(listed: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one) for one in listed)


def _address_refused(message: str) -> SignatureRejected:
    return SignatureRejected(
        message,
        reason="ADDRESS_REFUSED",
        fix="list the networks that callbacks come from, or switch the list off where a proxy hides the sender",
    )


def _mismatch(what: str) -> SignatureRejected:
    return SignatureRejected(
        f"the callback's {what} is not that of the request it claims to answer",
        reason="REQUEST_MISMATCH",
        fix="ask M-Pesa about the transaction; do not believe this callback",
    )
