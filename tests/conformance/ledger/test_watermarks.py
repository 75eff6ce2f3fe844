"""How far a provider's list was fetched: moves forward only, and one of several looks at a time."""

from __future__ import annotations

import asyncio

from orchestrator.ledger.base import Ledger
from orchestrator.ledger.watermarks import Source

STRIPE = Source("default", "stripe", 1)


async def test_nothing_was_fetched_at_first(ledger: Ledger) -> None:
    assert await ledger.watermarks.get(STRIPE) is None


async def test_it_moves_forward_and_never_back(ledger: Ledger) -> None:
    await ledger.watermarks.advance(STRIPE, 1_800_000_000)
    await ledger.watermarks.advance(STRIPE, 1_700_000_000)
    assert await ledger.watermarks.get(STRIPE) == 1_800_000_000
    await ledger.watermarks.advance(STRIPE, 1_800_000_900)
    assert await ledger.watermarks.get(STRIPE) == 1_800_000_900


async def test_merchants_connectors_and_environments_have_their_own(ledger: Ledger) -> None:
    await ledger.watermarks.advance(STRIPE, 1_800_000_000)
    for other in (Source("shop", "stripe", 1), Source("default", "paypal", 1), Source("default", "stripe", 2)):
        assert await ledger.watermarks.get(other) is None


async def test_of_several_that_begin_at_once_one_may(ledger: Ledger) -> None:
    begun = await asyncio.gather(*(ledger.watermarks.begin(STRIPE, every_s=600) for _ in range(8)))
    assert sum(begun) == 1
    assert not await ledger.watermarks.begin(STRIPE, every_s=600)
    assert await ledger.watermarks.begin(STRIPE, every_s=0)


async def test_a_look_that_has_begun_fetched_nothing_yet(ledger: Ledger) -> None:
    assert await ledger.watermarks.begin(STRIPE, every_s=600)
    assert await ledger.watermarks.get(STRIPE) is None
    await ledger.watermarks.advance(STRIPE, 1_800_000_000)
    assert not await ledger.watermarks.begin(STRIPE, every_s=600)
    assert await ledger.watermarks.get(STRIPE) == 1_800_000_000
