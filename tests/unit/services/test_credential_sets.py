"""What credentials may be, how they are merged, and how little of them is shown."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.plugins import connector_named
from orchestrator.services.administration.credential_sets import DOTS, check_whole, given_in, masked, merged, show
from orchestrator.services.directory import Secrets
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1 import credential_service_pb2 as pb


def given(connector: str = "stripe", **values: Any) -> Secrets:
    return given_in(connector_named(connector), pb.CredentialServicePutRequest(connector=connector, **values))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("sk_test_51Habcd4242", DOTS + "4242"),
        ("123456789012", DOTS + "9012"),
        ("12345678901", DOTS),
        ("1234", DOTS),
        ("", DOTS),
    ],
)
def test_the_last_four_are_shown_of_long_values_and_nothing_of_short_ones(value: str, shown: str) -> None:
    assert masked(value) == shown


@pytest.mark.parametrize(
    ("connector", "name", "nearest"),
    [
        ("stripe", "STRIPE_API_KEE", "STRIPE_API_KEY"),
        ("stripe", "stripe_api_key", "STRIPE_API_KEY"),
        ("adyen", "ADYEN_HMAC", "ADYEN_HMAC_KEY"),
        ("paypal", "PAYPAL_WEBHOOKID", "PAYPAL_WEBHOOK_ID"),
        ("mpesa", "MPESA_PASS_KEY", "MPESA_PASSKEY"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_right_one(connector: str, name: str, nearest: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        given(connector, values={name: "hunter2hunter2"})
    assert refused.value.reason == "CREDENTIAL_NAME_UNKNOWN"
    assert refused.value.fix.startswith(f"did you mean {nearest}?")
    assert "hunter2" not in str(refused.value)


def test_webhook_secrets_and_ids_may_stand_among_the_values() -> None:
    assert given(values={"STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old"}) == Secrets({}, ("whsec_new", "whsec_old"))
    assert given(webhook_secrets=["whsec_new"]) == Secrets({}, ("whsec_new",))
    assert given("paypal", values={"PAYPAL_WEBHOOK_ID": "WH-1"}) == given("paypal", webhook_id="WH-1")


@pytest.mark.parametrize(
    ("connector", "values"),
    [
        ("stripe", {"values": {"STRIPE_API_KEY": "sk_hunter2\n"}}),
        ("stripe", {"values": {"STRIPE_API_KEY": " "}}),
        ("stripe", {"values": {"STRIPE_API_KEY": "hunter2\0"}}),
        ("stripe", {"values": {"STRIPE_API_KEY": "hunter2" * 10_000}}),
        ("stripe", {"values": {"STRIPE_WEBHOOK_SECRET": "hunter2"}, "webhook_secrets": ["whsec"]}),
        ("stripe", {"webhook_secrets": ["hunter2", "hunter2"]}),
        ("stripe", {"webhook_secrets": ["hunter2,other"]}),
        ("stripe", {"webhook_id": "WH-hunter2"}),
        ("paypal", {"webhook_secrets": ["hunter2"]}),
        ("paypal", {"values": {"PAYPAL_WEBHOOK_ID": "hunter2"}, "webhook_id": "WH-1"}),
    ],
)
def test_what_cannot_be_is_refused_and_not_repeated(connector: str, values: dict[str, Any]) -> None:
    with pytest.raises(RequestRejected) as refused:
        given(connector, **values)
    assert "hunter2" not in str(refused.value)
    assert refused.value.metadata["field"]


def test_nothing_and_too_many_secrets_are_refused() -> None:
    for secrets in (Secrets(), Secrets({}, ("1", "2", "3", "4", "5"))):
        with pytest.raises(RequestRejected):
            check_whole(secrets)
    check_whole(Secrets({}, ("1", "2", "3", "4")))


@pytest.mark.parametrize(
    ("new", "keep", "there_is_then"),
    [
        ((), None, ("b", "a")),
        (("c",), None, ("c",)),
        (("c",), 1, ("c", "b")),
        (("c",), 9, ("c", "b", "a")),
        (("a",), 2, ("a", "b")),
        ((), 1, ("b",)),
        ((), 0, ()),
    ],
)
def test_webhook_secrets_are_merged_newest_first(
    new: tuple[str, ...], keep: int | None, there_is_then: tuple[str, ...]
) -> None:
    before = Secrets({"K": "1", "L": "2"}, ("b", "a"), "WH-1")
    then = merged(before, Secrets({"L": "3"}, new), keep)
    assert then == Secrets({"K": "1", "L": "3"}, there_is_then, "WH-1")


def test_what_is_shown_holds_no_value() -> None:
    secrets = Secrets({"STRIPE_API_KEY": "sk_test_canary_4242"}, ("whsec_canary_0001", "short"))
    shown = pb.CredentialSet()
    show(shown, secrets)
    assert dict(shown.masked_values) == {"STRIPE_API_KEY": DOTS + "4242"}
    assert list(shown.masked_webhook_secrets) == [DOTS + "0001", DOTS]
    assert "canary" not in f"{shown}{secrets!r}"
