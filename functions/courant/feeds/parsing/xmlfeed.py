"""RSS and Atom that are plain enough, read fast: a text → what feedparser would say of it.

feedparser is the reference, and this a short cut to its answer for the elements that we use.
Whatever is not plain — broken XML, a DOCTYPE, markup that is not escaped, an element in a place
where feedparser's answer hangs on more than is modelled here — is left to feedparser.
Python's own ``xml.etree`` rather than lxml: fast enough, quicker to load, and on top of the very
parser that feedparser uses (expat), so that both agree on what is well-formed.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from io import BytesIO

from courant.feeds.parsing.xmlelements import Answer, Elements, Here
from courant.feeds.parsing.xmlnames import HarmfulNameError, Names
from courant.feeds.parsing.xmltext import OddError, no_base, plain_text_of, text_of

_DECLARATION = re.compile(r"<\?xml[^>]*?>")
_HEAD_MARKUP = re.compile(r"<![^-]")
_FIRST_TAG = re.compile(r"<\w")
_BY_NAMESPACE = {
    "http://my.netscape.com/rdf/simple/0.9/": "rss090",
    "http://purl.org/rss/1.0/": "rss10",
    "http://www.w3.org/2005/atom": "atom10",
}
_RSS_VERSIONS = {"0.91": "rss091u", "0.92": "rss092", "0.93": "rss093", "0.94": "rss094"}
_ATOM_VERSIONS = {"0.1": "atom01", "0.2": "atom02", "0.3": "atom03"}
# What may be in elements that have no use for us.
_ASIDES = {
    "image": frozenset({"title", "link", "description", "url", "width", "height"}),
    "textinput": frozenset({"title", "link", "description", "name"}),
    "source": frozenset(
        {
            *("category", "generator", "icon", "id", "link", "logo", "published", "rights"),
            *("subtitle", "title", "updated"),
        }
    ),
}
_SKIPPED = {"skiphours": "hour", "skipdays": "day"}


def read_plain(text: str, max_entries: int) -> Answer | None:
    """``version``, ``feed`` and the first ``entries`` as feedparser names them, ``beyond`` more.

    None if the document is not plain; it may still be a good feed.
    """
    try:
        return _Document(text, max_entries).answer
    except (OddError, HarmfulNameError, ET.ParseError, RecursionError):
        return None


class _Document:
    def __init__(self, text: str, max_entries: int) -> None:
        root, declared = _tree(text)
        self._elements = Elements(Names(declared))
        self._max_entries = max_entries
        self._entries: list[Answer] = []
        self._beyond = 0
        here = self._elements.enter(root, 1, None)
        version = self._elements.version = _version(here, declared)
        if here.lang and here.name != "rdf_rdf":
            self._elements.feed["language"] = here.lang.replace("_", "-")
        if here.name == "feed":
            self._channel(here)
        else:
            self._rss(here)
        self.answer: Answer = {
            "version": version,
            "feed": self._elements.feed,
            "entries": self._entries,
            "beyond": self._beyond,
            "bozo": False,
        }

    def _rss(self, root: Here) -> None:
        elements = self._elements
        base, channels = elements.base, 0
        for child in root.element:
            name = elements.names[child.tag]
            if name == "channel":
                channels += 1
                self._channel(elements.enter(child, 2, root.lang))
            elif name == "item":
                self._entry(elements.enter(child, 2, root.lang))
            elif name in {"image", "textinput"}:
                self._aside(child, 2, name)
            else:
                elements.skip(child, name)
            elements.base = base or elements.base
        if channels != 1:
            raise OddError

    def _channel(self, channel: Here) -> None:
        elements = self._elements
        base = elements.base
        if channel.name == "channel" and {"href", "lastmod"} & channel.attributes.keys():
            raise OddError
        for child in channel.element:
            here = elements.enter(child, channel.depth + 1, channel.lang)
            if here.name in {"item", "entry"}:
                self._entry(here)
            elif here.name in {"image", "textinput"}:
                self._aside(child, here.depth, here.name)
            elif here.name in _SKIPPED:
                self._skipped(child, _SKIPPED[here.name])
            elif here.name in {"contributor", "itunes_owner"}:
                elements.skip_person(child)
            else:
                elements.read(elements.feed, here)
            elements.base = base or elements.base

    def _entry(self, item: Here) -> None:
        if len(self._entries) >= self._max_entries:
            self._beyond += 1
            return
        if {"href", "lastmod"} & item.attributes.keys():
            raise OddError
        elements = self._elements
        base = elements.base
        entry: Answer = {}
        self._entries.append(entry)
        elements.title_depth = -1
        if about := item.attributes.get("rdf:about"):
            entry["id"] = about
        for child in item.element:
            here = elements.enter(child, item.depth + 1, item.lang)
            if here.name == "source":
                self._aside(child, here.depth, here.name)
            elif here.name == "image":
                no_base(child)
                plain_text_of(child)
                elements.title_depth = -1
            elif here.name == "contributor":
                elements.skip_person(child)
            else:
                elements.read(entry, here)
            elements.base = base or elements.base
        elements.has_content = False

    def _aside(self, element: ET.Element, depth: int, name: str) -> None:
        """An element of no use, but a title in it changes how the next ones are read."""
        elements = self._elements
        no_base(element)
        elements.title_depth = -1
        for child in element:
            inner = elements.names[child.tag]
            if name == "source" and inner == "author":
                elements.skip_person(child)
                continue
            no_base(child)
            if inner not in _ASIDES[name]:
                raise OddError
            if text_of(child) and inner == "title":
                elements.title_depth = depth + 1

    def _skipped(self, element: ET.Element, part: str) -> None:
        no_base(element)
        for child in element:
            no_base(child)
            if self._elements.names[child.tag] != part or child.attrib:
                raise OddError
            self._elements.feed[part] = text_of(child)


def _tree(text: str) -> tuple[ET.Element, list[tuple[str, str]]]:
    """The root, and the namespaces that are declared anywhere, in order: prefix, URI."""
    start = _FIRST_TAG.search(text)
    if start is None or "<!DOCTYPE" in text or _HEAD_MARKUP.search(text, 0, start.start()):
        raise OddError
    # What it declares was true of the bytes; and feedparser takes any version of XML for 1.0.
    if declaration := _DECLARATION.match(text):
        text = text[declaration.end() :]
    # Without a DOCTYPE there are no entities that could grow.
    parser = ET.iterparse(BytesIO(text.encode("utf-8")), events=("start-ns",))  # noqa: S314
    declared = [pair for _, pair in parser]
    root: ET.Element = parser.root  # type: ignore[attr-defined]  # typeshed doesn't know it
    return root, declared


def _version(root: Here, declared: list[tuple[str, str]]) -> str:
    """The format in feedparser's words: by the namespaces, then by what the root says."""
    spoken = [
        version
        for prefix, uri in declared
        if (version := _BY_NAMESPACE.get(uri.lower())) and (version != "rss090" or not prefix)
    ]
    given = root.attributes.get("version", "")
    if root.name == "rdf_rdf" and spoken:
        return spoken[0]
    if {"rss10", "rss090"} & set(spoken):
        raise OddError
    if root.name == "rss":
        return _RSS_VERSIONS.get(given) or ("rss20" if given.startswith("2.") else "rss")
    if root.name == "feed" and root.element.tag.lower() == "{http://www.w3.org/2005/atom}feed":
        return "atom10"
    if root.name == "feed" and not spoken:
        return _ATOM_VERSIONS.get(given, "atom")
    raise OddError
