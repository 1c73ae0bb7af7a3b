"""Every AWS call of an edition × each way in which it can go wrong, on the whole local stack.

The real handlers run over moto. Each call of the scenario is broken once: it fails before AWS hears
of it, AWS does it and the reply is lost, it is throttled, or the sandbox is killed after it. Then
all is run to rest, and the promise must hold. Calls that differ only in their data are broken the
first and the last time they are made.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends

from courant import log
from courant.delivery.ledger import DeliveryState
from courant.editions.model import EditionState
from courant.schedule import EditionId
from desk.stack import Call, Killed, Stack, functions, queues
from desk.stack.template import ACCOUNT, REGION
from desk.stack.template import functions as all_functions
from tests.conftest import HandClock
from tests.newsroom import Newsroom

pytestmark = pytest.mark.exhaustive

EDITION = EditionId.parse("morning/daily/2026-11-22")
ENDED = frozenset({EditionState.SENT, EditionState.SENT_WITH_UNRESOLVED})
READERS = 2
URL = "https://aws.example.org"
Record = Callable[[str, object], None]
Site = tuple[object, ...]


def refusal(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # as much of it as is read
        "Call",
    )


_THROTTLED = {
    "dynamodb": refusal("ProvisionedThroughputExceededException", 400),
    "s3": refusal("SlowDown", 503),
    "secretsmanager": refusal("ThrottlingException", 400),
    "sesv2": refusal("TooManyRequestsException", 429),
    "sqs": refusal("RequestThrottled", 403),
}
# What the handler gets, and whether AWS did the call.
KINDS: dict[str, tuple[str, Callable[[Call], BaseException]]] = {
    "fails": ("before", lambda _: EndpointConnectionError(endpoint_url=URL)),
    "reply lost": ("after", lambda _: ReadTimeoutError(endpoint_url=URL)),
    "throttled": ("before", lambda call: _THROTTLED[call.service]),
    "killed": ("after", lambda _: Killed()),
}


class Scene:
    """A stack at an edition's minute, to which it can be brought back."""

    def __init__(self, stack: Stack, clock: HandClock) -> None:
        self.stack, self.clock = stack, clock
        self.newsroom = Newsroom(stack, clock)
        self.newsroom.to(5, 40)
        self.newsroom.found()
        stack.tick()
        self.newsroom.subscribe(READERS)
        self.newsroom.bring(2)
        self.newsroom.to(6)
        self._start = clock.at
        tables = dynamodb_backends[ACCOUNT][REGION].tables
        self._items = {name: copy.deepcopy(table.items) for name, table in tables.items()}
        buckets = s3_backends[ACCOUNT]["aws"].buckets
        self._keys = {name: set(bucket.keys) for name, bucket in buckets.items()}

    def set(self) -> None:
        """Everything as it was at the edition's minute."""
        self.clock.at = self._start
        for name, table in dynamodb_backends[ACCOUNT][REGION].tables.items():
            table.items = copy.deepcopy(self._items[name])
        for name, bucket in s3_backends[ACCOUNT]["aws"].buckets.items():
            for key in set(bucket.keys) - self._keys[name]:
                bucket.keys.pop(key)
        for queue in self.stack._queues.values():
            queue.clear()
            queues._inside(queue.dead_url).clear()
        self.stack.calls.mails.clear()
        self.stack.calls.before = self.stack.calls.after = None

    def play(self, when: str, hook: Callable[[Call], None], *, cold: bool = False) -> None:
        """Run the edition to rest under a fault, and hold it to the promise.

        ``cold``: in sandboxes that are wired anew, which costs more than all the rest.
        """
        self.set()
        if cold:
            functions.forget(all_functions().values())
        setattr(self.stack.calls, when, hook)
        told = 0
        # Leases run out after minutes, the grace after a quarter of an hour.
        for minutes in (1, 5, 5, 25, 5, 5, 5):
            try:
                self.stack.tick()
            except (Killed, ClientError, BotoCoreError):
                log.event("beat", status="died")  # Scheduler simply comes again in a minute
            self.stack.pump()
            for mail in self.stack.mails()[told:]:
                told += 1
                # Of one reader SES's events come, of the other they are lost.
                if mail.to == ("reader0@example.com",):
                    self.stack.put_event(
                        {
                            "eventType": "Delivery",
                            "mail": {
                                "messageId": mail.message_id,
                                "tags": {name: [value] for name, value in mail.tags.items()},
                            },
                        }
                    )
            self.stack.pump()
            self.clock.advance(minutes=minutes)
            edition = self.newsroom.editions.get(EDITION)
            if edition and edition.state in ENDED:
                break
        self.hold()

    def hold(self) -> None:
        """Nobody twice, everybody accounted for, unresolved only where the fate was cut off."""
        newsroom = self.newsroom
        counts, mailed = newsroom.counts(), newsroom.mailed()
        state = newsroom.edition().state
        assert state in ENDED
        assert not mailed or max(mailed.values()) == 1
        assert sum(record.members for record in newsroom.pressings()) == counts.total == READERS
        assert counts.sent <= len(mailed) <= counts.sent + counts.unresolved
        assert (state is EditionState.SENT) == (counts.unresolved == 0)
        rows = {row.state for row in newsroom.rows().values()}
        assert rows <= {DeliveryState.SENT, DeliveryState.UNRESOLVED}
        assert len(newsroom.rows()) == READERS


