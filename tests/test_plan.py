"""Into which ranges an audience is cut."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.delivery import plan
from courant.subscribers.model import SHARDS, bounds


@given(st.sampled_from(SHARDS), st.integers(1, 4096), st.integers(0))
def test_every_sid_of_a_shard_lies_in_exactly_one_range(shard: str, count: int, seed: int) -> None:
    cut = [bounds(range_) for range_ in plan.ranges(shard, count)]
    dice = random.Random(seed)
    edges = [low.ljust(32, "0") for low, _ in cut] + [high[:-1].ljust(32, "f") for _, high in cut]
    sids = edges + [shard + f"{dice.getrandbits(124):031x}" for _ in range(20)]

    assert len(cut) == count
    for sid in sids:
        assert sum(low <= sid <= high for low, high in cut) == 1


@given(st.sampled_from(SHARDS), st.integers(2, 4096))
def test_ranges_are_equally_wide_and_in_order(shard: str, count: int) -> None:
    starts = [int(range_[1:4], 16) for range_ in plan.ranges(shard, count)] + [4096]

    widths = [after - before for before, after in pairwise(starts)]

    assert max(widths) - min(widths) <= 1


@pytest.mark.parametrize(
    ("members", "rate", "parts"),
    [
        (0, 14, 1),
        (12, 1000, 1),  # few readers are not worth many ranges, however fast SES is
        (1_000_000, 14, 1),
        (1_000_000, 900, 1),
        (1_000_000, 2000, 2),
        (10_000_000, 900, 7),  # no range of more than a hundred thousand
    ],
)
def test_as_many_chunks_as_the_audience_and_the_rate_call_for(
    members: int, rate: float, parts: int
) -> None:
    assert plan.parts(members, rate) == parts


@pytest.mark.parametrize(("rate", "walkers"), [(0.8, 1), (100, 1), (101, 2), (800, 8)])
def test_as_many_walkers_as_the_rate_keeps_busy(rate: float, walkers: int) -> None:
    assert plan.walkers(rate) == walkers
