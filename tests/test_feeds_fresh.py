"""Which of a document's items are news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.articles import Article
from courant.feeds.document import Item
from courant.feeds.fresh import (
    AGE_CAP,
    FIRST_MOST,
    FIRST_PERIOD,
    FLOOD,
    LAG,
    UNDATED_MOST,
    VISIT_MOST,
    Fresh,
    choose_fresh,
)
from courant.feeds.identity import identify

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# guid, link, title, age
Entry = tuple[str, str, str, timedelta | None]


def document(entries: Sequence[Entry], now: datetime = NOW) -> list[Item]:
    """The items of a document, as read_document would have them."""
    identities = identify(
        [(guid, [link], title) for guid, link, title, _ in entries], "https://x.y"
    )
    items: dict[str, Item] = {}
    for position, (who, (_, _, title, age)) in enumerate(zip(identities, entries, strict=True)):
        assert who is not None
        article = Article(
            id=who.article_id,
            feed_id="f",
            url=who.url,
            title=title,
            summary="",
            source="X",
            first_seen=now,
            published=None if age is None else now - age,
            position=position,
        )
        items.setdefault(article.id, Item(article, who.keys))
    return list(items.values())


def entries(number: int, every: timedelta | None, site: str = "https://x.y") -> list[Entry]:
    """So many entries, newest first, one every so often."""
    return [
        (f"{site}/?p={n}", f"{site}/{n}", f"Title {n}", None if every is None else every * n)
        for n in range(number)
    ]


def keys(items: Sequence[Item]) -> frozenset[str]:
    return frozenset(key for item in items for key in item.keys)


def titles(fresh: Fresh) -> list[str]:
    return [article.title for article in fresh.articles]


class Feed:
    """A feed that is visited again and again, with what gather.py keeps of it."""

    def __init__(self) -> None:
        self.known: frozenset[str] = frozenset()
        self.newest: datetime | None = None
        self.last_read: datetime | None = None

    def visit(self, found: Sequence[Entry], now: datetime = NOW) -> Fresh:
        items = document(found, now)
        fresh = choose_fresh(
            items,
            self.known,
            first_run=self.last_read is None,
            now=now,
            last_read=self.last_read,
            newest=self.newest,
        )
        # The store knows all it ever had, here; faded keys make no difference to these tests.
        self.known |= keys(items)
        dates = [item.article.published for item in items if item.article.published]
        self.newest, self.last_read = max(dates, default=None), now
        return fresh


# The first visit


def test_first_run_is_quiet() -> None:
    fresh = Feed().visit(entries(500, DAY))

    assert titles(fresh) == [f"Title {n}" for n in range(8)]
    assert fresh.held_back == 492
    assert fresh.why
    assert "492" in fresh.why


def test_first_run_gives_each_article_its_own_day() -> None:
    fresh = Feed().visit(entries(10, DAY))

    assert [article.first_seen for article in fresh.articles] == [NOW - n * DAY for n in range(8)]


def test_first_run_of_a_busy_feed_tells_the_newest_twenty() -> None:
    fresh = Feed().visit([*entries(5, None), *entries(60, HOUR, "https://b.c")[::-1]])

    # In the document's order, which here is oldest first; those without a date yield.
    assert titles(fresh) == [f"Title {n}" for n in reversed(range(FIRST_MOST))]


def test_first_run_without_dates_tells_the_first_five() -> None:
    fresh = Feed().visit(entries(40, None))

    assert titles(fresh) == [f"Title {n}" for n in range(UNDATED_MOST)]
    assert {article.first_seen for article in fresh.articles} == {NOW}


def test_first_run_takes_what_has_no_date_among_dated_ones_for_pages() -> None:
    feed = Feed()
    site = [("about", "/about", "About", None), *entries(3, HOUR), ("c", "/c", "Contact", None)]
    fresh = feed.visit(site)

    assert titles(fresh) == ["Title 0", "Title 1", "Title 2"]
    assert fresh.held_back == 2
    assert fresh.why == (
        "2 entries without a date among dated ones will not be told: pages of the site, no news."
    )
    # Nor later; but a post whose date was forgotten is news.
    late = feed.visit([("p", "/p", "Post", None), *site], NOW + HOUR)
    assert titles(late) == ["Post"]


def test_first_run_says_of_pages_and_of_older_articles() -> None:
    fresh = Feed().visit([("about", "/about", "About", None), *entries(10, DAY)])

    assert fresh.held_back == 3
    assert fresh.why
    assert "1 entry without a date" in fresh.why
    assert "2 older articles" in fresh.why


@pytest.mark.parametrize(("dated", "told"), [(2, 4), (3, 3)])
def test_pages_are_what_most_are_not(dated: int, told: int) -> None:
    undated = entries(2, None, "https://a.b")

    assert len(Feed().visit([*undated, *entries(dated, HOUR)]).articles) == told


def test_first_run_of_a_sleeping_feed_tells_nothing() -> None:
    fresh = Feed().visit([("1", "/a", "A", FIRST_PERIOD + MINUTE)])

    assert fresh.articles == ()
    assert fresh.why == (
        "The feed is new here: 1 older article will not be told, only what it brings from now on "
        "and its latest."
    )


def test_first_run_that_holds_nothing_back_has_nothing_to_explain() -> None:
    assert Feed().visit(entries(3, HOUR)).why is None


def test_date_in_the_future_is_seen_now() -> None:
    (article,) = Feed().visit([("1", "/a", "A", -HOUR)]).articles

    assert article.first_seen == NOW


# Later visits


def test_later_visit_tells_what_is_new() -> None:
    feed = Feed()
    feed.visit(entries(10, DAY))
    fresh = feed.visit([("new", "/new", "New", HOUR), *entries(9, DAY)], NOW + HOUR)

    assert titles(fresh) == ["New"]
    assert fresh.articles[0].first_seen == NOW + HOUR
    assert fresh.held_back == 0
    assert fresh.why is None


@pytest.mark.parametrize(("age", "told"), [(AGE_CAP, 1), (AGE_CAP + MINUTE, 0), (None, 1)])
def test_late_addition_to_an_archive_is_no_news(age: timedelta | None, told: int) -> None:
    feed = Feed()
    feed.visit(entries(10, DAY))
    fresh = feed.visit([("late", "/late", "Late", age), *entries(10, DAY)])

    assert len(fresh.articles) == told
    assert fresh.held_back == 1 - told
    assert fresh.why == (None if told else "1 article came to light older than 30 days.")


def test_archive_that_opens_is_remembered_only() -> None:
    feed = Feed()
    feed.visit(entries(20, 7 * DAY))
    fresh = feed.visit(entries(500, 7 * DAY))

    assert fresh.articles == ()
    assert fresh.held_back == 480
    assert feed.visit(entries(500, 7 * DAY)) == Fresh((), 0, None)


def test_feed_that_answered_304_for_a_year_brings_no_old_news() -> None:
    feed = Feed()
    feed.visit(entries(30, DAY), NOW - 365 * DAY)
    # Each 304 since moved the date of the last visit; the keys are those of a year ago.
    feed.last_read = NOW - HOUR
    old = [
        (guid, link, title, (age or DAY) + 365 * DAY) for guid, link, title, age in entries(30, DAY)
    ]
    fresh = feed.visit([("new", "/new", "New", HOUR), *old])

    assert titles(fresh) == ["New"]


def test_regenerated_guids_are_no_news() -> None:
    # newrelic/docs-website#1271, nodejs.org PR#7648: the same pages under new guids.
    feed = Feed()
    feed.visit(entries(200, HOUR))
    again = [(f"urn:uuid:{link}", link, title, age) for _, link, title, age in entries(200, HOUR)]

    assert feed.visit(again, NOW + HOUR) == Fresh((), 0, None)


def test_wordpress_that_moves_to_another_domain_is_no_news() -> None:
    feed = Feed()
    feed.visit(entries(10, DAY))
    moved = [(guid, f"https://new.example/{n}", title, age)
             for n, (guid, _, title, age) in enumerate(entries(10, DAY))]  # fmt: skip

    assert feed.visit(moved, NOW + HOUR) == Fresh((), 0, None)


def migrated(number: int, every: timedelta | None) -> list[Entry]:
    """The same articles after a change of the site's system: everything about them is new."""
    return [
        (f"n{n}", f"https://new.example/posts/{n}", f"Title {n} | Site", age)
        for n, (_, _, _, age) in enumerate(entries(number, every))
    ]


