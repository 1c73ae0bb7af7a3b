"""An article's page → what its feed left out: section, lede, picture, date, author, length.

Pure, from bytes to plain data; runs where feeds are parsed, in the child process. What a page says
of itself comes from facts.py, its body from trafilatura, and neither is believed as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from courant.articles import Image
from courant.errors import FeedUnreadable
from courant.feeds import dates, identity
from courant.feeds.cleaning import clean, images, rules, words
from courant.feeds.cleaning.summary import clean_summary
from courant.feeds.pages.body import Block, read_body
from courant.feeds.pages.facts import Facts, read_facts
from courant.feeds.parsing.decode import decode
from courant.feeds.raw import RawText

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# A shorter beginning is a date line, a label or a place.
_LEDE_CHARS = 40
_MAX_LEDE_CHARS = 1_000
_MAX_SECTION_CHARS = 40
# A page of fewer words whose title is an excuse is one.
_PIECE_WORDS = 200
_MAX_WALL_CHARS = 400
_MAX_CHARS = 3_000_000

_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE
)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*>")
_WALL = re.compile("|".join(f"(?:{line})" for line in rules.lines("walls.txt")), re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?…。！？؟।።։][\"'”’»)\]」』]*(?:\s|$)")
# "Title | Site", "Title - Site", "Site: Title" — with the mark that parts them.
_SITE_MARK = re.compile(r"\s+(?:[|·•»«‹›~–—-]|::)\s+|\s*[|｜_]\s*")
_NO_SECTION = re.compile(
    r"home(?:page)?|start(?:seite)?|index|news|all|blog|articles?|uncategori[sz]ed|general|main"
    r"|accueil|inicio|início|portada|voorpagina|nieuws|hjem|etusivu|ana ?sayfa|главная|новости"
    r"|ホーム|トップ|首页|首頁|홈|الرئيسية|sin categoría|non classé|allgemein|geen categorie"
    r"|website|none|null|undefined|default|other|misc(?:ellaneous)?|…",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"\b(?:said|updated?|posted|published|follow|staff|name|editor|editors|quelle|redaktion|says"
    r"|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|contact|about|share|comment|comments|view|read|more|author|autor|news|team|by|on|beitrag)\b",
    re.IGNORECASE,
)
_BY = re.compile(r"^(?:by|von|par|por|door|di|af|av|автор:?)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What an article's page says about it, cleaned; None where it doesn't say.

    ``body`` is the main text in its order, without the title and the site's chrome; ``lede`` its
    first paragraph that says something. ``words`` counts its paragraphs.
    """

    title: str | None = None
    section: str | None = None
    lede: str | None = None
    image: Image | None = None
    published: datetime | None = None
    author: str | None = None
    language: str | None = None
    words: int | None = None
    canonical_url: str | None = None
    body: tuple[Block, ...] = ()

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The body's paragraphs and list items."""
        return tuple(block.text for block in self.body if not block.is_heading)

    @property
    def subheads(self) -> tuple[str, ...]:
        """The body's headings."""
        return tuple(block.text for block in self.body if block.is_heading)


def read_page(body: bytes, content_type: str, url: str, *, now: datetime) -> Page:
    """What the page found at ``url`` says.

    Raises:
        FeedUnreadable: not a web page, or one that says why there is no article.
    """
    tree = _parse(body, content_type, url)
    facts = read_facts(tree)
    sites = [clean.clean_name(RawText(name)) for name in facts.site_names]
    sites.append((urlsplit(url).hostname or "").removeprefix("www."))
    title = _title(tree, facts, sites)
    published = _published(facts, tree, now)
    author = _author(facts, tree, sites)
    # The last, because it takes the tree apart.
    blocks = read_body(tree, title)
    paragraphs = [block.text for block in blocks if not block.is_heading]
    length = sum(map(words.count_words, paragraphs))
    if title and length < _PIECE_WORDS and _is_wall(title):
        raise FeedUnreadable(url, f"it sent “{clean.headline(title)}”, not an article")
    return Page(
        title=title,
        section=_section(facts, title, sites),
        lede=_lede(paragraphs, facts, title),
        image=images.choose(facts.images, url),
        published=published,
        author=author,
        language=next(filter(None, map(clean.clean_language, facts.languages)), None),
        # Behind a wall there is more than the page shows.
        words=None if any(map(_is_wall, paragraphs)) else length or None,
        canonical_url=_canonical(facts, url),
        body=blocks,
    )


def _parse(body: bytes, content_type: str, url: str) -> HtmlElement:
    from lxml import etree, html  # heavy; a feed that says enough never needs it

    if meta := _META_CHARSET.search(body[:4096]):
        # Behind the header's own, which goes before what the page says (HTML Standard §13.2.3).
        content_type += f"; charset={meta[1].decode()}"
    text = _XML_DECLARATION.sub("", decode(body, content_type))[:_MAX_CHARS]
    if not re.search(r"<(?:html|head|body|article|p|div)\b", text[:100_000], re.IGNORECASE):
        raise FeedUnreadable(url, "it sent no web page")
    try:
        tree = html.document_fromstring(
            text.encode(), parser=html.HTMLParser(encoding="utf-8", remove_comments=True)
        )
    except (etree.ParserError, ValueError) as error:
        raise FeedUnreadable(url, "its page can't be parsed") from error
    return tree


