"""Several at once, begun in order, ended together."""

from __future__ import annotations

import threading

import pytest

from courant.delivery.lanes import Lanes


def never(_: object) -> bool:
    return False


@pytest.mark.parametrize("count", [1, 4])
def test_what_came_of_each_is_in_the_order_of_the_items(count: int) -> None:
    assert Lanes(count).run(lambda n: n * n, range(50), ends=never) == [n * n for n in range(50)]


@pytest.mark.parametrize("count", [1, 4])
def test_nothing_is_begun_once_something_ends_it(count: int) -> None:
    begun = []

    def work(n: int) -> int:
        begun.append(n)
        return n

    results = Lanes(count).run(work, range(100), ends=lambda result: result == 5)

    assert results[:6] == list(range(6))
    assert [n for n, result in enumerate(results) if result is not None] == sorted(begun)
    assert len(begun) <= 6 + count


def test_as_many_are_under_way_as_there_are_lanes() -> None:
    together = threading.Barrier(4, timeout=10)

    assert Lanes(4).run(lambda _: together.wait() >= 0, range(8), ends=never) == [True] * 8


@pytest.mark.parametrize("count", [1, 4])
def test_what_one_raises_is_raised_when_all_have_come_to_rest(count: int) -> None:
    rested = []

    def work(n: int) -> int:
        if n == 3:
            raise KeyboardInterrupt
        rested.append(n)
        return n

    with pytest.raises(KeyboardInterrupt):
        Lanes(count).run(work, range(1000), ends=never)
    before = len(rested)

    assert before < 1000
    assert Lanes(count).run(work, [], ends=never) == []
    assert len(rested) == before