@pytest.mark.parametrize("number", [FLOOD, 25, 300])
@pytest.mark.parametrize("every", [HOUR * 2, DAY])
def test_migrated_site_is_braked(number: int, every: timedelta) -> None:
    feed = Feed()
    feed.visit(
        [
            (guid, link, title, (age or HOUR) + HOUR * 2)
            for guid, link, title, age in entries(number, every)
        ]
    )
    now = NOW + MINUTE * 30
    old = [
        (guid, link, title, (age or HOUR) + HOUR * 2 + MINUTE * 30)
        for guid, link, title, age in migrated(number, every)
    ]
    fresh = feed.visit([("new", "/new", "New", MINUTE), *old], now)

    assert titles(fresh)[0] == "New"
    assert len(fresh.articles) == 1
    assert fresh.held_back == number
    assert fresh.why
    assert feed.visit([("newer", "/newer", "Newer", MINUTE), *old[:-1]], now + HOUR).why is None


def test_migrated_site_without_dates_is_braked() -> None:
    feed = Feed()
    feed.visit(entries(40, None))
    fresh = feed.visit(migrated(40, None))

    assert len(fresh.articles) == UNDATED_MOST
    assert fresh.why == (
        "40 of 40 articles looked new at once, but 35 are no later than what the feed had before: "
        "it must have changed their addresses."
    )


