"""Makes a database of an earlier release: the migrations' own way back, as SQL for each database's driver."""

from __future__ import annotations

import io

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from orchestrator.ledger.schema import HEAD


def downgrade(dialect: str, to: str) -> list[str]:
    """The SQL from the newest version to an earlier one. `dialect`: "sqlite" or "postgresql"."""
    config = Config()
    config.set_main_option("script_location", "orchestrator.ledger:migrations")
    script = ScriptDirectory.from_config(config)
    written = io.StringIO()
    environment = EnvironmentContext(
        config,
        script,
        fn=lambda revision, _context: script._downgrade_revs(to, revision),
        as_sql=True,
        starting_rev=HEAD,
        destination_rev=to,
    )
    with environment:
        environment.configure(dialect_name=dialect, output_buffer=written, transactional_ddl=False)
        environment.run_migrations()
    lines = (line for line in written.getvalue().splitlines() if not line.startswith("--"))
    return [text.strip() for text in "\n".join(lines).split(";\n") if text.strip(" \n;")]
