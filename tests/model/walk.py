"""Walks every state that the real code can come to in the small world, breadth first.

Between invocations a state is everything in tables, SES and clock. From each one, all that may
happen is tried; an invocation with every fault at every call it makes, as long as faults are left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from courant.editions.model import OPEN, EditionState
from courant.newsletter import Policy
from tests.model.facts import Plan, Violation
from tests.model.machine import Row, Word
from tests.model.seams import in_memory
from tests.model.world import World

_ACTS = ("pause", "cancel", "leave")
_MEANWHILE = ("deliver", "slow, deliver", "beat", "event", *_ACTS)
_STALLED = ("stalled, deliver", "stalled, deliver, deliver", "stalled, dies", "stalled, takes")
FAULTS = {
    "read": ("fails", "killed", "slow", *_STALLED, *_MEANWHILE),
    "write": ("fails", "lost", "again", "killed", "slow", *_STALLED, *_MEANWHILE),
    "claim": ("fails", "lost", "again", "killed", "slow", *_STALLED, *_MEANWHILE),
    "turn": ("killed", "slow", *_ACTS),
    "queue": ("fails", "lost", "killed"),
    "ses": (
        *("no answer", "no answer, event", "nothing, no answer", "server error", "killed"),
        *("to be rejected", "to be rejected, event", "to be rejected, no answer", "refused"),
        *("throttled", "throttled on", "halted", "halted, cancel", "no connection"),
    ),
}
# Past a lease; past the grace, by when all events have come that come in time.
SHORT = "wait 5"
LONG = {Policy.STRICT: ("wait 25",), Policy.AUTO: ("wait 70", "wait 400")}
# The bound that a step uses up: ``faults``, ``acts`` or ``consents``; None: it may always come.
Cost = str | None


@dataclass(slots=True)
class Walked:
    """What came of it. ``broken``: the law, and how it came about."""

    states: int = 0
    runs: int = 0
    edges: set[tuple[Row, Row]] = field(default_factory=set)
    broken: str | None = None
    trace: tuple[str, ...] = ()


def walk(world: World, *, most: int = 200_000) -> Walked:
    """Every state, until a law is broken."""
    walked = Walked()
    kept: dict[Any, tuple[Any, ...]] = {}
    parents: dict[Any, tuple[Any, str]] = {}
    before: dict[Any, list[Any]] = {}
    resting: list[Any] = []
    start = world.digest()
    kept_start = world.keep()
    waiting: deque[Any] = deque([_key(start)])
    kept[_key(start)] = kept_start
    with in_memory(lambda: world):
        while waiting:
            at = waiting.popleft()
            world.put_back(kept[at])
            if world.rests():
                resting.append(at)
            for name, plan, cost in _all(world, kept[at]):
                walked.runs += 1
                assert walked.runs <= most, "the world has no end: a bound is gone"
                said = name + "".join(f" [{n}: {what}]" for n, what in plan.items())
                try:
                    world.put_back(kept[at])
                    if cost:
                        world.change(**{cost: getattr(world.facts, cost) - 1})
                    world.act(name, plan)
                except Violation as violation:
                    walked.broken = str(violation)
                    walked.trace = (*_trace(parents, at), said)
                    break
                after = _key(world.digest())
                if cost is None:
                    before.setdefault(after, []).append(at)
                if after not in kept:
                    kept[after] = world.keep()
                    parents[after] = (at, said)
                    waiting.append(after)
            if walked.broken:
                break
    walked.states, walked.edges = len(kept), world.edges
    if not walked.broken and (stuck := _stuck(kept, resting, before)):
        walked.broken, walked.trace = "never comes to rest", _trace(parents, stuck)
    return walked


def _key(digest: tuple[Any, ...]) -> str:
    return repr(digest)


def _all(world: World, kept: tuple[Any, ...]) -> Iterator[tuple[str, Plan, Cost]]:
    """What may happen: its name, what befalls it, and which bound that uses up."""
    facts, state = world.facts, world.edition().state
    unheard = any(mail.word in {Word.COMING, Word.LATE} for mail in facts.mails)
    for name in ("deliver", "beat"):
        yield name, {}, None
        for number, kind in enumerate(_calls(world, kept, name)):
            for fault in FAULTS[kind]:
                if name == "beat" and fault not in {"lost", "fails", "killed", "deliver"}:
                    continue
                if fault.endswith(", cancel") and not facts.acts:
                    continue
                cost: Cost = "acts" if fault in _ACTS else None if fault == "event" else "faults"
                if (cost is None and unheard) or (cost and getattr(facts, cost)):
                    yield name, {number: fault}, cost
    coming = False
    for number, mail in enumerate(facts.mails):
        if mail.word is not Word.LOST:
            yield f"event {number}", {}, None
        if mail.word is Word.COMING:
            coming = True
            if facts.faults:
                yield f"lose {number}", {}, "faults"
                yield f"late {number}", {}, "faults"
    yield SHORT, {}, None
    if not coming:
        yield from ((long, {}, None) for long in LONG[world.policy])
    if state is EditionState.PAUSED:
        yield "resume", {}, None
    if facts.consents and state is EditionState.SENT_WITH_UNRESOLVED:
        yield "retry-unresolved", {}, "consents"
    if facts.acts and state in OPEN:
        if state is not EditionState.PAUSED:
            yield "pause", {}, "acts"
        yield "cancel", {}, "acts"
    if facts.acts and facts.gone_at is None:
        yield "leave", {}, "acts"


def _calls(world: World, kept: tuple[Any, ...], name: str) -> list[str]:
    """The calls that an undisturbed run makes."""
    world.put_back(kept)
    try:
        world.act(name)
    except Violation:
        return []  # the undisturbed run has just said so
    finally:
        calls = world.last
        world.put_back(kept)
    return calls


def _stuck(kept: Any, resting: list[Any], before: dict[Any, list[Any]]) -> Any:
    good = set(resting)
    waiting = list(resting)
    while waiting:
        for state in before.get(waiting.pop(), ()):
            if state not in good:
                good.add(state)
                waiting.append(state)
    return next((state for state in kept if state not in good), None)


def _trace(parents: dict[Any, tuple[Any, str]], at: Any) -> tuple[str, ...]:
    names: list[str] = []
    while at in parents:
        at, name = parents[at]
        names.append(name)
    return tuple(reversed(names))
