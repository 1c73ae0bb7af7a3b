"""What stands where AWS would: tables, queues, the bucket, SES, each with its ways to fail."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, Protocol

from courant.delivery.allowance import Account
from courant.delivery.mailer import Accepted, NotSent, Outcome, Refused, Unknown
from courant.editions.pressing import Frozen
from courant.schedule import EditionId
from tests.simulation.expressions import Item
from tests.simulation.table import Key, MemoryTable
from tests.simulation.world import MILLI, MINUTE, SECOND, Invocation, Killed, World

# How a socket to SES may end without an answer: after 10 s, or when the connection breaks.
SOCKET = 13 * SECOND


class WatchedTable(MemoryTable):
    """A table whose every write somebody sees: (key, item before, item after)."""

    def __init__(self, name: str, **more: Any) -> None:
        super().__init__(name, **more)
        self.watch: Callable[[Key, Item | None, Item | None], None] | None = None

    def store(self, key: Key, item: Item | None) -> None:
        """As MemoryTable's."""
        if self.watch is not None:
            self.watch(key, self._item(key), item)
        super().store(key, item)


class SeamTable:
    """A table as the code has it: each call takes its time, and may fail."""

    def __init__(self, world: World, table: MemoryTable) -> None:
        self.name = table.name
        self._world = world
        self._table = table
        self.meta = SimpleNamespace(client=self)
        self._tokens = itertools.count()

    def put_item(self, **arguments: Any) -> Any:
        return self._world.call("put_item", self._table.put_item, arguments)

    def update_item(self, **arguments: Any) -> Any:
        return self._world.call("update_item", self._table.update_item, arguments)

    def get_item(self, **arguments: Any) -> Any:
        return self._world.call("get_item", self._table.get_item, arguments)

    def query(self, **arguments: Any) -> Any:
        return self._world.call("query", self._table.query, arguments)

    def transact_write_items(self, **arguments: Any) -> Any:
        # botocore makes a token for each call, and keeps it when it tries again.
        arguments["ClientRequestToken"] = f"{self.name}{next(self._tokens)}"
        write = self._table.meta.client.transact_write_items
        return self._world.call("transact_write_items", write, arguments)

    def batch_get_item(self, **arguments: Any) -> Any:
        return self._world.call("batch_get_item", self._table.meta.client.batch_get_item, arguments)

    @contextmanager
    def batch_writer(self, overwrite_by_pkeys: list[str] | None = None) -> Any:
        """Each put of a batch by itself: a batch is not written as one."""
        del overwrite_by_pkeys
        yield self


class Handler(Protocol):
    """What works on a queue's messages: ``(invocation, body)``."""

    def __call__(self, me: Invocation, body: dict[str, Any], /) -> object: ...


@dataclass(slots=True)
class Queue:
    """How long its function may take and a message stays hidden (µs), and how many run at once."""

    function: str
    handle: Handler
    timeout: int
    visibility: int
    most: int = 1000
    running: int = 0


@dataclass(slots=True)
class Chaos:
    """How likely queues lose, double or delay a message; ``until`` when (µs)."""

    lose: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    until: int = 0


