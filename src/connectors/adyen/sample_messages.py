"""Every message that a header signs, by name: the provider's type, or the type and a variant. A table.

Source: Adyen API Explorer, the pages of `mapping_messages.py` and `mapping_transfers.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from connectors.adyen.mapping_messages import (
    CLASSIC_NO_COUNTERPART,
    EXECUTIONS,
    NO_COUNTERPART,
    PAYMENT_FAILURE,
    PAYMENT_METHOD_CREATED,
    SCHEDULED_REFUNDS,
)
from connectors.adyen.sample_bodies import (
    classic,
    classic_payout,
    dispute,
    execution,
    instrument,
    mandate,
    method,
    movement,
    network_token,
    no_word,
    notice,
    payment_failure,
    scheduled_refunds,
    token,
    transaction,
    transfer,
)
from connectors.adyen.samples import ITEMS
from connectors.spi import SampleRequest

Make = Callable[[SampleRequest], dict[str, Any]]

_CREATED, _UPDATED = "balancePlatform.transfer.created", "balancePlatform.transfer.updated"

MESSAGES: Final[dict[str, Make]] = {
    _CREATED: partial(transfer, _CREATED, "bank", "bankTransfer", "outgoing", "received", "approved"),
    f"{_CREATED}:incoming": partial(transfer, _CREATED, "bank", "bankTransfer", "incoming", "received", "approved"),
    _UPDATED: partial(transfer, _UPDATED, "bank", "bankTransfer", "outgoing", "booked", "approved"),
    f"{_UPDATED}:authorised": partial(transfer, _UPDATED, "bank", "bankTransfer", "outgoing", "authorised", "approved"),
    f"{_UPDATED}:failed": partial(
        transfer, _UPDATED, "bank", "bankTransfer", "outgoing", "failed", "counterpartyAccountClosed"
    ),
    f"{_UPDATED}:returned": partial(
        transfer, _UPDATED, "bank", "bankTransfer", "outgoing", "returned", "refusedByCounterpartyBank"
    ),
    f"{_UPDATED}:incoming": partial(transfer, _UPDATED, "bank", "bankTransfer", "incoming", "booked", "approved"),
    f"{_UPDATED}:debited": partial(transfer, _UPDATED, "bank", "bankDirectDebit", "incoming", "booked", "approved"),
    f"{_UPDATED}:capture": partial(
        transfer, _UPDATED, "platformPayment", "capture", "incoming", "captured", "approved"
    ),
    f"{_UPDATED}:refund": partial(transfer, _UPDATED, "platformPayment", "refund", "outgoing", "refunded", "approved"),
    f"{_UPDATED}:chargeback": partial(
        transfer, _UPDATED, "platformPayment", "chargeback", "outgoing", "chargeback", "approved"
    ),
    "balancePlatform.transaction.created": partial(transaction, -1),
    "balancePlatform.transaction.created:incoming": partial(transaction, 1),
    **{
        f"{name}{variant}": partial(movement, name, status, sign)
        for name, variant, status, sign in (
            ("balancePlatform.payment.created", "", "Authorised", -1),
            ("balancePlatform.payment.created", ":refused", "Refused", -1),
            ("balancePlatform.payment.updated", "", "Expired", -1),
            ("balancePlatform.incomingTransfer.created", "", "PendingIncomingTransfer", 1),
            ("balancePlatform.incomingTransfer.updated", "", "IncomingTransfer", 1),
            ("balancePlatform.outgoingTransfer.created", "", "OutgoingTransfer", -1),
            ("balancePlatform.outgoingTransfer.updated", "", "TransferConfirmed", -1),
            ("balancePlatform.outgoingTransfer.updated", ":failed", "TransferFailed", -1),
        )
    },
    "balancePlatform.mandate.created": partial(mandate, "balancePlatform.mandate.created", "approved"),
    "balancePlatform.mandate.updated": partial(mandate, "balancePlatform.mandate.updated", "cancelled"),
    "balancePlatform.dispute.created": partial(dispute, "balancePlatform.dispute.created", "open"),
    "balancePlatform.dispute.updated": partial(dispute, "balancePlatform.dispute.updated", "won"),
    "balancePlatform.dispute.updated:lost": partial(dispute, "balancePlatform.dispute.updated", "lost"),
    **{name: partial(execution, name) for name in EXECUTIONS},
    **{
        name: partial(token, name)
        for name in (
            "recurring.token.alreadyExisting",
            "recurring.token.created",
            "recurring.token.disabled",
            "recurring.token.updated",
        )
    },
    PAYMENT_METHOD_CREATED: partial(method, PAYMENT_METHOD_CREATED, "success"),
    f"{PAYMENT_METHOD_CREATED}:failure": partial(method, PAYMENT_METHOD_CREATED, "failure"),
    "paymentMethodRequest.scheduledForRemoval": partial(method, "paymentMethodRequest.scheduledForRemoval", "success"),
    "paymentMethodRequest.removed": partial(method, "paymentMethodRequest.removed", "success"),
    "ach.notificationOfChange": partial(notice, "ach.notificationOfChange"),
    "eft.notificationOfChange": partial(notice, "eft.notificationOfChange"),
    **{
        f"balancePlatform.{thing}.{change}": partial(make, f"balancePlatform.{thing}.{change}")
        for thing, make in (("paymentInstrument", instrument), ("networkToken", network_token))
        for change in ("created", "updated")
    },
    "balancePlatform.paymentInstrument.expiring": partial(instrument, "balancePlatform.paymentInstrument.expiring"),
    **{name: partial(no_word, name) for name in NO_COUNTERPART},
    **{
        f"{name}{variant}": partial(classic_payout, name, status)
        for name, variant, status in (
            ("ACCOUNT_HOLDER_PAYOUT", "", "Initiated"),
            ("ACCOUNT_HOLDER_PAYOUT", ":confirmed", "Confirmed"),
            ("ACCOUNT_HOLDER_PAYOUT", ":failed", "Failed"),
            ("TRANSFER_FUNDS", "", "Success"),
            ("TRANSFER_FUNDS", ":failed", "Failed"),
            ("TRANSFER_NOT_PAIDOUT_TRANSFERS", "", "Success"),
            ("REFUND_FUNDS_TRANSFER", "", "Success"),
            ("REFUND_FUNDS_TRANSFER", ":failed", "Failed"),
            ("DIRECT_DEBIT_INITIATED", "", "Initiated"),
            ("DIRECT_DEBIT_INITIATED", ":failed", "Failed"),
        )
    },
    SCHEDULED_REFUNDS: scheduled_refunds,
    PAYMENT_FAILURE: payment_failure,
    # REPORT_AVAILABLE is an event code, too; the name stands for that one.
    **{name: partial(classic, name, {}) for name in CLASSIC_NO_COUNTERPART if name not in ITEMS},
}
"""Name → what makes its body."""


def message_body(request: SampleRequest) -> dict[str, Any]:
    """The whole body of a listed message."""
    return MESSAGES[request.event_type](request)
