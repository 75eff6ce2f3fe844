"""What a webhook's URL and headers say."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.spi import Label, Trust
from orchestrator.http_api.requests import Route, Router, read_head
from orchestratorx_prism.errors import NotFound, PrismError, RequestRejected, UnknownConnector


def label(name: str, alias: str = "", purposes: tuple[str, ...] = ()) -> Label:
    def never(*_: Any) -> Any:
        raise AssertionError("not for routing")

    return Label(
        name=name,
        title=name,
        capabilities=frozenset(),
        config_keys={},
        trust=Trust.TRUST_SIGNED,
        open=never,
        parse=never,
        normalize=never,
        ingress_alias=alias,
        purposes=purposes,
    )


ROUTER = Router(
    {"stripe": label("stripe"), "mpesa": label("mpesa", "m", ("reversal", "b2c.timeout")), "m2": label("m2", "stripe")}
)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/webhooks/stripe/default", Route("stripe", "default")),
        ("/webhooks/mpesa/acme/tok", Route("mpesa", "acme", "tok")),
        ("/webhooks/m/acme/tok", Route("mpesa", "acme", "tok")),
        ("/webhooks/m/acme/tok/validation", Route("mpesa", "acme", "tok", "validation")),
        ("/webhooks/m/acme/tok/timeout", Route("mpesa", "acme", "tok", "timeout")),
        ("/webhooks/m/acme/tok/b2c.timeout", Route("mpesa", "acme", "tok", "b2c.timeout")),
    ],
)
def test_paths_name_connector_merchant_token_and_purpose(path: str, route: Route) -> None:
    assert ROUTER.route(path, b"") == route


def test_an_alias_never_hides_a_connector_of_that_name() -> None:
    assert ROUTER.route("/webhooks/stripe/default", b"").connector == "stripe"


@pytest.mark.parametrize("query", [b"purpose=timeout", b"a=1&purpose=timeout&b", b"purpose=timeout&"])
def test_the_purpose_may_stand_in_the_query(query: bytes) -> None:
    assert ROUTER.route("/webhooks/m/acme/tok", query).purpose == "timeout"


@pytest.mark.parametrize("query", [b"purpose=refund", b"purpose=timeout&purpose=validation", b"purpose=%ff"])
def test_a_purpose_that_is_none_is_refused(query: bytes) -> None:
    with pytest.raises(RequestRejected) as refused:
        ROUTER.route("/webhooks/m/acme/tok", query)
    assert refused.value.metadata == {"field": "purpose"}


@pytest.mark.parametrize("query", [b"x=1", b"", b"&&&", b"\xff\xfe", b"purposes=1"])
def test_other_queries_are_nobodys_business(query: bytes) -> None:
    assert ROUTER.route("/webhooks/m/acme/tok", query).purpose == ""


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/stripe",
        "/webhooks/stripe/",
        "/webhooks/stripe//tok",
        "/webhooks/stripe/acme/tok/reversal",  # a purpose of M-Pesa's, not of Stripe's
        "/webhooks/m/acme/tok/refund",
        "/webhooks/m/acme/tok/validation/more",
        "/webhooks/m/acme/tok/",
    ],
)
def test_other_paths_are_not_webhook_urls(path: str) -> None:
    with pytest.raises(NotFound):
        ROUTER.route(path, b"")


@pytest.mark.parametrize(
    "path", ["/webhooks/", "/webhooks/acme/default", "/webhooks/STRIPE/default", "/webhooks/../x/y"]
)
def test_a_connector_nobody_installed_is_unknown(path: str) -> None:
    with pytest.raises(UnknownConnector) as refused:
        ROUTER.route(path, b"")
    assert refused.value.http_status == 404


def test_refusals_do_not_repeat_the_path() -> None:
    for path in ("/webhooks/stripe/a/SECRETTOKEN/b", "/webhooks/SECRETTOKEN/b"):
        with pytest.raises(PrismError) as refused:
            ROUTER.route(path, b"")
        assert "SECRETTOKEN" not in f"{refused.value} {refused.value.metadata}"


def test_headers_are_passed_on_without_those_of_the_hop() -> None:
    head = read_head(
        [
            (b"host", b"example.org"),
            (b"content-length", b"12"),
            (b"content-type", b"application/json"),
            (b"stripe-signature", b"t=1,v1=00"),
            (b"x-odd", b"caf\xe9"),
        ]
    )
    assert head.passed_on == {"content-type": "application/json", "stripe-signature": "t=1,v1=00", "x-odd": "café"}
    assert head.content_length == "12"


def test_a_header_given_twice_with_different_values_is_as_if_it_had_not_come() -> None:
    head = read_head(
        [(b"stripe-signature", b"a"), (b"x", b"1"), (b"stripe-signature", b"b"), (b"stripe-signature", b"a")]
    )
    assert head.passed_on == {"x": "1"}
    assert head.repeated == ["stripe-signature"]


def test_a_header_given_twice_with_one_value_came_once() -> None:
    head = read_head([(b"stripe-signature", b"a"), (b"stripe-signature", b"a")])
    assert head.passed_on == {"stripe-signature": "a"}
    assert head.repeated == []


def test_lists_that_proxies_add_to_are_joined_in_order() -> None:
    head = read_head(
        [(b"x-forwarded-for", b"1.1.1.1"), (b"via", b"a"), (b"x-forwarded-for", b"2.2.2.2"), (b"via", b"b")]
    )
    assert head.forwarded_for == "1.1.1.1, 2.2.2.2"
    assert head.passed_on == {"via": "a, b"}


def test_content_encodings_given_twice_are_both_seen() -> None:
    assert read_head([(b"content-encoding", b"gzip"), (b"content-encoding", b"br")]).content_encoding == "gzip,br"


def test_a_sender_who_asks_first_is_noticed() -> None:
    assert read_head([(b"expect", b"100-continue")]).expects_continue
    assert not read_head([(b"accept", b"*/*")]).expects_continue


def test_nothing_of_route_or_head_that_may_be_secret_is_shown() -> None:
    assert "tok" not in repr(Route("m", "acme", "tok"))
    assert "whsec" not in repr(read_head([(b"authorization", b"whsec_1")]))
