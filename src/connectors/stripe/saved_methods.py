"""Events of saved payment methods and of the consent to charge them: payment methods, sources, setups, mandates."""

from __future__ import annotations

from connectors.stripe.envelope import Arrival, metadata_value, missing
from connectors.stripe.mapping import type_of
from connectors.stripe.mapping_billing import MANDATE, MERCHANT_CUSTOMER_KEY, PAYMENT_METHOD, SETUP_INTENT, SOURCE
from connectors.stripe.parts import UNKNOWN_STATUS, failure_of_error, method_of, source_of, unmapped
from connectors.stripe.shapes import METHOD as METHOD_DECODER
from connectors.stripe.shapes import SOURCE as SOURCE_DECODER
from connectors.stripe.shapes import MethodDetails, customer_of, ident
from connectors.stripe.shapes_billing import MANDATE as MANDATE_DECODER
from connectors.stripe.shapes_billing import SETUP_INTENT as SETUP_INTENT_DECODER
from connectors.stripe.shapes_billing import Mandate, SetupIntent
from orchestratorx_prism.event_types import DATA_MEMBER
from orchestratorx_prism.v1.event_data_pb2 import MandateData, PaymentMethodData
from orchestratorx_prism.v1.event_pb2 import Event
from orchestratorx_prism.v1.payment_pb2 import PaymentMethodDetails


def payment_method(arrival: Arrival) -> Event:
    """`payment_method.*`"""
    found = arrival.read(METHOD_DECODER)
    if not found.id:
        raise missing("data.object.id")
    # A detached method does not name its customer any more; what changed names the one it had.
    customer = ident(found.customer) or found.customer_account or arrival.previous().get("customer")
    data = PaymentMethodData(
        connector_payment_method_id=found.id,
        connector_customer_id=customer if isinstance(customer, str) else "",
        merchant_customer_id=metadata_value(MERCHANT_CUSTOMER_KEY, found.metadata),
        details=method_of(found),
        merchant_transaction_id=arrival.merchant_reference(found.metadata),
    )
    return _method_event(arrival, type_of(PAYMENT_METHOD[arrival.envelope.type], ""), data)


def source(arrival: Arrival) -> Event:
    """`customer.source.*`, its older names, and `source.*`: what was saved before PaymentMethods."""
    found = arrival.read(SOURCE_DECODER)
    if not found.id:
        raise missing("data.object.id")
    data = PaymentMethodData(
        connector_payment_method_id=found.id,
        connector_customer_id=ident(found.customer),
        merchant_customer_id=metadata_value(MERCHANT_CUSTOMER_KEY, found.metadata),
        details=source_of(found),
        provider_status=found.status or "",
        merchant_transaction_id=arrival.merchant_reference(found.metadata),
    )
    return _method_event(arrival, type_of(SOURCE[arrival.envelope.type], ""), data)


def _method_event(arrival: Arrival, our_type: str | None, data: PaymentMethodData) -> Event:
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    event = arrival.begin(our_type, merchant_transaction_id=data.merchant_transaction_id)
    event.payment_method.CopyFrom(data)
    return event


def setup_intent(arrival: Arrival) -> Event:
    """`setup_intent.*`"""
    setup = arrival.read(SETUP_INTENT_DECODER)
    if not setup.id:
        raise missing("data.object.id")
    our_type = type_of(SETUP_INTENT[arrival.envelope.type], setup.status or "")
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    method = setup.payment_method
    method_id = method.id if isinstance(method, MethodDetails) else method or ""
    customer = customer_of(setup.customer, setup.customer_account)
    reference = arrival.merchant_reference(setup.metadata)
    if DATA_MEMBER[our_type] == "payment_method":
        data = PaymentMethodData(
            connector_payment_method_id=method_id,
            connector_customer_id=customer,
            details=_setup_details(setup, method_id),
            provider_status=setup.status or "",
            merchant_transaction_id=reference,
            failure=failure_of_error(setup.last_setup_error),
        )
        return _method_event(arrival, our_type, data)
    event = arrival.begin(our_type, merchant_transaction_id=reference)
    event.mandate.CopyFrom(
        MandateData(
            # Without a Mandate object, as for cards, the SetupIntent itself is Stripe's record of the consent.
            connector_mandate_id=ident(setup.mandate) or ident(setup.single_use_mandate) or setup.id,
            connector_payment_method_id=method_id or _failed_method(setup),
            connector_customer_id=customer,
            provider_status=setup.status or "",
            failure=failure_of_error(setup.last_setup_error) if our_type == "mandate.failed" else None,
            merchant_transaction_id=reference,
        )
    )
    return event


def _setup_details(setup: SetupIntent, method_id: str) -> PaymentMethodDetails | None:
    if isinstance(setup.payment_method, MethodDetails):
        return method_of(setup.payment_method)
    kinds = setup.payment_method_types
    only_kind = kinds[0] if kinds is not None and len(kinds) == 1 else ""
    if not method_id and not only_kind:
        return None
    return PaymentMethodDetails(type=only_kind, connector_payment_method_id=method_id)


def _failed_method(setup: SetupIntent) -> str:
    error = setup.last_setup_error
    if error is None or error.payment_method is None:
        return ""
    return error.payment_method if isinstance(error.payment_method, str) else error.payment_method.id


def mandate(arrival: Arrival) -> Event:
    """`mandate.updated`"""
    found = arrival.read(MANDATE_DECODER)
    if not found.id:
        raise missing("data.object.id")
    our_type = type_of(MANDATE[arrival.envelope.type], found.status or "")
    if our_type is None:
        return unmapped(arrival, UNKNOWN_STATUS)
    if DATA_MEMBER[our_type] == "payment_method":
        return _method_event(arrival, our_type, _method_of_pending(found))
    event = arrival.begin(our_type)
    event.mandate.CopyFrom(
        MandateData(
            connector_mandate_id=found.id,
            connector_payment_method_id=ident(found.payment_method),
            provider_status=found.status or "",
        )
    )
    return event


def _method_of_pending(found: Mandate) -> PaymentMethodData:
    return PaymentMethodData(
        connector_payment_method_id=ident(found.payment_method), provider_status=f"mandate_{found.status}"
    )
