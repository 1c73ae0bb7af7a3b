"""The elements that feeds and entries are made of, read as feedparser reads them.

Its rules (``namespaces/_base.py`` and ``mixin.py``) let one element change what the next means, so
what it carries from element to element is carried here too.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from courant.feeds.parsing import feeddates
from courant.feeds.parsing.xmlnames import HARMLESS, Names, is_unknown
from courant.feeds.parsing.xmltext import (
    OddError,
    attributes_of,
    base_within,
    joined,
    mended,
    no_base,
    plain_text_of,
    settle_author,
    text_of,
    url_of,
    with_href,
)

# What feedparser gives for a feed or an entry: its names → texts, lists, dicts.
Answer = dict[str, Any]

_TYPES = {
    **dict.fromkeys(("text", "plain", "text/plain"), "text/plain"),
    **dict.fromkeys(("html", "text/html"), "text/html"),
}
_LINK_TYPES = {"html", "text/html", "xhtml", "application/xhtml+xml"}
# feedparser takes these for references, and a text that has them for HTML; nobody else does.
_STRANGE_REFERENCE = re.compile(r"&#(?!\d{1,7};|x[0-9a-f]{1,6};)\w+;", re.IGNORECASE)
_QUERY_ENTITY = re.compile(r"&([A-Za-z0-9_]+);")
# feedparser compares each tag with all others.
_MAX_TAGS = 200
_DATES = {
    **dict.fromkeys(("published", "issued", "pubdate", "dcterms_issued"), "published_parsed"),
    **dict.fromkeys(
        ("updated", "modified", "lastbuilddate", "dc_date", "dcterms_modified"), "updated_parsed"
    ),
    **dict.fromkeys(("created", "dcterms_created"), "created_parsed"),
}
_OF_PERSON = {
    **dict.fromkeys(("name", "itunes_name"), "name"),
    **dict.fromkeys(("email", "itunes_email"), "email"),
    **dict.fromkeys(("uri", "url", "homepage"), "href"),
}


@dataclass(slots=True)
class Here:
    """An element and where it stands: the root's depth is 1."""

    element: ET.Element
    name: str
    attributes: dict[str, str]
    depth: int
    lang: str | None


