"""Which stories a pressing holds. Pure: articles in, stories out.

What is new is decided before this (by when we first saw an article); here dates only order. What is
the same story is decided in stories.py.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from courant.articles import Article
from courant.editions.stories import group
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

    A story's newest article leads it; the others count against neither limit nor cap. A story is
    not chosen when earlier pressings held any article of it.

    Args:
        sections: in the newsletter's order.
        candidates: feed URL → what that feed brought in the window, held or not.
        held: ids of articles that the slot's earlier pressings held.
    """
    chosen = (SectionStories(section, _section(section, candidates, held)) for section in sections)
    return tuple(section for section in chosen if section.stories)


def count_articles(sections: Iterable[SectionStories]) -> int:
    """Different articles that are shown: once if in two sections, and no "also in"."""
    return len({story.id for section in sections for story in section.stories})


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
    found = tuple(_of_section(section, candidates))
    newest_first = _newest_first(found)
    articles = sorted(found, key=newest_first)
    # Grouped before anything is left out: what tells a story that was told before is not news,
    # though no reader had this very article.
    groups = [sorted(each, key=newest_first) for each in group(articles)]
    group_of = {article.id: number for number, each in enumerate(groups) for article in each}
    told = {group_of[article.id] for article in articles if article.id in held}
    stories: list[Story] = []
    by_feed: dict[str, int] = {}
    cap = section.per_feed or section.limit
    for article in articles:
        number = group_of[article.id]
        # A story counts for the feed whose article is shown; where that feed has had its share,
        # the story's next article may lead.
        if number in told or by_feed.get(article.feed_id, 0) >= cap:
            continue
        told.add(number)
        by_feed[article.feed_id] = by_feed.get(article.feed_id, 0) + 1
        others = (other for other in groups[number] if other.id != article.id)
        stories.append(Story((article, *others)))
        if len(stories) == section.limit:
            break
    return tuple(stories)


def _of_section(section: Section, candidates: Mapping[str, Iterable[Article]]) -> Iterable[Article]:
    for url in section.feeds:
        yield from candidates.get(url, ())


def _newest_first(articles: Iterable[Article]) -> Callable[[Article], tuple[float, bool, int, str]]:
    """The order of a section's articles.

    What has no date is as often a page ("About", "Archive") as news: it yields to a day of news,
    or, where articles come to light late (a first look at old feeds), to the newer half of them.
    """
    late = sorted(each.first_seen - each.published for each in articles if each.published)
    yields = max(_UNDATED_YIELDS, late[(len(late) - 1) // 2]) if late else _UNDATED_YIELDS

    def key(article: Article) -> tuple[float, bool, int, str]:
        date = article.published or article.first_seen - yields
        return (-date.timestamp(), article.published is None, article.position, article.id)

    return key
