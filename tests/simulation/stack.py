"""The stack that is simulated: the real functions over the seams, wired as by their handlers."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from courant import heartbeat
from courant.delivery import audience, deliver, gate, plan, sender, throttle
from courant.delivery.audience import Audience
from courant.delivery.chunks import ChunkStore
from courant.delivery.deliver import Deliverer
from courant.delivery.evidence import Evidence
from courant.delivery.feedback import Feedback
from courant.delivery.grants import Grants
from courant.delivery.heard import HeardStore
from courant.delivery.ledger import Ledger
from courant.delivery.throttle import Throttle
from courant.delivery.upkeep import Upkeep
from courant.editions.compose import Composer
from courant.editions.model import Edition, PressingRecord
from courant.editions.pressing import Frozen
from courant.editions.start import Starter
from courant.editions.store import EditionStore
from courant.heartbeat import Heartbeat
from courant.newsletter import Newsletter
from courant.schedule import EditionId, Slot
from courant.subscribers.address import AddressKey
from courant.subscribers.links import Links
from courant.subscribers.lists import MemberLists
from courant.subscribers.store import SubscriberStore
from courant.watermark import WatermarkStore
from tests.simulation import paper
from tests.simulation.script import Script
from tests.simulation.seams import (
    Bucket,
    Chaos,
    EventChaos,
    Queue,
    Queues,
    SeamAccount,
    SeamMailer,
    SeamTable,
    Ses,
)
from tests.simulation.table import MemoryTable
from tests.simulation.world import SECOND, START, GreenLanes, Invocation, Lock, World

LINKS = Links("https://news.example.org", (b"simulated",))
KEY = AddressKey(b"simulated")
# As in template.yaml.
BEAT = 55 * SECOND
_COMPOSE, _DELIVER, _FEEDBACK = 300 * SECOND, 120 * SECOND, 30 * SECOND

_LOGGER = logging.getLogger("courant")


class PaperComposer(Composer):
    """The composer with a pressing from the shelf instead of one that it renders."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        super().__init__(
            newsletters=SimpleNamespace(get=lambda _: stack.newsletter),  # type: ignore[arg-type]  # as much of a NewsletterStore as is asked
            articles=None,  # type: ignore[arg-type]  # for what is overridden below
            editions=stack.editions,
            pressings=stack.bucket,  # type: ignore[arg-type]  # keeps pressings without a bucket
            archive=SimpleNamespace(publish=lambda _: None),  # type: ignore[arg-type]  # pages on the web are no delivery
            requests=None,  # type: ignore[arg-type]  # nobody asks for a test here
            feed_id=str,
            locales=lambda _: (),
            open_chunks=Audience(
                subscribers=stack.members,
                editions=stack.editions,
                chunks=stack.chunks,
                account=stack.account,
                grants=stack.grants,
                sqs=stack.queues,
                queue="chunks",
                epoch=stack.epoch,
                now=stack.world.clock,
                sleep=stack.world.sleep,
            ).open_chunks,
            sample=lambda _: {},
            sqs=stack.queues,
            chunks_queue="chunks",
            site_url="https://news.example.org",
            epoch=stack.epoch,
        )

    def _freeze(
        self, newsletter: Newsletter, record: PressingRecord, now: datetime
    ) -> Frozen | str:
        del newsletter
        mark = f"mark{self._stack.world.random.getrandbits(48):012x}"
        return self._stack.bucket.freeze(
            paper.frozen(record.edition, record.instant, now, record.slots, mark)
        )


class PaperHeartbeat(Heartbeat):
    """The heartbeat with the schedule of the script, and without feeds."""

    def __init__(self, stack: Stack) -> None:
        object.__setattr__(self, "_stack", stack)
        newsletter, slots = stack.newsletter, stack.script.slots
        super().__init__(
            newsletters=SimpleNamespace(all=lambda: [newsletter]),  # type: ignore[arg-type]  # as much of a NewsletterStore as is asked
            subscribers=SimpleNamespace(slots=lambda _: slots),  # type: ignore[arg-type]  # as much of MemberLists as is asked
            feeds=None,  # type: ignore[arg-type]  # for what is overridden below
            editions=stack.editions,
            watermark=stack.watermark,
            upkeep=stack.upkeep(),
            starter=stack.starter(),
            sqs=stack.queues,
            feeds_queue="feeds",
            epoch=stack.epoch,
        )

    def _start(
        self,
        newsletters: dict[str, Newsletter],
        slots: dict[str, tuple[Slot, ...]],
        since: datetime,
        now: datetime,
        missed: str | None,
    ) -> int:
        del slots
        newsletter = newsletters["morning"]
        for due in self._stack.script.dues:  # type: ignore[attr-defined]  # see __init__
            if since < due.instant <= now:
                too_late = now - due.instant > newsletter.max_lateness
                due = replace(due, too_late=too_late)
                self.starter.on_time(due, newsletter, now, missed=missed)
        return 0

    def _enqueue_feeds(self, now: datetime) -> int:
        del now
        return 0


