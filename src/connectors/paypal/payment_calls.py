"""What is asked of PayPal, one request after the other, for each operation on a payment.

A look at the payment's order comes before every repeat: PayPal keeps our key in each object's invoice id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from connectors.paypal import answers, requests
from connectors.paypal.amounts import magnitude
from connectors.paypal.answers import refunds_of
from connectors.paypal.exchange import Exchange, problem_of
from connectors.paypal.issues import ALREADY, DECLINES, OURS_ALONE, PAYER_ACTION_REQUIRED, Problem, refused, unknown
from connectors.paypal.orders import ORDER, Order
from connectors.paypal.payment_methods import TOKEN
from connectors.paypal.references import link_name
from connectors.paypal.request import Request, amount, get, rejected
from connectors.paypal.session import Reply
from connectors.spi.decoding import decode
from connectors.spi.operations import Answer, Call
from orchestratorx_prism.errors import PrismError
from orchestratorx_prism.v1.money_pb2 import Money

SavedKind = Callable[[Exchange, str], Awaitable[str]]
"""(exchange, id of a saved method) → what it is: "card", "paypal"."""
_REFUNDABLE = frozenset({"COMPLETED", "PARTIALLY_REFUNDED"})


async def authorize(exchange: Exchange, call: Call, saved_kind: SavedKind) -> Answer:
    """Makes the order. One with a token or a saved method takes or reserves the money at once."""
    saved = requests.saved_method(call)
    requests.create_order(call, "card" if saved else "")  # what is wrong with it is told before anybody is asked
    request = requests.create_order(call, await saved_kind(exchange, saved) if saved else "")
    reply = await exchange.ask(request)
    if reply.status < 300:
        return answers.order_answer(call, reply.body)
    return _not_done(exchange, call, reply, "")


async def saved_kind(exchange: Exchange, method_id: str) -> str:
    """What a saved method is, in PayPal's word for a payment source; empty if PayPal does not say."""
    found = decode(TOKEN, (await _good(exchange, get(f"{requests.PAYMENT_TOKENS}/{method_id}"))).body)
    return next(iter(found.payment_source or {}), "")


async def confirm(exchange: Exchange, call: Call) -> Answer:
    """Takes or reserves the money of the order that the payer approved; if that is done, says what was done."""
    order_id = requests.confirmed_order(call)
    found = await _good(exchange, get(requests.order_path(call.payment)))
    order = decode(ORDER, found.body)
    if order.status == "COMPLETED":
        return answers.order_answer(call, found.body)
    reply = await exchange.ask(requests.confirm_order(call, order_id, (order.intent or "").upper()))
    if reply.status < 300:
        return answers.order_answer(call, reply.body)
    if problem_of(reply).issue in ALREADY and (made := await confirmed(exchange, call)):
        return made
    return _not_done(exchange, call, reply, order_id)


async def confirmed(exchange: Exchange, call: Call) -> Answer | None:
    """What was done with the order's money; None if nothing was."""
    requests.confirmed_order(call)
    found = await _good(exchange, get(requests.order_path(call.payment)))
    return answers.order_answer(call, found.body) if decode(ORDER, found.body).status == "COMPLETED" else None


async def capture(exchange: Exchange, call: Call) -> Answer:
    """Takes part or all of the authorization."""
    reply = await exchange.ask(requests.capture(call))
    if reply.status < 300:
        return answers.capture_answer(call, reply.body)
    problem = problem_of(reply)
    if (exchange.repeated or problem.issue in ALREADY) and (found := await capture_made(exchange, call)):
        return found
    raise _no(exchange, problem)


async def capture_made(exchange: Exchange, call: Call) -> Answer | None:
    """The capture that this call has made, if PayPal knows one."""
    path = requests.order_path(call.payment)
    return answers.capture_found(call, (await _good(exchange, get(path))).body) if path else None


async def void(exchange: Exchange, call: Call) -> Answer:
    """Releases the authorization."""
    reply = await exchange.ask(requests.void(call))
    if reply.status < 300:
        return answers.void_answer(call, reply.body)
    problem = problem_of(reply)
    if exchange.repeated and problem.issue in ALREADY and (found := await void_made(exchange, call)):
        return found
    raise _no(exchange, problem)


