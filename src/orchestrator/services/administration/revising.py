"""Changes of merchants and credentials: each under the next revision, which all replicas look at."""

from __future__ import annotations

import contextlib
from typing import Final

import structlog
from sqlalchemy import update

from orchestrator.ledger.schema_tenancy import tenancy_revision
from orchestrator.ledger.tables import Work
from orchestrator.services.directory import Directory
from orchestratorx_prism.errors import NotFound, NotSupported, PrismError

ONE: Final = 1
"""The only row's key."""

_log = structlog.get_logger(__name__)


def next_revision() -> Work[int]:
    """Raises the revision. Whoever changes something does this first: until its commit, other changes wait."""
    rows = yield (
        update(tenancy_revision)
        .where(tenancy_revision.c.one == ONE)
        .values(revision=tenancy_revision.c.revision + 1)
        .returning(tenancy_revision.c.revision)
    )
    return int(rows[0][0])


async def seen_here(directory: Directory) -> None:
    """Lets this process know what it has just committed. If that fails it will know within a second all the same."""
    try:
        await directory.refresh()
    except PrismError as error:
        _log.warning("merchants.not_read", reason=error.reason)


async def up_to_date(directory: Directory) -> None:
    """Lets whoever asks see what another process committed a moment ago. A ledger in memory has nothing to see."""
    with contextlib.suppress(NotSupported):
        await directory.refresh()


def no_such_merchant() -> NotFound:
    """The same for one that there is not and for one that is not the caller's business."""
    return NotFound("no such merchant", fix="check the id, and that the key is this merchant's")
