"""Services of things that the provider keeps and the ledger does not: customers, saved methods, subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from connectors.spi import Capability
from orchestrator.services.operations import Operator
from orchestrator.services.operations.specs import CHANGING


class ProviderHeld:
    """One method for each rpc, by its name in snake case. Each is one operation, and raises as `Operator.run` does."""

    def __init__(self, operator: Operator, rpcs: Mapping[str, Capability]) -> None:
        for name, capability in rpcs.items():
            carry_out = operator.run if capability in CHANGING else operator.ask
            setattr(self, name, partial(carry_out, capability))


def customers(operator: Operator) -> ProviderHeld:
    """`orchestratorx_prism.v1.CustomerService`."""
    return ProviderHeld(
        operator,
        {
            "create": Capability.CREATE_CUSTOMER,
            "get": Capability.GET_CUSTOMER,
            "update": Capability.UPDATE_CUSTOMER,
            "delete": Capability.DELETE_CUSTOMER,
        },
    )


def payment_methods(operator: Operator) -> ProviderHeld:
    """`orchestratorx_prism.v1.PaymentMethodService`."""
    return ProviderHeld(
        operator,
        {
            "attach": Capability.ATTACH_PAYMENT_METHOD,
            "get": Capability.GET_PAYMENT_METHOD,
            "list": Capability.LIST_PAYMENT_METHODS,
            "detach": Capability.DETACH_PAYMENT_METHOD,
        },
    )


def mandates(operator: Operator) -> ProviderHeld:
    """`orchestratorx_prism.v1.MandateService`."""
    return ProviderHeld(
        operator,
        {
            "setup": Capability.SETUP_MANDATE,
            "charge": Capability.CHARGE_MANDATE,
            "revoke": Capability.REVOKE_MANDATE,
        },
    )


def subscriptions(operator: Operator) -> ProviderHeld:
    """`orchestratorx_prism.v1.SubscriptionService`."""
    return ProviderHeld(
        operator,
        {
            "create": Capability.CREATE_SUBSCRIPTION,
            "get": Capability.GET_SUBSCRIPTION,
            "update": Capability.UPDATE_SUBSCRIPTION,
            "cancel": Capability.CANCEL_SUBSCRIPTION,
            "record_usage": Capability.RECORD_USAGE,
        },
    )
