"""One seed's play: an edition (sometimes two), its readers, its editor and its bad luck."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from courant.editions import steer
from courant.editions.model import OPEN, EditionState
from courant.editions.steer import Act
from courant.newsletter import Policy
from courant.schedule import EditionId
from tests.simulation import luck, people
from tests.simulation.needs import first_need
from tests.simulation.people import Registry
from tests.simulation.script import EDITION, draw
from tests.simulation.seams import WatchedTable
from tests.simulation.stack import BEAT, Stack
from tests.simulation.world import HOUR, MINUTE, SECOND, START, Invocation, World

# From when on the editor looks after what paused by itself.
_CARE = 12 * MINUTE
_ENDS = frozenset(EditionState) - OPEN


class Play(Stack):
    """The world of one seed, set up; ``run`` plays it to its rest."""

    def __init__(self, seed: int, *, trace: bool = False) -> None:
        self.seed = seed
        world = World(seed, trace=trace)
        random = world.random
        script = draw(random)
        stale = None
        if script.faulty and random.random() < 0.3:
            stale = lambda _: random.random() < 0.5  # noqa: E731 - a hook of one expression
        most = random.choice((None, None, 2, 3, 7)) if script.faulty else None
        self.content = WatchedTable("content", indexes={"due": ("due_kind", "due_at")})
        self.ledger_table = WatchedTable("ledger", most_evaluated=most, stale=stale)
        self.subscribers_table = WatchedTable("subscribers", most_evaluated=most)
        self.readers = people.some(random, script.readers, script.slots)
        if not script.shards:
            # And the first, from which the size of all is guessed.
            script.shards = "".join(sorted({"0", *(reader.sid[0] for reader in self.readers)}))
        super().__init__(
            world,
            script,
            content=self.content,
            ledger=self.ledger_table,
            subscribers=self.subscribers_table,
            max_rate=random.choice((14.0, 14.0, 14.0, 50.0, 200.0, 1.0)),
            queue_most=random.choice((2, 10)),
        )
        self.registry = Registry(world)
        self.subscribers_table.watch = lambda key, _, after: self.registry.saw(key, after)
        for reader in self.readers:
            for key, item in people.rows(people.profile(reader, random)):
                self.subscribers_table.store(key, item)
        # Rows of digests and editions that were written: a measure of whether anything happens.
        self.changes = 0
        if script.faulty:
            luck.draw(self)

    # ── the editor ───────────────────────────────────────────────────────────────────────────────

    def act(self, act: Act, edition_id: EditionId) -> None:
        """The editor's hand, as Publisher has it."""

        def work(_: Invocation) -> str:
            editions = self.editions
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

    def _care(self) -> bool:
        """The editor looks after what paused by itself, and lets nothing rest for ever.

        Whether there was anything to do.
        """
        acted = False
        for edition in self.standing():
            if edition.state is EditionState.PAUSED and edition.epoch == self.epoch:
                self.act(Act.RESUME, edition.id)
                acted = True
            elif self.script.retries_unresolved and (
                edition.state is EditionState.SENT_WITH_UNRESOLVED
            ):
                self.script.retries_unresolved = False
                self.act(Act.RETRY_UNRESOLVED, edition.id)
                acted = True
        return acted

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
            if not self.standing():
                self.world.invoke("publish", work, 30 * SECOND)
                self.world.after(5 * MINUTE, again)

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
            world.invoke("heartbeat", self.heartbeat, BEAT)
        world.after(MINUTE, lambda: self._after_beat(idle, before))

    def _after_beat(self, idle: int, before: int) -> None:
        world = self.world
        # What the editor's call does may come after the call has died.
        acted = world.now > _CARE and self._care()
        if not acted and self._at_rest():
            return
        idle = idle + 1 if self.changes == before else 0
        # A heartbeat may be missed, and where nobody waits for one it is.
        most = 8 if world.now < HOUR else 25 if world.now < 12 * HOUR else 240
        pause = 0 if idle < 2 else min(2 ** (idle - 2), most) * MINUTE
        if not self.script.each_minute and not self._under_way():
            # But not for long: what a late message does is told by no row yet.
            longest = 15 * MINUTE if world.now < 3 * HOUR else HOUR
            pause = max(pause, min(self._next_need() - world.now, longest))
        world.after(pause, lambda: self._beat(idle))

    def _under_way(self) -> bool:
        """Whether anybody works."""
        return any(queue.running for queue in self.queues.queues.values())

    def _next_need(self) -> int:
        """The first instant at which a heartbeat may find something to do, by the rows (µs)."""
        now = self.world.clock()
        found = self.standing()
        needs = [due.instant for due in self.script.dues if due.instant > now]
        if len(found) < len(self.script.editions) and not needs:
            return self.world.now
        care = START + timedelta(microseconds=_CARE)
        if need := first_need(found, self.content, self.ledger_table, now, care=care):
            needs.append(need)
        if not needs:
            return self.world.now
        return round((min(needs) - START) / timedelta(microseconds=1)) + SECOND

    def _at_rest(self) -> bool:
        last = max((due.instant for due in self.script.dues), default=START)
        if self.world.clock() <= last + timedelta(minutes=1):
            return False
        editions = self.standing()
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
