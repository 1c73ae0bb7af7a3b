"""Which stories a pressing holds. Pure: articles in, stories out.

What is new is decided before this (by when we first saw an article); here dates only order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from courant.articles import Article
from courant.newsletter import Section

_UNDATED_YIELDS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Story:
    """One or more articles about the same thing: the first is shown, the others are "also in"."""

    articles: tuple[Article, ...]

    @property
    def lead(self) -> Article:
        """The article that is shown."""
        return self.articles[0]

    @property
    def id(self) -> str:
        """The shown article's id."""
        return self.lead.id


@dataclass(frozen=True, slots=True)
class SectionStories:
    """A section with what it has to tell, best first."""

    section: Section
    stories: tuple[Story, ...]


def choose(
    sections: Sequence[Section],
    candidates: Mapping[str, Iterable[Article]],
    held: frozenset[str],
) -> tuple[SectionStories, ...]:
    """The stories of each section that has any, newest first, within its limit and per-feed cap.

    Args:
        sections: in the newsletter's order.
        candidates: feed URL → what that feed brought in the window.
        held: ids of articles that the slot's earlier pressings held.
    """
    chosen = (SectionStories(section, _section(section, candidates, held)) for section in sections)
    return tuple(section for section in chosen if section.stories)


def count_articles(sections: Iterable[SectionStories]) -> int:
    """Different articles over all sections: a story told in two sections counts once."""
    return len(article_ids(sections))


def article_ids(sections: Iterable[SectionStories]) -> frozenset[str]:
    """Every article that the sections show or name."""
    return frozenset(
        article.id
        for section in sections
        for story in section.stories
        for article in story.articles
    )


def _section(
    section: Section, candidates: Mapping[str, Iterable[Article]], held: frozenset[str]
) -> tuple[Story, ...]:
    stories: list[Story] = []
    taken: set[str] = set()
    by_feed: dict[str, int] = {}
    cap = section.per_feed or section.limit
    for article in sorted(_of_section(section, candidates), key=_newest_first):
        if article.id in held or article.id in taken or by_feed.get(article.feed_id, 0) >= cap:
            continue
        taken.add(article.id)
        by_feed[article.feed_id] = by_feed.get(article.feed_id, 0) + 1
        stories.append(Story((article,)))
        if len(stories) == section.limit:
            break
    return tuple(stories)


def _of_section(section: Section, candidates: Mapping[str, Iterable[Article]]) -> Iterable[Article]:
    for url in section.feeds:
        yield from candidates.get(url, ())


def _newest_first(article: Article) -> tuple[float, int, str]:
    # What has no date is as often a page ("About", "Archive") as news: it yields to a day of news.
    date = article.published or article.first_seen - _UNDATED_YIELDS
    return (-date.timestamp(), article.position, article.id)
