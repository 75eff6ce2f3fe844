"""One payout, any facts in any order: one state, allowed transitions, and no more money back than was sent."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_events import make, money

from orchestrator.ledger.payouts import DECODE, ENCODE, STATUS_OF, PayoutRecord, apply_payout
from orchestratorx_prism.envelopes.payment_requests import STATUSES, TRANSITIONS, messages_of
from orchestratorx_prism.event_types import EVENT_TYPES
from orchestratorx_prism.v1.event_data_pb2 import PayoutData, PayoutStatus
from orchestratorx_prism.v1.event_pb2 import CAUSE_API_RESPONSE, CAUSE_WEBHOOK, Event


@dataclass(frozen=True)
class Fact:
    type: str
    at: int
    minor: int | None
    cause: int
    word: str
    reference: str
    code: str

    def event(self, key: int) -> Event:
        amount = {} if self.minor is None else {"amount": money(self.minor, "KES")}
        failure = {"failure": {"code": self.code}} if self.code else {}
        return make(
            self.type,
            f"{key}",
            at=self.at,
            refs=(),
            cause=self.cause,
            connector_payout_id="po_1",
            provider_status=self.word,
            merchant_payout_id=self.reference,
            **amount,
            **failure,
        )


FACTS = st.builds(
    Fact,
    st.sampled_from(sorted(STATUS_OF)),
    st.integers(0, 4),
    st.sampled_from([None, 100, 400, 1000]),
    st.sampled_from([CAUSE_WEBHOOK, CAUSE_API_RESPONSE]),
    st.sampled_from(["", "paid", "in_transit"]),
    st.sampled_from(["", "salary-1"]),
    st.sampled_from(["", "declined", "account_closed"]),
)


def lived(events: list[Event]) -> tuple[PayoutData, list[Event]]:
    """The payout's state after the events, without what depends on their order, and the events as completed."""
    record = PayoutRecord("pyo_1", "default", "stripe", 0)
    completed = []
    for event in events:
        copy = Event.FromString(event.SerializeToString())
        apply_payout(record, copy)
        record = DECODE(ENCODE(record))
        completed.append(copy)
    view = record.view()
    view.ClearField("request_status")
    return view, completed


def test_every_type_of_a_payout_has_a_status() -> None:
    assert set(STATUS_OF) == set(EVENT_TYPES["payout"])
    assert set(STATUS_OF.values()) == set(PayoutStatus.values()) - {0}


@settings(max_examples=300, deadline=None)
@given(st.lists(FACTS, min_size=1, max_size=7), st.integers(0, 2**32))
def test_any_facts_in_any_order_end_in_one_state(facts: list[Fact], seed: int) -> None:
    events = [fact.event(number) for number, fact in enumerate(facts)]
    shuffled = list(events)
    random.Random(seed).shuffle(shuffled)
    assert lived(events)[0] == lived(shuffled)[0] == lived(events + events)[0]


@settings(max_examples=300, deadline=None)
@given(st.lists(FACTS, min_size=1, max_size=9))
def test_whatever_comes_what_is_told_moves_by_allowed_transitions_only(facts: list[Fact]) -> None:
    _, completed = lived([fact.event(number) for number, fact in enumerate(facts)])
    numbers = {word: number for number, word in STATUSES.items()}
    messages = [message for event in completed for message in messages_of(event)]
    first, *rest = messages
    assert first.EVENT_TYPE == "PaymentRequestCreated"
    assert first.status in {"submitted", "submission_failed"}
    status = first.status
    for message in rest:
        if message.EVENT_TYPE == "PaymentRequestRefunded":
            assert message.status == status
            assert status not in {"failed", "submission_failed"}
        else:
            assert message.EVENT_TYPE == "PaymentRequestUpdated"
            assert numbers[message.status] in TRANSITIONS[numbers[status]]
        status = message.status


@settings(max_examples=300, deadline=None)
@given(st.lists(FACTS, min_size=1, max_size=9))
def test_no_more_is_told_to_have_come_back_than_was_sent(facts: list[Fact]) -> None:
    _, completed = lived([fact.event(number) for number, fact in enumerate(facts)])
    back = [event.payout.amount.minor_units for event in completed if event.payout.returned]
    stated = [fact.minor for fact in facts if fact.minor and fact.type != "payout.reversed"]
    if len(back) > 1:
        assert sum(back) <= max(stated), "the first is believed; a further one must fit beside it"


@given(st.lists(FACTS, min_size=1, max_size=5))
def test_before_and_after_follow_on_each_other(facts: list[Fact]) -> None:
    _, completed = lived([fact.event(number) for number, fact in enumerate(facts)])
    for before, after in itertools.pairwise(completed):
        assert after.payout.status_before == before.payout.status
        assert after.payout.request_status_before == before.payout.request_status
    assert completed[0].payout.status_before == completed[0].payout.request_status_before == 0
