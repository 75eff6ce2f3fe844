"""Logs: one line a record on standard error, as JSON or for people; every record passes redaction.

Records of other libraries, made with the standard library's `logging`, take the same way out.
Exceptions are shown as their type and the places they passed through, never with their message: it may quote a body.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import Literal, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from orchestrator.telemetry.redaction import redacted, redacted_entry

_FRAMES = 12
"""How many places of an exception are shown, innermost last."""
_OWN = frozenset({"event", "level", "logger", "timestamp"})
QUIET = {
    "uvicorn.error": logging.ERROR,
    "uvicorn.access": logging.CRITICAL,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "alembic.runtime.plugins": logging.WARNING,
    "alembic.runtime.migration": logging.WARNING,
}
"""Libraries that would log every request, and with it a URL that may hold a token; or much about little. Alembic's
migrations tell of SQL that is only written: that it is run, `orchestrator.ledger.migrating` says."""


def configure_logs(level: str, style: Literal["json", "console"], stream: TextIO | None = None) -> None:
    """Sets up all logging of this process.

    Args:
        level: debug, info, warning or error.
        style: `json` for machines, `console` for people.
        stream: Where to; standard error if None.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: Processor = render_json if style == "json" else structlog.dev.ConsoleRenderer(colors=False)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            describe_exception,
            redact,
            renderer,
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's core would write lines of its own form
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(quiet)


def lend_to_logging() -> None:
    """Hands our records to the standard library's logging, where nobody has set up structlog.

    Inside an application they belong to its own handlers; structlog by itself would print them on standard output, with
    what is secret in them.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            describe_exception,
            redact,
            render_line,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hides secrets in every field."""
    return {name: value if name in _OWN - {"event"} else redacted_entry(name, value) for name, value in event.items()}


def describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replaces `exc_info` by the exception's type and the places it passed through."""
    found = event.pop("exc_info", None)
    if not found:
        return event
    error = found if isinstance(found, BaseException) else found[1] if isinstance(found, tuple) else sys.exc_info()[1]
    if error is not None:
        event["exception"] = type(error).__qualname__
        event["at"] = places(error)
    return event


def places(error: BaseException) -> list[str]:
    """Where an exception passed through: `module.py:line function`, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """One JSON object, the fields everybody looks for first."""
    first = {name: event.pop(name) for name in ("timestamp", "level", "logger", "event") if name in event}
    return msgspec.json.encode({**first, **event}, enc_hook=redacted).decode()


def render_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """`what.happened name=value …`."""
    happened = str(event.pop("event", ""))
    return " ".join([happened, *(f"{name}={value!r}" for name, value in event.items())])


def _short(filename: str) -> str:
    return "/".join(filename.rsplit("/", maxsplit=3)[-3:])
