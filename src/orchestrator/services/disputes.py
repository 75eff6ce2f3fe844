"""DisputeService: disputes in the ledger, and the operations that answer them."""

from __future__ import annotations

from typing import Final, cast

from connectors.spi import Capability
from orchestrator.ledger.base import Ledger
from orchestrator.services.checks import field_fault, with_page_size
from orchestrator.services.operations import Operator
from orchestratorx_prism.errors import NotFound
from orchestratorx_prism.v1 import dispute_service_pb2 as pb

MAX_EVIDENCE: Final = 4 * 1024 * 1024
"""Of one file. Bytes."""


class DisputeService:
    """Every rpc of `orchestratorx_prism.v1.DisputeService`, in snake case."""

    def __init__(self, ledger: Ledger, operator: Operator) -> None:
        self._ledger = ledger
        self._operator = operator

    async def accept(self, request: pb.DisputeServiceAcceptRequest) -> pb.DisputeServiceAcceptResponse:
        """Accepts the claim."""
        return cast(pb.DisputeServiceAcceptResponse, await self._operator.run(Capability.ACCEPT_DISPUTE, request))

    async def defend(self, request: pb.DisputeServiceDefendRequest) -> pb.DisputeServiceDefendResponse:
        """Contests the claim."""
        return cast(pb.DisputeServiceDefendResponse, await self._operator.run(Capability.DEFEND_DISPUTE, request))

    async def submit_evidence(
        self, request: pb.DisputeServiceSubmitEvidenceRequest
    ) -> pb.DisputeServiceSubmitEvidenceResponse:
        """Hands in evidence."""
        for file in request.files:
            if len(file.content) > MAX_EVIDENCE:
                raise field_fault("files", f"a file has {MAX_EVIDENCE} bytes at most")
        answer = await self._operator.run(Capability.SUBMIT_EVIDENCE, request)
        return cast(pb.DisputeServiceSubmitEvidenceResponse, answer)

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
