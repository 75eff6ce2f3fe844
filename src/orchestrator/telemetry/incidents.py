"""Defects of ours that reach a front door: logged with a correlation id, answered as INTERNAL."""

from __future__ import annotations

import logging
import secrets

from orchestrator.telemetry.logs import places
from orchestratorx_prism.errors import Internal

_log = logging.getLogger("orchestrator.incidents")


def incident(error: BaseException, *, where: str, correlation_id: str = "") -> Internal:
    """What to answer in place of an unexpected exception. Logs its type and places, never its message or the body.

    Args:
        where: The front door and method: "grpc /orchestratorx_prism.v1.EventService/HandleEvent".
        correlation_id: The caller's; empty: one is made.
    """
    correlation_id = correlation_id or secrets.token_hex(8)
    fields = {
        "where": where,
        "correlation_id": correlation_id,
        "exception": type(error).__qualname__,
        "at": places(error),
    }
    _log.error("unexpected failure", extra=fields)
    return Internal(
        f"a defect of the server; its log says more under correlation id {correlation_id}",
        fix="report it with the correlation id",
        metadata={"correlation_id": correlation_id},
    )
