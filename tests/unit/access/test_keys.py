"""API keys: their text, and what is kept of it."""

from __future__ import annotations

import hashlib
import re

import pytest

from orchestrator.access.keys import Key, hash_of, is_id, new_id, new_text, prefix_of

GOOD = "ox_Ab3dEf9h_" + "x" * 32


def key(**changes: int | None) -> Key:
    """A key without an end."""
    times: dict[str, int | None] = {"expires_at_us": None, "revoked_at_us": None, "last_used_at_us": None, **changes}
    return Key("key_1", 1, "acme", "ox_Ab3dEf9h", b"", "", frozenset(), 0, created_at_us=0, **times)


def test_a_keys_text_has_a_part_to_find_it_by_and_a_part_that_nobody_guesses() -> None:
    text = new_text()
    assert re.fullmatch(r"ox_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}", text)
    assert prefix_of(text) == text[:11]
    assert len({new_text() for _ in range(100)} | {new_id() for _ in range(100)}) == 200
    assert is_id(new_id())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ox_",
        GOOD[:-1],
        GOOD + "\n",
        GOOD + "é",
        GOOD.replace("x" * 32, "٣" * 32),
        GOOD.replace("ox_", "OX_"),
        " " + GOOD,
        GOOD + "\0",
        GOOD + "\ud800",
        "ox_Ab3dEf9h_" + "x" * 101,
        "'; DROP TABLE api_keys; --",
    ],
)
def test_text_that_no_key_has_is_looked_for_nowhere_and_breaks_nothing(text: str) -> None:
    assert prefix_of(text) is None
    assert len(hash_of(text)) == 32


def test_texts_that_differ_in_odd_characters_alone_are_different_keys() -> None:
    odd = ["a?", "a\ud800", "a\udc80", "a\ufffd", "a\0", "a", "ä", "a\u0308"]
    assert len({hash_of(text) for text in odd}) == len(odd)
    assert hash_of(GOOD) == hashlib.sha256(GOOD.encode()).digest()


@pytest.mark.parametrize("text", ["", "key_", "key_" + "x" * 21, "key_" + "x" * 23, "key_" + "x" * 21 + "\0", "*"])
def test_what_is_no_keys_id_is_told_apart(text: str) -> None:
    assert not is_id(text)


def test_a_key_ends_at_its_end_and_not_before() -> None:
    assert not key(expires_at_us=1_000).has_ended(999)
    assert key(expires_at_us=1_000).has_ended(1_000)
    assert not key().has_ended(2**62)
    assert key(revoked_at_us=5).has_ended(0)
    assert not key(revoked_at_us=5).has_expired(2**62)
