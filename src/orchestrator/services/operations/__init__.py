"""Operations that call providers: what each needs and answers, how it is carried out once, and how it is found out
what became of it."""

from orchestrator.services.operations.operator import Operator
from orchestrator.services.operations.resolver import Resolver

__all__ = ["Operator", "Resolver"]
