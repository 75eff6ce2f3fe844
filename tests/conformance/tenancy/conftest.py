"""Replicas over one database: SQLite and PostgreSQL."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from orchestrator.bootstrap import Application, build
from orchestrator.settings_loading import settings_from

VAULT_KEYS = {"k1": base64.b64encode(b"1" * 32).decode()}

Replica = Callable[..., Awaitable[Application]]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tenancy.db'}"
    fresh: str = request.getfixturevalue("fresh_postgres_url")
    return fresh


@pytest_asyncio.fixture
async def replica(url: str) -> AsyncIterator[Replica]:
    """Starts an application over the test's database; given settings are added. They are stopped when it ends."""
    started: list[Application] = []

    async def start(**settings: Any) -> Application:
        application = build(settings_from({"database_url": url, "vault_keys": VAULT_KEYS, **settings}))
        started.append(application)
        await application.start()
        return application

    yield start
    for application in started:
        await application.stop()