def test_smallest_flood_is_braked() -> None:
    feed = Feed()
    feed.visit(entries(FLOOD + 1, DAY)[1:])
    old = [
        (guid, link, title, (age or HOUR) + DAY) for guid, link, title, age in migrated(FLOOD, DAY)
    ]

    assert feed.visit(old).articles == ()


@pytest.mark.parametrize("number", [FLOOD - 1, 5])
def test_small_feed_is_not_braked(number: int) -> None:
    feed = Feed()
    feed.visit(entries(number, DAY))

    assert len(feed.visit(migrated(number, DAY)).articles) == number


def test_few_old_ones_among_many_known_are_told() -> None:
    feed = Feed()
    feed.visit(entries(60, HOUR))
    late = [(f"l{n}", f"/late/{n}", f"Late {n}", DAY) for n in range(20)]

    assert len(feed.visit([*late, *entries(60, HOUR)]).articles) == 20


@pytest.mark.parametrize("wrong", [timedelta(0), 8 * HOUR, -8 * HOUR])
@pytest.mark.parametrize("away", [HOUR, DAY])
def test_busy_feed_passes_in_full(wrong: timedelta, away: timedelta) -> None:
    # Also one that writes local times as if they were universal, and after a day of failures.
    feed = Feed()

    def wire(first: int, now: datetime) -> list[Entry]:
        return [
            (f"{n}", f"/{n}", f"Wire {n}", now - (NOW + n * away / 60) + wrong)
            for n in reversed(range(first, first + 60))
        ]

    feed.visit(wire(-59, NOW), NOW)
    fresh = feed.visit(wire(1, NOW + away), NOW + away)

    assert len(fresh.articles) == 60
    assert fresh.why is None


def test_daily_batch_of_dates_without_times_passes_in_full() -> None:
    feed = Feed()
    feed.visit([(f"a{n}", f"/a{n}", f"A {n}", DAY + 6 * HOUR) for n in range(100)])
    fresh = feed.visit([(f"b{n}", f"/b{n}", f"B {n}", 6 * HOUR) for n in range(100)])

    assert len(fresh.articles) == 100


