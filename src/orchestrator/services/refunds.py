"""RefundService: refunds in the ledger, and the operation that makes one."""

from __future__ import annotations

from typing import cast

from connectors.spi import Capability
from orchestrator.ledger.base import Ledger
from orchestrator.services.checks import check_amount, field_fault, with_page_size
from orchestrator.services.operations import Operator
from orchestratorx_prism.errors import NotFound
from orchestratorx_prism.v1 import refund_service_pb2 as pb


class RefundService:
    """Every rpc of `orchestratorx_prism.v1.RefundService`, in snake case."""

    def __init__(self, ledger: Ledger, operator: Operator) -> None:
        self._ledger = ledger
        self._operator = operator

    async def create(self, request: pb.RefundServiceCreateRequest) -> pb.RefundServiceCreateResponse:
        """Returns captured money."""
        check_amount(request, optional=True)
        return cast(pb.RefundServiceCreateResponse, await self._operator.run(Capability.REFUND, request))

    async def get(self, request: pb.RefundServiceGetRequest) -> pb.RefundServiceGetResponse:
        """One refund's current state."""
        if not request.refund_id:
            raise field_fault("refund_id", "name the refund")
        refund = await self._ledger.get_refund(request.merchant_id or "default", request.refund_id)
        if refund is None:
            raise NotFound("no such refund", fix="check the id and the merchant")
        return pb.RefundServiceGetResponse(refund=refund)

    async def list(self, request: pb.RefundServiceListRequest) -> pb.RefundServiceListResponse:
        """Refunds, newest first."""
        refunds, token = await self._ledger.list_refunds(with_page_size(request))
        return pb.RefundServiceListResponse(refunds=refunds, next_page_token=token)
