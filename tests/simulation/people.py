"""Readers: who is a member when, as the tables have it and as we saw it written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from courant.clock import stamp
from courant.schedule import Slot
from courant.subscribers import items
from courant.subscribers.model import Consent, Profile, Subscription
from tests.simulation.expressions import Item
from tests.simulation.paper import SECTIONS
from tests.simulation.table import Key, plain
from tests.simulation.world import START, World

_JOINED = START - timedelta(days=9)
_NEWSLETTER = "morning"


@dataclass(frozen=True, slots=True)
class Reader:
    """One of the people at the start."""

    sid: str
    slot: Slot


def some(random: Random, count: int, slots: tuple[Slot, ...]) -> list[Reader]:
    """Readers in few shards, as most have none or several in their range."""
    shards = random.sample("0123456789abcdef", random.choice((1, 1, 2, 3)))
    return [
        Reader(
            random.choice(shards) + f"{random.getrandbits(124):031x}",
            slots[0] if random.random() < 0.7 else random.choice(slots),
        )
        for _ in range(count)
    ]


def profile(reader: Reader, random: Random) -> Profile:
    """What a reader chose; some want a section without news, some are away."""
    chance = random.random()
    sections: tuple[str, ...] = ()
    if chance < 0.08:
        sections = ("arts",)
    elif chance < 0.3:
        sections = tuple(random.sample(SECTIONS, 2))
    away = START + timedelta(days=1) if random.random() < 0.03 else None
    return Profile(
        sid=reader.sid,
        email=f"{reader.sid[:6]}@example.com",
        name="Ada" if random.random() < 0.3 else None,
        locale=None,
        format="text" if random.random() < 0.2 else "html",
        consent=Consent("test", _JOINED),
        subscriptions={_NEWSLETTER: Subscription(reader.slot, sections, paused_until=away)},
    )


def rows(of: Profile) -> Iterable[tuple[Key, Item]]:
    """A profile's rows, as they would lie in the table for long."""
    for item in (
        items.profile_item(of),
        items.membership_item(of, _NEWSLETTER, _JOINED),
    ):
        yield (item["PK"], item["SK"]), plain(item)


class Registry:
    """Every membership as it was written, and when: our own book, beside the tables."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._written: dict[tuple[Slot, str], list[tuple[int, Item]]] = {}
        self.left: dict[str, int] = {}
        self.returned: set[str] = set()

    def saw(self, key: Key, item: Item | None) -> None:
        """A row of the subscribers table was written."""
        if not key[0].startswith("L#"):
            return
        assert item is not None, "memberships are never deleted"
        slot = Slot.parse(key[0].split("#")[2])
        self._written.setdefault((slot, key[1]), []).append((self._world.now, item))
        if "gone_at" in item:
            self.left[key[1]] = self._world.now

    def gone(self, slot: Slot, sid: str, at: int) -> int | None:
        """Since when (µs) somebody was gone from a slot at an instant; None: they were there."""
        since = None
        for when, item in self._written.get((slot, sid), ()):
            if when > at:
                break
            # Who moved keeps the address in the old place, for what they alone can still get there.
            if "email" in item:
                since = None
            elif since is None:
                since = when
        return since

    def slots_of(self, sid: str) -> set[Slot]:
        """Every slot that somebody ever was in."""
        return {slot for slot, one in self._written if one == sid}

    def members(self, slot: Slot, cut_at: datetime, cut: int) -> tuple[set[str], set[str]]:
        """Who belonged to a slot at its cut, by their stamps: for sure, and perhaps.

        ``cut`` is when it really was (µs). Perhaps: a change with an earlier stamp was written
        later than that, so it depends on when one looks.
        """
        surely, perhaps = set(), set()
        at = stamp(cut_at)
        for (of, sid), written in self._written.items():
            if of != slot:
                continue
            before = [item for when, item in written if when <= cut]
            verdicts = {_counted(before[-1] if before else None, at)}
            verdicts |= {_counted(item, at) for when, item in written if when > cut}
            if verdicts == {True}:
                surely.add(sid)
            elif True in verdicts:
                perhaps.add(sid)
        return surely, perhaps


def _counted(item: Item | None, at: str) -> bool:
    if item is None:
        return False
    now = item["active_from"] <= at and ("gone_at" not in item or item["gone_at"] > at)
    before = "was_from" in item and item["was_from"] <= at and item["was_gone"] > at
    return bool(now or before)
