"""Visits every state of the model, breadth first, and checks what must hold in each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from courant.newsletter import Policy
from tests.model.machine import OPEN_ROWS, At, Machine, Row, State, Step, Word, canonical

Law = Callable[[Machine, State], bool]


def _nobody_twice(machine: Machine, s: State) -> bool:
    allowed = 1 + s.consented
    if machine.scope.policy is Policy.AUTO:
        allowed += s.silences
    return len(s.mails) <= allowed


def _again_by_leave(machine: Machine, s: State) -> bool:
    """What may be out is tried again by the editor's word, or by the auto policy in its bound."""
    own = machine.scope.tries - 1 if machine.scope.policy is Policy.AUTO else 0
    return s.reopened <= s.consented + own


def _sent_is_true(_: Machine, s: State) -> bool:
    return s.row is not Row.SENT or bool(s.mails)


def _not_sent_is_true(_: Machine, s: State) -> bool:
    """FAILED and SKIPPED were not mailed, unless SES dropped the mail itself."""
    return s.row not in {Row.FAILED, Row.SKIPPED} or all(mail.rejected for mail in s.mails)


def _failed_is_true(_: Machine, s: State) -> bool:
    return s.row is not Row.FAILED or s.refused or any(mail.rejected for mail in s.mails)


def _unresolved_is_true(_: Machine, s: State) -> bool:
    return s.row is not Row.UNRESOLVED or s.cut


def _nobody_forgotten(_: Machine, s: State) -> bool:
    if s.edition != "closed":
        return True
    return s.row not in OPEN_ROWS and (s.row is not Row.NONE or s.cancelled)


def _one_walker(_: Machine, s: State) -> bool:
    """Of those that live within their lease, one walks a chunk."""
    walkers = [w.chunk for w in s.workers if w.at is not At.IDLE and not w.stale]
    return len(set(walkers)) == len(walkers)


def _wanted(_: Machine, s: State) -> bool:
    return not s.unwanted


LAWS: Mapping[str, Law] = {
    "nobody twice": _nobody_twice,
    "again only by leave": _again_by_leave,
    "SENT was sent": _sent_is_true,
    "FAILED and SKIPPED were not": _not_sent_is_true,
    "FAILED was refused": _failed_is_true,
    "UNRESOLVED is in doubt": _unresolved_is_true,
    "nobody forgotten": _nobody_forgotten,
    "one walks a chunk": _one_walker,
    "nobody unwanted": _wanted,
}


@dataclass(frozen=True, slots=True)
class Explored:
    """Every state and step there is. ``broken``: the laws, each with its shortest trace."""

    steps: Mapping[State, tuple[Step, ...]]
    broken: Mapping[str, tuple[str, ...]]

    @property
    def edges(self) -> int:
        return sum(map(len, self.steps.values()))


def explore(machine: Machine, *, most: int = 500_000, whole: bool = True) -> Explored:
    """All states reachable from the start, and what is broken in them.

    ``whole``: look at all of them, whatever is broken; else stop at the first break.
    """
    start = machine.scope.start()
    parents: dict[State, tuple[State, str] | None] = {start: None}
    steps: dict[State, tuple[Step, ...]] = {}
    broken: dict[str, tuple[str, ...]] = {}
    waiting = deque([start])
    while waiting and (whole or not broken):
        state = waiting.popleft()
        found = tuple(step._replace(after=canonical(step.after)) for step in machine.steps(state))
        steps[state] = found
        for name, law in LAWS.items():
            if name not in broken and not law(machine, state):
                broken[name] = _trace(parents, state)
        for step in found:
            if step.after not in parents:
                parents[step.after] = (state, step.name)
                waiting.append(step.after)
            if "SENT is final" not in broken and state.row is Row.SENT is not step.after.row:
                broken["SENT is final"] = (*_trace(parents, state), step.name)
        if len(parents) > most:
            raise AssertionError(f"more than {most} states: a bound of the model is gone")
    if not waiting and (stuck := _stuck(steps)):
        broken["comes to rest"] = _trace(parents, stuck)
    return Explored(steps, broken)


def resting(state: State) -> bool:
    """Nothing more will happen by itself: over, and every event came that ever will."""
    return (
        state.edition == "closed"
        and all(worker.at is At.IDLE for worker in state.workers)
        and all(mail.word in {Word.TOLD, Word.LOST} for mail in state.mails)
    )


def _stuck(steps: Mapping[State, Iterable[Step]]) -> State | None:
    """A state from which rest can't be reached without another fault.

    If there is none, every fair run comes to rest once the faults stop: what a finite machine
    can always still reach, it does reach if each choice is made sometimes.
    """
    before: dict[State, list[State]] = {}
    for state, following in steps.items():
        for step in following:
            if not step.fault:
                before.setdefault(step.after, []).append(state)
    good = {state for state in steps if resting(state)}
    waiting = list(good)
    while waiting:
        for state in before.get(waiting.pop(), ()):
            if state not in good:
                good.add(state)
                waiting.append(state)
    return next((state for state in steps if state not in good), None)


def _trace(parents: Mapping[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    names: list[str] = []
    while (parent := parents[state]) is not None:
        state, name = parent
        names.append(name)
    return tuple(reversed(names))