class Queues:
    """SQS, as far as ``aws.send_all`` and Lambda's event source mapping use it."""

    MAX_RECEIVES = 5

    def __init__(self, world: World, chaos: Chaos) -> None:
        self._world = world
        self._chaos = chaos
        self.queues: dict[str, Queue] = {}
        self.dead_letters: list[tuple[str, dict[str, Any]]] = []
        self.waiting = 0

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """As boto3's."""
        return dict(
            self._world.call("send", self._accept, {"QueueUrl": QueueUrl, "Entries": Entries})
        )

    def _accept(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803 - as above
        for entry in Entries:
            delay = int(entry.get("DelaySeconds", 0)) * SECOND
            self.put(QueueUrl, json.loads(entry["MessageBody"]), delay)
        return {"Failed": []}

    def put(self, queue: str, body: dict[str, Any], delay: int = 0) -> None:
        """Have a message come, once, twice or never."""
        if queue not in self.queues:
            return  # nobody here reads it
        world, chaos = self._world, self._chaos
        times = 1
        if world.now < chaos.until:
            chance = world.random.random()
            if chance < chaos.lose:
                world.inject("message lost")
                world.note(f"queue {queue} ⚡ lost {body}")
                times = 0
            elif chance < chaos.lose + chaos.double:
                world.inject("message doubled")
                times = 2
        for _ in range(times):
            lag = 10 * MILLI + world.latency()
            if world.now < chaos.until and world.random.random() < chaos.delay:
                world.inject("message delayed")
                lag = world.random.choice((SECOND, 20 * SECOND, 3 * MINUTE))
            self.waiting += 1
            world.after(delay + lag, lambda: self._receive(queue, body, 1))

    def _receive(self, name: str, body: dict[str, Any], receives: int) -> None:
        queue, world = self.queues[name], self._world
        if queue.running >= queue.most:
            world.after(SECOND, lambda: self._receive(name, body, receives))
            return
        queue.running += 1
        received_at = world.now

        def then(done: bool) -> None:
            queue.running -= 1
            if done:
                self.waiting -= 1
            elif receives >= self.MAX_RECEIVES:
                self.waiting -= 1
                self.dead_letters.append((name, body))
            else:
                back = max(received_at + queue.visibility, world.now)
                world.at(back, lambda: self._receive(name, body, receives + 1))

        world.invoke(queue.function, lambda me: queue.handle(me, body), queue.timeout, then)


class Bucket:
    """``PressingStore`` with the pressings themselves for files."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.frozen: dict[tuple[EditionId, datetime], Frozen] = {}
        self.frozen_at: dict[tuple[EditionId, datetime], int] = {}

    def freeze(self, frozen: Frozen) -> Frozen:
        """As PressingStore's: the first one stays."""
        key = (frozen.edition, frozen.instant)

        def put() -> Frozen:
            self.frozen_at.setdefault(key, self._world.now)
            return self.frozen.setdefault(key, frozen)

        answer = self._world.call("put_object", put, {})
        assert isinstance(answer, Frozen)
        return answer

    def get(self, edition_id: EditionId, instant: datetime) -> Frozen | None:
        """As PressingStore's."""
        found: Frozen | None = self._world.call(
            "get_object", lambda: self.frozen.get((edition_id, instant)), {}
        )
        return found


class SeamAccount:
    """``AccountReader`` over an account that the simulation keeps."""

    def __init__(self, world: World, ses: Ses) -> None:
        self._world = world
        self._ses = ses

    def read(self) -> Account:
        """As AccountReader's."""
        answer = self._world.call("get_account", self._ses.account, {})
        assert isinstance(answer, Account)
        return answer


@dataclass(slots=True)
class SesCall:
    """One call of SendEmail. Times in µs.

    ``over``: its answer, or that there is none, reached the code; ``recorded``: the ledger has it;
    ``heard``: when feedback was told of it.
    """

    edition: str
    sid: str
    attempt: str
    invocation: Invocation
    started: int
    accepted: int | None = None
    over: bool = False
    recorded: bool = False
    heard: int | None = None
    rejected: bool = False


@dataclass(slots=True)
class Trouble:
    """What SES says to everybody for a while: ``until`` when (µs), ``outcome`` each time."""

    until: int
    outcome: NotSent


@dataclass(slots=True)
class EventChaos:
    """How likely SES's events are lost, doubled, late, or bad news."""

    lose: float = 0.0
    double: float = 0.0
    late: float = 0.0
    bad: float = 0.0


SES_FAULTS = (
    *("accepted, answer lost", "accepted, answer lost", "accepted late, answer lost"),
    *("lost on the way", "throttled", "throttled for a while", "halted", "no connection"),
    *("address refused", "killed before", "killed after", "killed in", "slow"),
)
HALTS = (
    "AccountSuspendedException",
    "SendingPausedException",
    "MailFromDomainNotVerifiedException",
    "NotFoundException",
)
_BAD_NEWS = ("Bounce", "Bounce", "Complaint", "DeliveryDelay", "Reject", "Rendering Failure")


@dataclass(slots=True)
class Ses:
    """The account: whom it took mail for, and what it says of that."""

    world: World
    queues: Queues
    max_rate: float
    quota: int | None
    chaos: EventChaos
    calls: list[SesCall] = field(default_factory=list)
    accepts: dict[tuple[str, str], list[SesCall]] = field(default_factory=dict)
    attempts: dict[str, SesCall] = field(default_factory=dict)
    marks: dict[str, set[bytes]] = field(default_factory=dict)
    trouble: Trouble | None = None
    sent: int = 0
    on_call: Callable[[SesCall], None] | None = None
    on_accept: Callable[[SesCall, bytes], None] | None = None

    def account(self) -> Account:
        """What GetAccount says."""
        return Account(
            max_rate=self.max_rate,
            daily_quota=self.quota,
            sent_24h=self.sent if self.quota else 0,
            sending=True,
            production=True,
            enforcement="HEALTHY",
        )

    def accept(self, call: SesCall, raw: bytes) -> None:
        """SES takes a mail, and will tell of it."""
        call.accepted = self.world.now
        self.sent += 1
        self.accepts.setdefault((call.edition, call.sid), []).append(call)
        self.attempts[call.attempt] = call
        if self.on_accept:
            self.on_accept(call, raw)
        self._tell(call)

    def _tell(self, call: SesCall) -> None:
        world, chaos = self.world, self.chaos
        kind = "Delivery"
        if chaos.bad and world.random.random() < chaos.bad:
            kind = world.random.choice(_BAD_NEWS)
            call.rejected = kind in {"Reject", "Rendering Failure"}
        kinds = (
            [kind] if kind in {"Delivery", "Reject", "Rendering Failure"} else ["Delivery", kind]
        )
        for each in kinds:
            if world.random.random() < chaos.lose:
                world.inject("event lost")
                world.note(f"ses ⚡ {each} of {call.attempt} lost")
                continue
            times = 1
            if chaos.double and world.random.random() < chaos.double:
                world.inject("event doubled")
                times = 2
            for _ in range(times):
                lag = world.random.choice((30 * MILLI, 300 * MILLI, 2 * SECOND, 9 * SECOND))
                if chaos.late and world.random.random() < chaos.late:
                    world.inject("event late")
                    lag = world.random.choice((MINUTE, 10 * MINUTE, 40 * MINUTE, 100 * MINUTE))
                body = event(each, call)
                self.world.after(lag, partial(self.queues.put, "events", body))


def event(kind: str, call: SesCall) -> dict[str, Any]:
    """An event as SES publishes it, with the mail's tags."""
    found: dict[str, Any] = {
        "eventType": kind,
        "mail": {
            "messageId": f"m-{call.attempt}",
            "tags": {"ed": [call.edition], "rid": [call.sid], "att": [call.attempt]},
        },
    }
    recipients = [{"emailAddress": f"{call.sid[:6]}@example.com"}]
    if kind == "Bounce":
        found["bounce"] = {"bounceType": "Permanent", "bouncedRecipients": recipients}
    if kind == "Complaint":
        found["complaint"] = {"complainedRecipients": recipients}
    return found


class SeamMailer:
    """``Mailer`` over the simulated SES."""

    def __init__(self, world: World, ses: Ses) -> None:
        self._world = world
        self._ses = ses

    def send(self, raw: bytes, to: str, sender: str, tags: Mapping[str, str]) -> Outcome:
        """As Mailer's."""
        del to, sender
        world, ses = self._world, self._ses
        me = world.current
        assert me is not None, "only an invocation sends"
        if me.dead:
            raise Killed
        call = SesCall(tags["ed"], tags["rid"], tags["att"], me, world.now)
        ses.calls.append(call)
        if ses.on_call:
            ses.on_call(call)
        fault = world.fault("ses")
        if fault == "any":
            fault = world.random.choice(SES_FAULTS)
        if fault is not None:
            outcome = self._faulty(fault, call, raw, me)
        else:
            outcome = self._ordinary(call, raw)
        call.over = True
        world.note(f"{me} SES {call.sid[:6]} att {call.attempt[:8]} → {outcome}")
        return outcome

    def _ordinary(self, call: SesCall, raw: bytes) -> Outcome:
        world, ses = self._world, self._ses
        world.wait(world.latency() + 20 * MILLI)
        if ses.trouble is not None:
            if world.now < ses.trouble.until:
                return ses.trouble.outcome
            ses.trouble = None
        if ses.quota is not None and ses.sent >= ses.quota:
            return NotSent("quota", halted=True)
        ses.accept(call, raw)
        # Others may go on between its acceptance and our knowing.
        world.wait(world.latency())
        return Accepted(f"m-{call.attempt}")

    def _faulty(self, fault: str, call: SesCall, raw: bytes, me: Invocation) -> Outcome:
        world, ses = self._world, self._ses
        world.inject(f"SES: {fault}")
        world.note(f"{me} ⚡ SES {fault}")
        world.wait(world.latency())
        match fault:
            case "accepted, answer lost":
                ses.accept(call, raw)
                world.wait(world.random.choice((50 * MILLI, 10 * SECOND)))
                return Unknown("ReadTimeoutError")
            case "accepted late, answer lost":
                # It lay in a buffer on the way.
                world.after(
                    world.random.randint(SECOND, 60 * SECOND), lambda: ses.accept(call, raw)
                )
                world.wait(world.random.choice((50 * MILLI, 10 * SECOND)))
                return Unknown("ConnectionClosedError")
            case "lost on the way":
                world.wait(world.random.choice((50 * MILLI, 10 * SECOND)))
                return Unknown("InternalServiceErrorException")
            case "throttled":
                return NotSent("TooManyRequestsException")
            case "throttled for a while":
                outcome = NotSent("TooManyRequestsException")
                ses.trouble = Trouble(world.now + world.random.randint(1, 600) * SECOND, outcome)
                return outcome
            case "halted":
                outcome = NotSent(world.random.choice(HALTS), halted=True)
                ses.trouble = Trouble(world.now + world.random.randint(1, 600) * SECOND, outcome)
                return outcome
            case "no connection":
                world.wait(3 * SECOND)
                return NotSent("ConnectTimeoutError")
            case "address refused":
                return Refused("MessageRejected")
            case "killed before":
                raise world.die(me)
            case "killed after":
                ses.accept(call, raw)
                raise world.die(me)
            case "killed in":
                world.after(world.random.randint(0, 5 * SECOND), lambda: ses.accept(call, raw))
                raise world.die(me)
            case _:  # slow
                world.wait(world.random.randint(2, 6) * SECOND)
                ses.accept(call, raw)
                world.wait(world.random.randint(0, 6) * SECOND)
                return Accepted(f"m-{call.attempt}")
