"""The simulator's Disputes v1: show, accept a claim, provide evidence. Written from PayPal's documentation."""

from __future__ import annotations

from typing import Final

from connectors.paypal.simulator_world import Ask, Object, Refusal, World, found, invalid

REASON: Final = "MERCHANDISE_OR_SERVICE_NOT_RECEIVED"
_RESPONSE_TIME_S: Final = 10 * 86_400
_EVIDENCE_TYPES: Final = {"PROOF_OF_FULFILLMENT", "PROOF_OF_REFUND", "PROOF_OF_DELIVERY_SIGNATURE", "OTHER"}


def open_dispute(world: World, capture: Object) -> Object:
    """The payer claims a capture: the seller has to answer."""
    dispute_id = f"PP-D-{len(world.disputes) + 10_001}"
    amount = capture["amount"]
    made: Object = {
        "dispute_id": dispute_id,
        "reason": REASON,
        "status": "WAITING_FOR_SELLER_RESPONSE",
        "dispute_amount": amount,
        "dispute_life_cycle_stage": "CHARGEBACK",
        "dispute_channel": "INTERNAL",
        "disputed_transactions": [
            {"seller_transaction_id": capture["id"], "custom": capture.get("custom_id", ""), "gross_amount": amount}
        ],
        "seller_response_due_date": world.time(_RESPONSE_TIME_S),
        **world.times(),
        "links": [{"href": f"/v1/customer/disputes/{dispute_id}", "rel": "self", "method": "GET"}],
    }
    world.disputes[dispute_id] = made
    world.emit("CUSTOMER.DISPUTE.CREATED", "dispute", "", made)
    return made


def show(world: World, ask: Ask, dispute_id: str) -> tuple[int, Object]:
    """GET /v1/customer/disputes/{id}."""
    return 200, found(world.disputes, dispute_id)


def accept(world: World, ask: Ask, dispute_id: str) -> tuple[int, Object]:
    """POST /v1/customer/disputes/{id}/accept-claim: the payer gets the money back."""
    dispute = _open(world, dispute_id)
    if not isinstance(ask.body.get("note"), str) or not ask.body["note"]:
        raise invalid("MISSING_REQUIRED_PARAMETER", "/note")
    dispute |= {
        "status": "RESOLVED",
        "dispute_outcome": {
            "outcome_code": "RESOLVED_BUYER_FAVOUR",
            "amount_refunded": dispute["dispute_amount"],
        },
        "update_time": world.time(),
    }
    world.emit("CUSTOMER.DISPUTE.RESOLVED", "dispute", "", dispute)
    return 200, {"links": [ask.link("self", f"/v1/customer/disputes/{dispute_id}")]}


def provide_evidence(world: World, ask: Ask, dispute_id: str) -> tuple[int, Object]:
    """POST /v1/customer/disputes/{id}/provide-evidence: multipart, `input` as JSON and the files."""
    dispute = _open(world, dispute_id)
    evidences = ask.body.get("evidences")
    if not isinstance(evidences, list) or not evidences:
        raise invalid("MISSING_REQUIRED_PARAMETER", "/evidences")
    for evidence in evidences:
        if evidence.get("evidence_type") not in _EVIDENCE_TYPES:
            raise Refusal(422, "UNPROCESSABLE_ENTITY", "INVALID_EVIDENCE_TYPE")
    dispute |= {"status": "UNDER_REVIEW", "update_time": world.time(), "evidences": evidences}
    dispute["_files"] = ask.body.get("_files", [])
    world.emit("CUSTOMER.DISPUTE.UPDATED", "dispute", "", dispute)
    return 200, {"links": [ask.link("self", f"/v1/customer/disputes/{dispute_id}")]}


def _open(world: World, dispute_id: str) -> Object:
    dispute = found(world.disputes, dispute_id)
    if dispute["status"] == "RESOLVED":
        raise Refusal(422, "UNPROCESSABLE_ENTITY", "DISPUTE_ALREADY_RESOLVED")
    if dispute["status"] != "WAITING_FOR_SELLER_RESPONSE":
        raise Refusal(422, "UNPROCESSABLE_ENTITY", "ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE")
    return dispute
