"""What a seed's play is made of: drawn before anything happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from courant.editions.steer import Act
from courant.newsletter import Policy
from courant.schedule import Due, EditionId, Slot
from courant.subscribers.model import SHARDS
from tests.simulation import paper
from tests.simulation.world import MINUTE, SECOND, START

EDITION = EditionId.parse("morning/daily/2026-11-22")
EXTRA = EditionId.parse("morning/daily/2026-11-22+extra")


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
    # Chunks a shard, or 0: as the real plan has it, walkers too.
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


def draw(random: Random) -> Script:
    """A script, by chance."""
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
            script.acts = _acts(random)
        script.retries_unresolved = random.random() < 0.4
        if random.random() < 0.02:
            script.raise_epoch_at = random.randint(0, 3 * MINUTE)
    return script


def _acts(random: Random) -> list[tuple[int, Act]]:
    at = random.choice((random.randint(0, 10 * SECOND), random.randint(0, 5 * MINUTE)))
    first = random.choice((Act.PAUSE, Act.PAUSE, Act.CANCEL))
    acts = [(at, first)]
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        at += random.choice((random.randint(0, 3 * SECOND), random.randint(0, 3 * MINUTE)))
        acts.append((at, random.choice((Act.RESUME, Act.RESUME, Act.PAUSE, Act.CANCEL))))
    return acts
