"""What is asked of PayPal for payouts, disputes, saved methods and subscriptions."""

from __future__ import annotations

import asyncio

from connectors.paypal import answers_other as answers
from connectors.paypal import requests_other as requests
from connectors.paypal.answers_other import PAYOUT_BATCH
from connectors.paypal.billing import SUBSCRIPTION
from connectors.paypal.disputes import DISPUTE
from connectors.paypal.exchange import Exchange, problem_of
from connectors.paypal.issues import refused, unknown
from connectors.paypal.request import Request, get
from connectors.paypal.session import Reply
from connectors.spi.decoding import decode
from connectors.spi.operations import Answer, Call
from orchestratorx_prism.v1.error_pb2 import FailureCategory

PAYOUT_LISTED_AFTER_S = (0.0, 0.5, 1.0, 2.0)
"""Pauses between questions for a payout's item: PayPal makes it after it has answered."""
_NOT_FOUND = 404
_ANSWERED = frozenset({"UNDER_REVIEW", "WAITING_FOR_BUYER_RESPONSE", "RESOLVED"})


async def create_payout(exchange: Exchange, call: Call) -> Answer:
    """Sends the money; if PayPal has the batch already, says what became of it."""
    reply = await exchange.ask(requests.payout(call))
    if reply.status < 300:
        header = decode(PAYOUT_BATCH, reply.body).batch_header
        return await _listed_payout(exchange, call, (header.payout_batch_id if header else "") or "")
    problem = problem_of(reply)
    original = problem.link("self").rpartition("/")[2]
    if problem.name == "USER_BUSINESS_ERROR" and original:
        return await _listed_payout(exchange, call, original)
    failure = problem.failure()
    if failure.category == FailureCategory.FAILURE_CATEGORY_INSUFFICIENT_FUNDS:
        return answers.payout_declined(call, problem, reply.body)
    raise refused(problem)


async def accept_dispute(exchange: Exchange, call: Call) -> Answer:
    """The merchant pays the payer back."""
    await _good(exchange, requests.accept_claim(call))
    return answers.dispute_answer(call, await _looked_up(exchange, requests.dispute(call)), "dispute.accepted")


async def dispute_accepted(exchange: Exchange, call: Call) -> Answer | None:
    """The dispute, if it is resolved."""
    body = (await _good(exchange, requests.dispute(call))).body
    return (
        answers.dispute_answer(call, body, "dispute.accepted") if decode(DISPUTE, body).status == "RESOLVED" else None
    )


async def submit_evidence(exchange: Exchange, call: Call) -> Answer:
    """Hands in texts and documents."""
    await _good(exchange, requests.evidence(call))
    body = await _looked_up(exchange, requests.dispute(call))
    return answers.dispute_answer(call, body, "dispute.evidence_submitted")


async def evidence_submitted(exchange: Exchange, call: Call) -> Answer | None:
    """The dispute, if the merchant has answered."""
    body = (await _good(exchange, requests.dispute(call))).body
    if decode(DISPUTE, body).status not in _ANSWERED:
        return None
    return answers.dispute_answer(call, body, "dispute.evidence_submitted")


async def save_method(exchange: Exchange, call: Call) -> Answer:
    """Saves what a setup token stands for."""
    return answers.saved_answer(call, (await _good(exchange, requests.save_method(call))).body)


async def show_method(exchange: Exchange, call: Call) -> Answer:
    """One saved method."""
    return answers.method_answer((await _good(exchange, get(requests.method_path(call)))).body)


async def list_methods(exchange: Exchange, call: Call) -> Answer:
    """A page of a customer's saved methods."""
    request, page = requests.methods(call)
    return answers.methods_answer((await _good(exchange, request)).body, page)


async def forget_method(exchange: Exchange, call: Call) -> Answer:
    """Forgets a saved method."""
    await _good(exchange, Request("DELETE", requests.method_path(call)))
    return answers.forgotten_answer(call)


