"""What an editor should know of a feed, from a look at it: numbers, and warnings in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from courant.articles import Article
from courant.feeds.fresh import choose_fresh
from courant.feeds.pages.lacking import too_little
from courant.feeds.parsing.parse import MAX_ENTRIES
from desk.feed_look import Look
from desk.feed_timing import Timing, timing

# How much of a feed must lack something until it is worth a word.
_MANY = 0.2
_ASLEEP = timedelta(days=365)
# Longer than newsrooms have holidays, and than this many articles took to come.
QUIET, _QUIET_GAPS = timedelta(days=30), 10
_FUTURE = timedelta(days=1)
# What a feed published within its last so many articles is its rhythm; one old piece isn't.
_RECENT = 20
# Links there lead through somebody's counter to the article, as long as the service lives.
_COUNTERS = (
    *("feedproxy.google.com", "feeds.feedburner.com", "feedpress.me", "rss.feedsportal.com"),
    *("t.co", "bit.ly", "ow.ly", "lnkd.in", "dlvr.it", "buff.ly", "go.redirectingat.com"),
    "news.google.com",
)
# feedparser's words for a format, and an editor's.
_KINDS = {
    "rss": "RSS",
    "rss090": "RSS 0.90",
    "rss091n": "RSS 0.91",
    "rss091u": "RSS 0.91",
    "rss092": "RSS 0.92",
    "rss093": "RSS 0.93",
    "rss094": "RSS 0.94",
    "rss10": "RSS 1.0",
    "rss20": "RSS 2.0",
    "atom": "Atom",
    "atom01": "Atom 0.1",
    "atom02": "Atom 0.2",
    "atom03": "Atom 0.3",
    "atom10": "Atom 1.0",
    "cdf": "CDF",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A look, judged. ``a_week`` is None where nobody can tell, and over where ``is_silent``.

    ``timing`` is how often it would be asked; of its articles ``news`` would be told when it is
    new, and ``held_back`` says why not all.
    """

    look: Look
    kind: str = ""
    articles: tuple[Article, ...] = ()
    entries: int = 0
    dropped: int = 0
    drops: tuple[str, ...] = ()
    newest: datetime | None = None
    oldest: datetime | None = None
    a_week: float | None = None
    is_silent: bool = False
    timing: Timing | None = None
    news: int = 0
    held_back: str | None = None
    lacking: tuple[tuple[str, int], ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def error(self) -> str | None:
        """Why nothing can be gathered; None if something can, or will once there is something."""
        if self.look.error or not self.entries or self.articles:
            return self.look.error
        return "none of its entries can be used"

    def as_json(self, articles: int | None = None) -> dict[str, Any]:
        """All of it, for scripts; ``articles`` at most of them."""
        look, document = self.look, self.look.document
        return {
            "asked": look.asked,
            "url": look.url,
            "usable": self.error is None,
            "error": self.error,
            "moved_to": look.moved_to,
            "status": look.status,
            "content_type": look.content_type,
            "kind": self.kind,
            "encoding": look.markup.encoding if look.markup else None,
            "bytes": look.size,
            "seconds": round(look.seconds, 3),
            "page": look.page,
            "feeds_named": [
                {"url": one.url, "kind": one.kind, "title": one.title} for one in look.named
            ],
            "title": document.title if document else None,
            "entries": self.entries,
            "usable_articles": len(self.articles),
            "dropped": self.dropped,
            "drops": self.drops,
            "newest": self.newest and self.newest.isoformat(),
            "oldest": self.oldest and self.oldest.isoformat(),
            "articles_a_week": self.a_week and round(self.a_week, 2),
            "visited_every_minutes": self.timing
            and round(self.timing.every / timedelta(minutes=1)),
            "visited_hours": self.timing and (self.timing.hours or None),
            "news_on_first_run": self.news,
            "held_back": self.held_back,
            "without": dict(self.lacking),
            "warnings": self.warnings,
            "articles": [_article_json(article) for article in self.articles[:articles]],
        }


def judge(look: Look, now: datetime) -> Facts:
    """What a look says."""
    document = look.document
    if document is None:
        return Facts(look=look, warnings=tuple(_of_address(look)))
    articles = tuple(item.article for item in document.items)
    dates = sorted(article.published for article in articles if article.published)
    entries = len(articles) + document.dropped
    newest, a_week = dates[-1] if dates else None, _a_week(dates)
    fresh = choose_fresh(document.items, frozenset(), first_run=True, now=now)
    facts = Facts(
        look=look,
        kind=_kind(document.kind),
        articles=articles,
        # Entries at one address became one article, and only the markup still knows how many.
        entries=max(entries, look.markup.entries if look.markup else 0),
        dropped=document.dropped,
        drops=document.drops,
        newest=newest,
        oldest=dates[0] if dates else None,
        a_week=a_week,
        is_silent=_is_silent(newest, a_week, now),
        timing=timing(document.rhythm, look.told, dates, now),
        news=len(fresh.articles),
        held_back=fresh.why,
        lacking=_lacking(articles),
    )
    warnings = (*_of_address(look), *_of_document(facts, entries), *_of_dates(facts, now))
    return replace(facts, warnings=warnings)


def _kind(written: str) -> str:
    if written.startswith("json"):
        version = written.removeprefix("json")
        return f"JSON Feed {version if '.' in version else version and f'{version}.0'}".strip()
    return _KINDS.get(written, written)


def _a_week(dates: Sequence[datetime]) -> float | None:
    recent = dates[-_RECENT:]
    if len(recent) < 2:
        return None
    # An hour at least: a feed that was written in one go tells nothing of its rhythm.
    span = recent[-1] - recent[0]
    return (len(recent) - 1) * (timedelta(weeks=1) / span) if span >= timedelta(hours=1) else None


def _lacking(articles: Sequence[Article]) -> tuple[tuple[str, int], ...]:
    counts = (
        ("summary", sum(not article.summary for article in articles)),
        ("image", sum(article.image is None for article in articles)),
        ("date", sum(article.published is None for article in articles)),
        ("author", sum(not article.author for article in articles)),
    )
    return tuple((name, count) for name, count in counts if count)


def _of_address(look: Look) -> Iterator[str]:
    if look.moved_to:
        yield f"It moved permanently to {look.moved_to}: write that address."
    if not look.is_file and look.document and urlsplit(look.url).scheme == "http":
        yield (
            "It is fetched over http, which anyone on the way can read and change. "
            "See whether it answers at https."
        )


def _of_document(facts: Facts, entries: int) -> Iterator[str]:
    look, markup, total = facts.look, facts.look.markup, len(facts.articles)
    if markup is None or look.document is None:
        return
    if markup.fault:
        used = " It can be used, but something may be missing." if total else ""
        yield f"It is broken ({markup.fault}).{used}"
    if not facts.entries:
        yield "It is a feed, but there is no entry in it now."
    if not total:
        return
    if not look.document.title:
        yield "It has no title; articles will name its host as their source."
    if markup.entries > MAX_ENTRIES:
        yield f"It holds {markup.entries} entries; only the first {MAX_ENTRIES} are used."
    merged = min(markup.entries, MAX_ENTRIES) - min(entries, MAX_ENTRIES)
    if merged > 0:
        yield (
            f"{_entries(merged)} {_has(merged)} the address of another one; "
            "one address is one article."
        )
    if markup.same_id:
        yield (
            f"{_entries(markup.same_id)} {_has(markup.same_id)} the id (guid) of another one; "
            "such ids are not relied on."
        )
    if markup.without_id:
        yield (
            f"{_lack(markup.without_id, markup.entries, 'id (guid)')}. "
            "Should a link change, its article may be taken for a new one."
        )
    short = sum(map(too_little, facts.articles))
    if short / total > _MANY:
        yield (
            f"{_lack(short, total, 'summary to speak of')}, so "
            f"{'its page' if short == 1 else 'their pages'} will be read."
        )
    counted = [article for article in facts.articles if _host(article.url).endswith(_COUNTERS)]
    if counted:
        host = _host(counted[0].url)
        yield f"Links lead through {host}, which counts clicks and may close one day."


def _of_dates(facts: Facts, now: datetime) -> Iterator[str]:
    undated, total = dict(facts.lacking).get("date", 0), len(facts.articles)
    latest = facts.look.markup.latest if facts.look.markup else None
    if latest and latest > now + _FUTURE:
        yield (
            f"It has dates in the future (up to {_day(latest)}); such articles count from the "
            "moment we first see them."
        )
    elif undated:
        yield (
            f"{_lack(undated, total, 'date that can be read')}. Such articles count from the "
            "moment we first see them."
        )
    if facts.newest and now - facts.newest > _ASLEEP:
        yield silence(facts.newest, now)
    elif facts.is_silent and facts.newest and facts.a_week:
        yield silence(facts.newest, now, f", though it brought {rhythm(facts.a_week)} before")


def silence(newest: datetime, now: datetime, before: str = "") -> str:
    """What is said of a feed that brings nothing any more."""
    if now - newest > _ASLEEP:
        return f"Its newest article is of {_day(newest)}: it may have been given up."
    return f"It has been silent since {_day(newest)}{before}."


def _is_silent(newest: datetime | None, a_week: float | None, now: datetime) -> bool:
    if not newest or not a_week:
        return False
    return now - newest > max(QUIET, _QUIET_GAPS * timedelta(weeks=1) / a_week)


def rhythm(a_week: float) -> str:
    """Articles a week, as one says it."""
    if a_week >= 14:
        return f"about {a_week / 7:,.0f} articles a day"
    if a_week >= 1.5:
        return f"about {a_week:.0f} articles a week"
    if a_week >= 0.35:
        return f"about {_number(a_week * 52 / 12)} a month"
    return f"about {_number(a_week * 52)} a year"


def _number(value: float) -> str:
    return f"{max(round(value), 1)} article{'' if round(value) <= 1 else 's'}"


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _lack(count: int, total: int, what: str) -> str:
    if total == 1:
        return f"Its only article has no {what}"
    if count == total:
        return f"None of its {total} articles has any {what}"
    return f"{count} of {total} articles {_has(count)} no {what}"


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def _day(instant: datetime) -> str:
    return f"{instant.day} {instant:%B %Y}"


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _article_json(article: Article) -> dict[str, Any]:
    return {
        "title": article.title,
        "url": article.url,
        "published": article.published and article.published.isoformat(),
        "summary": article.summary,
        "author": article.author,
        "image": article.image and article.image.url,
    }
