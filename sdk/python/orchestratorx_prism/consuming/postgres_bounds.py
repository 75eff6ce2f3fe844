"""What PostgreSQL is asked for, so that a stream worker that hangs keeps no rows, and nobody waits for ever."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

HANGS_AFTER_S: Final = 5.0
"""In the middle of a statement."""
_SESSION_NAME: Final = "orchestratorx_stream_worker"
"""What PostgreSQL calls a session during a worker's transaction."""


def bound(session: Session, *, longest_s: float) -> None:
    """How long each statement of the transaction, and each pause between two, may take; less if the application says.

    A session that is idle for longer is ended.
    """
    dialect = session.get_bind().dialect
    if dialect.name == "postgresql":
        statement = _BOUND_AND_NAMED if dialect.driver == "asyncpg" else _BOUND
        session.execute(statement, {"longest": f"{int(1_000 * longest_s)}ms"})


def end_hanging(session: Session, *, after_s: float = HANGS_AFTER_S) -> None:
    """Ends the sessions of workers that hang in the middle of a request, of which PostgreSQL tires never.

    asyncpg prepares a statement, and executes it with another message, the first time that a connection has it. In
    between a session is not idle, and no limit of the server up to 16 ends it. A COPY looks the same, and is left be.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_END_HANGING, {"name": _SESSION_NAME, "after_s": after_s})


def _shorter(setting: str) -> str:
    now, longest = f"current_setting('{setting}')", "CAST(:longest AS TEXT)"
    is_shorter = f"CAST({now} AS INTERVAL) > '0' AND CAST({now} AS INTERVAL) < CAST({longest} AS INTERVAL)"
    return f"set_config('{setting}', CASE WHEN {is_shorter} THEN {now} ELSE {longest} END, true)"


_SHORTER = ", ".join(_shorter(setting) for setting in ("idle_in_transaction_session_timeout", "statement_timeout"))
_BOUND = text(f"SELECT {_SHORTER}")
_BOUND_AND_NAMED = text(f"SELECT {_SHORTER}, set_config('application_name', '{_SESSION_NAME}', true)")
_END_HANGING = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND usename = current_user AND application_name = :name AND pid <> pg_backend_pid() AND state = 'active' "
    "AND wait_event = 'ClientRead' AND query NOT ILIKE 'copy %' "
    "AND state_change < now() - make_interval(secs => CAST(:after_s AS double precision))"
)
