"""PayoutService: payouts in the ledger, and the operation that makes one."""

from __future__ import annotations

from typing import cast

from connectors.spi import Capability
from orchestrator.ledger.base import Ledger
from orchestrator.services.checks import check_amount, field_fault, with_page_size
from orchestrator.services.operations import Operator
from orchestratorx_prism.errors import NotFound
from orchestratorx_prism.v1 import payout_service_pb2 as pb


class PayoutService:
    """Every rpc of `orchestratorx_prism.v1.PayoutService`, in snake case."""

    def __init__(self, ledger: Ledger, operator: Operator) -> None:
        self._ledger = ledger
        self._operator = operator

    async def create(self, request: pb.PayoutServiceCreateRequest) -> pb.PayoutServiceCreateResponse:
        """Sends money."""
        check_amount(request)
        if not request.destination.WhichOneof("destination"):
            raise field_fault("destination", "say where the money goes")
        return cast(pb.PayoutServiceCreateResponse, await self._operator.run(Capability.CREATE_PAYOUT, request))

    async def get(self, request: pb.PayoutServiceGetRequest) -> pb.PayoutServiceGetResponse:
        """One payout's current state."""
        if not request.payout_id:
            raise field_fault("payout_id", "name the payout")
        payout = await self._ledger.get_payout(request.merchant_id or "default", request.payout_id)
        if payout is None:
            raise NotFound("no such payout", fix="check the id and the merchant")
        return pb.PayoutServiceGetResponse(payout=payout)

    async def list(self, request: pb.PayoutServiceListRequest) -> pb.PayoutServiceListResponse:
        """Payouts, newest first."""
        payouts, token = await self._ledger.list_payouts(with_page_size(request))
        return pb.PayoutServiceListResponse(payouts=payouts, next_page_token=token)
