"""One seed's play: an edition (sometimes two), its readers, its editor and its bad luck."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

from courant import heartbeat
from courant.clock import stamp
from courant.delivery import (
    audience,
    deliver,
    gate,
    plan,
    reconcile,
    sender,
    throttle,
    watch,
)
from courant.delivery.audience import Audience
from courant.delivery.chunks import ChunkState, ChunkStore
from courant.delivery.deliver import Deliverer
from courant.delivery.feedback import Feedback
from courant.delivery.grants import Grants
from courant.delivery.heard import HeardStore
from courant.delivery.ledger import Ledger
from courant.delivery.throttle import Throttle
from courant.delivery.upkeep import Upkeep
from courant.editions import steer
from courant.editions.compose import Composer
from courant.editions.model import OPEN, Edition, EditionState, PressingRecord, PressingState
from courant.editions.pressing import Frozen
from courant.editions.start import Starter
from courant.editions.steer import Act
from courant.editions.store import EditionStore
from courant.heartbeat import Heartbeat
from courant.newsletter import Newsletter, Policy
from courant.schedule import Due, EditionId, Slot
from courant.subscribers.address import AddressKey
from courant.subscribers.links import Links
from courant.subscribers.lists import MemberLists
from courant.subscribers.model import SHARDS
from courant.subscribers.store import SubscriberStore
from tests.simulation import paper, people
from tests.simulation.people import Registry
from tests.simulation.seams import (
    SES_FAULTS,
    Bucket,
    Chaos,
    EventChaos,
    Queue,
    Queues,
    SeamAccount,
    SeamMailer,
    SeamTable,
    Ses,
    WatchedTable,
)
from tests.simulation.world import (
    HOUR,
    MILLI,
    MINUTE,
    SECOND,
    START,
    TABLE_FAULTS,
    GreenLanes,
    Invocation,
    Lock,
    World,
)

EDITION = EditionId.parse("morning/daily/2026-11-22")
EXTRA = EditionId.parse("morning/daily/2026-11-22+extra")
LINKS = Links("https://news.example.org", (b"simulated",))
KEY = AddressKey(b"simulated")
# As in template.yaml.
_BEAT, _COMPOSE, _DELIVER, _FEEDBACK = 55 * SECOND, 300 * SECOND, 120 * SECOND, 30 * SECOND
# From when on the editor looks after what paused by itself.
_CARE = 12 * MINUTE
_ENDS = frozenset(EditionState) - OPEN

_LOGGER = logging.getLogger("courant")


@dataclass(slots=True)
class Script:
    """What a seed's play is made of; drawn before anything happens."""

    policy: Policy
    readers: int
    by_hand: bool
    slots: tuple[Slot, ...]
    dues: list[Due] = field(default_factory=list)
    editions: list[EditionId] = field(default_factory=list)
    zone: str = "UTC"
    lanes: int = 1
    page: int = 100
    parts: int = 1
    walkers: int = 1
    faulty: bool = True
    epoch: str = "1"
    raise_epoch_at: int | None = None
    restore_from: int | None = None
    missed_beats: float = 0.0
    doubled_beats: float = 0.0
    # Nobody beats until then (µs).
    asleep_until: int = 0
    # A beat each minute, whether or not there is anything to do.
    each_minute: bool = False
    # The shards that anybody looks into: all of them, or those that somebody is in.
    shards: str = ""
    acts: list[tuple[int, Act]] = field(default_factory=list)
    retries_unresolved: bool = False