async def void_made(exchange: Exchange, call: Call) -> Answer | None:
    """The release, if the authorization is released. None while it stands."""
    found = await _good(exchange, get(requests.authorization_path(call.payment)))
    answer = answers.polled_authorization(call, found.body)
    return answers.void_answer(call, found.body) if answer.events[0].type == "payment.voided" else None


async def refund(exchange: Exchange, call: Call) -> Answer:
    """Returns part or all of a capture: of the one, or of the smallest that has as much left."""
    wanted = requests.refund_amount(call)
    amount(wanted, "amount")
    captures = requests.references(call.payment, "capture") if call.payment is not None else []
    if not captures:
        raise rejected("payment_id", "the payment has no PayPal capture to refund")
    capture_id = captures[0]
    if len(captures) > 1 and (path := requests.order_path(call.payment)):
        order_body = (await _good(exchange, get(path))).body
        if found := answers.refund_found(call, order_body):
            return found
        capture_id = _capture_with(order_body, wanted)
    reply = await exchange.ask(requests.refund(call, capture_id, wanted))
    if reply.status < 300:
        return answers.refund_answer(call, reply.body)
    problem = problem_of(reply)
    if (exchange.repeated or problem.issue in ALREADY) and (made := await refund_made(exchange, call)):
        return made
    raise _no(exchange, problem)


async def refund_made(exchange: Exchange, call: Call) -> Answer | None:
    """The refund that this call has made, if PayPal knows one."""
    path = requests.order_path(call.payment)
    return answers.refund_found(call, (await _good(exchange, get(path))).body) if path else None


async def refresh(exchange: Exchange, call: Call) -> Answer:
    """Asks how the payment is now."""
    if path := requests.order_path(call.payment):
        return answers.polled_answer(call, (await _good(exchange, get(path))).body)
    if path := requests.authorization_path(call.payment):
        return answers.polled_authorization(call, (await _good(exchange, get(path))).body)
    raise rejected("payment_id", "the payment has no PayPal order and no authorization to ask about")


def _no(exchange: Exchange, problem: Problem) -> PrismError:
    """A refusal, if it is one: it may be what PayPal says to a repeat of what it has done."""
    if problem.issue in OURS_ALONE or (exchange.repeated and problem.issue in ALREADY):
        return unknown(f"PayPal says {problem.issue} to a request of ours")
    return refused(problem)


async def _good(exchange: Exchange, request: Request) -> Reply:
    """A question's answer, if it is no error."""
    reply = await exchange.ask(request)
    if reply.status >= 300:
        raise refused(problem_of(reply))
    return reply


def _not_done(exchange: Exchange, call: Call, reply: Reply, order_id: str) -> Answer:
    """What a refused payment means: declined, or the payer has more to do, or our request was wrong."""
    problem = problem_of(reply)
    if problem.issue in DECLINES:
        return answers.declined_answer(call, problem, reply.body, order_id)
    if problem.issue == PAYER_ACTION_REQUIRED and (
        answer := answers.action_answer(call, problem, reply.body, order_id)
    ):
        return answer
    raise _no(exchange, problem)


def _capture_with(order_body: bytes, wanted: Money) -> str:
    """The capture of an order that is refunded: the smallest that has this much left.

    Raises:
        RequestRejected: None has. PayPal refunds one capture at a time.
    """
    order: Order = decode(ORDER, order_body)
    left: dict[str, int] = {}
    for _, kind, operation in order.operations():
        taken = magnitude(operation.amount)
        if kind == "capture" and operation.id and operation.status in _REFUNDABLE and taken is not None:
            left[operation.id] = taken.minor_units
    for made in refunds_of(order_body):
        taken = magnitude(made.amount)
        names = [found[1] for link in made.links or () if (found := link_name(link)) and found[0] == "capture"]
        for name in names:
            if name in left and taken is not None and made.status not in {"FAILED", "CANCELLED"}:
                left[name] -= taken.minor_units
    enough = sorted((minor, name) for name, minor in left.items() if minor >= wanted.minor_units)
    if not enough:
        largest = max(left.values(), default=0)
        raise rejected("amount", f"PayPal refunds one capture at a time; at most {largest} minor units are left of one")
    return enough[0][1]
