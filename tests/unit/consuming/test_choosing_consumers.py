"""Which stream consumers a worker runs: the decorated functions themselves may be named."""

from __future__ import annotations

from typing import Any

import pytest

from orchestratorx_prism import StreamEvent, stream_consumer
from orchestratorx_prism.consuming.retrying import RetryPolicy
from orchestratorx_prism.consuming.streams import StreamConsumer, consumer_of
from orchestratorx_prism.errors import RequestRejected


@stream_consumer("payments.events", name="choosing-orders")
def on_event(event: StreamEvent, session: Any) -> None: ...


def test_a_decorated_function_is_what_it_was_registered_as() -> None:
    chosen = consumer_of(on_event)
    assert (chosen.name, chosen.stream, chosen.handler) == ("choosing-orders", "payments.events", on_event)


def test_one_made_by_hand_is_what_it_is() -> None:
    made = StreamConsumer("payments.events", "by-hand", on_event, RetryPolicy())
    assert consumer_of(made) is made


def test_a_function_that_was_not_decorated_is_refused_by_name() -> None:
    with pytest.raises(RequestRejected, match="test_a_function_that_was_not_decorated"):
        consumer_of(test_a_function_that_was_not_decorated_is_refused_by_name)
