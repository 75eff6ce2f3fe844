"""The routes, a row each: all of them."""

from __future__ import annotations

from typing import Final

from orchestrator.http_api.rest.known_names import KNOWN_NAMES
from orchestrator.http_api.rest.rows import Row
from orchestrator.http_api.rest.table_held import HELD
from orchestrator.http_api.rest.table_money import MONEY
from orchestrator.http_api.rest.table_platform import PLATFORM

ROWS: Final[tuple[Row, ...]] = (*KNOWN_NAMES, *MONEY, *HELD, *PLATFORM)
"""In the order in which they are matched: a fixed word stands before a place in the same position."""
