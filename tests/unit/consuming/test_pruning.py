"""The inbox forgets what is old, some at a time, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from orchestratorx_prism.consuming import inbox, tables

DAY_S = 86_400.0


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    tables.metadata.create_all(engine)
    with Session(engine) as made:
        yield made
    engine.dispose()


def test_old_rows_of_a_consumer_go_in_parts(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_PRUNED", 2)
    row = tables.inbox.insert().values
    for number in range(3):
        session.execute(row(consumer="orders", message_id=f"old-{number}", done_at=1.0))
    session.execute(row(consumer="others", message_id="old-0", done_at=1.0))
    inbox.note(session, "orders", "new")
    assert [inbox.prune(session, "orders", DAY_S) for _ in range(3)] == [2, 1, 0]
    left = session.execute(select(tables.inbox.c.consumer, tables.inbox.c.message_id)).all()
    assert sorted(tuple(one) for one in left) == [("orders", "new"), ("others", "old-0")]
