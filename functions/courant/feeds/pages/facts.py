"""What a page says about itself: JSON-LD, OpenGraph, meta, microdata and breadcrumbs, unjudged.

Everything is in order of preference and may be a lie, a placeholder or another page's. page.py
cleans and chooses.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from courant.feeds.raw import RawImage

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_ARTICLE = re.compile(r"(Article|BlogPosting|Report|Recipe|Review|Episode|Posting)$")
_LD_JSON = "application/ld+json"
_MAX_LD_CHARS = 500_000
_MAX_NODES = 2_000
_TITLES = ("og:title", "twitter:title", "dc.title", "parsely-title", "citation_title")
_DATES = (
    *("article:published_time", "article:published", "og:article:published_time"),
    *("og:published_time", "parsely-pub-date", "sailthru.date", "datepublished", "dc.date.issued"),
    *("dcterms.created", "dcterms.date", "dc.date", "dc.date.created", "citation_publication_date"),
    *(
        "publish-date",
        "publish_date",
        "publication_date",
        "pubdate",
        "cxenseparse:recs:publishtime",
    ),
    *("article_date_original", "originalpublicationdate", "rnews:datepublished", "date"),
)
_AUTHORS = (
    *("author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "byl"),
    *("dcterms.creator", "citation_author", "article:author_name", "creator", "authors"),
)
_SECTIONS = (
    *("article:section", "parsely-section", "og:article:section", "section", "article.section"),
    *("cxenseparse:recs:category", "dc.subject.category", "category"),
)
_DESCRIPTIONS = ("og:description", "twitter:description", "description", "dc.description")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a page claims, field by field, as written."""

    titles: tuple[str, ...]
    site_names: tuple[str, ...]
    sections: tuple[str, ...]
    dates: tuple[str, ...]
    authors: tuple[str, ...]
    images: tuple[RawImage, ...]
    languages: tuple[str, ...]
    descriptions: tuple[str, ...]
    urls: tuple[str, ...]


def read_facts(tree: HtmlElement) -> Facts:
    """The claims of a parsed page."""
    meta = _meta(tree)
    things = list(_things(tree))
    articles = [thing for thing in things if _is_a(thing, _ARTICLE)]
    return Facts(
        titles=tuple(
            _unique(
                _strings(articles, "headline"), _named(meta, _TITLES), _strings(articles, "name")
            )
        ),
        site_names=tuple(
            _unique(
                _named(meta, ("og:site_name", "application-name")),
                (
                    name
                    for article in articles
                    for publisher in _many(article.get("publisher"))
                    for name in _names(publisher)
                ),
            )
        ),
        sections=tuple(
            _unique(
                _named(meta, _SECTIONS[:1]),
                _strings(articles, "articleSection"),
                _named(meta, _SECTIONS[1:]),
                _trail(things),
                _breadcrumb(tree),
                _texts(tree, "//a[contains(concat(' ', @rel, ' '), ' category ')]"),
                _texts(tree, "//*[@itemprop='articleSection']"),
            )
        ),
        dates=tuple(
            _unique(
                _strings(articles, "datePublished"),
                _named(meta, _DATES),
                _microdata(tree, "datePublished"),
                _strings(articles, "dateCreated"),
                tree.xpath("//time[@pubdate]/@datetime"),
                tree.xpath("(//article//time | //main//time)[1]/@datetime"),
            )
        ),
        authors=tuple(
            _unique(
                _authors(articles),
                _named(meta, _AUTHORS),
            )
        ),
        images=tuple(_images(meta, articles, tree)),
        languages=tuple(
            _unique(
                tree.xpath("/html/@lang | /html/@xml:lang", namespaces=_XML),
                _strings(articles, "inLanguage"),
                _named(meta, ("og:locale", "content-language", "language", "dc.language")),
            )
        ),
        descriptions=tuple(_unique(_named(meta, _DESCRIPTIONS), _strings(articles, "description"))),
        urls=tuple(
            _unique(
                tree.xpath("//link[translate(@rel, 'CANOIL', 'canoil')='canonical']/@href"),
                _named(meta, ("og:url",)),
            )
        ),
    )


_XML = {"xml": "http://www.w3.org/XML/1998/namespace"}


def _meta(tree: HtmlElement) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for tag in tree.iter("meta"):
        name = tag.get("property") or tag.get("name") or tag.get("http-equiv") or ""
        content = tag.get("content") or tag.get("value") or ""
        if name and content.strip():
            found[name.strip().lower()].append(content.strip())
    return found


