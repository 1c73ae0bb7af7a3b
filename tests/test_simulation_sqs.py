"""What the simulator's queues do with a message is what moto's do, by the template's own queues."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import boto3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courant import aws
from desk.stack import Stack
from desk.stack import queues as waiting
from desk.stack.queues import Pump
from desk.stack.template import EventSource
from tests.conftest import HandClock
from tests.simulation.seams import Chaos, Queue, Queues
from tests.simulation.world import MINUTE, START, Invocation, World

VISIBLE_AGAIN = timedelta(minutes=18)
# Longer than a delay and all receives together.
LONG_ENOUGH = timedelta(hours=3)
MICROSECOND = timedelta(microseconds=1)  # the simulator counts in these


@dataclass(frozen=True, slots=True)
class Sent:
    """A message: how long it is to wait (s), and how often its handler fails before it passes."""

    delay: int
    failures: int


@dataclass(slots=True)
class Seen:
    """What came of the messages. ``early``: those received before their delay was over."""

    received: Counter[int] = field(default_factory=Counter)
    passed: Counter[int] = field(default_factory=Counter)
    early: set[int] = field(default_factory=set)

    def take(self, body: Mapping[str, Any], waited: timedelta, messages: list[Sent]) -> None:
        """A handler that fails as often as its message says."""
        number = body["number"]
        message = messages[number]
        self.received[number] += 1
        if waited < timedelta(seconds=message.delay):
            self.early.add(number)
        if self.received[number] <= message.failures:
            raise RuntimeError("as it was to")
        self.passed[number] += 1


def send(sqs: Any, url: str, messages: list[Sent]) -> None:
    """As a walk nudges itself, or compose all chunks."""
    for delay in sorted({message.delay for message in messages}):
        bodies = [{"number": n} for n, one in enumerate(messages) if one.delay == delay]
        aws.send_all(sqs, url, bodies, delay=delay)


def simulated(messages: list[Sent]) -> tuple[Seen, set[int]]:
    """What the simulator makes of them, and the dead letters."""
    world, seen = World(1), Seen()
    queues = Queues(world, Chaos())

    def handle(me: Invocation, body: dict[str, Any]) -> None:
        del me
        seen.take(body, world.clock() - START, messages)

    queues.queues["chunks"] = Queue(
        "deliver", handle, timeout=3 * MINUTE, visibility=VISIBLE_AGAIN // MICROSECOND
    )
    # Whoever sends is an invocation, as in AWS.
    world.invoke("compose", lambda _: send(queues, "chunks", messages), MINUTE)
    world.run(until=LONG_ENOUGH // MICROSECOND)
    assert queues.waiting == 0
    return seen, {body["number"] for _, body in queues.dead_letters}


def on_moto(stack: Stack, clock: HandClock, messages: list[Sent]) -> tuple[Seen, set[int]]:
    """What moto's queue makes of them, handed out as the local stack does."""
    seen, queue = Seen(), stack.queue("chunks")
    began: datetime = clock.at

    def invoke(name: str, event: dict[str, Any]) -> None:
        assert name == "deliver"
        (record,) = event["Records"]
        seen.take(json.loads(record["body"]), clock.at - began, messages)

    send(boto3.client("sqs"), queue.url, messages)
    source = EventSource(
        function="deliver", queue="ChunksQueue", batch_size=1, partial_failures=False
    )
    pump = Pump([source], {"ChunksQueue": queue}, invoke)
    for _ in range(3):
        pump.run(duplicate=False, only=None, limit=1_000)
        clock.at += LONG_ENOUGH / 4
    assert queue.messages() == ()
    dead = {json.loads(body)["number"] for body in queue.dead()}
    waiting.Queue(queue.dead_url, queue.dead_url).clear()
    return seen, dead


MESSAGES = st.lists(
    st.builds(Sent, delay=st.sampled_from([0, 30, 900]), failures=st.integers(0, 6)),
    min_size=1,
    max_size=13,  # more than SQS takes at once
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(MESSAGES)
def test_the_queues_hand_out_alike(stack: Stack, clock: HandClock, messages: list[Sent]) -> None:
    ours, moto = simulated(messages), on_moto(stack, clock, messages)

    assert ours == moto
    seen, dead = ours
    assert not seen.early
    assert set(seen.passed) | dead == set(range(len(messages)))
