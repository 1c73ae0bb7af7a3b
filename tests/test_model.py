"""The model of one delivery: every state of it is visited, and the promise holds in each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from courant.newsletter import Policy
from tests.model.explore import LAWS, explore, resting
from tests.model.machine import Machine, Row, Scope

pytestmark = pytest.mark.exhaustive

Record = Callable[[str, object], None]


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(Scope(faults=3), id="strict", marks=pytest.mark.slow),
        pytest.param(Scope(Policy.AUTO, faults=3, consents=0), id="auto", marks=pytest.mark.slow),
        pytest.param(Scope(Policy.AUTO, faults=2), id="auto-with-an-editor"),
        pytest.param(Scope(faults=1, chunks=2), id="in-two-chunks"),
    ],
)
def test_in_every_state_the_promise_holds(scope: Scope, record_property: Record) -> None:
    explored = explore(Machine(scope))

    assert explored.broken == {}
    record_property(
        "figures",
        f"model: {scope.policy}, {scope.chunks} chunk(s), {scope.faults} faults,"
        f" {scope.consents} consents: {len(explored.steps):,} states, {explored.edges:,} steps,"
        f" {len(LAWS) + 2} laws",
    )


def test_without_faults_the_digest_is_sent_once() -> None:
    explored = explore(Machine(Scope(faults=0, consents=0)))

    rows = {(s.row, len(s.mails)) for s in explored.steps if resting(s)}

    # SES may refuse an address, which is nobody's fault.
    assert rows == {(Row.SENT, 1), (Row.FAILED, 0)}


def test_auto_sends_twice_only_where_an_event_was_lost() -> None:
    explored = explore(Machine(Scope(Policy.AUTO, faults=2, consents=0)))

    twice = [state for state in explored.steps if len(state.mails) == 2]

    assert twice
    assert all(state.cut and state.silences for state in twice)


def test_each_row_is_seen_at_rest_or_on_the_way() -> None:
    explored = explore(Machine(Scope(faults=2)))

    ends = {state.row for state in explored.steps if resting(state)}

    assert {state.row for state in explored.steps} == set(Row)
    # Without a row at rest: the edition was cancelled.
    assert ends == {Row.NONE, Row.SENT, Row.FAILED, Row.SKIPPED, Row.UNRESOLVED}