def _named(meta: dict[str, list[str]], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield from meta.get(name, ())


def _things(tree: HtmlElement) -> Iterator[dict[str, Any]]:
    """Every object in the page's JSON-LD, however deep in graphs and lists."""
    waiting: list[Any] = [
        _json(script.text or "")
        for script in tree.iter("script")
        if (script.get("type") or "").partition(";")[0].strip().lower() == _LD_JSON
    ]
    for _ in range(_MAX_NODES):
        if not waiting:
            return
        match waiting.pop(0):
            case list() as several:
                waiting[:0] = several[:100]
            case dict() as thing:
                if "@type" in thing:
                    yield thing
                waiting[:0] = [
                    thing[name]
                    for name in ("@graph", "mainEntity", "mainEntityOfPage")
                    if name in thing
                ]


def _json(text: str) -> Any:
    # Content systems wrap it in comments and leave line breaks and tabs inside strings.
    text = text[:_MAX_LD_CHARS].strip().removeprefix("<!--").removesuffix("-->")
    text = text.replace("//<![CDATA[", "").replace("//]]>", "").strip().rstrip(";")
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _is_a(thing: dict[str, Any], kind: re.Pattern[str]) -> bool:
    return any(isinstance(name, str) and kind.search(name) for name in _many(thing.get("@type")))


def _many(value: Any) -> list[Any]:
    return value[:20] if isinstance(value, list) else [value]


def _strings(things: Iterable[dict[str, Any]], name: str) -> Iterator[str]:
    for thing in things:
        for value in _many(thing.get(name)):
            if isinstance(value, str):
                yield value


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name in _many(value.get("name")):
            if isinstance(name, str):
                yield name


def _authors(articles: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    # Of one article: pages describe their neighbours too.
    for article in articles:
        people = _many(article.get("author") or article.get("creator"))
        if names := tuple(name for person in people for name in _names(person)):
            return names
    return ()


def _trail(things: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The last stations of a BreadcrumbList before the page itself, the nearest first."""
    for thing in things:
        if not _is_a(thing, re.compile("^BreadcrumbList$")):
            continue
        stations = [one for one in _many(thing.get("itemListElement")) if isinstance(one, dict)]
        names = [
            name
            for one in stations
            for name in (*_names(one), *_names(one.get("item") if "name" not in one else None))
            if not name.startswith("http")
        ]
        # The last is the page itself.
        yield from reversed(names[:-1])


def _breadcrumb(tree: HtmlElement) -> Iterator[str]:
    """The links of the page's own trail, the nearest first; never its last word, the page."""
    named = "translate(concat(@class, @id, @aria-label), 'BREADCUM', 'breadcum')"
    trails = tree.xpath(
        "//*[self::nav or self::ol or self::ul or self::div or self::p]"
        f"[contains({named}, 'breadcrumb')]"
    )
    for trail in trails[:3]:
        links = [text for link in trail.iter("a") if (text := _text(link))]
        if links:
            yield from reversed(links)
            return


def _texts(tree: HtmlElement, path: str) -> Iterator[str]:
    for element in tree.xpath(path)[:5]:
        yield element.get("content") or _text(element)


def _microdata(tree: HtmlElement, name: str) -> Iterator[str]:
    for element in tree.xpath(f"//*[@itemprop='{name}']")[:3]:
        yield element.get("content") or element.get("datetime") or _text(element)


def _text(element: HtmlElement) -> str:
    return " ".join("".join(element.itertext()).split())


def _images(
    meta: dict[str, list[str]], articles: Iterable[dict[str, Any]], tree: HtmlElement
) -> Iterator[RawImage]:
    sizes = [next(_named(meta, (f"og:image:{side}",)), "") for side in ("width", "height")]
    for number, url in enumerate(_named(meta, ("og:image", "og:image:url", "og:image:secure_url"))):
        yield RawImage(url, *sizes) if number == 0 else RawImage(url)
    for article in articles:
        for image in _many(article.get("image")):
            if isinstance(image, str):
                yield RawImage(image)
            elif isinstance(image, dict) and isinstance(image.get("url"), str):
                width, height = (str(image.get(side) or "") for side in ("width", "height"))
                yield RawImage(image["url"], width, height)
    for url in _named(meta, ("twitter:image", "twitter:image:src", "parsely-image-url")):
        yield RawImage(url)
    for url in tree.xpath("//link[@rel='image_src']/@href"):
        yield RawImage(url)


def _unique(*several: Iterable[str]) -> Iterator[str]:
    # XPath answers with strings that keep their whole tree alive.
    texts = (str(text).strip() for texts in several for text in texts)
    yield from dict.fromkeys(text for text in texts if text)
