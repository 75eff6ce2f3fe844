"""Routes under the names that users of other payment services know, each to an rpc that has a name of ours too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from orchestrator.http_api.rest.rows import Row
from orchestrator.message_schemas import Json
from orchestratorx_prism.errors import RequestRejected

SAVED_CARD: Final[Json] = {
    "saved_card_id": {
        "type": "string",
        "minLength": 1,
        "description": "A saved card, in place of `instrument`: it is charged without the payer, unless `off_session` "
        "is false.",
    }
}
_CARD: Final = {"connector_payment_method_id": "saved_card_id"}
_MPESA: Final = {"connector": "mpesa"}


def with_saved_card(body: Mapping[str, Any]) -> dict[str, Any]:
    """A payment's body with its `saved_card_id` as the instrument.

    Raises:
        RequestRejected: It is no text, or stands beside an instrument.
    """
    fields = dict(body)
    if "saved_card_id" not in fields:
        return fields
    card = fields.pop("saved_card_id")
    if not isinstance(card, str) or not card:
        raise _fault("takes the id of a saved card as text")
    if "instrument" in fields:
        raise _fault("stands in place of instrument; send one of the two")
    return {"off_session": True, **fields, "instrument": {"connector_payment_method_id": card}}


def _fault(fault: str) -> RequestRejected:
    return RequestRejected(f"saved_card_id: {fault}", fix="mend the request", metadata={"field": "saved_card_id"})


KNOWN_NAMES: Final[tuple[Row, ...]] = (
    Row(
        "POST",
        "/v1/payments/cards",
        "PaymentMethodService.Attach",
        "Save a card",
        "Saved cards",
        201,
        needs=("connector", "instrument"),
        example={
            "connector": "stripe",
            "connector_customer_id": "cus_000000000001",
            "instrument": {"token": "pm_card_visa"},
        },
        notes="Charge it with `saved_card_id` at POST /v1/payments.",
    ),
    Row(
        "GET",
        "/v1/payments/cards",
        "PaymentMethodService.List",
        "A customer's saved cards",
        "Saved cards",
        needs=("connector",),
    ),
    Row(
        "DELETE",
        "/v1/payments/cards/{saved_card_id}",
        "PaymentMethodService.Detach",
        "Forget a saved card",
        "Saved cards",
        names=_CARD,
        needs=("connector",),
    ),
    Row("GET", "/v1/merchant/providers", "CredentialService.List", "Providers, masked", "Merchant's providers"),
    Row(
        "PUT",
        "/v1/merchant/providers",
        "CredentialService.Put",
        "Keep a provider's credentials",
        "Merchant's providers",
        names={"connector": "provider"},
        needs=("connector",),
        example={"provider": "stripe", "values": {"STRIPE_API_KEY": "sk_test_4eC39HqLyjWDarjtT1zdp7dc"}},
    ),
    Row(
        "DELETE",
        "/v1/merchant/providers",
        "CredentialService.Delete",
        "Forget a provider's credentials",
        "Merchant's providers",
        204,
        names={"connector": "provider"},
        needs=("connector",),
    ),
    Row(
        "PUT",
        "/v1/merchant/providers/{provider}",
        "CredentialService.Put",
        "Keep a provider's credentials",
        "Merchant's providers",
        names={"connector": "provider"},
        example={"values": {"STRIPE_API_KEY": "sk_test_4eC39HqLyjWDarjtT1zdp7dc"}},
    ),
    Row(
        "GET",
        "/v1/merchant/providers/{provider}",
        "CredentialService.Get",
        "A provider's credentials, masked",
        "Merchant's providers",
        names={"connector": "provider"},
    ),
    Row(
        "DELETE",
        "/v1/merchant/providers/{provider}",
        "CredentialService.Delete",
        "Forget a provider's credentials",
        "Merchant's providers",
        204,
        names={"connector": "provider"},
    ),
    Row(
        "GET",
        "/v1/merchant/webhook",
        "WebhookEndpointService.List",
        "The merchant's one endpoint",
        "Merchant's webhook",
        only=("merchant_id",),
        serve="webhook_get",
        notes="404 where there is none; 409 where there are several: they have /v1/webhook-endpoints.",
    ),
    Row(
        "PUT",
        "/v1/merchant/webhook",
        "WebhookEndpointService.Create",
        "Make or change the merchant's one endpoint",
        "Merchant's webhook",
        needs=("url",),
        serve="webhook_put",
        also=("WebhookEndpointService.List", "WebhookEndpointService.Update"),
        example={"url": "https://shop.example/hooks", "event_types": ["payment.*"]},
        notes="201 and its secret, which is shown this once, if there was none. Else 200: it is as the body says from "
        "now on, and its secret stays; `secret` is empty.",
    ),
    Row(
        "DELETE",
        "/v1/merchant/webhook",
        "WebhookEndpointService.Delete",
        "Forget the merchant's one endpoint",
        "Merchant's webhook",
        204,
        only=("merchant_id",),
        serve="webhook_delete",
        also=("WebhookEndpointService.List",),
    ),
    Row(
        "GET",
        "/v1/webhooks/logs",
        "DeliveryService.List",
        "What was sent to endpoints",
        "Webhook logs",
        names={"filter.states": "status"},
    ),
    Row("GET", "/v1/webhooks/logs/{delivery_id}", "DeliveryService.Get", "One delivery's log", "Webhook logs"),
    Row(
        "POST",
        "/v1/webhooks/logs/{delivery_id}/redeliver",
        "DeliveryService.Replay",
        "Send one again",
        "Webhook logs",
        202,
        example={},
    ),
    Row(
        "POST",
        "/v1/mpesa/check-status",
        "PaymentService.Get",
        "Ask M-Pesa about a payment",
        "M-Pesa",
        names={"reference": "checkout_request_id"},
        fixed={**_MPESA, "refresh": True},
        only=("merchant_id", "reference"),
        needs=("reference",),
        example={"checkout_request_id": "ws_CO_191220191020363925"},
    ),
    Row(
        "POST",
        "/v1/mpesa/register-pull",
        "ReconciliationService.Register",
        "Register for Pull Transactions",
        "M-Pesa",
        fixed=_MPESA,
        example={},
    ),
    Row(
        "POST",
        "/v1/mpesa/reconcile",
        "ReconciliationService.Run",
        "Fetch what never came",
        "M-Pesa",
        fixed=_MPESA,
        example={},
        notes="It begins where the last run ended, however long ago that was.",
    ),
)
