"""The same suite of keys and the audit log over SQLite and PostgreSQL; replicas are applications on one database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from orchestrator.bootstrap import Application, build
from orchestrator.settings_loading import settings_from

OpenReplica = Callable[..., Awaitable[Application]]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'access.db'}"
    fresh: str = request.getfixturevalue("fresh_postgres_url")
    return fresh


@pytest_asyncio.fixture
async def open_replica(url: str) -> AsyncIterator[OpenReplica]:
    """Starts applications over the test's database, of the merchants acme and globex; stopped at the end."""
    started: list[Application] = []

    async def opener(values: Mapping[str, Any] | None = None) -> Application:
        settings = settings_from(
            {"database_url": url, "merchants": {"acme": {}, "globex": {}}, "reconcile_every_s": 0, **(values or {})}
        )
        application = build(settings, publishes=False)
        await application.start()
        started.append(application)
        return application

    yield opener
    for application in started:
        await application.stop()


@pytest_asyncio.fixture
async def replica(open_replica: OpenReplica) -> Application:
    """One of them."""
    return await open_replica()
