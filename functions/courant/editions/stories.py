"""Articles from different feeds → stories. Pure: articles in, groups of them out.

Whether two articles tell the same story is decided in likeness.py; here, who is compared with whom,
and that a story holds together.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

from courant.articles import Article
from courant.editions.likeness import SHARED, TOLD, Words, alike, told, weight

# News of the same thing comes within two days; what comes later is the next thing.
APART = timedelta(hours=48)

_SHINGLE, _SHINGLED = 4, 20
# These keep the search linear, whatever feeds bring: through one word so many stories are found,
# so many of them are looked at, and a story has so many different texts.
_CROWD, _NEAR, _TEXTS = 200, 20, 30
# What is retold shares this much of the titles, and the rest with the ledes.
_TITLES_TOLD = 7


def group(articles: Iterable[Article]) -> tuple[tuple[Article, ...], ...]:
    """The articles as stories, each oldest first; every story has at most one article of a feed.

    Stories grow in the order in which we first saw their articles, and an article joins only where
    it is like every member: so a story of yesterday is found again today, whatever came since, and
    no chain of small steps joins unlike ends. The same article from two feeds is kept once.
    """
    known: dict[str, Article] = {}
    for article in sorted(articles, key=lambda each: (each.first_seen, each.id, each.feed_id)):
        known.setdefault(article.id, article)
    words = _words_of(known.values())
    stories: list[_Growing] = []
    index = _Index()
    for id_, article in known.items():
        of_article = words[id_]
        for number in index.near(of_article):
            if stories[number].takes(article, of_article):
                stories[number].add(article, of_article)
                break
        else:
            index.add(len(stories), of_article)
            stories.append(_Growing(article, of_article))
    return tuple(tuple(story.articles) for story in stories)


def _language(article: Article) -> str:
    return (article.language or "").partition("-")[0].lower()


def _site(article: Article) -> str:
    return (urlsplit(article.url).hostname or "").removeprefix("www.")


def _words_of(articles: Iterable[Article]) -> dict[str, Words]:
    words = {each.id: (each.feed_id, Words.of(_title(each), each.summary)) for each in articles}
    # What a feed writes under several articles is no lede.
    ledes = Counter((feed, each.lede) for feed, each in words.values())
    return {
        id_: each if ledes[feed, each.lede] == 1 else replace(each, lede=())
        for id_, (feed, each) in words.items()
    }


def _title(article: Article) -> str:
    # Some sign their titles: "Storm hits coast - The Eastport Ledger".
    bare = article.title.removesuffix(article.source).rstrip()
    return bare.rstrip("-–—|· ") if bare.endswith(("-", "–", "—", "|", "·")) else article.title


class _Growing:
    """A story while it is put together."""

    def __init__(self, article: Article, words: Words) -> None:
        self.articles: list[Article] = []
        self._texts: dict[Words, None] = {}
        self._feeds: set[str] = set()
        self._languages: set[str] = set()
        self._titles: dict[str, tuple[str, ...]] = {}
        self._first = self._last = article.date
        self.add(article, words)

    def takes(self, article: Article, words: Words) -> bool:
        """Whether an article belongs here."""
        language = _language(article)
        return (
            article.feed_id not in self._feeds
            and all(abs(article.date - date) <= APART for date in (self._first, self._last))
            and (not language or not self._languages or language in self._languages)
            # One site has two pages on one thing because they are different pieces.
            and self._titles.get(_site(article), words.title) == words.title
            and self._is_like_all(words)
        )

    def add(self, article: Article, words: Words) -> None:
        """Take it."""
        self._first = min(article.date, self._first)
        self._last = max(article.date, self._last)
        self.articles.append(article)
        self._texts[words] = None
        self._feeds.add(article.feed_id)
        self._languages.update(filter(None, [_language(article)]))
        self._titles[_site(article)] = words.title

    def _is_like_all(self, words: Words) -> bool:
        if words in self._texts:
            # Its twin was like all of them.
            return alike(words, words)
        return len(self._texts) < _TEXTS and all(alike(words, text) for text in self._texts)


class _Index:
    """Finds the stories whose first article shares much of a title, or a stretch of the lede."""

    def __init__(self) -> None:
        self._titles: defaultdict[str, list[int]] = defaultdict(list)
        self._ledes: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        self._words: dict[int, Words] = {}

    def add(self, number: int, words: Words) -> None:
        """A new story's first article."""
        self._words[number] = words
        for word in words.heavy:
            if len(self._titles[word]) < _CROWD:
                self._titles[word].append(number)
        for shingle in _shingles(words.lede):
            if len(self._ledes[shingle]) < _CROWD:
                self._ledes[shingle].append(number)

    def near(self, words: Words) -> Sequence[int]:
        """Stories that may be meant, the likeliest first."""
        shared: defaultdict[int, int] = defaultdict(int)
        for word in words.heavy:
            of_word = weight(word)
            for number in self._titles.get(word, ()):
                shared[number] += of_word
        found: dict[int, float] = {}
        for number, common in shared.items():
            other = self._words[number]
            # Light words are in every title and would be looked up for nothing; say all are shared.
            most = 2 * (common + min(words.light, other.light)) / (words.weight + other.weight)
            if most >= SHARED or (common >= _TITLES_TOLD and told(words, other) >= TOLD):
                found[number] = most
        for shingle in _shingles(words.lede):
            for number in self._ledes.get(shingle, ()):
                found.setdefault(number, 0)
        return heapq.nsmallest(_NEAR, found, key=lambda number: (-found[number], number))


def _shingles(lede: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(min(len(lede), _SHINGLED) - _SHINGLE + 1):
        yield lede[start : start + _SHINGLE]
