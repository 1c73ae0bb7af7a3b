"""What the demo came to, read back from the rows: edition.json and report.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3

from courant.articles import Article, ArticleStore
from courant.clock import stamp
from courant.delivery.chunks import ChunkStore
from courant.delivery.ledger import DeliveryState, Ledger
from courant.editions.frozen import PressingStore
from courant.editions.model import OPEN, Edition, PressingRecord
from courant.editions.pressing import Frozen
from courant.editions.store import EditionStore
from courant.feeds.store import feed_id
from courant.newsletter import Newsletter
from desk.demo.journal import FeedTally
from desk.stack import Failure, Stack

_COUNTS = ("sent", "skipped", "failed", "unresolved", "had")
_ALL = 10_000


def report(
    stack: Stack,
    newsletter: Newsletter,
    tally: FeedTally,
    names: Mapping[str, str],
    dead: Iterable[Failure],
    seconds: float,
) -> dict[str, Any]:
    """report.json. ``names``: feed URL → what people call the feed; totals are over all days."""
    ids = {feed_id(url): name for url, name in names.items()}
    failed = sorted((ids.get(id_, id_), reason) for id_, reason in tally.failed.items())
    return {
        "feeds": {
            "total": len(newsletter.feeds),
            "visits": tally.fetched + tally.not_modified + tally.failures,
            "fetched": tally.fetched,
            "not_modified": tally.not_modified,
            "failed": [{"feed": name, "error": reason} for name, reason in failed],
        },
        "articles": tally.articles,
        "editions": [_totals(stack, edition) for edition in _editions(stack, newsletter)],
        "mails": len(stack.mails()),
        "problems": sorted({f"{failure.function}: {failure.reason}" for failure in dead}),
        "seconds": round(seconds, 1),
    }


def editions(stack: Stack, newsletter: Newsletter) -> list[dict[str, Any]]:
    """edition.json: each edition with its pressings, their sections and stories."""
    store = EditionStore(stack.table("content"))
    pressings = PressingStore(boto3.client("s3"), stack.outputs()["Bucket"])
    found = [
        (edition, record, pressings.get(edition.id, record.instant))
        for edition in _editions(stack, newsletter)
        for record in store.pressings(edition.id)
    ]
    articles = _articles(stack, newsletter, [frozen for _, _, frozen in found if frozen])
    return [
        {
            **_totals(stack, edition),
            "newsletter": edition.id.newsletter,
            "cadence": edition.id.cadence,
            "date": edition.id.date.isoformat(),
            "pressings": [
                pressing
                for of, record, frozen in found
                if of.id == edition.id
                for pressing in _pressings(newsletter, record, frozen, articles)
            ],
        }
        for edition in _editions(stack, newsletter)
    ]


def _editions(stack: Stack, newsletter: Newsletter) -> list[Edition]:
    found = EditionStore(stack.table("content")).of_newsletter(newsletter.id, limit=_ALL)
    return sorted(found, key=lambda edition: (edition.started_at, str(edition.id)))


def _totals(stack: Stack, edition: Edition) -> dict[str, Any]:
    chunks = ChunkStore(stack.table("ledger")).of_edition(edition.id)
    records = EditionStore(stack.table("content")).pressings(edition.id)
    reasons = [reason for reason in (edition.reason, *(r.reason for r in records)) if reason]
    return {
        "id": str(edition.id),
        "state": edition.state.value,
        "members": sum(chunk.members for chunk in chunks),
        **{name: sum(getattr(chunk.counts, name) for chunk in chunks) for name in _COUNTS},
        "reason": "; ".join(dict.fromkeys(reasons)) or None,
        "not_sent": dict(sorted(_not_sent(stack, edition, {chunk.range for chunk in chunks}))),
        # Readers in later zones are yet to come, so nothing is over.
        "open_until": stamp(edition.closes_at) if edition.state in OPEN else None,
    }


def _not_sent(stack: Stack, edition: Edition, ranges: Iterable[str]) -> Iterable[tuple[str, int]]:
    """Why some members got no mail, and how many: ``paused``, 1."""
    ledger = Ledger(stack.table("ledger"))
    return Counter(
        delivery.reason or delivery.state.value
        for range_ in ranges
        for delivery in ledger.of_range(edition.id, range_)
        if delivery.state is not DeliveryState.SENT
    ).items()


def _pressings(
    newsletter: Newsletter,
    record: PressingRecord,
    frozen: Frozen | None,
    articles: Mapping[str, Article],
) -> Iterable[dict[str, Any]]:
    titles = {section.id: section.title for section in newsletter.sections}
    if frozen is None:
        yield {
            "instant": stamp(record.instant),
            "state": record.state.value,
            "slots": [str(slot) for slot in record.slots],
            "locales": [],
            "sections": [],
        }
        return
    for pressing in frozen.pressings:
        yield {
            "instant": stamp(record.instant),
            "state": record.state.value,
            "slots": [str(slot) for slot in pressing.slots],
            "locales": [sheet.locale for sheet in pressing.sheets],
            "sections": [
                {
                    "id": section.id,
                    "title": titles.get(section.id, section.id),
                    "stories": [
                        {"id": story.id, "title": story.title, **_facts(articles.get(story.id))}
                        # What comes after are spares, which few readers see.
                        for story in section.stories[: section.limit]
                    ],
                }
                for section in pressing.sheets[0].sections
            ],
        }


def _facts(article: Article | None) -> dict[str, Any]:
    if article is None:
        return {}
    return {
        "url": article.url,
        "source": article.source,
        "published": stamp(article.published) if article.published else None,
        "first_seen": stamp(article.first_seen),
    }


def _articles(stack: Stack, newsletter: Newsletter, frozen: Iterable[Frozen]) -> dict[str, Article]:
    """The articles of the pressings. The pressing itself keeps only their titles."""
    frozen = tuple(frozen)
    if not frozen:
        return {}
    since, until = datetime.min.replace(year=1000, tzinfo=UTC), max(one.cut_at for one in frozen)
    store = ArticleStore(stack.table("content"))
    wanted = {id_ for one in frozen for pressing in one.pressings for id_ in pressing.articles}
    return {
        article.id: article
        for url in newsletter.feeds
        for article in store.seen_between(feed_id(url), since, until)
        if article.id in wanted
    }
