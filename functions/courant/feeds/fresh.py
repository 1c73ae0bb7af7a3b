"""Which of a document's items are news. Pure: what the feed has, what we know of it, and the time.

The caller (gather.py) gives:

* ``known``: **all** identity keys of the feed's previous document (``Feed.present``), and those of
  this document's other keys that the store has. The previous document's are evidence even where no
  item has them: they show which links and titles the feed had.
* ``first_run``: nothing of the feed was ever read, or not for longer than FIRST_PERIOD.
* ``last_read``: when we last knew what the feed holds, that is the visit before this one that
  ended in a document or in "unchanged". After failures: any instant not long before the first of
  them (``Feed.failing_since`` does).
* ``newest``: the latest ``published`` among the previous document's items, None if it had no
  dates. It makes the flood brake right for feeds whose clock or zone is wrong.
* ``seen_at``: when the visit began, if it is one that died and was begun again; else ``now``.
* ``most``: how many may be told, if the feed used up some of its day.

Whatever comes out, *all* keys of the document are to be remembered: what is not told now is never
told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from courant.articles import Article
from courant.feeds import identity
from courant.feeds.document import Item

# What is older when it comes to light is a late addition to an archive.
AGE_CAP = timedelta(days=30)
# A feed that is new to us: as if we had been there this long, for so many articles.
FIRST_PERIOD = timedelta(days=7)
FIRST_MOST = 20
# How many without a date are believed, where most of a document would be news.
UNDATED_MOST = 5
# From so many on, and more than half of the document, it is a flood. WordPress feeds hold ten.
FLOOD = 10
# A feed is believed so many a visit and a UTC day: the busiest wires write less, and who writes
# more would fill the newsletter alone, and take compose minutes.
VISIT_MOST, DAY_MOST = 100, 400
# Articles reach their feed a little after the date that they bear.
LAG = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Fresh:
    """What of a document is news to us.

    ``articles`` are to be stored, in the document's order, with ``first_seen`` set. ``held_back``
    more are unknown too, but old or part of a flood; ``why`` says so to an editor, None if 0.
    """

    articles: tuple[Article, ...]
    held_back: int
    why: str | None


def choose_fresh(
    items: Sequence[Item],
    known: frozenset[str],
    *,
    first_run: bool,
    now: datetime,
    last_read: datetime | None = None,
    newest: datetime | None = None,
    backlog: bool = False,
    seen_at: datetime | None = None,
    most: int = VISIT_MOST,
) -> Fresh:
    """What to tell of a document's items; the arguments are as above.

    ``backlog`` tells everything unknown, however old and however much (a preview, the demo).
    """
    memory = _Memory.of(known, newest or last_read)
    seen = seen_at or now
    unknown = [item for item in items if not memory.knows(item)]
    whys: list[str] = []
    if backlog:
        told = unknown
    elif first_run:
        pages = _pages(items, unknown)
        told = _first(_without(unknown, pages), now)
        if pages:
            whys.append(
                f"{_count(len(pages), 'entry', 'entries')} without a date among dated ones will "
                "not be told: pages of the site, no news."
            )
        if held := len(unknown) - len(told) - len(pages):
            whys.append(
                f"The feed {'was not read for long' if known else 'is new here'}: "
                f"{_count(held, 'older article')} "
                "will not be told, only what it brings from now on and its latest."
            )
    else:
        told = [item for item in unknown if not _dated_before(item, now - AGE_CAP)]
        if held := len(unknown) - len(told):
            whys.append(f"{_count(held, 'article')} came to light older than {AGE_CAP.days} days.")
        if last_read and len(unknown) >= FLOOD and len(unknown) * 2 > len(items):
            flood = told
            told = _after(flood, last_read, newest)
            if held := len(flood) - len(told):
                whys.append(
                    f"{len(unknown)} of {len(items)} articles looked new at once, but {held} are "
                    "no later than what the feed had before: it must have changed their addresses."
                )
    if not backlog and (held := len(told) - most) > 0:
        told = _newest(told, most)
        whys.append(
            f"{_count(held, 'article')} too many: "
            f"a feed may tell {VISIT_MOST} a visit and {DAY_MOST} a day."
        )
    return Fresh(
        articles=tuple(
            replace(
                item.article,
                id=memory.article_id(item),
                first_seen=_first_seen(item, seen) if first_run and not backlog else seen,
            )
            for item in told
        ),
        held_back=len(unknown) - len(told),
        why=" ".join(whys) or None,
    )


@dataclass(frozen=True, slots=True)
class _Memory:
    """What we know of a feed: keys, the links and wordings that they show, and up to when."""

    keys: frozenset[str]
    places: frozenset[str]
    wordings: frozenset[str]
    until: datetime | None

    @classmethod
    def of(cls, keys: frozenset[str], until: datetime | None) -> _Memory:
        halves = [identity.halves(key) for key in keys]
        return cls(
            keys,
            frozenset(place for place, _ in halves),
            frozenset(wording for _, wording in halves),
            until,
        )

    def knows(self, item: Item) -> bool:
        """Whether any key is known, unless the feed gave an old guid to a new piece.

        That is: link and title are both unheard of, and it is dated after all that was there
        (feedbin#604; home-made feeds number their entries from 1 each time).
        """
        if self.keys.isdisjoint(item.keys):
            return False
        place, wording = identity.halves(item.keys[0])
        published = item.article.published
        reused = (
            place not in self.places
            and wording not in self.wordings
            and self.until is not None
            and published is not None
            and published > self.until
        )
        return not reused

    def article_id(self, item: Item) -> str:
        """Its id; one of its own if the page is known, but for another piece that was there."""
        place, _ = identity.halves(item.keys[0])
        if place in self.places:
            return identity.piece_id(item.article.url, item.keys[0])
        return item.article.id


def _pages(items: Sequence[Item], unknown: Sequence[Item]) -> list[Item]:
    """What has no date where most of a document does: "About", "Contact", an archive."""
    dated = sum(item.article.published is not None for item in items)
    if dated * 2 <= len(items):
        return []
    return [item for item in unknown if item.article.published is None]


def _first(unknown: Sequence[Item], now: datetime) -> list[Item]:
    recent = [
        item
        for item in unknown
        if item.article.published and item.article.published >= now - FIRST_PERIOD
    ]
    # The sort is stable: what has the same date keeps the feed's order.
    recent.sort(key=lambda item: item.article.published or now, reverse=True)
    return _in_order(unknown, [*recent, *_undated(unknown)][:FIRST_MOST])


def _after(flood: Sequence[Item], last_read: datetime, newest: datetime | None) -> list[Item]:
    # Where all are dated midnight, a date is a day, and what is new comes at any hour of it.
    dates = [item.article.published for item in flood if item.article.published]
    rest = timedelta(days=all(date.time() == time() for date in dates))
    later = [
        item
        for item in flood
        if (date := item.article.published)
        and (date + rest > last_read - LAG or (newest is not None and date > newest))
    ]
    return _in_order(flood, [*later, *_undated(flood)])


def _newest(items: Sequence[Item], most: int) -> list[Item]:
    dated = [item for item in items if item.article.published]
    # The sort is stable, as above; what has no date comes last.
    dated.sort(key=lambda item: item.article.published or item.article.first_seen, reverse=True)
    undated = [item for item in items if not item.article.published]
    return _in_order(items, [*dated, *undated][:most])


def _undated(items: Iterable[Item]) -> list[Item]:
    return [item for item in items if item.article.published is None][:UNDATED_MOST]


def _in_order(items: Iterable[Item], chosen: Iterable[Item]) -> list[Item]:
    wanted = {id(item) for item in chosen}
    return [item for item in items if id(item) in wanted]


def _without(items: Iterable[Item], left_out: Iterable[Item]) -> list[Item]:
    unwanted = {id(item) for item in left_out}
    return [item for item in items if id(item) not in unwanted]


def _dated_before(item: Item, instant: datetime) -> bool:
    return item.article.published is not None and item.article.published < instant


def _first_seen(item: Item, seen: datetime) -> datetime:
    return min(item.article.published or seen, seen)


def _count(number: int, noun: str, nouns: str = "") -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {nouns or noun + 's'}"