@pytest.fixture
def scene(stack: Stack, clock: HandClock) -> Scene:
    return Scene(stack, clock)


def site(call: Call) -> Site:
    """What a call asks for, without its data: calls of one site differ in nothing that matters."""
    return (call.function, call.service, call.operation, *_asked(call.params))


def _asked(params: Any) -> Iterator[object]:
    for name in ("TableName", "IndexName", "QueueUrl", "Bucket"):
        yield params.get(name)
    for name in ("UpdateExpression", "KeyConditionExpression", "ConditionExpression"):
        yield str(params.get(name)) if isinstance(params.get(name), str) else name in params
    key = params.get("Key") or params.get("Item") or {}
    yield str(key["PK"]).partition("#")[0] if isinstance(key, dict) and "PK" in key else ""
    yield str(key).partition("/")[0] if isinstance(key, str) else ""
    for each in params.get("TransactItems", ()):
        for kind, inner in each.items():
            yield kind
            yield from _asked(inner)


def counted(scene: Scene, *, cold: bool) -> Counter[Site]:
    """The calls of an undisturbed edition: how often each site makes one."""
    made: list[Site] = []
    scene.play("before", lambda call: made.append(site(call)), cold=cold)
    return Counter(made)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_befalls_a_call_the_promise_holds(
    kind: str, scene: Scene, record_property: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "event", lambda *_, **__: None)
    monkeypatch.setattr(log, "error", lambda *_, **__: None)
    made = counted(scene, cold=True)
    warm = counted(scene, cold=False)
    when, error = KINDS[kind]
    pairs = 0
    for place, often in made.items():
        for which in {1, often}:
            pairs += 1
            left = [which]

            def hook(call: Call, left: list[int] = left, place: Site = place) -> None:
                if site(call) == place:
                    left[0] -= 1
                    if left[0] == 0:
                        raise error(call)

            try:
                scene.play(when, hook, cold=warm[place] < which)
            except AssertionError as failure:
                raise AssertionError(f"{kind}, call {which} of {place}") from failure
            # AWS itself answered with an error (no such object), so there was no reply to lose.
            pairs -= left[0] > 0
    record_property(
        "figures",
        f"fault matrix: {kind}: an edition makes {made.total()} AWS calls from {len(made)} places;"
        f" {pairs} pairs of call and fault, and the promise holds after each",
    )