class PaperComposer(Composer):
    """The composer with a pressing from the shelf instead of one that it renders."""

    def __init__(self, play: Play) -> None:
        self._play = play
        stage = play.stage
        super().__init__(
            newsletters=SimpleNamespace(get=lambda _: play.newsletter),  # type: ignore[arg-type]  # as much of a NewsletterStore as is asked
            articles=None,  # type: ignore[arg-type]  # for what is overridden below
            editions=stage.editions,
            pressings=play.bucket,  # type: ignore[arg-type]  # keeps pressings without a bucket
            archive=SimpleNamespace(publish=lambda _: None),  # type: ignore[arg-type]  # pages on the web are no delivery
            requests=None,  # type: ignore[arg-type]  # nobody asks for a test here
            feed_id=str,
            locales=lambda _: (),
            open_chunks=Audience(
                subscribers=stage.members,
                editions=stage.editions,
                chunks=stage.chunks,
                account=stage.account,  # type: ignore[arg-type]  # an AccountReader without a client
                grants=Grants(stage.ledger_table),
                sqs=play.queues,
                queue="chunks",
                epoch=play.epoch,
                now=play.world.clock,
            ).open_chunks,
            sample=lambda _: {},
            sqs=play.queues,
            chunks_queue="chunks",
            site_url="https://news.example.org",
            epoch=play.epoch,
        )

    def _freeze(
        self, newsletter: Newsletter, record: PressingRecord, now: datetime
    ) -> Frozen | str:
        del newsletter
        mark = f"mark{self._play.world.random.getrandbits(48):012x}"
        return self._play.bucket.freeze(
            paper.frozen(record.edition, record.instant, now, record.slots, mark)
        )


class PaperHeartbeat(Heartbeat):
    """The heartbeat with the schedule of the script, and without feeds."""

    def __init__(self, play: Play) -> None:
        object.__setattr__(self, "_play", play)
        newsletter, slots = play.newsletter, play.script.slots
        super().__init__(
            newsletters=SimpleNamespace(all=lambda: [newsletter]),  # type: ignore[arg-type]  # as much of a NewsletterStore as is asked
            subscribers=SimpleNamespace(slots=lambda _: slots),  # type: ignore[arg-type]  # as much of MemberLists as is asked
            feeds=None,  # type: ignore[arg-type]  # for what is overridden below
            editions=play.stage.editions,
            upkeep=play.upkeep(),
            starter=play.starter(),
            sqs=play.queues,
            feeds_queue="feeds",
            epoch=play.epoch,
        )

    def _start(
        self,
        newsletters: dict[str, Newsletter],
        slots: dict[str, tuple[Slot, ...]],
        since: datetime,
        now: datetime,
    ) -> int:
        del slots
        newsletter = newsletters["morning"]
        for due in self._play.script.dues:  # type: ignore[attr-defined]  # see __init__
            if since < due.instant <= now:
                too_late = now - due.instant > newsletter.max_lateness
                self.starter.on_time(replace(due, too_late=too_late), newsletter, now)
        return 0

    def _enqueue_feeds(self, now: datetime) -> int:
        del now
        return 0


@dataclass(slots=True)
class Stage:
    """The stores over the seam."""

    ledger_table: Any
    editions: EditionStore
    chunks: ChunkStore
    ledger: Ledger
    heard: HeardStore
    members: MemberLists
    subscribers: SubscriberStore
    account: SeamAccount


