"""The blocking clients: same names, same answers, any thread."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from orchestratorx_prism import NotFound, RequestRejected, SignatureRejected, clients, sync
from orchestratorx_prism.clients import _generated, events
from orchestratorx_prism.clients.blocking import Background, background
from orchestratorx_prism.wrappers import HandledEvent

PAIRS = [
    (events.EventClient, sync.EventClient),
    (_generated.PaymentClient, sync.PaymentClient),
    (_generated.RefundClient, sync.RefundClient),
    (_generated.DisputeClient, sync.DisputeClient),
]


@pytest.fixture
def client(fake: Any) -> Iterator[sync.EventClient]:
    """A blocking client; the fake serves on the test's own loop, so calls are made in another thread."""
    with sync.EventClient(connector="stripe", target=fake.target, api_key="key-1") as made:
        yield made


async def test_a_blocking_client_answers_as_the_asynchronous_one(client: sync.EventClient, fake: Any) -> None:
    event = await asyncio.to_thread(client.handle_event, {"payload": b"id-1", "headers": {}})
    assert event["data"]["merchant_transaction_id"] == "order-1"
    assert fake.metadata[0]["x-api-key"] == "key-1"
    with pytest.raises(SignatureRejected):
        await asyncio.to_thread(client.handle_event, payload=b"forged")
    with pytest.raises(NotFound):
        await asyncio.to_thread(client.get_event, "none")
    results = await asyncio.to_thread(client.batch_handle_events, [{"payload": b"a"}, {"payload": b"forged"}])
    assert [type(result) for result in results] == [HandledEvent, SignatureRejected]
    (parsed,) = await asyncio.to_thread(client.parse_event, payload=b"x")
    assert parsed.type == "payment.captured"
    assert (await asyncio.to_thread(client.replay_events, event_ids=["a"])).replayed == 1


async def test_streams_and_pages_are_plain_iterators(client: sync.EventClient, fake: Any) -> None:
    def webhooks() -> Iterator[dict[str, bytes]]:
        yield {"payload": b"a"}
        yield {"payload": b"forged"}

    answers = await asyncio.to_thread(lambda: list(client.handle_events(webhooks())))
    assert [type(answer) for answer in answers] == [HandledEvent, SignatureRejected]
    fake.pages = {"": (["a"], "t"), "t": (["b"], "")}
    assert (await asyncio.to_thread(client.list_events)).next_page_token == "t"
    assert [e.id for e in await asyncio.to_thread(lambda: list(client.iterate_events()))] == ["a", "b"]
    fake.subscriptions = [[("a", "1"), ("b", "2")]]
    assert [e.cursor for e in await asyncio.to_thread(lambda: list(client.subscribe_events()))] == ["1", "2"]
    fake.subscriptions = [[("a", "1"), ("b", "2")]]
    assert (await asyncio.to_thread(_first, client)).id == "a"


def _first(client: sync.EventClient) -> Any:
    for event in client.subscribe_events(cursor="0"):
        return event
    raise AssertionError("the stream was empty")


async def test_generated_twins_work_and_share_a_transport(client: sync.EventClient, fake: Any) -> None:
    payments = sync.PaymentClient(transport=client.transport)
    assert (await asyncio.to_thread(payments.get, payment_id="pay_1")).payment.id == "pay_1"
    fake.pages = {"": (["a"], "t"), "t": (["b"], "")}
    assert [p.id for p in await asyncio.to_thread(lambda: list(payments.iterate()))] == ["a", "b"]
    await asyncio.to_thread(payments.close)
    assert await asyncio.to_thread(client.get_event, "still open")


async def test_many_threads_share_one_loop(client: sync.EventClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(pool, client.get_event, f"id-{i}") for i in range(32)]
        assert [event.id for event in await asyncio.gather(*calls)] == [f"id-{i}" for i in range(32)]
    assert [t.name for t in threading.enumerate()].count("orchestratorx-prism") == 1


async def test_it_works_inside_a_running_loop() -> None:
    """As in Jupyter: the caller's own loop runs, and waits."""

    async def answer() -> str:
        await asyncio.sleep(0)
        return "answered"

    assert background.run(answer()) == "answered"


def test_a_call_from_the_background_thread_itself_is_an_error_and_no_deadlock() -> None:
    async def nested() -> None:
        background.run(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match="asynchronous one"):
        background.run(nested())


def test_an_interrupted_wait_cancels_the_call() -> None:
    canceled = threading.Event()
    main = threading.main_thread().ident or 0

    async def endless() -> None:
        while sys._current_frames()[main].f_code.co_name != "wait":  # noqa: ASYNC110 (of another thread)
            await asyncio.sleep(0.001)
        signal.pthread_kill(main, signal.SIGINT)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            canceled.set()
            raise

    with pytest.raises(KeyboardInterrupt):
        background.run(endless())
    assert canceled.wait(5)