def test_second_batch_of_a_day_without_times_passes_in_full() -> None:
    feed = Feed()

    def batch(name: str, age: timedelta) -> list[Entry]:
        return [(f"{name}{n}", f"/{name}{n}", f"{name} {n}", age) for n in range(20)]

    # All dated the midnight before noon.
    feed.visit(batch("a", 12 * HOUR), NOW + 6 * HOUR)
    assert len(feed.visit(batch("b", 16 * HOUR), NOW + 10 * HOUR).articles) == 20
    # The day before is over.
    assert not feed.visit(batch("c", 44 * HOUR), NOW + 14 * HOUR).articles
    # A second after midnight is a time; the first of them is later than all before, though.
    second = timedelta(seconds=1)
    assert feed.visit(batch("d", 21 * HOUR - second), NOW + 15 * HOUR).held_back == 0
    assert not feed.visit(batch("e", 22 * HOUR - second), NOW + 16 * HOUR).articles


def test_what_came_a_little_late_is_no_flood() -> None:
    feed = Feed()
    feed.visit(entries(20, MINUTE))
    late = [(f"l{n}", f"/l{n}", f"Late {n}", LAG + 29 * MINUTE) for n in range(20)]

    assert len(feed.visit(late, NOW + 30 * MINUTE).articles) == 20


# Too much


def wire(name: str, number: int) -> list[Entry]:
    return [
        (f"{name}{n}", f"/{name}{n}", f"{name} {n}", n * timedelta(seconds=1))
        for n in range(number)
    ]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_visit_tells_the_newest_hundred(backwards: bool) -> None:
    feed = Feed()
    feed.visit(wire("a", 5), NOW - HOUR)
    undated: list[Entry] = [("u", "/u", "Undated", None)]
    found = [*undated, *wire("b", 500)]

    fresh = feed.visit(found[::-1] if backwards else found)

    newest = [f"b {n}" for n in range(VISIT_MOST)]
    assert titles(fresh) == (newest[::-1] if backwards else newest)
    assert fresh.held_back == 401
    assert fresh.why == "401 articles too many: a feed may tell 100 a visit and 400 a day."
    assert not feed.visit(found, NOW + MINUTE).articles


def test_what_is_left_of_a_day_is_all_that_is_told() -> None:
    def choose(most: int, *, backlog: bool = False) -> Fresh:
        items = document(wire("b", 9))
        return choose_fresh(
            items, frozenset(), first_run=False, now=NOW, most=most, backlog=backlog
        )

    assert titles(choose(2)) == ["b 0", "b 1"]
    assert (choose(0).articles, choose(0).held_back) == ((), 9)
    assert choose(9).why is None
    assert choose(0, backlog=True).held_back == 0


def test_visit_begun_again_sees_with_the_eyes_of_the_first() -> None:
    before = NOW - 11 * HOUR
    items = document([*entries(2, DAY), *entries(2, None, "https://a.b")])

    def seen(*, first_run: bool) -> set[datetime]:
        fresh = choose_fresh(items, frozenset(), first_run=first_run, now=NOW, seen_at=before)
        assert len(fresh.articles) == 4
        return {article.first_seen for article in fresh.articles}

    assert seen(first_run=False) == {before}
    assert seen(first_run=True) == {before, NOW - DAY}


# The same guid, the same page


def test_new_piece_under_an_old_guid_is_news() -> None:
    # feedbin#604, and home-made feeds that count from 1 in each document.
    feed = Feed()
    feed.visit([(f"{n}", f"/mon/{n}", f"Monday {n}", DAY + n * HOUR) for n in range(8)])
    fresh = feed.visit([(f"{n}", f"/tue/{n}", f"Tuesday {n}", n * HOUR) for n in range(8)])

    assert len(fresh.articles) == 8


