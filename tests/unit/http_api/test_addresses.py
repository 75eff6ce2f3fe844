"""Who sent a request, behind proxies that are trusted and proxies that are not."""

from __future__ import annotations

import pytest

from orchestrator.http_api.addresses import TrustedProxies
from orchestratorx_prism.errors import SettingsRejected

PROXIES = TrustedProxies(["10.0.0.0/8", "2001:db8::/32"])


def test_without_trusted_proxies_the_peer_is_the_sender_whatever_is_claimed() -> None:
    assert TrustedProxies([]).sender("203.0.113.9", "196.201.214.200") == "203.0.113.9"


def test_a_peer_that_is_no_trusted_proxy_is_the_sender_whatever_it_claims() -> None:
    assert PROXIES.sender("203.0.113.9", "196.201.214.200") == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded_for", "sender"),
    [
        ("196.201.214.200", "196.201.214.200"),
        ("1.2.3.4, 196.201.214.200", "196.201.214.200"),  # the left one is the sender's own invention
        ("196.201.214.200, 10.1.1.1", "196.201.214.200"),
        ("8.8.8.8,196.201.214.200,10.1.1.1 , 10.2.2.2", "196.201.214.200"),
        ("10.9.9.9", "10.9.9.9"),
        ("", "10.0.0.1"),
        ("196.201.214.200:4711", "196.201.214.200"),
        ("[2001:4860::1]:4711", "2001:4860::1"),
        ("::ffff:196.201.214.200", "196.201.214.200"),
        ("unknown", ""),
        ("196.201.214.200, rubbish", ""),
        ("196.201.214.200,,10.1.1.1", ""),
    ],
)
def test_behind_a_trusted_proxy_the_first_untrusted_hop_from_the_right_is_the_sender(
    forwarded_for: str, sender: str
) -> None:
    assert PROXIES.sender("10.0.0.1", forwarded_for) == sender


def test_a_peer_without_address_is_unknown() -> None:
    assert PROXIES.sender("", "196.201.214.200") == ""


def test_a_network_that_is_none_is_refused_at_start() -> None:
    with pytest.raises(SettingsRejected, match="trusted_proxies"):
        TrustedProxies(["10.0.0.0/99"])