class Play:
    """The world of one seed, set up; ``run`` plays it to its rest."""

    def __init__(self, seed: int, *, trace: bool = False) -> None:
        self.seed = seed
        self.world = world = World(seed, trace=trace)
        self.script = script = _script(world)
        self.newsletter = paper.newsletter(script.policy, script.zone)
        world.epoch = script.epoch
        random = world.random
        stale = None
        if script.faulty and random.random() < 0.3:
            stale = lambda _: random.random() < 0.5  # noqa: E731 - a hook of one expression
        most = random.choice((None, None, 2, 3, 7)) if script.faulty else None
        self.content = WatchedTable("content", indexes={"due": ("due_kind", "due_at")})
        self.ledger_table = WatchedTable("ledger", most_evaluated=most, stale=stale)
        self.subscribers_table = WatchedTable("subscribers", most_evaluated=most)
        self.chaos = Chaos()
        self.queues = Queues(world, self.chaos)
        self.bucket = Bucket(world)
        self.registry = Registry(world)
        self.subscribers_table.watch = lambda key, _, after: self.registry.saw(key, after)
        self.ses = Ses(
            world,
            self.queues,
            max_rate=random.choice((14.0, 14.0, 14.0, 50.0, 200.0, 1.0)),
            quota=None,
            chaos=EventChaos(),
        )
        ledger = SeamTable(world, self.ledger_table)
        content = SeamTable(world, self.content)
        subscribers = SeamTable(world, self.subscribers_table)
        self.stage = Stage(
            ledger_table=ledger,
            editions=EditionStore(content),  # type: ignore[arg-type]  # as much of a Table as stores use
            chunks=ChunkStore(ledger),  # type: ignore[arg-type]  # as above
            ledger=Ledger(ledger),  # type: ignore[arg-type]  # as above
            heard=HeardStore(ledger),  # type: ignore[arg-type]  # as above
            members=MemberLists(subscribers),  # type: ignore[arg-type]  # as above
            subscribers=SubscriberStore(subscribers),  # type: ignore[arg-type]  # as above
            account=SeamAccount(world, self.ses),
        )
        self.lanes = GreenLanes(world, script.lanes)
        self.mailer = SeamMailer(world, self.ses)
        self.queues.queues = {
            "editions": Queue("compose", self._compose, _COMPOSE, 1800 * SECOND),
            "chunks": Queue(
                "deliver", self._deliver, _DELIVER, 720 * SECOND, random.choice((2, 10))
            ),
            "events": Queue("feedback", self._feedback, _FEEDBACK, 180 * SECOND),
        }
        self.readers = people.some(random, script.readers, script.slots)
        if not script.shards:
            # And the first, from which the size of all is guessed.
            script.shards = "".join(sorted({"0", *(reader.sid[0] for reader in self.readers)}))
        for reader in self.readers:
            for key, item in people.rows(people.profile(reader, random)):
                self.subscribers_table.store(key, item)
        # Rows of digests and editions that were written: a measure of whether anything happens.
        self.changes = 0
        # It has been beating for long.
        EditionStore(self.content).move_watermark(START - timedelta(minutes=1))  # type: ignore[arg-type]  # as much of a Table as stores use
        if script.faulty:
            self._misfortune()
        _patch(world, script)
        if _LOGGER.isEnabledFor(logging.CRITICAL) or not _LOGGER.handlers:
            # What it tells costs more than all else here.
            _LOGGER.addHandler(logging.NullHandler())
            _LOGGER.setLevel(logging.CRITICAL + 1)

    @property
    def epoch(self) -> str:
        """The stack's, as functions that start now have it."""
        return self.world.epoch

    # ── what is to happen ────────────────────────────────────────────────────────────────────────

    def _misfortune(self) -> None:
        """Draw the faults: how many, where and of which kind."""
        world, random = self.world, self.world.random
        kind = random.random()
        if kind < 0.10:
            return
        if kind < 0.80:
            many = random.choice((1, 1, 2, 3))
        elif kind < 0.92:
            many = random.randint(4, 12)
        else:
            many = 0
            world.storm = random.choice((0.01, 0.03, 0.1))
            world.storm_until = random.choice((2, 10, 40)) * MINUTE
        size = self.script.readers
        for _ in range(many):
            scope = random.choice(
                ("ses", "ses", "deliver", "deliver", "deliver", "feedback", "compose", "heartbeat")
            )
            if scope == "ses":
                world.plan[scope, random.randint(1, size + 1)] = random.choice(SES_FAULTS)
                continue
            most = {"deliver": 14 + 5 * size, "feedback": 2 + 3 * size, "compose": 50}
            at = random.randint(1, most.get(scope, 30))
            world.plan[scope, at] = random.choice(TABLE_FAULTS)
        until = random.choice((5, 20, 45)) * MINUTE
        if random.random() < 0.3:
            self.chaos.lose = random.choice((0, 0.05, 0.3, 0.8))
            self.chaos.double = random.choice((0, 0.1, 0.5))
            self.chaos.delay = random.choice((0, 0.1, 0.5))
            self.chaos.until = until
        if random.random() < 0.35:
            events = self.ses.chaos
            events.lose = random.choice((0, 0.1, 0.5, 1.0))
            events.double = random.choice((0, 0.2, 0.6))
            events.late = random.choice((0, 0.2, 0.6))
            events.bad = random.choice((0, 0.1, 0.4))
        if random.random() < 0.15:
            world.most_skew = random.choice((5 * MILLI, 50 * MILLI, SECOND, 10 * SECOND))
        if random.random() < 0.3:
            self._people()
        if random.random() < 0.02:
            self.ses.quota = size // 6 + random.randint(3, 9)
            for hours in range(1, 30):
                world.at(hours * HOUR, self._quota_comes_free)

    def _quota_comes_free(self) -> None:
        self.ses.sent = 0

    def _people(self) -> None:
        random = self.world.random
        for reader in random.sample(self.readers, min(len(self.readers), random.choice((1, 2, 3)))):
            when = random.choice((random.randint(0, 8 * SECOND), random.randint(0, 4 * MINUTE)))
            act = random.choice((self._leaves, self._leaves, self._moves, self._returns))
            self.world.at(when, partial(act, reader.sid))

    def _leaves(self, sid: str) -> None:
        self._person(
            lambda: self.stage.subscribers.unsubscribe(sid, "morning", "link", self.world.clock())
        )

    def _moves(self, sid: str) -> None:
        random = self.world.random
        slot = random.choice(self.script.slots if random.random() < 0.6 else paper.SLOTS)
        sections = random.choice((None, ("world",), ("arts",)))
        self._person(
            lambda: self.stage.subscribers.move(
                sid, self.newsletter, self.world.clock(), slot=slot, sections=sections
            )
        )

    def _returns(self, sid: str) -> None:
        """Leaves, and comes back by the form, minutes later."""
        from courant.subscribers.model import Consent, Signup

        self._leaves(sid)

        def back() -> None:
            profile = self.stage.subscribers.profile(sid)
            if profile is None:
                return
            now = self.world.clock()
            signup = Signup(
                email=profile.email,
                newsletter="morning",
                slot=self.world.random.choice(self.script.slots),
                consent=Consent("form", now),
            )
            self.stage.subscribers._subscribe_one(
                signup, KEY.digest(profile.email), now, returning=True
            )

        lookup = KEY.digest(f"{sid[:6]}@example.com")
        self.subscribers_table.store(
            (f"E#{lookup}", "SID"), {"PK": f"E#{lookup}", "SK": "SID", "sid": sid}
        )
        self.world.after(self.world.random.randint(1, 120) * SECOND, lambda: self._person(back))

    def _person(self, act: Callable[[], object]) -> None:
        self.world.note("a reader acts")
        self.world.invoke("web", lambda _: act(), 10 * SECOND)

    # ── functions ────────────────────────────────────────────────────────────────────────────────

    def upkeep(self) -> Upkeep:
        """As the heartbeat's handler makes it."""
        stage = self.stage
        return Upkeep(
            editions=stage.editions,
            chunks=stage.chunks,
            heard=stage.heard,
            account=stage.account,  # type: ignore[arg-type]  # an AccountReader without a client
            grants=Grants(stage.ledger_table),
            starter=self.starter(),
            sqs=self.queues,
            chunks_queue="chunks",
            letters_queue="letters",
        )

    def starter(self) -> Starter:
        """As the handlers make it."""
        return Starter(self.stage.editions, self.queues, "editions", self.epoch)

    def _heartbeat(self, _: Invocation) -> str:
        return str(PaperHeartbeat(self).beat(self.world.clock()))

    def _compose(self, _: Invocation, body: dict[str, Any]) -> str:
        edition = EditionId.parse(body["edition"])
        instant = datetime.fromisoformat(body["instant"])
        return PaperComposer(self).compose(edition, instant, self.world.clock())

    def _deliver(self, me: Invocation, body: dict[str, Any]) -> str:
        stage, world = self.stage, self.world
        skew = timedelta(microseconds=me.deadline + me.skew)
        return Deliverer(
            editions=stage.editions,
            pressings=self.bucket,  # type: ignore[arg-type]  # keeps pressings without a bucket
            subscribers=stage.members,
            ledger=stage.ledger,
            chunks=stage.chunks,
            mailer=self.mailer,  # type: ignore[arg-type]  # a Mailer without a client
            throttle=Throttle(Grants(stage.ledger_table), world.clock, world.sleep),
            lanes=self.lanes,  # type: ignore[arg-type]  # Lanes of greenlets
            links=LINKS,
            sqs=self.queues,
            queue="chunks",
            epoch=self.epoch,
            now=world.clock,
            new_id=lambda: f"{world.random.getrandbits(64):016x}",
        ).deliver(EditionId.parse(body["edition"]), body["chunk"], START + skew)

    def _feedback(self, _: Invocation, body: dict[str, Any]) -> str:
        stage, now = self.stage, self.world.clock()
        feedback = Feedback(
            ledger=stage.ledger, heard=stage.heard, subscribers=stage.subscribers, key=KEY
        )
        told = feedback.take(body, now)
        call = self.ses.attempts.get(body["mail"]["tags"]["att"][0])
        if call is not None and call.heard is None:
            call.heard = self.world.now
        if told is not None:
            feedback.count([told], self.world.clock())
        return str(told)

    # ── the editor ───────────────────────────────────────────────────────────────────────────────

    def act(self, act: Act, edition_id: EditionId) -> None:
        """The editor's hand, as Publisher has it."""

        def work(_: Invocation) -> str:
            editions = self.stage.editions
            for _attempt in range(5):
                edition = editions.get(edition_id)
                if edition is None:
                    return "there is none"
                now = self.world.clock()
                decided = steer.step(
                    act, edition, now, epoch=self.epoch, spread=self.ses.quota is not None
                )
                if not isinstance(decided, steer.Step):
                    return decided.says
                if editions.move(
                    edition.id,
                    edition.state,
                    decided.after,
                    by="editor:ada",
                    now=now,
                    attended=decided.attended,
                    spread=decided.spread,
                    resend_before=decided.resend_before,
                ):
                    return f"{act} done"
            return "kept changing"

        self.world.note(f"the editor: {act} {edition_id}")
        self.world.invoke("publish", work, 30 * SECOND)

    def _care(self) -> None:
        """The editor looks after what paused by itself; and lets nothing rest for ever."""
        for edition in self.editions():
            if edition.state is EditionState.PAUSED and edition.epoch == self.epoch:
                self.act(Act.RESUME, edition.id)
            elif self.script.retries_unresolved and (
                edition.state is EditionState.SENT_WITH_UNRESOLVED
            ):
                self.script.retries_unresolved = False
                self.act(Act.RETRY_UNRESOLVED, edition.id)

    def editions(self) -> list[Edition]:
        """Editions as they stand, read past the seam."""
        store = EditionStore(self.content)  # type: ignore[arg-type]  # as much of a Table as stores use
        found = (store.get(each) for each in self.script.editions)
        return [edition for edition in found if edition is not None]

    # ── running ──────────────────────────────────────────────────────────────────────────────────

    def run(self) -> None:
        """Play until all is at rest, or long enough for that to be a violation."""
        world, script = self.world, self.script
        first = world.random.randint(0, 59) * SECOND + world.random.randint(0, SECOND)
        world.at(max(first, script.asleep_until), lambda: self._beat(0))
        if script.by_hand:
            world.at(world.random.randint(0, 30) * SECOND, self._by_hand)
        for when, act in script.acts:
            target = world.random.choice(script.editions)
            world.at(when, partial(self.act, act, target))
        if script.raise_epoch_at is not None:
            world.at(script.raise_epoch_at, self._raise_epoch)
        world.run(until=self.horizon)

    @property
    def horizon(self) -> int:
        """When all must be over (µs): faults have an end, and so has all waiting for word."""
        late = 30 if self.ses.quota is not None or self.script.zone == "subscriber" else 0
        return (32 if self.script.policy is Policy.AUTO else 8) * HOUR + late * HOUR

    def _by_hand(self) -> None:
        instant = self.world.clock().replace(microsecond=0)

        def work(_: Invocation) -> str:
            self.starter().by_hand(
                self.newsletter, EDITION, self.script.slots, instant, self.world.clock()
            )
            return "started"

        def again() -> None:
            if not self.editions():
                self.world.invoke("publish", work, 30 * SECOND)

        self.world.invoke("publish", work, 30 * SECOND)
        # An editor who sees no answer asks again.
        if self.world.random.random() < 0.3:
            self.world.after(20 * SECOND, lambda: self.world.invoke("publish", work, 30 * SECOND))
        self.world.after(5 * MINUTE, again)

    def _raise_epoch(self) -> None:
        self.world.note("a deployment raises the epoch")
        self.world.inject("epoch raised")
        self.world.epoch = "2"

    def _beat(self, idle: int) -> None:
        """One minute's heartbeat, perhaps missed or doubled; fewer where nothing happens."""
        world, script = self.world, self.script
        before = self.changes
        times = 1
        if world.now < 30 * MINUTE and script.missed_beats:
            chance = world.random.random()
            if chance < script.missed_beats:
                world.inject("heartbeat missed")
                times = 0
            elif chance < script.missed_beats + script.doubled_beats:
                world.inject("heartbeat doubled")
                times = 2
        for _ in range(times):
            world.invoke("heartbeat", self._heartbeat, _BEAT)
        world.after(MINUTE, lambda: self._after_beat(idle, before))

    def _after_beat(self, idle: int, before: int) -> None:
        world = self.world
        if world.now > _CARE:
            self._care()
        if self._at_rest():
            return
        idle = idle + 1 if self.changes == before else 0
        # A heartbeat may be missed, and where nobody waits for one it is.
        most = 8 if world.now < HOUR else 25 if world.now < 12 * HOUR else 240
        pause = 0 if idle < 2 else min(2 ** (idle - 2), most) * MINUTE
        if not self.script.each_minute and not self._under_way():
            pause = max(pause, min(self._next_need() - world.now, HOUR))
        world.after(pause, lambda: self._beat(idle))

    def _under_way(self) -> bool:
        """Whether anybody works."""
        return any(queue.running for queue in self.queues.queues.values())

    def _next_need(self) -> int:
        """The first instant at which a heartbeat may find something to do, by the rows (µs)."""
        now = self.world.clock()
        needs = [due.instant for due in self.script.dues if due.instant > now]
        found = self.editions()
        if len(found) < len(self.script.editions) and not needs:
            return self.world.now
        for edition in found:
            if edition.state in OPEN or edition.state is EditionState.CANCELLED:
                needs += self._needs(edition, now)
        if not needs:
            return self.world.now
        return round((min(needs) - START) / timedelta(microseconds=1)) + SECOND

    def _needs(self, edition: Edition, now: datetime) -> list[datetime]:
        if edition.state is EditionState.PAUSED:
            return [max(now, START + timedelta(microseconds=_CARE))]
        if edition.state in {EditionState.SCHEDULED, EditionState.COMPOSING}:
            needs = [
                record.touched_at + watch.PATIENCE
                for record in EditionStore(self.content).pressings(edition.id)  # type: ignore[arg-type]  # as much of a Table as stores use
                if record.state is PressingState.WAITING
            ]
            return needs or [now]
        chunks = [
            chunk
            for chunk in ChunkStore(self.ledger_table).of_edition(edition.id)  # type: ignore[arg-type]  # as much of a Table as stores use
            if chunk.state is not ChunkState.DONE
        ]
        if not chunks:
            marks = [edition.closes_at, edition.moved_at + watch.COMPOSED_BY]
            return [mark for mark in marks if mark > now] or [now]
        needs = []
        for chunk in chunks:
            need = chunk.nudged_at + watch.PATIENCE
            if chunk.lease_until is not None:
                need = max(need, chunk.lease_until)
            if chunk.state is ChunkState.SETTLING:
                need = max(chunk.nudged_at + watch.WORD, self._settles(edition, chunk.id))
            needs.append(need)
        return needs

    def _settles(self, edition: Edition, chunk: str) -> datetime:
        """When the first digest of a chunk has waited long enough for word."""
        grace = reconcile.AUTO_GRACE if edition.policy is Policy.AUTO else reconcile.GRACE
        prefix = f"D#{edition.id}#"
        waiting = [
            datetime.fromtimestamp(int(row["lease"]), UTC) + grace
            for key, partition in self.ledger_table.partitions.items()
            if key.startswith(prefix)
            for row in partition.values()
            if row["chunk"] == chunk and row["st"] in {"claimed", "unknown"}
        ]
        return min(waiting, default=START)

    def _at_rest(self) -> bool:
        last = max((due.instant for due in self.script.dues), default=START)
        if self.world.clock() <= last + timedelta(minutes=1):
            return False
        editions = self.editions()
        if len(editions) < len(self.script.editions):
            return False
        if self.script.retries_unresolved and any(
            edition.state is EditionState.SENT_WITH_UNRESOLVED for edition in editions
        ):
            return False
        return all(
            edition.state in _ENDS or edition.epoch != self.epoch for edition in editions
        ) and not any(
            item.get("st") == EditionState.CANCELLED.value
            and "due_kind" in item
            and item.get("epoch") == self.epoch
            for item in self.content.all()
        )


