"""DisputeService: reading from the ledger. Operations that call providers are declared, and refused, here."""

from __future__ import annotations

from orchestrator.ledger.base import Ledger
from orchestrator.services.checks import field_fault, with_page_size
from orchestrator.services.payments import undeclared
from orchestratorx_prism.errors import NotFound
from orchestratorx_prism.v1 import dispute_service_pb2 as pb


class DisputeService:
    """Every rpc of `orchestratorx_prism.v1.DisputeService`, in snake case."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def accept(self, request: pb.DisputeServiceAcceptRequest) -> pb.DisputeServiceAcceptResponse:
        """Refused: no installed connector declares it."""
        raise undeclared("accept_dispute")

    async def get(self, request: pb.DisputeServiceGetRequest) -> pb.DisputeServiceGetResponse:
        """One dispute's current state."""
        if not request.dispute_id:
            raise field_fault("dispute_id", "name the dispute")
        dispute = await self._ledger.get_dispute(request.merchant_id or "default", request.dispute_id)
        if dispute is None:
            raise NotFound("no such dispute", fix="check the id and the merchant")
        return pb.DisputeServiceGetResponse(dispute=dispute)

    async def list(self, request: pb.DisputeServiceListRequest) -> pb.DisputeServiceListResponse:
        """Disputes, newest first."""
        disputes, token = await self._ledger.list_disputes(with_page_size(request))
        return pb.DisputeServiceListResponse(disputes=disputes, next_page_token=token)
