"""The real code, held against the model: all that it is seen to do is a run of the model.

Every state that ledger, walk, reconciliation, feedback and upkeep come to in a small world is
visited, with every fault at every call they make (tests/model/walk.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from courant.delivery.ledger import DeliveryState
from courant.newsletter import Policy
from tests.model.machine import Row, Scope
from tests.model.refine import Fits
from tests.model.walk import Walked, walk
from tests.model.world import World

pytestmark = pytest.mark.exhaustive

Record = Callable[[str, object], None]
STRICT, AUTO = Policy.STRICT, Policy.AUTO

_STRICT_DOUBT = {"tried": 1, "faults": 0}
_AUTO = {"policy": AUTO, "consents": 0}
WORLDS: dict[str, dict[str, Any]] = {
    "a fault": {"acts": 0},
    "a fault and an act of somebody's": {},
    "an act of somebody's": {"faults": 0},
    "in doubt, its event late": {**_STRICT_DOUBT, "out": "late"},
    "in doubt, to be rejected": {**_STRICT_DOUBT, "out": "reject", "acts": 0},
    "to be tried again": {"tried": 1, "doubt": DeliveryState.RETRY, "faults": 0},
    "auto, a fault": {**_AUTO, "acts": 0},
    "auto, no events": {**_AUTO, "acts": 0, "heard": False},
    "auto, in doubt, its event late": {
        "policy": AUTO,
        "consents": 0,
        "tried": 1,
        "out": "late",
        "faults": 0,
    },
    "auto, in doubt, to be rejected": {
        "policy": AUTO,
        "consents": 0,
        "tried": 1,
        "out": "reject",
        "acts": 0,
    },
}

# Between them all that can happen to a row.
BROAD = (
    "a fault",
    "an act of somebody's",
    "to be tried again",
    "in doubt, to be rejected",
    "in doubt, its event late",
    "auto, in doubt, to be rejected",
)


@cache
def fits(policy: Policy) -> Fits:
    return Fits(Scope(policy, faults=3, consents=1 if policy is STRICT else 0))


@cache
def walked(name: str) -> Walked:
    world = WORLDS[name]
    model = fits(world.get("policy", STRICT))
    return walk(World(**world, seen=model.step))


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_the_code_does_what_the_model_does(name: str, record_property: Record) -> None:
    came_of = walked(name)

    assert came_of.broken is None, f"{came_of.broken}: {' → '.join(came_of.trace)}"
    record_property(
        "figures",
        f"real code: {name}: {came_of.states:,} states, {came_of.runs:,} runs, all in the model",
    )


def test_an_editors_word_is_kept_once() -> None:
    """From the middle on: an unresolved digest was tried again, and is unresolved again."""
    came_of = walk(World(tried=2, agreed=True, consents=0, acts=0))

    assert came_of.broken is None, f"{came_of.broken}: {' → '.join(came_of.trace)}"


def test_what_the_model_does_the_code_does_too(record_property: Record) -> None:
    """A model that does more than the code proves nothing about it."""
    seen = set[tuple[Row, Row]]().union(*(walked(name).edges for name in BROAD))
    known = fits(STRICT).edges | fits(AUTO).edges

    assert seen == known
    record_property(
        "figures", f"real code: {len(seen)} of the model's {len(known)} changes of a row were seen"
    )
