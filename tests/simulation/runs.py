"""Many seeds: what they came to, added up, and kept by ranges so that a run can go on later."""

from __future__ import annotations

import gc
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.simulation.laws import judged

# Seeds a line of the file.
STEP = 1_000
_KEPT = 20  # broken seeds that are told of, of a range


@dataclass(slots=True)
class Tally:
    """What some seeds came to."""

    first: int
    count: int
    editions: int = 0
    digests: int = 0
    accepts: int = 0
    duplicates: int = 0
    losses: int = 0
    excused: int = 0
    seconds: float = 0.0
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    laws: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Put another's numbers to these."""
        self.first = min(self.first, other.first)
        for name in (
            *("count", "editions", "digests", "accepts", "duplicates", "losses", "excused"),
            *("seconds", "calls"),
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("faults", "outcomes", "laws"):
            getattr(self, name).update(getattr(other, name))
        self.broken += other.broken

    def to_json(self) -> str:
        """As a line of the file."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def from_json(cls, line: str) -> Tally:
        """What ``to_json`` wrote."""
        found: dict[str, Any] = json.loads(line)
        for name in ("faults", "outcomes", "laws"):
            found[name] = Counter(found[name])
        found["broken"] = [(int(seed), str(what)) for seed, what in found["broken"]]
        return cls(**found)


def play_range(first: int, count: int) -> Tally:
    """Play seeds one after the other."""
    tally = Tally(first, count)
    started = time.perf_counter()
    gc.collect()
    gc.freeze()  # what is imported stays; looking through it costs as much as forty editions
    gc.disable()  # each world is one circle; they are collected together
    for number, seed in enumerate(range(first, first + count)):
        play, judge, outcomes = judged(seed)
        tally.editions += sum(
            many for name, many in outcomes.items() if name.startswith("edition: ")
        )
        tally.digests += sum(
            many for name, many in outcomes.items() if not name.startswith("edition: ")
        )
        tally.accepts += sum(len(each) for each in play.ses.accepts.values())
        tally.excused += judge.excused
        tally.calls += sum(play.world.calls.values())
        tally.faults.update(play.world.faults)
        tally.outcomes.update(outcomes)
        for what in judge.broken:
            law = what.partition(":")[0]
            tally.laws[law] += 1
            tally.duplicates += law == "I2"
            tally.losses += "forgotten" in what or "never took" in what
        if judge.broken and len(tally.broken) < _KEPT:
            tally.broken.append((seed, judge.broken[0]))
        if number % 50 == 49:
            gc.collect()
    gc.enable()
    gc.unfreeze()
    tally.seconds = time.perf_counter() - started
    return tally


def _play(asked: tuple[int, int]) -> Tally:
    return play_range(*asked)


def run(
    first: int,
    count: int,
    jobs: int,
    kept: Path | None,
    heard: Callable[[Tally], object] = lambda _: None,
) -> Tally:
    """Play seeds in ``jobs`` processes; ``heard`` sees the sum after each range.

    ``kept`` has a line for each range that was played, and those are not played again.
    """
    total = Tally(first, 0)
    done: set[tuple[int, int]] = set()
    for tally in _read(kept):
        if first <= tally.first and tally.first + tally.count <= first + count:
            total.add(tally)
            done.add((tally.first, tally.count))
    todo = [one for one in _ranges(first, count) if one not in done]
    for tally in _played(todo, jobs):
        total.add(tally)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with kept.open("a") as file:
                file.write(f"{tally.to_json()}\n")
        heard(total)
    return total


def _played(todo: list[tuple[int, int]], jobs: int) -> Iterator[Tally]:
    if jobs == 1 or len(todo) < 2:
        yield from map(_play, todo)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(_play, todo)


def _ranges(first: int, count: int) -> Iterable[tuple[int, int]]:
    return [
        (start, min(STEP, first + count - start)) for start in range(first, first + count, STEP)
    ]


def _read(kept: Path | None) -> Iterator[Tally]:
    if kept is not None and kept.exists():
        for line in kept.read_text().splitlines():
            try:
                yield Tally.from_json(line)
            except ValueError:
                continue  # the line that was being written when the run ended
