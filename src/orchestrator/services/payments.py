"""PaymentService: payments in the ledger, and the operations that call providers."""

from __future__ import annotations

import contextlib
from typing import cast

from connectors.spi import Capability
from orchestrator.ledger.base import Ledger
from orchestrator.ledger.orders import BY_AMOUNT, PAYMENT_ORDERS
from orchestrator.services.checks import check_amount, check_instrument, field_fault, with_page_size
from orchestrator.services.operations import Operator
from orchestrator.services.routing import Router, chosen
from orchestratorx_prism.errors import NotFound, ProviderUnavailable
from orchestratorx_prism.v1 import payment_service_pb2 as pb


class PaymentService:
    """Every rpc of `orchestratorx_prism.v1.PaymentService`, in snake case."""

    def __init__(self, ledger: Ledger, operator: Operator, router: Router) -> None:
        self._ledger = ledger
        self._operator = operator
        self._router = router

    async def authorize(self, request: pb.PaymentServiceAuthorizeRequest) -> pb.PaymentServiceAuthorizeResponse:
        """Reserves or takes money."""
        check_amount(request)
        check_instrument(request.instrument)
        if request.connector:
            return await self._authorize(request, request.connector)
        merchant = request.merchant_id or "default"
        *others, last = chosen(self._router, request, lambda name: self._operator.leaves_alone(name, merchant))
        for name in others:
            # Failure policy: never two charges. Only what certainly did nothing is left for the next.
            with contextlib.suppress(ProviderUnavailable):
                return await self._authorize(request, name)
        return await self._authorize(request, last)

    async def _authorize(
        self, request: pb.PaymentServiceAuthorizeRequest, connector: str
    ) -> pb.PaymentServiceAuthorizeResponse:
        answer = await self._operator.run(Capability.AUTHORIZE, request, connector=connector)
        return cast(pb.PaymentServiceAuthorizeResponse, answer)

    async def confirm_redirect(
        self, request: pb.PaymentServiceConfirmRedirectRequest
    ) -> pb.PaymentServiceConfirmRedirectResponse:
        """Goes on after the payer came back."""
        answer = await self._operator.run(Capability.CONFIRM_REDIRECT, request)
        return cast(pb.PaymentServiceConfirmRedirectResponse, answer)

    async def increment_authorization(
        self, request: pb.PaymentServiceIncrementAuthorizationRequest
    ) -> pb.PaymentServiceIncrementAuthorizationResponse:
        """Reserves more."""
        check_amount(request)
        answer = await self._operator.run(Capability.INCREMENT_AUTHORIZATION, request)
        return cast(pb.PaymentServiceIncrementAuthorizationResponse, answer)

    async def capture(self, request: pb.PaymentServiceCaptureRequest) -> pb.PaymentServiceCaptureResponse:
        """Takes part or all of what is reserved."""
        check_amount(request, optional=True)
        return cast(pb.PaymentServiceCaptureResponse, await self._operator.run(Capability.CAPTURE, request))

    async def void(self, request: pb.PaymentServiceVoidRequest) -> pb.PaymentServiceVoidResponse:
        """Releases what is reserved."""
        return cast(pb.PaymentServiceVoidResponse, await self._operator.run(Capability.VOID, request))

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
        if request.refresh:
            asked = pb.PaymentServiceGetRequest(payment_id=payment.id, merchant_id=merchant, refresh=True)
            return cast(pb.PaymentServiceGetResponse, await self._operator.ask(Capability.REFRESH_PAYMENT, asked))
        return pb.PaymentServiceGetResponse(payment=payment)

    async def list(self, request: pb.PaymentServiceListRequest) -> pb.PaymentServiceListResponse:
        """Payments, newest first or in another order."""
        if request.order not in PAYMENT_ORDERS:
            raise field_fault("order", "no such order")
        by_amount = request.order in BY_AMOUNT or request.HasField("amount_from") or request.HasField("amount_until")
        if by_amount and not request.currency:
            raise field_fault("currency", "amounts are compared in one currency: name it")
        payments, token = await self._ledger.list_payments(with_page_size(request))
        return pb.PaymentServiceListResponse(payments=payments, next_page_token=token)
