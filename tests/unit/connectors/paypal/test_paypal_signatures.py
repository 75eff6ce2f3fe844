"""The offline check: headers, webhook id, address, freshness, signature. Chains have tests of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from connectors.paypal.transmission import MAX_AGE_S
from connectors.paypal.webhooks import normalize, open_webhook
from connectors.spi import Context, Environment, Material, SignatureRejected, Webhook
from orchestratorx_prism.errors import PayloadRejected
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_CERTIFICATE

SANDBOX = Environment.ENVIRONMENT_SANDBOX
PRODUCTION = Environment.ENVIRONMENT_PRODUCTION
BODY = b'{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"id":"CAP1"}}'


@pytest.fixture(scope="module")
def shop(workshop: SimpleNamespace) -> SimpleNamespace:
    """A CA, a sandbox signer and a live signer."""
    root = workshop.make_certificate("Test root", ca=True)
    sandbox = workshop.make_certificate(
        workshop.SANDBOX_NAME, root, ca=False, alternative_names=(workshop.SANDBOX_NAME,)
    )
    live = workshop.make_certificate(workshop.LIVE_NAME, root, ca=False, alternative_names=(workshop.LIVE_NAME,))
    return SimpleNamespace(root=root, sandbox=sandbox, live=live, **vars(workshop))


@pytest.fixture
def material(shop: SimpleNamespace) -> Material:
    return Material(
        webhook_id=shop.WEBHOOK_ID, certificates=(shop.sandbox.pem, shop.live.pem), trust_anchors=(shop.root.pem,)
    )


def reason(webhook: Webhook, material: Material, now_s: int) -> str:
    with pytest.raises(SignatureRejected) as caught:
        open_webhook(webhook, material, now_s)
    assert caught.value.fix
    return caught.value.reason


def test_a_genuine_message_passes_and_says_how(shop: SimpleNamespace, material: Material) -> None:
    opened = open_webhook(shop.sign(BODY, shop.sandbox.key), material, shop.NOW_S)
    assert opened.verification.method == VERIFICATION_METHOD_CERTIFICATE
    assert "CRC32" in opened.verification.detail


@pytest.mark.parametrize("flipped", [0, 1, 40, len(BODY) - 1])
def test_one_flipped_bit_in_the_body_is_refused(shop: SimpleNamespace, material: Material, flipped: int) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key)
    body = bytearray(BODY)
    body[flipped] ^= 1
    assert reason(structs.replace(webhook, body=bytes(body)), material, shop.NOW_S) == "SIGNATURE_MISMATCH"


def test_another_webhooks_message_is_refused(shop: SimpleNamespace, material: Material) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key, webhook_id="9ZZ98765ZZ432109Z")
    assert reason(webhook, material, shop.NOW_S) == "SIGNATURE_MISMATCH"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("paypal-transmission-id", "69cd13f0-d67a-11e5-baa3-778b53f4ae56"),
        ("paypal-transmission-time", "2026-05-28T20:26:41Z"),
    ],
)
def test_a_signed_header_of_another_value_is_refused(
    shop: SimpleNamespace, material: Material, header: str, value: str
) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key)
    assert webhook.headers[header] != value
    changed = structs.replace(webhook, headers={**webhook.headers, header: value})
    assert reason(changed, material, shop.NOW_S) == "SIGNATURE_MISMATCH"


def test_each_bit_of_the_signature_counts(shop: SimpleNamespace, material: Material) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key)
    text = webhook.headers["paypal-transmission-sig"]
    changed = ("B" if text[0] == "A" else "A") + text[1:]
    headers = {**webhook.headers, "paypal-transmission-sig": changed}
    assert reason(structs.replace(webhook, headers=headers), material, shop.NOW_S) == "SIGNATURE_MISMATCH"


@pytest.mark.parametrize(
    "header",
    [
        "paypal_transmission_id",
        "paypal_transmission_time",
        "paypal_transmission_sig",
        "paypal_cert_url",
        "paypal_auth_algo",
    ],
)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_header_is_named(shop: SimpleNamespace, material: Material, header: str, value: str | None) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key, **{header: value})
    with pytest.raises(SignatureRejected, match=header.replace("_", "-")) as caught:
        open_webhook(webhook, material, shop.NOW_S)
    assert caught.value.reason == "SIGNATURE_MISSING"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("paypal_auth_algo", "SHA1withRSA"),
        ("paypal_auth_algo", "none"),
        ("paypal_auth_algo", "sha256withrsa"),
        ("paypal_auth_version", "v3"),
        ("paypal_transmission_sig", "not base64!"),
        ("paypal_transmission_sig", "QUJD\n"),
        ("paypal_transmission_sig", "QUJ"),
        ("paypal_transmission_sig", "Ünïcode"),
        ("paypal_transmission_sig", "\ud800"),
        ("paypal_transmission_sig", "A" * 100_000),
        ("paypal_transmission_id", "a|b"),
        ("paypal_transmission_id", "ä"),
        ("paypal_transmission_id", "x" * 10_000),
        ("paypal_transmission_time", "yesterday"),
        ("paypal_transmission_time", "2026-05-28T20:26:40"),
        ("paypal_transmission_time", "2026-05-28T20:26:40Z|x"),
        ("paypal_transmission_time", "0001-01-01T00:00:00+23:59"),
        ("paypal_transmission_time", "٢٠٢٦-05-28T20:26:40Z"),
        ("paypal_transmission_time", "9" * 5_000),
    ],
)
def test_a_malformed_header_is_refused(shop: SimpleNamespace, material: Material, header: str, value: str) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key, **{header: value})
    assert reason(webhook, material, shop.NOW_S) == "SIGNATURE_MALFORMED"


@pytest.mark.parametrize("version", [None, "v1", "v2"])
def test_older_messages_carry_another_version_or_none(
    shop: SimpleNamespace, material: Material, version: str | None
) -> None:
    open_webhook(shop.sign(BODY, shop.sandbox.key, paypal_auth_version=version), material, shop.NOW_S)


@pytest.mark.parametrize(
    ("age_s", "tolerance_s", "passes"),
    [
        (0, None, True),
        (MAX_AGE_S, None, True),
        (MAX_AGE_S + 1, None, False),
        (-300, None, True),
        (-301, None, False),
        (60, 60, True),
        (61, 60, False),
        (-60, 60, True),
        (-61, 60, False),
        (-301, 10**9, False),
        (10**8, 10**9, True),
    ],
)
def test_a_message_is_taken_while_it_is_fresh(
    shop: SimpleNamespace, material: Material, age_s: int, tolerance_s: int | None, passes: bool
) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key, sent_s=shop.NOW_S - age_s)
    given = replace(material, tolerance_s=tolerance_s)
    if passes:
        open_webhook(webhook, given, shop.NOW_S)
    else:
        assert reason(webhook, given, shop.NOW_S) == "TIMESTAMP_OUT_OF_TOLERANCE"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example/?https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://user:pass@api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com:443/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com:8443/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1?x=1",
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1#x",
        "https://api.sandbox.paypal.com/v1/notifications/certs/../../v1/reporting/x",
        "https://api.sandbox.paypal.com/v1/notifications/certs/%2e%2e/x",
        "https://api.sandbox.paypal.com/v1/notifications/certs/a/b",
        "https://api.sandbox.paypal.com/v1/notifications/certs/",
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1\n",
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1\\@evil.example",
        "https://api.sandbox.paypal.com/v1/other/CERT-1",
        "https://api.sandbox.paypal.com./v1/notifications/certs/CERT-1",
        "https://API.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://api-x.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://www.paypal.com/v1/notifications/certs/CERT-1",
        "https://127.0.0.1/v1/notifications/certs/CERT-1",
        "https://[::1]/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/test",
        "file:///etc/passwd",
        "api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://apі.sandbox.paypal.com/v1/notifications/certs/CERT-1",  # noqa: RUF001 - a Cyrillic letter
        "x" * 100_000,
    ],
)
def test_an_address_that_is_not_paypals_is_refused(shop: SimpleNamespace, material: Material, url: str) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key, url=url)
    assert reason(webhook, material, shop.NOW_S) == "CERTIFICATE_REJECTED"


@pytest.mark.parametrize("host", ["api.sandbox", "api-m.sandbox"])
def test_both_sandbox_hosts_pass(shop: SimpleNamespace, material: Material, host: str) -> None:
    url = f"https://{host}.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1a5f47cb"
    open_webhook(shop.sign(BODY, shop.sandbox.key, url=url), material, shop.NOW_S)


def test_the_sdks_test_path_passes_with_a_certificate_at_hand_only(shop: SimpleNamespace, material: Material) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key, url="https://api.sandbox.paypal.com/v1/notifications/test")
    open_webhook(webhook, material, shop.NOW_S)
    fetched = replace(material, certificates=(), fetched_certificates=(shop.sandbox.pem,))
    assert reason(webhook, fetched, shop.NOW_S) == "CERTIFICATE_REJECTED"


def test_the_host_decides_which_certificate_fits(shop: SimpleNamespace, material: Material) -> None:
    only_live = replace(material, certificates=(shop.live.pem,))
    webhook = shop.sign(BODY, shop.live.key, url=shop.SANDBOX_URL)
    assert reason(webhook, only_live, shop.NOW_S) == "CERTIFICATE_REJECTED"
    webhook = shop.sign(BODY, shop.live.key, url=shop.SANDBOX_URL)
    assert reason(webhook, material, shop.NOW_S) == "SIGNATURE_MISMATCH"


def test_sandbox_messages_are_refused_in_production(shop: SimpleNamespace, material: Material) -> None:
    live = replace(material, environment=PRODUCTION)
    assert reason(shop.sign(BODY, shop.sandbox.key), live, shop.NOW_S) == "CERTIFICATE_REJECTED"
    open_webhook(shop.sign(BODY, shop.live.key, url=shop.LIVE_URL), live, shop.NOW_S)


def test_an_event_is_of_the_world_it_was_signed_in(shop: SimpleNamespace, material: Material, context: Context) -> None:
    sandbox = open_webhook(shop.sign(BODY, shop.sandbox.key), material, shop.NOW_S)
    live = open_webhook(shop.sign(BODY, shop.live.key, url=shop.LIVE_URL), material, shop.NOW_S)
    assert normalize(sandbox.parsed, context, BODY)[0].environment == SANDBOX
    assert normalize(live.parsed, context, BODY)[0].environment == PRODUCTION


def test_the_simulators_id_is_taken_in_the_sandbox_only(
    shop: SimpleNamespace, material: Material, context: Context
) -> None:
    webhook = shop.sign(BODY, shop.live.key, url=shop.LIVE_URL, webhook_id="WEBHOOK_ID")
    simulator = replace(material, webhook_id="WEBHOOK_ID")
    opened = open_webhook(webhook, simulator, shop.NOW_S)
    assert normalize(opened.parsed, context, BODY)[0].environment == SANDBOX
    for environment in (PRODUCTION, Environment.ENVIRONMENT_UNSPECIFIED):
        assert reason(webhook, replace(simulator, environment=environment), shop.NOW_S) == "WEBHOOK_ID_REFUSED"
    beside = replace(simulator, webhook_id=shop.WEBHOOK_ID, secrets=("WEBHOOK_ID",), environment=PRODUCTION)
    assert reason(webhook, beside, shop.NOW_S) == "WEBHOOK_ID_REFUSED"


def test_the_simulators_message_does_not_pass_for_a_real_webhook(shop: SimpleNamespace, material: Material) -> None:
    webhook = shop.sign(BODY, shop.live.key, url=shop.LIVE_URL, webhook_id="WEBHOOK_ID")
    assert reason(webhook, material, shop.NOW_S) == "SIGNATURE_MISMATCH"


@pytest.mark.parametrize("changes", [{"webhook_id": ""}, {"webhook_id": "", "secrets": ("", "")}])
def test_without_a_webhook_id_nothing_is_believed(
    shop: SimpleNamespace, material: Material, changes: dict[str, Any]
) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key, webhook_id="")
    assert reason(webhook, replace(material, **changes), shop.NOW_S) == "WEBHOOK_ID_MISSING"


@pytest.mark.parametrize("ids", [("new", ("old",)), ("old", ("new",)), ("", ("x", "new"))])
def test_every_webhook_id_in_use_is_tried(
    shop: SimpleNamespace, material: Material, ids: tuple[str, tuple[str, ...]]
) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key, webhook_id="new")
    open_webhook(webhook, replace(material, webhook_id=ids[0], secrets=ids[1]), shop.NOW_S)


@pytest.mark.parametrize("webhook_id", ["\ud800", "ä" * 1000, "\x00", "|"])
def test_an_odd_webhook_id_ends_in_a_refusal(shop: SimpleNamespace, material: Material, webhook_id: str) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key)
    assert reason(webhook, replace(material, webhook_id=webhook_id), shop.NOW_S) == "SIGNATURE_MISMATCH"


def test_without_certificates_nothing_is_believed(shop: SimpleNamespace, material: Material) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key)
    assert reason(webhook, replace(material, certificates=()), shop.NOW_S) == "CERTIFICATE_UNAVAILABLE"


def test_a_signed_body_that_cannot_be_read_is_a_payload_fault(shop: SimpleNamespace, material: Material) -> None:
    with pytest.raises(PayloadRejected) as caught:
        open_webhook(shop.sign(b"[1]", shop.sandbox.key), material, shop.NOW_S)
    assert caught.value.reason == "PAYLOAD_NOT_OBJECT"


def test_no_error_shows_a_header_or_an_id(shop: SimpleNamespace, material: Material) -> None:
    webhook = shop.sign(BODY, shop.sandbox.key, webhook_id="other")
    with pytest.raises(SignatureRejected) as caught:
        open_webhook(webhook, material, shop.NOW_S)
    shown = f"{caught.value} {caught.value!r} {caught.value.metadata} {webhook!r} {material!r}"
    assert webhook.headers["paypal-transmission-sig"] not in shown
    assert shop.WEBHOOK_ID not in f"{caught.value} {caught.value!r} {caught.value.metadata}"


def test_the_simulators_samples_pass(signed: Callable[..., Any], workshop: SimpleNamespace) -> None:
    made = signed("PAYMENT.SALE.COMPLETED")
    open_webhook(made.webhook, made.material, workshop.NOW_S)
