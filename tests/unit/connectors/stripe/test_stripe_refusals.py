"""Stripe's error answers: what each is, and that none tells a secret."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.spi import Capability, Context, Environment
from connectors.spi.operations import Call
from connectors.stripe.answers import READERS, answer_of
from connectors.stripe.asking import Ask
from connectors.stripe.client import make_client
from connectors.stripe.refusals import Reply, error_of, failure_in, is_decline, is_in_use, is_later, refused, safe
from connectors.stripe.repeating import ATTEMPTS, NoAnswer, Sending
from connectors.stripe.requests import ASKS, MAIN
from orchestratorx_prism.errors import (
    OutcomeUnknown,
    PayloadRejected,
    ProviderRefused,
    ProviderUnavailable,
    SettingsRejected,
)
from orchestratorx_prism.v1.error_pb2 import FailureCategory
from orchestratorx_prism.v1.payment_service_pb2 import PaymentServiceAuthorizeRequest

SANDBOX = Environment.ENVIRONMENT_SANDBOX
PRODUCTION = Environment.ENVIRONMENT_PRODUCTION
POST = Ask("post", "/v1/refunds", {}, key="k")
GET = Ask("get", "/v1/refunds/re_1")
DELETE = Ask("delete", "/v1/customers/cus_1")


def reply(status: int, headers: dict[str, str] | None = None, **error: Any) -> Reply:
    return Reply(status, json.dumps({"error": error}).encode(), headers or {})


@pytest.mark.parametrize(
    ("status", "error", "category", "code"),
    [
        (400, {"type": "invalid_request_error", "code": "resource_missing"}, "INVALID_REQUEST", "invalid_request"),
        (400, {"type": "invalid_request_error"}, "INVALID_REQUEST", "invalid_request"),
        (400, {"type": "idempotency_error"}, "INVALID_REQUEST", "idempotency_key_reused"),
        (400, {"code": "charge_already_refunded"}, "INVALID_REQUEST", "invalid_request"),
        (401, {"type": "invalid_request_error"}, "CREDENTIALS", "credentials_refused"),
        (
            402,
            {"type": "card_error", "code": "card_declined", "decline_code": "lost_card"},
            "FRAUD",
            "lost_or_stolen_card",
        ),
        (402, {"type": "card_error", "code": "a_code_of_tomorrow"}, "DECLINED", "declined"),
        (403, {"type": "invalid_request_error"}, "CREDENTIALS", "permission_refused"),
        (404, {"type": "invalid_request_error"}, "INVALID_REQUEST", "not_found"),
    ],
)
def test_each_refusal_has_a_category_and_a_code(status: int, error: dict[str, str], category: str, code: str) -> None:
    metadata = refused(reply(status, message="No.", **error)).metadata
    assert (metadata["category"], metadata["code"]) == (category, code)
    assert metadata["provider_message"] == "No."


@pytest.mark.parametrize(
    ("status", "error", "later", "in_use"),
    [
        (429, {}, True, False),
        (429, {"code": "lock_timeout"}, True, False),
        (400, {"code": "rate_limit"}, True, False),
        (409, {"code": "idempotency_key_in_use"}, False, True),
        (409, {}, False, True),
        (409, {"code": "lock_timeout"}, True, False),
        (400, {"code": "amount_too_large"}, False, False),
    ],
)
def test_what_is_asked_again_is_known_by_its_code(
    status: int, error: dict[str, str], later: bool, in_use: bool
) -> None:
    found = error_of(reply(status, **error))
    assert (is_later(status, found), is_in_use(status, found)) == (later, in_use)


@pytest.mark.parametrize(
    "secret",
    [
        "sk_test_51abcDEF",
        "rk_live_9",
        "sk_test_****************1234",
        "whsec_abc",
        "tok_1abc",
        "pm_1abc",
        "ctoken_1abc",
        "pi_1_secret_2",
        "4242424242424242",
        "4242 4242 4242 4242",
        "4000-0566-5566-5556",
    ],
)
def test_what_stripe_quotes_of_a_request_is_not_passed_on(secret: str) -> None:
    error = refused(reply(400, type="invalid_request_error", message=f"No such thing: '{secret}'", param=secret))
    for text in (str(error), repr(error.args), *error.metadata.values(), safe(secret)):
        assert secret not in text
    assert "No such thing" in error.metadata["provider_message"]


def test_a_refusal_names_the_request_and_the_parameter() -> None:
    text = str(refused(reply(400, {"request-id": "req_1"}, message="No.", param="amount")))
    assert "HTTP 400, req_1, parameter amount" in text


@given(st.binary(max_size=300), st.sampled_from([400, 401, 402, 403, 404, 500]))
def test_any_error_body_is_read(body: bytes, status: int) -> None:
    answer = Reply(status, body)
    failure = failure_in(answer, error_of(answer))
    assert FailureCategory.Name(failure.category)
    assert isinstance(is_decline(answer, error_of(answer)), bool)


WORDS = st.sampled_from(["requires_capture", "succeeded", "canceled", "", "usd", "pi_1", "re_1", "cus_1", "pending"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["id", "object", "status", "amount", "currency", "metadata", "latest_charge", "data", "items"]
            ),
            inner,
            max_size=9,
        )
    ),
    max_leaves=12,
)


@given(ANYTHING, st.sampled_from(sorted(READERS)))
def test_no_answer_breaks_the_reading(body: Any, operation: Capability) -> None:
    context = Context("default", SANDBOX, 1_780_000_000_000_000_000)
    call = Call(operation, _request_of(operation), "key", context, 1.0)
    try:
        answer_of(call, Reply(200, json.dumps(body).encode()))
    except (PayloadRejected, OutcomeUnknown, ProviderRefused):
        return


def _request_of(operation: Capability) -> Any:
    from orchestratorx_prism.v1.mandate_service_pb2 import MandateServiceRevokeRequest
    from orchestratorx_prism.v1.subscription_service_pb2 import SubscriptionServiceRecordUsageRequest

    special: dict[Capability, Any] = {
        Capability.REVOKE_MANDATE: MandateServiceRevokeRequest(),
        Capability.RECORD_USAGE: SubscriptionServiceRecordUsageRequest(),
    }
    return special.get(operation, PaymentServiceAuthorizeRequest())


def test_every_operation_has_a_request_and_a_reader() -> None:
    assert set(ASKS) == set(READERS)
    assert set(MAIN.values()) <= set(ASKS)


class Script:
    """A transport that does what it is told, one by one; the last for ever."""

    def __init__(self, *steps: Reply | NoAnswer) -> None:
        self._steps: Sequence[Reply | NoAnswer] = steps
        self.asked: list[Ask] = []

    async def send(self, ask: Ask, timeout_s: float) -> Reply:
        assert timeout_s > 0
        self.asked.append(ask)
        step = self._steps[min(len(self.asked), len(self._steps)) - 1]
        if isinstance(step, NoAnswer):
            raise step
        return step


CUT = NoAnswer("cut", sent=True)
AWAY = NoAnswer("nobody there", sent=False)
FINE = Reply(200, b"{}")
BROKEN = reply(500)
LATER = reply(429)
DENIED = reply(401)
IN_USE = reply(409, code="idempotency_key_in_use")


@pytest.mark.parametrize(
    ("ask", "steps", "ends", "asked"),
    [
        (POST, [FINE], None, 1),
        (POST, [CUT, FINE], None, 2),
        (POST, [BROKEN, FINE], None, 2),
        (POST, [IN_USE, FINE], None, 2),
        (POST, [AWAY, FINE], None, 2),
        (POST, [CUT], OutcomeUnknown, ATTEMPTS),
        (POST, [BROKEN], OutcomeUnknown, ATTEMPTS),
        (POST, [IN_USE], OutcomeUnknown, ATTEMPTS),
        (POST, [AWAY], ProviderUnavailable, ATTEMPTS),
        # What came before decides: the first may have been carried out.
        (POST, [CUT, AWAY], OutcomeUnknown, ATTEMPTS),
        (POST, [CUT, DENIED], OutcomeUnknown, 2),
        (POST, [reply(500, {"stripe-should-retry": "false"})], OutcomeUnknown, 1),
        (POST, [reply(429, {"retry-after": "30"})], ProviderUnavailable, 1),
        (POST, [CUT, reply(429, {"retry-after": "30"})], OutcomeUnknown, 2),
        (GET, [CUT], ProviderUnavailable, ATTEMPTS),
        (GET, [BROKEN, FINE], None, 2),
        # Without a key a repeat would find nothing, and say so as if it had failed.
        (DELETE, [CUT], OutcomeUnknown, 1),
        (DELETE, [AWAY, FINE], None, 2),
    ],
)
async def test_repeats_are_bounded_and_end_in_what_is_known(
    ask: Ask, steps: list[Reply | NoAnswer], ends: type[Exception] | None, asked: int
) -> None:
    script = Script(*steps)
    sending = Sending(script, 6.0, lambda: 0.0)
    if ends is None:
        assert (await sending.definite(ask)).status == 200
    else:
        with pytest.raises(ends):
            await sending.definite(ask)
    assert script.asked == [ask] * asked


async def test_a_definite_refusal_is_not_repeated() -> None:
    for answer in (reply(400), reply(402), DENIED, reply(403), reply(404)):
        script = Script(answer)
        assert await Sending(script, 5.0, lambda: 0.0).definite(POST) is answer
        assert len(script.asked) == 1


async def test_patience_is_told_with_its_reason() -> None:
    for answer, reason in ((reply(429, {"retry-after": "9"}), "RATE_LIMITED"),):
        with pytest.raises(ProviderUnavailable) as later:
            await Sending(Script(answer), 5.0, lambda: 0.0).definite(POST)
        assert (later.value.reason, later.value.retry_after_s) == (reason, 9.0)


@pytest.mark.parametrize(
    ("config", "environment"),
    [
        ({}, SANDBOX),
        ({"STRIPE_API_KEY": "  "}, SANDBOX),
        ({"STRIPE_API_KEY": "sk_test_1 2"}, SANDBOX),
        ({"STRIPE_API_KEY": "sk_test_\u00e4"}, SANDBOX),
        ({"STRIPE_API_KEY": "sk_live_canary"}, SANDBOX),
        ({"STRIPE_API_KEY": "rk_live_canary"}, SANDBOX),
        ({"STRIPE_API_KEY": "sk_test_canary"}, PRODUCTION),
        ({"STRIPE_API_KEY": "sk_test_canary", "STRIPE_API_BASE": "http://example.org"}, SANDBOX),
        ({"STRIPE_API_KEY": "sk_test_canary", "STRIPE_API_BASE": "ftp://127.0.0.1"}, SANDBOX),
        ({"STRIPE_API_KEY": "sk_test_canary", "STRIPE_API_BASE": "http://[::1"}, SANDBOX),
        ({"STRIPE_API_KEY": "sk_test_canary", "STRIPE_API_BASE": "https://"}, SANDBOX),
    ],
)
def test_settings_that_cannot_serve_are_refused(config: dict[str, str], environment: Environment.ValueType) -> None:
    with pytest.raises(SettingsRejected) as refusal:
        make_client(config, environment)
    assert refusal.value.fix
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize("base", ["", "http://127.0.0.1:1", "http://localhost:1/", "https://proxy.example.org"])
async def test_settings_that_serve_are_taken(base: str) -> None:
    client = make_client({"STRIPE_API_KEY": "sk_test_canary", "STRIPE_API_BASE": base}, SANDBOX)
    assert client.account == ""
    await client.aclose()
