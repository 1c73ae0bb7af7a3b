"""Who shows what, and the spares that make it possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from courant.articles import Article
from courant.editions.deal import deal
from courant.editions.select import (
    SectionStories,
    Story,
    articles_told,
    choose,
    count_articles,
    ids,
    shown,
)
from courant.newsletter import Section
from tests.test_select import article, bridge

# A story is the articles that tell it.
stories = st.lists(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=3, unique=True).map(tuple),
    max_size=8,
)


@given(sections=st.lists(st.tuples(st.integers(1, 4), stories), max_size=4))
def test_nothing_is_told_twice_nothing_skipped_and_no_limit_passed(
    sections: list[tuple[int, list[tuple[str, ...]]]],
) -> None:
    dealt = deal(sections, lambda story: story)

    told = [id_ for section in dealt for story in section for id_ in story]
    assert len(told) == len(set(told))
    seen: set[str] = set()
    for (limit, offered), section in zip(sections, dealt, strict=True):
        assert len(section) <= limit
        best = iter(offered)
        # In the order of the section, leaving out only what was told or did not fit any more.
        assert all(story in best for story in section)
        for story in offered:
            if story in section:
                seen.update(story)
            else:
                assert len(section) == limit or not seen.isdisjoint(story)


def section(name: str, feed: str, limit: int) -> Section:
    return Section(id=name, title=name, feeds=(feed,), limit=limit)


def press(
    sections: list[Section], found: Mapping[str, list[Article]]
) -> tuple[SectionStories, ...]:
    return choose(sections, found, frozenset())


ONE, TWO = "https://example.org/one", "https://example.org/two"


def numbers(count: int, feed: str, start: int = 0) -> list[Article]:
    return [
        replace(
            article(start + number, feed, age=number),
            title=f"{feed} {start + number} tells {number}",
        )
        for number in range(count)
    ]


def test_a_story_told_elsewhere_is_made_up_for_by_a_spare() -> None:
    first = numbers(3, "one")
    second = [first[0], *numbers(5, "two", 10)]
    chosen = press([section("a", ONE, 2), section("b", TWO, 2)], {ONE: first, TWO: second})

    assert [len(each.stories) for each in chosen] == [3, 3]
    assert [[story.id for story in each.stories] for each in shown(chosen)] == [
        ["id0", "id1"],
        ["id10", "id11"],
    ]
    assert count_articles(chosen) == 4


def test_a_story_that_is_told_elsewhere_in_part_has_a_spare_too() -> None:
    first, again = bridge(50, "one"), bridge(51, "two")
    chosen = press(
        [section("a", ONE, 1), section("b", TWO, 1)],
        {ONE: [first, again, *numbers(4, "one")[1:]], TWO: [again]},
    )

    a, b = chosen
    assert ids(a.stories[0]) == ("id50", "id51")
    # Who reads b first has had a's story: what is left for a is its spare.
    _, left = deal([(each.section.limit, each.stories) for each in (b, a)], ids)
    assert [story.id for story in left] == ["id1"]


def test_without_anything_shared_there_are_no_spares() -> None:
    chosen = press(
        [section("a", ONE, 2), section("b", TWO, 2)],
        {ONE: numbers(5, "one"), TWO: numbers(5, "two", 10)},
    )

    assert [len(each.stories) for each in chosen] == [2, 2]


def test_a_spare_counts_as_told_only_if_a_reader_of_all_sections_sees_it() -> None:
    first = numbers(4, "one")
    second = [first[0], *numbers(5, "two", 10)]
    chosen = press([section("a", ONE, 2), section("b", TWO, 2)], {ONE: first, TWO: second})

    told = articles_told(chosen)

    # id11 is a spare of b that readers of both see; id2, one of a, is seen by who reads b first.
    assert {"id0", "id1", "id10", "id11"} == told
    assert "id2" in {id_ for each in chosen for story in each.stories for id_ in ids(story)}


def test_what_only_the_reader_of_one_section_saw_counts_as_told_too() -> None:
    x, y = numbers(2, "one")
    a = SectionStories(section("a", ONE, 1), (Story((x,)),))
    b = SectionStories(section("b", TWO, 1), (Story((y, x)),))

    # Who reads both has no story of b: a told it.
    assert shown([a, b]) == (a,)
    assert articles_told([a, b]) == {"id0", "id1"}


@given(
    shared=st.sets(st.integers(0, 11)),
    limits=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    both=st.permutations([0, 1]),
)
def test_every_order_of_sections_fills_each_to_its_limit(
    shared: set[int], limits: tuple[int, int], both: list[int]
) -> None:
    first = numbers(12, "one")
    second = [first[n] if n in shared else each for n, each in enumerate(numbers(12, "two", 20))]
    chosen = press(
        [section("a", ONE, limits[0]), section("b", TWO, limits[1])], {ONE: first, TWO: second}
    )

    order = [chosen[at] for at in both]
    dealt = deal([(each.section.limit, each.stories) for each in order], ids)

    assert [len(stories) for stories in dealt] == [limits[at] for at in both]
