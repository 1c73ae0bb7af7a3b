"""What a feed left out of an article, and what of it the article's page may fill in.

Pure. A page answers for an article only if it is about it: what comes where the article should be,
a wall that wants consent or money or a page that says sorry, must not replace what the feed said.
"""

from __future__ import annotations

from dataclasses import replace

from courant.articles import Article
from courant.feeds.cleaning import words
from courant.feeds.cleaning.summary import SUMMARY_CHARS, cut
from courant.feeds.document import ENOUGH_CHARS
from courant.feeds.pages.page import Page

# So much of a title's words are on the page that it leads to, whatever that page is titled.
_KINSHIP = 0.5
_LOOKED_AT = 12


def too_little(article: Article) -> bool:
    """Whether its feed says so little about an article that its page is worth reading."""
    return words.weight(article.summary) < ENOUGH_CHARS or words.same_words(
        article.summary, article.title
    )


def is_about(page: Page, article: Article) -> bool:
    """Whether a page is the article's, and not what a server sends in its place."""
    beginning = " ".join((page.title or "", *(block.text for block in page.body[:_LOOKED_AT])))
    return words.kinship(article.title, beginning) >= _KINSHIP


def filled(article: Article, page: Page) -> Article:
    """The article with what its feed left out; what the feed said stays."""
    summary = article.summary
    lede = cut(page.lede, SUMMARY_CHARS) if page.lede else ""
    if too_little(article) and words.weight(lede) > words.weight(summary):
        summary = lede
    return replace(
        article,
        summary=summary,
        image=article.image or page.image,
        author=article.author or page.author,
        published=article.published or page.published,
        language=article.language or page.language,
        section=article.section or page.section,
        words=article.words or page.words,
    )
