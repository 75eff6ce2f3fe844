"""Addresses that cannot be had are refusals, whatever is wrong with them."""

from __future__ import annotations

import pytest

from orchestrator.listening import bind
from orchestratorx_prism.errors import Unavailable


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example", "192.0.2.1"])
def test_a_host_that_cannot_be_listened_on_is_a_refusal(host: str) -> None:
    with pytest.raises(Unavailable, match=r"cannot listen on .*:0") as caught:
        bind(host, 0)
    assert caught.value.reason == "ADDRESS_UNAVAILABLE"