def _script(world: World) -> Script:
    random = world.random
    count = random.choices(
        (0, 1, 2, 3, 4, 5, 6, random.randint(7, 20), random.randint(21, 50)),
        (4, 14, 20, 20, 14, 9, 8, 9, 1),
    )[0]
    slots = paper.SLOTS[: random.choice((1, 1, 1, 2, 3))]
    script = Script(
        policy=Policy.AUTO if random.random() < 0.3 else Policy.STRICT,
        readers=count,
        by_hand=random.random() < 0.15,
        slots=slots,
        lanes=random.choice((1, 1, 1, 2, 4)),
        page=random.choice((1, 2, 3, 100)),
        parts=random.choice((1, 1, 1, 2, 3)),
        walkers=random.choice((1, 2, 3)),
        faulty=random.random() < 0.9,
    )
    script.each_minute = random.random() < 0.25
    if random.random() < 0.1:
        script.shards = SHARDS
    script.editions = [EDITION]
    if not script.by_hand:
        when = START + timedelta(seconds=random.randint(0, 90))
        split = len(slots) > 1 and random.random() < 0.5
        script.dues = [Due(EDITION, when, slots[:1] if split else slots)]
        if split:
            script.zone = "subscriber"
            later = when + timedelta(minutes=random.choice((1, 5, 15)))
            script.dues.append(Due(EDITION, later, slots[1:]))
        if random.random() < 0.08:
            script.editions.append(EXTRA)
            script.dues.append(Due(EXTRA, when, slots))
    if script.faulty:
        if random.random() < 0.15:
            script.missed_beats = random.choice((0.2, 0.6))
            script.doubled_beats = 0.3
        if random.random() < 0.04:
            script.asleep_until = random.choice((10, 38, 39, 40, 41, 42, 70)) * MINUTE
        if random.random() < 0.25:
            script.acts = _acts(world)
        script.retries_unresolved = random.random() < 0.4
        if random.random() < 0.02:
            script.raise_epoch_at = random.randint(0, 3 * MINUTE)
    return script


