"""Use cases: what every front door calls, under the names of the rpcs in snake case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.services.disputes import DisputeService
from orchestrator.services.events import EventService
from orchestrator.services.payments import PaymentService
from orchestrator.services.refunds import RefundService
from orchestratorx_prism.v1 import (
    dispute_service_pb2,
    event_service_pb2,
    payment_service_pb2,
    refund_service_pb2,
)

__all__ = ["DisputeService", "EventService", "PaymentService", "RefundService", "Services"]


@dataclass(frozen=True, slots=True)
class Services:
    """The wired services of one application."""

    events: EventService
    payments: PaymentService
    refunds: RefundService
    disputes: DisputeService

    def by_descriptor(self) -> Mapping[Any, object]:
        """protobuf ServiceDescriptor → the object whose methods, in snake case, are its rpcs.

        The one list that both the gRPC server and the embedded transport dispatch by.
        """
        return {
            event_service_pb2.DESCRIPTOR.services_by_name["EventService"]: self.events,
            payment_service_pb2.DESCRIPTOR.services_by_name["PaymentService"]: self.payments,
            refund_service_pb2.DESCRIPTOR.services_by_name["RefundService"]: self.refunds,
            dispute_service_pb2.DESCRIPTOR.services_by_name["DisputeService"]: self.disputes,
        }
