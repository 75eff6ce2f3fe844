"""From rpc names to methods: one table for every front door."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from orchestrator.services import Services

_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def snake_case(name: str) -> str:
    """HandleEvent → handle_event."""
    return _INNER_CAPITAL.sub("_", name).lower()


def rpc_methods(services: Services) -> dict[tuple[str, str], Callable[[Any], Any]]:
    """(full service name, rpc name) → the method that serves it. A missing method is a defect, found at start."""
    return {
        (service.full_name, method.name): getattr(target, snake_case(method.name))
        for service, target in services.by_descriptor().items()
        for method in service.methods
    }