def _acts(world: World) -> list[tuple[int, Act]]:
    random = world.random
    at = random.choice((random.randint(0, 10 * SECOND), random.randint(0, 5 * MINUTE)))
    first = random.choice((Act.PAUSE, Act.PAUSE, Act.CANCEL))
    acts = [(at, first)]
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        at += random.choice((random.randint(0, 3 * SECOND), random.randint(0, 3 * MINUTE)))
        acts.append((at, random.choice((Act.RESUME, Act.RESUME, Act.PAUSE, Act.CANCEL))))
    return acts


_SENDER_LOCKS = (gate, throttle, sender)


def _patch(world: World, script: Script) -> None:
    """Small pages and several ranges, so that few readers are enough; and locks for greenlets."""
    deliver.PAGE = script.page
    audience.SHARDS = script.shards  # type: ignore[attr-defined]  # as it imports it
    audience.plan = SimpleNamespace(  # type: ignore[assignment, attr-defined]  # the module's own functions but two
        **vars(plan)
        | {
            "parts": lambda members, rate: script.parts,  # noqa: ARG005 - as plan.parts
            "walkers": lambda rate: script.walkers,  # noqa: ARG005 - as plan.walkers
        }
    )
    heartbeat.due = lambda *_: []  # type: ignore[attr-defined]  # no feeds are read before an hour
    lock = SimpleNamespace(Lock=lambda: Lock(world))
    for module in _SENDER_LOCKS:
        module.threading = lock  # type: ignore[attr-defined]  # it asks for locks only


__all__ = ["EDITION", "EXTRA", "Play", "stamp"]
