"""Errors on the wire arrive as the class they left as."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, RetryInfo
from google.rpc.status_pb2 import Status
from grpc.aio import AioRpcError, Metadata

from orchestratorx_prism import errors, wire
from orchestratorx_prism.brokers.base import BrokerUnavailable
from orchestratorx_prism.v1.error_pb2 import Refusal


def _family(root: type[errors.PrismError]) -> Iterator[type[errors.PrismError]]:
    yield root
    for cls in root.__subclasses__():
        yield from _family(cls)


CLASSES = sorted(
    {cls for cls in _family(errors.PrismError) if cls.__module__.startswith("orchestratorx_prism")},
    key=lambda cls: cls.__name__,
)


def _made(cls: type[errors.PrismError]) -> errors.PrismError:
    return cls(
        "what happened, in one sentence: é",
        reason="A_SPECIAL_REASON",
        fix="do this",
        metadata={"field": "payload", "connectors": "stripe,adyen"},
        retry_after_s=1.25,
    )


def _parts(error: errors.PrismError) -> tuple[object, ...]:
    return type(error), error.message, error.reason, error.fix, error.metadata, error.retry_after_s, error.retryable


def _rpc_error(status: Status) -> AioRpcError:
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    trailing = Metadata((wire.DETAILS_KEY, status.SerializeToString()))
    return AioRpcError(code, Metadata(), trailing, details=status.message)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_an_error_survives_a_grpc_status(cls: type[errors.PrismError]) -> None:
    error = _made(cls)
    assert _parts(wire.from_rpc_error(_rpc_error(wire.to_rpc_status(error)))) == _parts(error)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_an_error_survives_a_refusal(cls: type[errors.PrismError]) -> None:
    error = _made(cls)
    sent = Refusal.FromString(wire.to_refusal(error).SerializeToString())
    assert sent.grpc_code == cls.grpc_code
    assert sent.retryable == cls.retryable
    assert _parts(wire.from_refusal(sent)) == _parts(error)


def test_errors_of_other_modules_are_among_the_cases() -> None:
    assert BrokerUnavailable in CLASSES


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_an_error_without_extras_survives_both_ways(cls: type[errors.PrismError]) -> None:
    error = cls("short")
    assert _parts(wire.from_rpc_status(wire.to_rpc_status(error))) == _parts(error)
    assert _parts(wire.from_refusal(wire.to_refusal(error))) == _parts(error)


def _details(status: Status) -> list[str]:
    return [detail.TypeName() for detail in status.details]


def test_a_status_has_exactly_one_error_info_and_only_the_details_that_apply() -> None:
    bare = wire.to_rpc_status(errors.NotFound("no such event"))
    assert _details(bare) == ["google.rpc.ErrorInfo"]
    full = wire.to_rpc_status(_made(errors.RequestRejected))
    assert _details(full) == [m.DESCRIPTOR.full_name for m in (ErrorInfo, RetryInfo, BadRequest, LocalizedMessage)]
    info, bad = ErrorInfo(), BadRequest()
    full.details[0].Unpack(info)
    full.details[2].Unpack(bad)
    assert (info.reason, info.domain) == ("A_SPECIAL_REASON", "orchestratorx")
    assert [v.field for v in bad.field_violations] == ["payload"]


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        (grpc.StatusCode.UNAVAILABLE, errors.Unavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExpired),
        (grpc.StatusCode.UNAUTHENTICATED, errors.Unauthenticated),
        (grpc.StatusCode.UNIMPLEMENTED, errors.NotSupported),
        (grpc.StatusCode.INTERNAL, errors.Internal),
    ],
)
def test_a_bare_status_means_what_its_code_says(code: grpc.StatusCode, cls: type[errors.PrismError]) -> None:
    error = wire.from_rpc_error(AioRpcError(code, Metadata(), Metadata(), details="from a proxy"))
    assert type(error) is cls
    assert error.message == "from a proxy"


def test_every_grpc_code_but_ok_has_a_meaning() -> None:
    for code in grpc.StatusCode:
        if code is not grpc.StatusCode.OK:
            assert wire.from_bare_status(code.value[0], "").reason != f"GRPC_CODE_{code.value[0]}"
    assert wire.from_bare_status(99, "").reason == "GRPC_CODE_99"


def test_a_message_too_large_for_grpc_is_payload_too_large() -> None:
    error = wire.from_bare_status(8, "SERVER: Received message larger than max (9000000 vs. 8388608)")
    assert type(error) is errors.PayloadTooLarge


def test_details_of_another_domain_are_not_taken_for_ours() -> None:
    info = Any()
    info.Pack(ErrorInfo(reason="QUOTA", domain="googleapis.com", metadata={"kind": "NotFound"}))
    error = wire.from_rpc_status(Status(code=14, message="no", details=[info]))
    assert (type(error), error.reason, error.metadata) == (errors.Unavailable, "UNAVAILABLE", {})


def test_details_that_contradict_the_status_or_do_not_parse_are_left_aside() -> None:
    for rubbish in (b"\xff\xff", Status(code=5, message="other").SerializeToString()):
        trailing = Metadata((wire.DETAILS_KEY, rubbish))
        error = wire.from_rpc_error(AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), trailing, details="away"))
        assert (type(error), error.message) == (errors.Unavailable, "away")


def test_a_class_that_this_version_does_not_know_becomes_what_its_code_stands_for() -> None:
    error = wire.from_refusal(Refusal(grpc_code=14, reason="NEWER", message="m", metadata={"kind": "MadeLater"}))
    assert (type(error), error.reason, error.metadata) == (errors.Unavailable, "NEWER", {})


@pytest.mark.parametrize("text", ["soon", "nan", "-1", "inf"])
def test_a_retry_hint_that_is_no_length_of_time_is_left_aside(text: str) -> None:
    refusal = Refusal(grpc_code=14, reason="R", message="m", metadata={wire.RETRY_AFTER_KEY: text})
    assert wire.from_refusal(refusal).retry_after_s is None


def test_a_problem_document_names_the_reason_and_keeps_the_fix_at_home() -> None:
    problem = wire.to_problem(errors.SignatureRejected("no signature matches", fix="set the secret"))
    assert problem == {
        "type": "about:blank",
        "title": "SignatureRejected",
        "status": 401,
        "detail": "no signature matches",
        "reason": "SIGNATURE_MISMATCH",
        "retryable": False,
    }