@pytest.mark.parametrize("age", [DAY, None])
def test_edited_title_and_slug_under_a_guid_are_no_news(age: timedelta | None) -> None:
    feed = Feed()
    feed.visit([("1", "/storm-is-near", "Storm is near", age), ("2", "/b", "B", HOUR)])

    assert feed.visit([("1", "/storm-is-here", "Storm is here", age)]).articles == ()


@pytest.mark.parametrize(
    "edited", [("1", "/a", "Edited", MINUTE), ("1", "/rewritten", "A", MINUTE)]
)
def test_edit_that_comes_with_a_new_date_is_no_news(edited: Entry) -> None:
    feed = Feed()
    feed.visit([("1", "/a", "A", DAY), ("2", "/b", "B", HOUR)])

    assert feed.visit([edited], NOW + HOUR).articles == ()


def test_page_that_stays_has_a_new_article_each_day() -> None:
    feed = Feed()
    ids = set()
    for day in range(5):
        found = [(f"{day}", "/briefing", f"Briefing of day {day}", HOUR)]
        (article,) = feed.visit(found, NOW + day * DAY).articles
        assert article.url == "https://x.y/briefing"
        ids.add(article.id)

    # Each is another article to whoever remembers what a reader had.
    assert len(ids) == 5


# Laws

SMALL = st.lists(
    st.tuples(
        st.sampled_from(["", *"123456"]),
        st.sampled_from([f"/{n}" for n in range(12)] + ["/a#x", "/a#y"]),
        st.sampled_from(["T", "U", "V"]),
        st.none() | st.timedeltas(-2 * DAY, 60 * DAY),
    ),
    max_size=40,
)
TIMES = st.none() | st.timedeltas(timedelta(0), 80 * DAY).map(lambda age: NOW - age)


@given(SMALL, SMALL, st.booleans(), st.booleans(), TIMES, TIMES)
def test_laws(
    before: list[Entry],
    found: list[Entry],
    first_run: bool,
    backlog: bool,
    last_read: datetime | None,
    newest: datetime | None,
) -> None:
    known = frozenset() if first_run else keys(document(before))
    items = document(found)

    def choose(known: frozenset[str], now: datetime = NOW) -> Fresh:
        return choose_fresh(
            items,
            known,
            first_run=first_run,
            now=now,
            last_read=last_read,
            newest=newest,
            backlog=backlog,
        )

    fresh = choose(known)
    positions = [article.position for article in fresh.articles]
    items_of = {item.article.position: item for item in items}
    unknown = [item for item in items if known.isdisjoint(item.keys)]

    assert positions == sorted(set(positions))
    assert len({article.id for article in fresh.articles}) == len(positions)
    assert 0 <= fresh.held_back <= len(items) - len(positions)
    assert len(unknown) <= len(positions) + fresh.held_back <= len(items)
    assert (fresh.why is None) == (fresh.held_back == 0)
    for article in fresh.articles:
        item = items_of[article.position]
        assert replace(article, id=item.article.id, first_seen=NOW) == item.article
        assert article.first_seen <= NOW
        assert article.first_seen == NOW or (first_run and article.published == article.first_seen)
        # A known key is told of only as the guid that the feed gave away again.
        assert item.keys[0] not in known
        if not known.isdisjoint(item.keys):
            assert article.published
            assert article.published > min(filter(None, (newest, last_read)))
    if backlog:
        assert fresh.held_back == 0
    elif first_run:
        assert len(positions) <= FIRST_MOST
    else:
        for article in fresh.articles:
            assert article.published is None or article.published >= NOW - AGE_CAP
    # What was remembered is told never, if it was there at the last visit.
    assert choose(known | keys(items)).articles == ()
    assert choose(known) == fresh


@given(SMALL)
def test_backlog_tells_everything(found: list[Entry]) -> None:
    items = document(found)
    fresh = choose_fresh(items, frozenset(), first_run=True, now=NOW, backlog=True)

    assert list(fresh.articles) == [item.article for item in items]
