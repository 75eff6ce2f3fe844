"""ReconciliationService: runs that somebody asks for. The server's own are the `Schedule`'s."""

from __future__ import annotations

from typing import Final

from orchestrator.reconciliation.reconciler import Reconciler
from orchestrator.services.checks import field_fault
from orchestrator.services.merchants import Merchants
from orchestrator.settings import DEFAULT_MERCHANT
from orchestratorx_prism.errors import NotFound
from orchestratorx_prism.v1 import reconciliation_service_pb2 as pb

_MOST_UNMATCHED: Final = 100


class ReconciliationService:
    """Every rpc of `orchestratorx_prism.v1.ReconciliationService`, in snake case."""

    def __init__(self, reconciler: Reconciler, merchants: Merchants) -> None:
        self._reconciler = reconciler
        self._merchants = merchants

    async def run(self, request: pb.ReconciliationServiceRunRequest) -> pb.ReconciliationServiceRunResponse:
        """Fetches and records what is missing; what was fetched before the caller went away stays recorded.

        Raises:
            UnknownConnector, NotSupported: No such connector, or it has no list.
            NotFound: No such merchant.
            RequestRejected: The times do not follow each other.
            ProviderUnavailable, ProviderRefused: The provider broke it off. A repeat goes on where it ended.
            SettingsRejected: A credential is missing.
        """
        merchant_id = self._merchant(request.merchant_id)
        if request.HasField("until") and not request.HasField("since"):
            raise field_fault("until", "needs since")
        if request.HasField("since"):
            since_s = request.since.seconds
            until_s = request.until.seconds if request.HasField("until") else None
            if until_s is not None and until_s <= since_s:
                raise field_fault("until", "must be after since")
            report = await self._reconciler.reconcile(request.connector, merchant_id, since_s, until_s)
        else:
            report = await self._reconciler.catch_up(request.connector, merchant_id)
        if report.stopped_by is not None:
            raise report.stopped_by
        answer = pb.ReconciliationServiceRunResponse(
            synced=report.recorded,
            skipped=report.known,
            not_found=len(report.unmatched),
            unmatched=[one.reference for one in report.unmatched[:_MOST_UNMATCHED]],
        )
        answer.fetched_until.seconds = report.reached_s
        return answer

    async def register(
        self, request: pb.ReconciliationServiceRegisterRequest
    ) -> pb.ReconciliationServiceRegisterResponse:
        """Tells the provider once that its list will be asked for. Raises as `run` does."""
        merchant_id = self._merchant(request.merchant_id)
        return pb.ReconciliationServiceRegisterResponse(
            answer=await self._reconciler.register(request.connector, merchant_id)
        )

    def _merchant(self, asked: str) -> str:
        merchant_id = asked or DEFAULT_MERCHANT
        if not self._merchants.exists(merchant_id):
            raise NotFound("no such merchant", fix="check the id, and that the key is this merchant's")
        return merchant_id