def _title(tree: HtmlElement, facts: Facts, sites: list[str]) -> str | None:
    said = [text for title in facts.titles if (text := clean.clean_title(RawText(title)))]
    page = clean.clean_title(RawText(" ".join(tree.xpath("//head/title[1]//text()"))))
    heads = [
        text
        for head in tree.xpath("//h1")[:5]
        if (text := clean.clean_title(RawText(" ".join(head.itertext()), is_html=False)))
    ]
    # What stands over the article, if heading and search engines are told the same; a heading
    # that is the smaller part of what they are told names the site.
    for head in heads:
        for other in (*said, page):
            if words.holds_words(other, head) and 2 * len(head) >= len(other):
                return head
    for title in (*said, page, *heads):
        if title and not any(words.same_words(title, site) for site in sites):
            return _without_site(title, sites, heads)
    return None


def _without_site(title: str, sites: list[str], heads: list[str]) -> str:
    """The title without the site's name before or after it."""
    marks = list(_SITE_MARK.finditer(title))
    for mark in marks:
        before, after = title[: mark.start()], title[mark.end() :]
        if any(words.same_words(before, site) for site in sites):
            return after
        # A heading stands over the article or, in a banner, names the site.
        if any(words.same_words(before, head) for head in heads):
            return before
        if any(words.same_words(after, name) for name in (*sites, *heads)):
            return before
    # A site's name is short, and shorter than what is said under it; behind a bar, it is one.
    if marks and marks[-1][0].strip() in {"|", "｜"}:
        last = marks[-1]
        if len(title) - last.end() <= min(30, last.start() // 2):
            return title[: last.start()]
    return title


def _section(facts: Facts, title: str | None, sites: list[str]) -> str | None:
    for raw in facts.sections:
        # "News > Politics", "Politics, Europe", "politics/europe": the section is the first of a
        # list and the last of a path.
        name = re.split(r"[,;|]", raw)[0]
        name = re.split(r"\s*[>›»/]\s*", name.strip(" />›»"))[-1]
        name = clean.clean_name(RawText(name)).strip(" #·•:-")
        if (
            name
            and len(name) <= _MAX_SECTION_CHARS
            and not name.isdigit()
            and not _NO_SECTION.fullmatch(name)
            and not words.same_words(title or "", name)
            and not any(words.same_words(name, site) for site in sites)
        ):
            return name
    return None


def _lede(paragraphs: list[str], facts: Facts, title: str | None) -> str | None:
    for text in paragraphs[:6]:
        if (
            words.weight(text) >= _LEDE_CHARS
            and _SENTENCE.search(text)
            and not _is_wall(text)
            and not words.same_words(text, title or "")
        ):
            return clean.shorten(text, _MAX_LEDE_CHARS)
    for raw in facts.descriptions:
        text = clean_summary(RawText(raw))
        if words.weight(text) >= _LEDE_CHARS and _SENTENCE.search(text) and not _is_wall(text):
            return text
    return None


def _is_wall(text: str) -> bool:
    # What asks for money or consent is short; what is long may mention both.
    return len(text) <= _MAX_WALL_CHARS and bool(_WALL.search(text))


def _published(facts: Facts, tree: HtmlElement, now: datetime) -> datetime | None:
    said = [date for text in facts.dates if (date := dates.from_text(text))]
    if said:
        return dates.believable(said, now)
    from htmldate import find_date

    found = find_date(
        tree, original_date=True, extensive_search=False, max_date=now.date().isoformat()
    )
    return dates.believable(filter(None, [dates.from_text(found)]), now) if found else None


def _author(facts: Facts, tree: HtmlElement, sites: list[str]) -> str | None:
    said = tuple(
        name
        for author in facts.authors
        if (name := _BY.sub("", author.strip()))
        and "://" not in name
        and not name.startswith("@")
        and not name.isdigit()
        and not any(words.same_words(name, site) for site in sites)
    )
    # "Rachel Brazil" and "Brazil, Rachel" are one.
    people = {frozenset(words.terms(name)): name for name in reversed(said)}
    if author := clean.clean_author(tuple(reversed(people.values()))):
        return author
    from trafilatura.metadata import extract_author

    found = (extract_author(tree) or "").split("; ")
    return clean.clean_author(tuple(name for name in found if _is_person(name)))


def _is_person(name: str) -> bool:
    """Whether a guess reads like a name: a few words with capitals, no label among them."""
    parts = name.split()
    return (
        2 <= len(parts) <= 4
        and all(part[0].isupper() or (part.islower() and len(part) <= 3) for part in parts)
        and not any(character.isdigit() for character in name)
        and not _NO_NAME.search(name)
    )


def _canonical(facts: Facts, url: str) -> str | None:
    here = identity.canonical_url(url)
    for said in facts.urls:
        found = identity.canonical_url(said, url)
        # Templates that name the front page everywhere are common, and would merge a whole site.
        if found and (found.count("/") > 3 or found[-1] != "/" or found == here):
            return found
    return here
