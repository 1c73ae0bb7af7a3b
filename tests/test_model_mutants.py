"""Take a guard out of the protocol, and the walk through all its states must find what breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest

from courant.newsletter import Policy
from tests.model.explore import explore
from tests.model.machine import Machine, Rules, Scope
from tests.model.mutants import MUTANTS, Edit, Mutant, mutated
from tests.model.walk import walk
from tests.model.world import World

pytestmark = pytest.mark.exhaustive

Record = Callable[[str, object], None]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_of_the_code_is_caught(mutant: Mutant, record_property: Record) -> None:
    with mutated(mutant):
        walked = walk(World(**dict(mutant.world)))

    assert walked.broken, f"{mutant.name}: nobody noticed, in {walked.runs:,} runs"
    after = walked.trace[-1] if walked.trace else "from the start"
    record_property("figures", f"mutant of the code: {mutant.name}: {walked.broken} ({after})")


# Where a mutant of the model needs more than two faults, two chunks, or the auto policy to show.
SCOPES = (
    Scope(faults=2),
    Scope(Policy.AUTO, faults=3, consents=0),
    Scope(faults=3),
)


@pytest.mark.parametrize("rule", [rule.name for rule in fields(Rules)])
def test_a_mutant_of_the_model_is_caught(rule: str, record_property: Record) -> None:
    rules = Rules(**{rule: False})

    broken = next(
        (
            found.broken
            for scope in SCOPES
            if (found := explore(Machine(scope, rules), whole=False)).broken
        ),
        None,
    )

    assert broken, f"without {rule} every law still holds"
    law, trace = next(iter(broken.items()))
    record_property(
        "figures", f"mutant of the model: without {rule}: {law!r} breaks after {len(trace)} steps"
    )


def test_there_are_enough_of_them() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 25


def test_a_mutant_that_no_longer_fits_the_code_says_so() -> None:
    stale = Mutant("stale", (Edit("delivery.gate", "what was never there", ""),), {})

    with pytest.raises(AssertionError, match="0 times"), mutated(stale):
        pass


def test_a_mutant_is_taken_out_again() -> None:
    walked = walk(World(faults=0, acts=0, consents=0))
    with mutated(MUTANTS[0]):
        pass

    assert walk(World(faults=0, acts=0, consents=0)).runs == walked.runs
