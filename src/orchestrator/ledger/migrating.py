"""Brings a database's tables up to date. Alembic writes the SQL; each database's own driver runs it, under a lock.

So one way serves both databases, without a second driver, and two replicas that start together migrate once.
"""

from __future__ import annotations

import io
import logging
import threading
from typing import Final

from orchestrator.ledger.schema import HEAD
from orchestratorx_prism.errors import SettingsRejected

VERSION_QUERY: Final = "SELECT version_num FROM alembic_version"

_log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()
"""Alembic keeps the script under way in globals, and each SQLite ledger has a thread of its own."""


def statements(dialect: str, version: str | None) -> list[str]:
    """The SQL from `version` (None: an empty database) to the newest one.

    Args:
        dialect: "sqlite" or "postgresql".

    Raises:
        SettingsRejected: The version is unknown: the database was migrated by a newer release.
    """
    if version == HEAD:
        return []
    written = _written(dialect, version)
    _log.info("the schema goes from version %s to %s", version or "none", HEAD)
    return written


def _written(dialect: str, version: str | None) -> list[str]:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "orchestrator.ledger:migrations")
    script = ScriptDirectory.from_config(config)
    written = io.StringIO()
    # Alembic's own bookkeeping is part of the script; the transaction around it is ours.
    environment = EnvironmentContext(
        config,
        script,
        fn=lambda revision, _context: script._upgrade_revs("head", revision),
        as_sql=True,
        starting_rev=version,
        destination_rev="head",
    )
    with _one_at_a_time, environment:
        environment.configure(dialect_name=dialect, output_buffer=written, transactional_ddl=False)
        try:
            environment.run_migrations()
        except CommandError:
            raise SettingsRejected(
                f"the database's schema is of version {version}, which this release does not know",
                reason="SCHEMA_UNKNOWN",
                fix="upgrade orchestratorx: a newer release has migrated this database",
            ) from None
    return [text.strip() for text in written.getvalue().split(";\n") if _says_something(text)]


def check(version: str | None) -> None:
    """Raises SettingsRejected if the tables are not of this release."""
    if version == HEAD:
        return
    _written("sqlite", version)  # refuses a version that it does not know
    raise SettingsRejected(
        "the database's schema is not up to date" if version else "the database has no tables yet",
        reason="SCHEMA_OUTDATED",
        fix="run `orchestrator migrate`, or set database_migrate",
    )


def _says_something(text: str) -> bool:
    return any(line.strip() and not line.strip().startswith("--") for line in text.splitlines())
