"""The table of rpcs and scopes."""

from __future__ import annotations

import re
from pathlib import Path

from every_rpc import every_rpc, name_of

from orchestrator.access.scopes import INSTALLATION_ONLY, SCOPE_OF, SCOPES


def test_every_rpc_has_a_scope_and_every_scope_an_rpc_that_there_is() -> None:
    assert {name_of(method) for method in every_rpc()} == set(SCOPE_OF)
    assert len(every_rpc()) >= 71
    assert set(SCOPE_OF) >= INSTALLATION_ONLY


def test_scopes_are_a_resource_and_a_verb() -> None:
    for scope in SCOPES - {"*"}:
        assert re.fullmatch(r"[a-z_]+:(read|write|replay)", scope)
    assert set(SCOPE_OF.values()) <= SCOPES


def test_the_page_on_access_names_every_scope() -> None:
    page = (Path(__file__).parents[3] / "docs" / "access.md").read_text()
    assert set(re.findall(r"`([a-z_]+:[a-z]+)`", page)) >= SCOPES - {"*"}


def test_whoever_may_only_read_changes_nothing() -> None:
    changing = re.compile(
        r"\.(Create|Update|Delete|Put|Rotate|Revoke|Capture|Void|Authorize|Cancel|Attach|Detach|Replay|Run|Accept)"
    )
    assert not [rpc for rpc, scope in SCOPE_OF.items() if scope.endswith(":read") and changing.search(rpc)]
