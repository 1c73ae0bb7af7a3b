"""Holds what the real code was seen to do against the model: it must be one of the model's runs.

A view of a state is what both have: row, attempt, mails, consents. After each step that changes the
view, ``Fits`` keeps the states that the model may be in; when none is left, the code did something
that the model does not know.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.model.explore import Explored, explore
from tests.model.facts import View
from tests.model.machine import Machine, Row, Scope, State


def view(s: State) -> View:
    """What the real world's ``view`` shows."""
    mails = tuple((mail.attempt, mail.rejected) for mail in s.mails)
    attempt = 0 if s.row in {Row.NONE, Row.SKIPPED} else s.attempt
    return s.row, attempt, mails, s.consented


class Fits:
    """The states of a model that fit what was seen so far; each such set has a number."""

    def __init__(self, scope: Scope) -> None:
        self.explored: Explored = explore(Machine(scope))
        self._views: Mapping[State, View] = {s: view(s) for s in self.explored.steps}
        self._sets: list[frozenset[State]] = []
        self._numbers: dict[frozenset[State], int] = {}
        self._next: dict[tuple[int, View], int] = {}
        self._number(self._closed({scope.start()}))

    @property
    def edges(self) -> set[tuple[Row, Row]]:
        """Every change of the row that the model makes."""
        return {
            (s.row, step.after.row)
            for s, steps in self.explored.steps.items()
            for step in steps
            if (s.row, s.attempt) != (step.after.row, step.after.attempt)
        }

    def step(self, number: int, seen: View) -> int:
        """The set after a step to this view; -1 if there is none."""
        found = self._next.get((number, seen))
        if found is None:
            into = {
                step.after
                for state in self._sets[number]
                for step in self.explored.steps[state]
                if self._views[step.after] == seen
            }
            found = self._number(self._closed(into)) if into else -1
            self._next[number, seen] = found
        return found

    def _closed(self, states: set[State]) -> frozenset[State]:
        """With all that follow without a change to be seen."""
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            for step in self.explored.steps[state]:
                if step.after not in states and self._views[step.after] == self._views[state]:
                    states.add(step.after)
                    waiting.append(step.after)
        return frozenset(states)

    def _number(self, states: frozenset[State]) -> int:
        if states not in self._numbers:
            self._numbers[states] = len(self._sets)
            self._sets.append(states)
        return self._numbers[states]
