"""Which stories a pressing holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.articles import Article
from courant.editions.select import SectionStories, articles_told, choose, count_articles
from courant.newsletter import Section

NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
WORLD, SPORT = "https://example.org/world", "https://example.org/sport"


def article(number: int, feed: str = "a", *, age: int = 0, seen: int = 0) -> Article:
    return Article(
        id=f"id{number}",
        feed_id=feed,
        url=f"https://example.org/{number}",
        title=f"Title {number}",
        summary="",
        source="Wire",
        first_seen=NOW - timedelta(minutes=seen),
        published=NOW - timedelta(hours=age),
        position=number,
    )


def section(**changes: object) -> Section:
    return Section.model_validate(
        {"id": "world", "title": "World", "feeds": [WORLD], "limit": 3, **changes}
    )


def ids(sections: tuple[SectionStories, ...]) -> list[str]:
    return [story.id for each in sections for story in each.stories]


def test_newest_come_first_and_the_limit_holds() -> None:
    found = {WORLD: [article(1, age=5), article(2, age=1), article(3, age=9), article(4, age=3)]}

    assert ids(choose([section()], found, frozenset())) == ["id2", "id4", "id1"]


def test_an_old_date_does_not_keep_a_new_article_out() -> None:
    found = {WORLD: [article(1, age=24 * 365)]}

    assert ids(choose([section()], found, frozenset())) == ["id1"]


def test_what_has_no_date_yields_to_a_day_of_news() -> None:
    undated = Article(
        id="undated",
        feed_id="a",
        url="https://example.org/u",
        title="U",
        summary="",
        source="Wire",
        first_seen=NOW - timedelta(hours=2),
    )

    found = {WORLD: [article(1, age=20), undated, article(2, age=40)]}

    assert ids(choose([section()], found, frozenset())) == ["id1", "undated", "id2"]


def undated(number: int, feed: str = "a", *, seen: int = 0) -> Article:
    return replace(article(number, feed, seen=seen), published=None)


@pytest.mark.parametrize("position", [0, 9])
def test_what_has_no_date_leads_no_section_of_old_feeds(position: int) -> None:
    # A first look at feeds that slept: everything is seen now, and "About" is not the news.
    pages = [replace(undated(n), position=position) for n in (8, 9)]
    found = {WORLD: [*pages, *(article(n, age=24 * n) for n in (100, 300, 200))]}

    assert ids(choose([section(limit=9)], found, frozenset())) == [
        *("id100", "id200"),
        *("id8", "id9"),
        "id300",
    ]


def test_a_feed_that_never_has_dates_has_its_place_in_a_busy_section() -> None:
    found = {WORLD: [article(n, f"f{n}", age=n, seen=n * 60) for n in range(60)], SPORT: []}
    found[SPORT] = [undated(99, "never", seen=60)]

    chosen = ids(choose([section(feeds=[WORLD, SPORT], limit=30)], found, frozenset()))

    assert chosen.index("id99") == 26


def test_one_feed_fills_no_more_than_its_cap() -> None:
    found = {WORLD: [article(n, "loud", age=n) for n in range(5)] + [article(9, "quiet", age=9)]}

    assert ids(choose([section(per_feed=2)], found, frozenset())) == ["id0", "id1", "id9"]


def test_the_same_article_in_two_feeds_is_told_once_in_a_section() -> None:
    sections = [section(feeds=[WORLD, SPORT])]

    chosen = choose(sections, {WORLD: [article(1, "a")], SPORT: [article(1, "b")]}, frozenset())

    assert ids(chosen) == ["id1"]


def test_the_same_article_in_two_sections_is_in_both_and_counts_once() -> None:
    sections = [section(), section(id="sport", title="Sport", feeds=[SPORT])]

    chosen = choose(sections, {WORLD: [article(1)], SPORT: [article(1, "b")]}, frozenset())

    assert ids(chosen) == ["id1", "id1"]
    assert count_articles(chosen) == 1


def test_a_section_without_news_is_left_out() -> None:
    sections = [section(), section(id="sport", title="Sport", feeds=[SPORT])]

    chosen = choose(sections, {WORLD: [article(1)]}, frozenset({"id1"}))

    assert chosen == ()


BRIDGE = "Harbour bridge closed after cargo ship hits pillar"


def bridge(number: int, feed: str, **when: int) -> Article:
    told = article(number, feed, **when)
    return replace(told, title=BRIDGE, url=f"https://{feed}.example.org/{number}")


def shown(sections: tuple[SectionStories, ...]) -> list[list[str]]:
    return [[each.id for each in story.articles] for s in sections for story in s.stories]


def test_articles_about_the_same_become_one_story_led_by_the_newest() -> None:
    found = {
        WORLD: [bridge(1, "a", age=5), article(2, age=3)],
        SPORT: [bridge(3, "b", age=1), bridge(4, "c", age=7)],
    }

    chosen = choose([section(feeds=[WORLD, SPORT])], found, frozenset())

    assert shown(chosen) == [["id3", "id1", "id4"], ["id2"]]
    assert articles_told(chosen) == {"id1", "id2", "id3", "id4"}


def test_what_is_only_named_counts_against_neither_limit_nor_cap() -> None:
    found = {
        WORLD: [bridge(1, "a", age=1), bridge(2, "b", age=2)],
        SPORT: [article(3, "b", age=3), article(4, "c", age=4)],
    }

    chosen = choose([section(feeds=[WORLD, SPORT], limit=3, per_feed=1)], found, frozenset())

    assert shown(chosen) == [["id1", "id2"], ["id3"], ["id4"]]


def test_where_the_newest_ones_feed_had_its_share_the_next_leads() -> None:
    found = {WORLD: [article(9, "a", age=0), bridge(1, "a", age=1), bridge(2, "b", age=2)]}

    chosen = choose([section(per_feed=1)], found, frozenset())

    assert shown(chosen) == [["id9"], ["id2", "id1"]]


@pytest.mark.parametrize("held", ["id1", "id2", "id3"])
def test_a_story_that_was_told_is_not_news_when_another_feed_tells_it(held: str) -> None:
    found = {
        WORLD: [bridge(1, "a", seen=900), bridge(2, "b", seen=600), bridge(3, "c"), article(4)]
    }

    assert ids(choose([section()], found, frozenset({held}))) == ["id4"]


def test_each_section_groups_for_itself() -> None:
    sections = [section(), section(id="sport", title="Sport", feeds=[SPORT])]

    chosen = choose(sections, {WORLD: [bridge(1, "a")], SPORT: [bridge(2, "b")]}, frozenset())

    assert shown(chosen) == [["id1"], ["id2"]]


@given(
    ages=st.lists(st.integers(0, 100), max_size=30),
    held=st.frozensets(st.integers(0, 30).map("id{}".format)),
    limit=st.integers(1, 10),
    cap=st.integers(1, 10),
)
def test_choosing_is_capped_ordered_repeatable_and_never_repeats_what_was_held(
    ages: list[int], held: frozenset[str], limit: int, cap: int
) -> None:
    # Every fourth tells of the bridge: in a feed of its own, it joins the others that do.
    articles = [
        article(n, f"feed{n % 3}", age=age) if n % 4 else bridge(n, f"feed{n % 3}", age=age)
        for n, age in enumerate(ages)
    ]
    sections = [section(limit=limit, per_feed=cap)]

    chosen = choose(sections, {WORLD: articles}, held)

    stories = [story.lead for each in chosen for story in each.stories]
    assert len(stories) <= limit
    assert [a.date for a in stories] == sorted((a.date for a in stories), reverse=True)
    assert not articles_told(chosen) & held
    assert all(sum(a.feed_id == f for a in stories) <= cap for f in ("feed0", "feed1", "feed2"))
    assert choose(sections, {WORLD: list(reversed(articles))}, held) == chosen
    assert choose(sections, {WORLD: articles}, held | articles_told(chosen)) != chosen or not chosen


def test_alike_sections_keep_no_more_than_all_of_them_show() -> None:
    found = {WORLD: [article(n, age=n) for n in range(30)]}
    sections = [section(id="a", limit=2), section(id="b", limit=3)]

    chosen = choose(sections, found, frozenset())

    assert [len(each.stories) for each in chosen] == [5, 5]


def test_alike_sections_keep_twenty_spares_at_most() -> None:
    found = {WORLD: [article(n, age=n) for n in range(90)]}
    sections = [section(id=name, limit=30) for name in "abc"]

    chosen = choose(sections, found, frozenset())

    assert [len(each.stories) for each in chosen] == [50, 50, 50]
