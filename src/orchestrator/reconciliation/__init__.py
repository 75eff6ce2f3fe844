"""Fetches what webhooks did not bring: the provider's own lists, and answers about what they do not tell."""

from orchestrator.reconciliation.reconciler import Reconciler
from orchestrator.reconciliation.report import Report, Tally, Unmatched
from orchestrator.reconciliation.schedule import Schedule

__all__ = ["Reconciler", "Report", "Schedule", "Tally", "Unmatched"]