async def method_forgotten(exchange: Exchange, call: Call) -> Answer | None:
    """The method that was, if it is no more."""
    return answers.forgotten_answer(call) if await _is_gone(exchange, requests.method_path(call)) else None


async def ask_consent(exchange: Exchange, call: Call) -> Answer:
    """Asks the payer to let the merchant charge them later."""
    return answers.consent_asked(call, (await _good(exchange, requests.ask_consent(call))).body)


async def revoke_consent(exchange: Exchange, call: Call) -> Answer:
    """Ends a mandate: the saved method that stands for it is forgotten."""
    await _good(exchange, Request("DELETE", requests.mandate_path(call)))
    return answers.consent_revoked(call)


async def consent_revoked(exchange: Exchange, call: Call) -> Answer | None:
    """The mandate that was, if it is no more."""
    return answers.consent_revoked(call) if await _is_gone(exchange, requests.mandate_path(call)) else None


async def create_subscription(exchange: Exchange, call: Call) -> Answer:
    """Begins a subscription."""
    return answers.subscription_made(call, (await _good(exchange, requests.subscription(call))).body)


async def show_subscription(exchange: Exchange, call: Call) -> Answer:
    """A subscription as it is."""
    return answers.subscription_answer((await _good(exchange, get(requests.subscription_path(call)))).body)


async def update_subscription(exchange: Exchange, call: Call) -> Answer:
    """Changes plan or quantity, which the payer may have to approve."""
    revised = await _good(exchange, requests.revise(call))
    body = await _looked_up(exchange, get(requests.subscription_path(call)))
    return answers.subscription_revised(call, body, answers.approval(revised.body))


async def subscription_updated(exchange: Exchange, call: Call) -> Answer | None:
    """The subscription, if it is as it was to be."""
    requests.revise(call)
    body = (await _good(exchange, get(requests.subscription_path(call)))).body
    return answers.subscription_revised(call, body, None) if answers.is_as_asked(call, body) else None


async def cancel_subscription(exchange: Exchange, call: Call) -> Answer:
    """Ends a subscription at once."""
    await _good(exchange, requests.cancel(call))
    return answers.subscription_ended(call, await _looked_up(exchange, get(requests.subscription_path(call))))


async def subscription_canceled(exchange: Exchange, call: Call) -> Answer | None:
    """The subscription, if it is over."""
    body = (await _good(exchange, get(requests.subscription_path(call)))).body
    return answers.subscription_ended(call, body) if decode(SUBSCRIPTION, body).status == "CANCELLED" else None


async def _listed_payout(exchange: Exchange, call: Call, batch_id: str) -> Answer:
    """The payout, once PayPal lists it.

    Raises:
        OutcomeUnknown: PayPal has the batch, and does not say in time which payout is in it.
    """
    for pause_s in PAYOUT_LISTED_AFTER_S:
        await asyncio.sleep(pause_s)
        body = await _looked_up(exchange, requests.payout_batch(batch_id))
        if answer := answers.payout_answer(call, body, decode(PAYOUT_BATCH, body)):
            return answer
    raise unknown("PayPal has the payout, and has not listed it yet")


async def _looked_up(exchange: Exchange, question: Request) -> bytes:
    """What something is like after we changed it. What was done is done, whether or not this is answered."""
    exchange.lost = True
    reply = await exchange.ask(question)
    if reply.status >= 300:
        raise unknown(f"PayPal answered {problem_of(reply).code} to a question about what it has done")
    exchange.lost = False
    return reply.body


async def _is_gone(exchange: Exchange, path: str) -> bool:
    reply = await exchange.ask(get(path))
    if reply.status == _NOT_FOUND:
        return True
    if reply.status >= 300:
        raise refused(problem_of(reply))
    return False


async def _good(exchange: Exchange, request: Request) -> Reply:
    reply = await exchange.ask(request)
    if reply.status >= 300:
        raise refused(problem_of(reply))
    return reply