class Elements:
    """Reads elements into a feed's or an entry's ``Answer``."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.version = ""
        self.feed: Answer = {}
        self.base = ""
        self.title_depth = -1
        self.has_content = False

    def enter(self, element: ET.Element, depth: int, lang: str | None) -> Here:
        """Step into an element: its base becomes the base."""
        name = self.names[element.tag]
        if not element.attrib:
            return Here(element, name, {}, depth, lang)
        attributes = attributes_of(element)
        if base := attributes.get("xml:base", attributes.get("base")):
            self.base = base_within(self.base, base)
        own = attributes.get("xml:lang", attributes.get("lang"))
        return Here(element, name, attributes, depth, lang if own is None else own or None)

    def read(self, context: Answer, here: Here) -> None:
        """One element of a feed or an entry."""
        if handler := _HANDLERS.get(here.name):
            handler(self, context, here)
        else:
            self.skip(here.element, here.name)

    def skip(self, element: ET.Element, name: str) -> None:
        """An element that changes nothing, with all that is in it."""
        no_base(element)
        if name in HARMLESS:
            plain_text_of(element)
            return
        for inner in element.iter() if len(element) else (element,):
            no_base(inner)
            if not is_unknown(self.names[inner.tag]):
                raise OddError

    def skip_person(self, element: ET.Element) -> None:
        """Somebody who is not asked for."""
        for inner in element.iter():
            no_base(inner)
            name = self.names[inner.tag]
            if inner is not element and name not in _OF_PERSON and not is_unknown(name):
                raise OddError

    def title(self, context: Answer, here: Here) -> None:
        detail = self._detail(here, "text/plain")
        # The first of them that isn't empty, unless one is further up.
        if not -1 < self.title_depth <= here.depth:
            context["title_detail"] = detail
        if detail["value"]:
            self.title_depth = here.depth

    def media_title(self, context: Answer, here: Here) -> None:
        before = self.title_depth
        self.title(context, here)
        self.title_depth = before

    def description(self, context: Answer, here: Here) -> None:
        plain = here.name in {"summary", "itunes_summary"}
        if "summary" in context and not self.has_content:
            self.content(context, here)
            return
        detail = self._detail(here, "text/plain" if plain else "text/html")
        # A channel's description is its subtitle, to feedparser.
        if context is not self.feed or plain:
            context["summary"] = detail["value"]
            context["summary_detail"] = detail

    def content(self, context: Answer, here: Here) -> None:
        self.has_content = True
        encoded = here.name == "content_encoded"
        detail = self._detail(here, "text/html" if encoded else "text/plain")
        context.setdefault("content", []).append(detail)
        context.setdefault("summary", detail["value"])

    def link(self, context: Answer, here: Here) -> None:
        link = {"rel": "alternate"} | here.attributes
        atom = "application/atom+xml" if link["rel"] == "self" else "text/html"
        link = with_href({"type": atom} | link)
        context.setdefault("links", []).append(link)
        if "href" in link:
            plain_text_of(here.element)
            link["href"] = joined(self.base, link["href"])
            if link["rel"] == "alternate" and link["type"] in _LINK_TYPES:
                context["link"] = link["href"]
            return
        url = url_of(here.element, self.base)
        if "&" in url:
            url = url if context is self.feed else url.replace("&amp;", "&")
            url = _QUERY_ENTITY.sub(r"&\g<1>", url)
        context["link"] = url
        if url:
            link["href"] = url

    def guid(self, context: Answer, here: Here) -> None:
        if here.attributes.get("ispermalink", "true") == "true":
            context["id"] = url_of(here.element, self.base)
            context.setdefault("link", context["id"])
        else:
            context["id"] = text_of(here.element)

    def date(self, context: Answer, here: Here) -> None:
        text = text_of(here.element)
        if context is not self.feed:
            context[_DATES[here.name]] = feeddates.parse_date(text)

    def category(self, context: Answer, here: Here) -> None:
        if context is self.feed:
            # A podcast's categories nest.
            for inner in here.element.iter():
                no_base(inner)
                if self.names[inner.tag] != here.name:
                    raise OddError
            return
        get, text = here.attributes.get, text_of(here.element)
        if here.name == "itunes_category":
            tag = {"term": get("text"), "scheme": "itunes", "label": None}
        else:
            scheme = get("scheme", "media" if here.name == "media_category" else get("domain"))
            tag = {"term": get("term"), "scheme": scheme, "label": get("label")}
        tags = context.setdefault("tags", [])
        _add_tag(tags, tag)
        if text and tags and not tags[-1]["term"]:
            tags[-1]["term"] = text
        elif text:
            _add_tag(tags, {"term": text, "scheme": None, "label": None})

    def keywords(self, context: Answer, here: Here) -> None:
        text = text_of(here.element)
        if here.element.attrib or context is self.feed:
            return
        scheme = "itunes" if here.name == "itunes_keywords" else None
        for word in text.split(","):
            if word.strip():
                tag = {"term": word.strip(), "scheme": scheme, "label": None}
                _add_tag(context.setdefault("tags", []), tag)

    def language(self, context: Answer, here: Here) -> None:
        context["language"] = text_of(here.element)

    def as_written(self, context: Answer, here: Here) -> None:
        text = text_of(here.element)
        context[here.name] = "" if here.element.attrib else text

    def enclosure(self, context: Answer, here: Here) -> None:
        plain_text_of(here.element)
        link = with_href(here.attributes) | {"rel": "enclosure"}
        context.setdefault("links", []).append(link)

    def media_group(self, context: Answer, here: Here) -> None:
        base = self.base
        for child in here.element:
            inner = self.enter(child, here.depth + 1, here.lang)
            if inner.name in _HANDLERS and not inner.name.startswith("media_"):
                raise OddError
            self.read(context, inner)
            self.base = base or self.base

    def media_content(self, context: Answer, here: Here) -> None:
        context.setdefault("media_content", []).append(here.attributes)
        self.media_group(context, here)

    def media_thumbnail(self, context: Answer, here: Here) -> None:
        if url := url_of(here.element, self.base):
            here.attributes.setdefault("url", url)
        context.setdefault("media_thumbnail", []).append(here.attributes)

    def itunes_image(self, context: Answer, here: Here) -> None:
        plain_text_of(here.element)
        if url := here.attributes.get("href") or here.attributes.get("url"):
            context["image"] = {"href": url}

    def author(self, context: Answer, here: Here) -> None:
        if context is self.feed:
            self.skip_person(here.element)
            return
        context.setdefault("authors", []).append({})
        said = [here.element.text or ""]
        for child in here.element:
            no_base(child)
            written, name = plain_text_of(child), self.names[child.tag]
            said.append(child.tail or "")
            if key := _OF_PERSON.get(name):
                value = url_of(child, self.base) if key == "href" else written
                context.setdefault("author_detail", {})[key] = value
                settle_author(context)
                context["authors"][-1][key] = value
            elif not is_unknown(name) or (child.attrib and written):
                raise OddError
        context["author"] = mended("".join(said).strip())
        settle_author(context)

    def _detail(self, here: Here, default: str) -> Answer:
        kind = _TYPES.get(here.attributes.get("type", default))
        if kind is None or here.attributes.get("mode") == "base64":
            raise OddError
        value = text_of(here.element)
        guessed = kind == "text/plain" and not self.version.startswith("atom")
        if guessed and "&#" in value and _STRANGE_REFERENCE.search(value):
            raise OddError
        language = here.lang.replace("_", "-") if here.lang else here.lang
        return {"type": kind, "value": value, "language": language, "base": self.base}


def _add_tag(tags: list[Answer], tag: Answer) -> None:
    if len(tags) > _MAX_TAGS:
        raise OddError
    if any(tag.values()) and tag not in tags:
        tags.append(tag)


_HANDLERS: dict[str, Callable[[Elements, Answer, Here], None]] = {
    **dict.fromkeys(("title", "dc_title"), Elements.title),
    **dict.fromkeys(("description", "dc_description", "media_description"), Elements.description),
    **dict.fromkeys(("summary", "itunes_summary"), Elements.description),
    **dict.fromkeys(("content", "content_encoded"), Elements.content),
    **dict.fromkeys(("guid", "id"), Elements.guid),
    **dict.fromkeys(_DATES, Elements.date),
    **dict.fromkeys(("author", "managingeditor", "dc_author", "dc_creator"), Elements.author),
    "itunes_author": Elements.author,
    **dict.fromkeys(("category", "keywords", "dc_subject"), Elements.category),
    **dict.fromkeys(("media_category", "itunes_category"), Elements.category),
    **dict.fromkeys(("media_keywords", "itunes_keywords"), Elements.keywords),
    **dict.fromkeys(("language", "dc_language"), Elements.language),
    **dict.fromkeys(("ttl", "sy_updateperiod", "sy_updatefrequency"), Elements.as_written),
    "feedburner_origlink": Elements.as_written,
    "link": Elements.link,
    "enclosure": Elements.enclosure,
    "media_title": Elements.media_title,
    "media_group": Elements.media_group,
    "media_content": Elements.media_content,
    "media_thumbnail": Elements.media_thumbnail,
    "itunes_image": Elements.itunes_image,
}