def test_a_forked_child_and_a_stopped_process_start_anew() -> None:
    own = Background()
    first = own.loop()
    own.stop()
    assert not first.is_running()
    own.forget()
    assert own.run(asyncio.sleep(0, "again")) == "again"
    assert own.loop() is not first
    own.stop()
    first.close()
    own.loop().close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_of_a_fork_forgets_the_parents_thread() -> None:
    background.run(asyncio.sleep(0))
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later: a process with threads forks
        child = os.fork()
    if child == 0:
        os.write(writing, b"%d" % (background._thread is None))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 1) == b"1"
    os.close(reading)
    os.close(writing)


def test_a_mistake_is_refused_like_in_the_asynchronous_client() -> None:
    with sync.EventClient(target="127.0.0.1:5") as client, pytest.raises(RequestRejected):
        client.handle_event({"payload": {"parsed": "body"}})
    assert repr(client) == "<blocking EventClient at 127.0.0.1:5>"


def _public(cls: type) -> dict[str, Any]:
    found = inspect.getmembers(cls, lambda member: callable(member) or isinstance(member, property))
    return {name: member for name, member in found if not name.startswith("_")}


@pytest.mark.parametrize(("asynchronous", "blocking"), PAIRS, ids=lambda cls: cls.__module__)
def test_twins_have_the_same_methods_with_the_same_arguments(asynchronous: type, blocking: type) -> None:
    ours, theirs = _public(asynchronous), _public(blocking)
    ours["close"] = ours.pop("aclose")
    assert ours.keys() - {"service"} == theirs.keys()
    for name, method in ours.items():
        if not isinstance(method, property):
            assert list(inspect.signature(method).parameters) == list(inspect.signature(theirs[name]).parameters)
    made, twin = inspect.signature(asynchronous), inspect.signature(blocking)
    assert made.parameters == twin.parameters


@pytest.mark.parametrize(("asynchronous", "blocking"), PAIRS, ids=lambda cls: cls.__module__)
def test_every_rpc_has_a_method_with_a_docstring(asynchronous: Any, blocking: type) -> None:
    from google.protobuf.descriptor_pool import Default

    from orchestratorx_prism.v1 import (  # noqa: F401 - they register the services
        dispute_service_pb2,
        event_service_pb2,
        payment_service_pb2,
        refund_service_pb2,
    )

    service = Default().FindServiceByName(asynchronous.service)
    for method in service.methods:
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in method.name).lstrip("_")
        for cls in (asynchronous, blocking):
            assert inspect.getdoc(getattr(cls, name)), f"{cls.__name__}.{name}"


def test_generated_docstrings_say_what_the_protos_say() -> None:
    doc = inspect.getdoc(_generated.PaymentClient.capture) or ""
    assert doc.startswith("Takes part or all of an authorized payment.")
    assert "payment_id: Ours." in doc
    assert "request_id: The caller's idempotency key" in doc
    assert inspect.getdoc(clients._generated_sync.PaymentClient.capture) == doc


CLIENT = """
import queue
from orchestratorx_prism.sync import EventClient
from orchestratorx_prism.testing import signed_webhook
client = EventClient(connector="stripe")
webhook = signed_webhook("stripe", "payment_intent.succeeded", secret="whsec_x").request()
"""
SUBSCRIPTION = """
client.handle_event(webhook)
events = client.subscribe_events(cursor="0")
print(next(events).type)
"""
FEED = """
waiting = queue.Queue()
waiting.put(webhook)
for event in client.handle_events(iter(waiting.get, None)):
    print(event.type)
    break
"""


@pytest.mark.parametrize("ending", [SUBSCRIPTION, FEED], ids=["a subscription", "a feed that waits"])
def test_what_nobody_ended_does_not_hold_up_the_exit(ending: str) -> None:
    program = CLIENT + ending
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("payment.captured\n", "")


def test_a_call_while_the_process_exits_is_an_error_and_no_deadlock() -> None:
    own = Background()
    loop = own.loop()
    own.stop()
    with pytest.raises(RuntimeError, match="exit"):
        own.run(asyncio.sleep(0))
    loop.close()


async def test_what_a_feed_raises_comes_out_after_its_answers(client: sync.EventClient) -> None:
    def feed() -> Iterator[dict[str, bytes]]:
        yield {"payload": b"a"}
        raise ZeroDivisionError("the application's own")

    seen: list[Any] = []

    def one_by_one() -> None:
        for answer in client.handle_events(feed()):
            seen.append(answer)  # noqa: PERF402 - what came before the failure counts

    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(one_by_one)
    assert [type(answer) for answer in seen] == [HandledEvent]