class Stack:
    """Stores, queues, SES and functions of one world. ``queue_most``: deliver's concurrency."""

    def __init__(
        self,
        world: World,
        script: Script,
        *,
        content: MemoryTable,
        ledger: MemoryTable,
        subscribers: MemoryTable,
        max_rate: float,
        queue_most: int,
    ) -> None:
        self.world = world
        self.script = script
        self.newsletter = paper.newsletter(script.policy, script.zone)
        world.epoch = script.epoch
        self.chaos = Chaos()
        self.queues = Queues(world, self.chaos)
        self.bucket = Bucket(world)
        self.ses = Ses(world, self.queues, max_rate=max_rate, quota=None, chaos=EventChaos())
        ledger_seam: Any = SeamTable(world, ledger)
        content_seam: Any = SeamTable(world, content)
        subscribers_seam: Any = SeamTable(world, subscribers)
        self.editions = EditionStore(content_seam)
        self.watermark = WatermarkStore(content_seam)
        self.chunks = ChunkStore(ledger_seam)
        self.ledger = Ledger(ledger_seam)
        self.evidence = Evidence(ledger_seam)
        self.grants = Grants(ledger_seam)
        self.heard = HeardStore(ledger_seam)
        self.members = MemberLists(subscribers_seam)
        self.subscribers = SubscriberStore(subscribers_seam)
        self.account: Any = SeamAccount(world, self.ses)
        self.mailer: Any = SeamMailer(world, self.ses)
        self.lanes: Any = GreenLanes(world, script.lanes)
        self.queues.queues = {
            "editions": Queue("compose", self._compose, _COMPOSE, 1800 * SECOND),
            "chunks": Queue("deliver", self._deliver, _DELIVER, 720 * SECOND, queue_most),
            "events": Queue("feedback", self._feedback, _FEEDBACK, 180 * SECOND),
        }
        past_the_seam: Any = content
        self._past = EditionStore(past_the_seam)
        # It has been beating for long.
        WatermarkStore(past_the_seam).move(START - timedelta(minutes=1), script.epoch)
        _patch(world, script)
        if _LOGGER.isEnabledFor(logging.CRITICAL) or not _LOGGER.handlers:
            # What it tells costs more than all else here.
            _LOGGER.addHandler(logging.NullHandler())
            _LOGGER.setLevel(logging.CRITICAL + 1)

    @property
    def epoch(self) -> str:
        """The stack's, as functions that start now have it."""
        return self.world.epoch

    def standing(self) -> list[Edition]:
        """Editions as they stand, read past the seam."""
        found = (self._past.get(each) for each in self.script.editions)
        return [edition for edition in found if edition is not None]

    # ── functions ────────────────────────────────────────────────────────────────────────────────

    def upkeep(self) -> Upkeep:
        """As the heartbeat's handler makes it."""
        return Upkeep(
            editions=self.editions,
            chunks=self.chunks,
            heard=self.heard,
            account=self.account,
            grants=self.grants,
            starter=self.starter(),
            sqs=self.queues,
            chunks_queue="chunks",
            letters_queue="letters",
        )

    def starter(self) -> Starter:
        """As the handlers make it."""
        return Starter(self.editions, self.queues, "editions", self.epoch)

    def heartbeat(self, _: Invocation) -> str:
        """One beat."""
        return str(PaperHeartbeat(self).beat(self.world.clock()))

    def _compose(self, _: Invocation, body: dict[str, Any]) -> str:
        edition = EditionId.parse(body["edition"])
        instant = datetime.fromisoformat(body["instant"])
        return PaperComposer(self).compose(edition, instant, self.world.clock())

    def _deliver(self, me: Invocation, body: dict[str, Any]) -> str:
        world = self.world
        skew = timedelta(microseconds=me.deadline + me.skew)
        return Deliverer(
            editions=self.editions,
            pressings=self.bucket,  # type: ignore[arg-type]  # keeps pressings without a bucket
            subscribers=self.members,
            ledger=self.ledger,
            chunks=self.chunks,
            mailer=self.mailer,
            throttle=Throttle(self.grants, world.clock, world.sleep),
            lanes=self.lanes,
            links=LINKS,
            sqs=self.queues,
            queue="chunks",
            epoch=self.epoch,
            now=world.clock,
            new_id=lambda: f"{world.random.getrandbits(64):016x}",
        ).deliver(EditionId.parse(body["edition"]), body["chunk"], START + skew)

    def _feedback(self, _: Invocation, body: dict[str, Any]) -> str:
        now = self.world.clock()
        feedback = Feedback(self.ledger, self.evidence, self.heard, self.subscribers, KEY)
        told = feedback.take(body, now)
        call = self.ses.attempts.get(body["mail"]["tags"]["att"][0])
        if call is not None and call.heard is None:
            call.heard = self.world.now
        if told is not None:
            feedback.count([told], self.world.clock())
        return str(told)


_SENDER_LOCKS = (gate, throttle, sender)
# What ``_patch`` sets, so that tests can set it back.
PATCHED = (
    *((deliver, "PAGE"), (audience, "SHARDS"), (audience, "plan"), (heartbeat, "due")),
    *((module, "threading") for module in _SENDER_LOCKS),
)


def _patch(world: World, script: Script) -> None:
    """Small pages and several ranges, so that few readers are enough; and locks for greenlets."""
    deliver.PAGE = script.page
    audience.SHARDS = script.shards  # type: ignore[attr-defined]  # as it imports it
    planned = vars(plan)
    if script.parts:
        # The module's own functions but two.
        planned = planned | {
            "parts": lambda members, rate: script.parts,  # noqa: ARG005 - as plan.parts
            "walkers": lambda rate: script.walkers,  # noqa: ARG005 - as plan.walkers
        }
    audience.plan = SimpleNamespace(**planned)  # type: ignore[assignment, attr-defined]  # as much of the module as is asked
    heartbeat.due = lambda *_: ()  # type: ignore[attr-defined]  # no feeds are read before an hour
    lock = SimpleNamespace(Lock=lambda: Lock(world))
    for module in _SENDER_LOCKS:
        module.threading = lock  # type: ignore[attr-defined]  # it asks for locks only
