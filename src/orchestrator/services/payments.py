"""PaymentService: reading from the ledger. Operations that call providers are declared, and refused, here."""

from __future__ import annotations

from orchestrator.ledger.base import Ledger
from orchestrator.services.checks import field_fault, with_page_size
from orchestratorx_prism.errors import NotFound, NotSupported
from orchestratorx_prism.v1 import payment_service_pb2 as pb


class PaymentService:
    """Every rpc of `orchestratorx_prism.v1.PaymentService`, in snake case."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def capture(self, request: pb.PaymentServiceCaptureRequest) -> pb.PaymentServiceCaptureResponse:
        """Refused: no installed connector declares it."""
        raise undeclared("capture")

    async def void(self, request: pb.PaymentServiceVoidRequest) -> pb.PaymentServiceVoidResponse:
        """Refused: no installed connector declares it."""
        raise undeclared("void")

    async def get(self, request: pb.PaymentServiceGetRequest) -> pb.PaymentServiceGetResponse:
        """One payment's current state."""
        merchant = request.merchant_id or "default"
        if request.payment_id:
            payment = await self._ledger.get_payment(merchant, request.payment_id)
        elif request.connector and request.reference:
            payment = await self._ledger.find_payment(merchant, request.connector, request.reference)
        else:
            raise field_fault("payment_id", "name the payment, or connector and reference")
        if payment is None:
            raise NotFound("no such payment", fix="check the id or reference, the connector and the merchant")
        return pb.PaymentServiceGetResponse(payment=payment)

    async def list(self, request: pb.PaymentServiceListRequest) -> pb.PaymentServiceListResponse:
        """Payments, newest first."""
        payments, token = await self._ledger.list_payments(with_page_size(request))
        return pb.PaymentServiceListResponse(payments=payments, next_page_token=token)


def undeclared(operation: str) -> NotSupported:
    """The refusal of an operation that no installed connector declares."""
    return NotSupported(
        f"no installed connector declares {operation}",
        fix="`orchestrator connectors` lists what each connector can do",
        metadata={"operation": operation, "connectors": ""},
    )
