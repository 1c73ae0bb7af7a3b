"""A seed's bad luck: what goes wrong, and which readers change their minds on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from courant.subscribers.model import Consent, Signup
from tests.simulation import paper
from tests.simulation.seams import SES_FAULTS
from tests.simulation.stack import KEY
from tests.simulation.world import HOUR, MILLI, MINUTE, SECOND, TABLE_FAULTS

if TYPE_CHECKING:
    from tests.simulation.play import Play


def draw(play: Play) -> None:
    """Draw the faults: how many, where and of which kind."""
    world, random = play.world, play.world.random
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
    size = play.script.readers
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
        play.chaos.lose = random.choice((0, 0.05, 0.3, 0.8))
        play.chaos.double = random.choice((0, 0.1, 0.5))
        play.chaos.delay = random.choice((0, 0.1, 0.5))
        play.chaos.until = until
    if random.random() < 0.35:
        events = play.ses.chaos
        events.lose = random.choice((0, 0.1, 0.5, 1.0))
        events.double = random.choice((0, 0.2, 0.6))
        events.late = random.choice((0, 0.2, 0.6))
        events.bad = random.choice((0, 0.1, 0.4))
    if random.random() < 0.15:
        world.most_skew = random.choice((5 * MILLI, 50 * MILLI, SECOND))
    if random.random() < 0.3:
        _Readers(play).act()
    if random.random() < 0.02:
        play.ses.quota = size // 6 + random.randint(3, 9)
        for hours in range(1, 30):
            world.at(hours * HOUR, partial(setattr, play.ses, "sent", 0))


@dataclass(frozen=True, slots=True)
class _Readers:
    play: Play

    def act(self) -> None:
        """Some leave, move, or leave and come back."""
        random = self.play.world.random
        for reader in random.sample(
            self.play.readers, min(len(self.play.readers), random.choice((1, 2, 3)))
        ):
            when = random.choice((random.randint(0, 8 * SECOND), random.randint(0, 4 * MINUTE)))
            act = random.choice((self._leaves, self._leaves, self._moves, self._returns))
            self.play.world.at(when, partial(act, reader.sid))

    def _leaves(self, sid: str) -> None:
        self._person(
            lambda: self.play.subscribers.unsubscribe(
                sid, "morning", "link", self.play.world.clock()
            )
        )

    def _moves(self, sid: str) -> None:
        random = self.play.world.random
        slot = random.choice(self.play.script.slots if random.random() < 0.6 else paper.SLOTS)
        sections = random.choice((None, ("world",), ("arts",)))
        self._person(
            lambda: self.play.subscribers.move(
                sid, self.play.newsletter, self.play.world.clock(), slot=slot, sections=sections
            )
        )

    def _returns(self, sid: str) -> None:
        """Leaves, and comes back by the form, minutes later."""
        self._leaves(sid)

        def back() -> None:
            profile = self.play.subscribers.profile(sid)
            if profile is None:
                return
            now = self.play.world.clock()
            signup = Signup(
                email=profile.email,
                newsletter="morning",
                slot=self.play.world.random.choice(self.play.script.slots),
                consent=Consent("form", now),
            )
            self.play.subscribers._subscribe_one(
                signup, KEY.digest(profile.email), now, returning=True
            )

        lookup = KEY.digest(f"{sid[:6]}@example.com")
        self.play.subscribers_table.store(
            (f"E#{lookup}", "SID"), {"PK": f"E#{lookup}", "SK": "SID", "sid": sid}
        )
        self.play.world.after(
            self.play.world.random.randint(1, 120) * SECOND, lambda: self._person(back)
        )

    def _person(self, act: Callable[[], object]) -> None:
        self.play.world.note("a reader acts")
        self.play.world.invoke("web", lambda _: act(), 10 * SECOND)

    # ── functions ────────────────────────────────────────────────────────────────────────────────
