"""Which stories a pressing holds. Pure: articles in, stories out.

What is new is decided before this (by when we first saw an article); here dates only order. What is
the same story is decided in stories.py.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from courant.articles import Article
from courant.editions.deal import deal
from courant.editions.stories import group
from courant.newsletter import Section

_UNDATED_YIELDS = timedelta(days=1)
# The most that a section keeps: sections that share more are much the same, and all of it is
# rendered.
_SPARES = 20


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
    """A section with what it has to tell, best first.

    Stories beyond the section's limit are spares: each stands in for one that another section
    tells as well, so that who reads both still gets as many.
    """

    section: Section
    stories: tuple[Story, ...]


def choose(
    sections: Sequence[Section],
    candidates: Mapping[str, Iterable[Article]],
    held: frozenset[str],
) -> tuple[SectionStories, ...]:
    """The stories of each section that has any, newest first, within its per-feed cap.

    A story's newest article leads it; the others count against neither limit nor cap. A story is
    not chosen when earlier pressings held any article of it.

    Args:
        sections: in the newsletter's order.
        candidates: feed URL → what that feed brought in the window, held or not.
        held: ids of articles that the slot's earlier pressings held.
    """
    all_limits = sum(section.limit for section in sections)
    found = [
        # However a reader orders the sections, the others take no more than their limits.
        (section, _section(section, candidates, held, min(all_limits, section.limit + _SPARES)))
        for section in sections
    ]
    in_sections = Counter(
        id_ for _, stories in found for id_ in {id_ for story in stories for id_ in ids(story)}
    )
    chosen = (
        SectionStories(section, _with_spares(section.limit, stories, in_sections))
        for section, stories in found
    )
    return tuple(section for section in chosen if section.stories)


def ids(story: Story) -> tuple[str, ...]:
    """The ids of the articles that tell a story."""
    return tuple(article.id for article in story.articles)


def shown(sections: Sequence[SectionStories]) -> tuple[SectionStories, ...]:
    """What a reader of all sections sees: each story once, in the first section that tells it."""
    dealt = deal([(each.section.limit, each.stories) for each in sections], ids)
    return tuple(
        SectionStories(each.section, stories)
        for each, stories in zip(sections, dealt, strict=True)
        if stories
    )


def count_articles(sections: Sequence[SectionStories]) -> int:
    """How many stories a reader of all sections sees."""
    return sum(len(section.stories) for section in shown(sections))


def articles_told(sections: Sequence[SectionStories]) -> frozenset[str]:
    """Every article that counts as told once these sections are sent.

    Those of the stories that a section shows to who reads only it, and those that a reader of all
    sections sees. A spare that only some combination of sections brings to light is not counted:
    the few who had it may see it again, which is better than that all others miss it.
    """
    stories = [
        *(story for each in sections for story in each.stories[: each.section.limit]),
        *(story for each in shown(sections) for story in each.stories),
    ]
    return frozenset(id_ for story in stories for id_ in ids(story))


def _with_spares(
    limit: int, stories: Iterable[Story], in_sections: Mapping[str, int]
) -> tuple[Story, ...]:
    """As many stories as must be there for ``limit`` to be left when other sections took theirs."""
    kept: list[Story] = []
    alone = 0
    for story in stories:
        if alone == limit:
            break
        kept.append(story)
        alone += all(in_sections[id_] == 1 for id_ in ids(story))
    return tuple(kept)


def _section(
    section: Section,
    candidates: Mapping[str, Iterable[Article]],
    held: frozenset[str],
    most: int,
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
    cap = section.per_feed or len(articles)
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
        if len(stories) == most:
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
