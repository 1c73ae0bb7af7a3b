"""What is on the screenshots: a morning's paper in English, and one that reads from right to left.

The English one is the demo's newsletter and news; the Arabic one lies beside this module. Nothing
is fetched, and no child process is asked: every byte that is read here is our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from courant.articles import WORDS_A_MINUTE, Article
from courant.delivery.digest import Digest, Reader, join
from courant.editions.pressing import Pressing
from courant.errors import CourantError
from courant.feeds.store import feed_id
from courant.newsletter import Look, Newsletter
from desk import newsletter_file, sample_digest
from desk.demo.paper import FOLDER, Paper

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
LANGUAGES = ("en", "ar")
READERS = {"en": Reader(name="Ada"), "ar": Reader(name="ليلى")}

_NEWSLETTERS = {
    "en": HERE.parents[1] / "newsletters" / "demo.yaml",
    "ar": HERE / "arabic.yaml",
}
_NEWS = {"en": FOLDER / "news.yaml", "ar": HERE / "arabic_news.yaml"}
# What an editor might add to the demo's newsletter.
_DRESSING: Mapping[str, object] = {
    "note": "Good morning. The night ferry is back, and with it readers we thought we had lost. "
    "[Tell us](mailto:editors@courant.example) what you saw from the pier.",
    "brand": {
        "accent": "#a3271f",
        "footer": "Made before dawn by **eleven people and a dog**. "
        "[Write to us](mailto:editors@courant.example); we read every letter.",
        "social": [
            {"name": "Mastodon", "url": "https://social.example/@courant"},
            {"name": "Bluesky", "url": "https://sky.example/courant"},
        ],
    },
}


@cache
def newsletter(language: str, look: Look) -> Newsletter:
    """The newsletter of a language, in a look."""
    loaded = newsletter_file.load(_NEWSLETTERS[language])
    added = _DRESSING if language == "en" else {}
    return Newsletter.model_validate({**loaded.model_dump(), **added, "look": look})


@cache
def candidates(language: str) -> Mapping[str, tuple[Article, ...]]:
    """Feed URL → what it holds this morning, with the lengths that articles' pages would tell."""
    # feedparser takes a while to load.
    from courant.feeds.document import read_document

    paper = Paper(NOW.date(), lambda: NOW, _NEWS[language])
    read: dict[str, tuple[Article, ...]] = {}
    for url in newsletter(language, "broadsheet").feeds:
        found = paper.document(urlsplit(url).path)
        if found is None:
            raise CourantError(f"the screenshots' news has no {url}")
        document = read_document(found.body, found.content_type, url, feed_id=feed_id(url), now=NOW)
        read[url] = tuple(
            replace(
                item.article,
                words=WORDS_A_MINUTE * (2 + len(item.article.title) % 7),
                # The demo's writers call every feed English.
                language=item.article.language if language == "en" else language,
            )
            for item in document.items
        )
    return read


@cache
def pressing(language: str, look: Look) -> Pressing:
    """The whole edition."""
    return sample_digest.compose_all(newsletter(language, look), candidates(language), NOW)


@cache
def digest(language: str, look: Look) -> Digest:
    """What a reader of everything gets, who gave a name."""
    digest = join(pressing(language, look), READERS[language], sample_digest.UNSUBSCRIBE_URL)
    if digest is None:
        raise CourantError("there is nothing to show")
    return digest
