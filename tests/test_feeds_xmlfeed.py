"""The fast way through plain feeds gives what feedparser gives, or nothing."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time

import pytest
from feedparser.mixin import _FeedParserMixin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courant.errors import FeedUnreadable
from courant.feeds.parsing import feeddates, parse, xmlfeed, xmlnames
from courant.feeds.parsing.decode import decode
from courant.feeds.raw import RawFeed

URL = "https://feeds.example.org/feed"
# Feeds as they are on the web; the other folders are mostly made to be odd.
LIVE = (
    *("fastfeedparser", "rss-parser", "codehollow-feedreader", "netnewswire", "feeder"),
    *("capyreader", "nonlatin-blogs"),
)


def slowly(text: str) -> RawFeed:
    return parse._raw(parse._parse_xml(text, URL), text, URL)


def quickly(text: str) -> RawFeed | None:
    answer = xmlfeed.read_plain(text, parse.MAX_ENTRIES)
    return None if answer is None else parse._raw(answer, text, URL)


def feeds(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.startswith("_LICENCE"):
            continue
        body = path.read_bytes()
        text = decode(gzip.decompress(body) if path.suffix == ".gz" else body, "").strip()
        if text.startswith("<"):
            yield path, parse.without_illegal_references(text)


@pytest.mark.slow
def test_whole_corpus_reads_the_same_both_ways(
    shared: Path, record_property: Callable[[str, object], None]
) -> None:
    seen: Counter[str] = Counter()
    differing = []
    for path, text in feeds(shared / "corpora" / "feeds"):
        folder = path.relative_to(shared / "corpora" / "feeds").parts[0]
        quick = quickly(text)
        try:
            slow = slowly(text)
        except FeedUnreadable:
            slow = None
        if slow is not None:
            seen["feeds"] += 1
            seen["live"] += folder in LIVE
            seen["quick"] += quick is not None
            seen["live and quick"] += folder in LIVE and quick is not None
        if quick is not None and quick != slow:
            differing.append(path.name)

    record_property("seen", dict(seen))
    print(dict(seen))  # noqa: T201 - how many take the fast way is what one wants to know
    assert not differing
    assert seen["quick"] > 1700
    assert seen["live and quick"] >= 0.9 * seen["live"]


def test_every_handler_of_feedparser_is_known() -> None:
    handled = {
        name.split("_", 2)[2].lower()
        for name in dir(_FeedParserMixin)
        if name.startswith(("_start_", "_end_"))
    }

    assert {name for name in handled if xmlnames.is_unknown(name)} == set()


def test_namespaces_are_those_of_feedparser() -> None:
    theirs = {uri.lower(): name.lower() for uri, name in _FeedParserMixin.namespaces.items() if uri}

    assert theirs == xmlnames.NAMESPACES


def test_plain_feed_needs_no_feedparser() -> None:
    program = (
        "import sys; sys.path.insert(0, 'functions')\n"
        "from courant.feeds.parsing.parse import parse_feed\n"
        "body = b'<rss version=\"2.0\"><channel><item><guid>a</guid>'\n"
        "body += b'<pubDate>Sun, 22 Nov 2026 07:00:00 +0100</pubDate></item></channel></rss>'\n"
        "assert parse_feed(body, '', 'https://example.org/').entries[0].dates\n"
        "assert 'feedparser' not in sys.modules"
    )

    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[1]
    )


NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "georss": "http://www.georss.org/georss",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "r": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "x": "https://example.org/unknown",
}
ROOTS = (
    ("<rss version='2.0' {0}><channel>", "</channel></rss>", "item"),
    ("<rss version='0.91' {0}><channel>", "</channel></rss>", "item"),
    ("<rss {0}><channel xml:base='https://base.example/c/'>", "</channel></rss>", "item"),
    (
        "<r:RDF xmlns='http://purl.org/rss/1.0/' {0}><channel><title>t</title></channel>",
        "</r:RDF>",
        "item",
    ),
    ("<feed xmlns='http://www.w3.org/2005/Atom' {0}>", "</feed>", "entry"),
    (
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='http://b.ex/' xml:lang='de_CH' {0}>",
        "</feed>",
        "entry",
    ),
    ("<feed version='0.3' xmlns='http://purl.org/atom/ns#' {0}>", "</feed>", "entry"),
)
PIECES = (
    *(
        "",
        " ",
        "\n\t",
        "a",
        "One",
        "é",
        "Ã©",
        "日本",
        "&#146;",
        "&#x80;",
        "&amp;",
        "&lt;b&gt;x&lt;/b&gt;",
    ),
    *(
        "<![CDATA[<p>Hi</p>]]>",
        "<![CDATA[ & ]]>",
        "&amp;amp;",
        "&amp;#8217;",
        "&amp;#zz;",
        "AT&amp;T",
    ),
    *(
        "<!-- c -->",
        "<?pi x?>",
        "https://e.example/a?b=1&amp;c=2",
        "/rel",
        "http:///x",
        "tag:e,2026:1",
    ),
    *("ann@example.org (Ann)", "Ann &lt;ann@example.org&gt;", "Bob", "&amp;lt;i&amp;gt;", "12345"),
    *("Sun, 22 Nov 2026 07:00:00 +0100", "Sun, 22 Nov 2026 07:00:00 EST", "2026-11-22T07:00:00Z"),
    *(
        "2026-11-22T07:00:00.5+05:30",
        "22 Nov 26 7:00 GMT",
        "2026-11-22",
        "Sun Nov 22 07:00:00 2026",
    ),
    *("Sun, 31 Feb 2026 07:00:00 GMT", "2026/11/22 07:00:00", "yesterday"),
)
ATTRIBUTES = (
    *("type='html'", "type='text'", "type='text/html'", "type='xhtml'", "type='image/png'"),
    *(
        "href='/h'",
        "href='https://h.example/'",
        "url='u.jpg'",
        "url=''",
        "rel='self'",
        "rel='alternate'",
    ),
    *(
        "rel='enclosure'",
        "rel='ALTERNATE'",
        "isPermaLink='false'",
        "isPermaLink='true'",
        "term='T'",
    ),
    *("label='L'", "domain='D'", "scheme='S'", "xml:lang='nl'", "xml:lang=''", "lang='fr'"),
    *(
        "xml:base='b/'",
        "xml:base='https://b.example/'",
        "medium='image'",
        "width='100'",
        "height='x'",
    ),
    *("text='News'", "x:href='y'", "x:count='1'", "mode='escaped'", "mode='base64'", "src='s'"),
    *("href='/h'", "href='https://e.example/1'", "type='html'", "url='/p.png'", "term='U'"),
)
NAMES = (
    *("title", "link", "guid", "id", "description", "summary", "content", "pubDate", "published"),
    *("updated", "modified", "created", "issued", "author", "category", "keywords", "enclosure"),
    *("image", "comments", "language", "ttl", "rights", "info", "name", "url", "TITLE", "email"),
    *("content:encoded", "dc:creator", "dc:date", "dc:title", "dc:subject", "dc:description"),
    *("dc:language", "dcterms:modified", "dcterms:issued", "itunes:author", "itunes:image"),
    *("itunes:summary", "itunes:keywords", "itunes:category", "itunes:explicit"),
    *("media:content", "media:thumbnail", "media:title", "media:description"),
    *("media:keywords", "media:category", "media:credit", "feedburner:origLink", "georss:point"),
    *("atom:link", "atom:title", "atom:id", "atom:author", "slash:comments", "sy:updatePeriod"),
    *("sy:updateFrequency", "x:title", "x:any", "uri", "managingEditor", "lastBuildDate"),
    *("width", "generator", "cloud"),
)
HOLDERS = {
    "author": ("name", "uri", "email", "x:image"),
    "atom:author": ("atom:name", "atom:email"),
    "itunes:author": ("itunes:name", "itunes:email"),
    "contributor": ("name", "email"),
    "itunes:owner": ("itunes:name", "itunes:email"),
    "source": ("title", "id", "link", "updated", "author"),
    "image": ("title", "url", "link", "width", "description"),
    "textInput": ("title", "name", "link"),
    "media:group": NAMES,
    "media:content": ("media:title", "media:description", "media:thumbnail", "media:credit"),
    "x:any": ("x:other", "x:any"),
    "skipHours": ("hour",),
    "skipDays": ("day",),
    "itunes:category": ("itunes:category",),
}
# What feedparser answers with more rules than the fast way has, or in a place we look at.
ODD = ("links", "authors", "title_detail", "tags", "where", "abstract", "source", "hour", "body")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=3).map("".join)


def element(name: str, attributes: list[str], inside: str) -> str:
    # An attribute twice is no XML.
    kept = {attribute.partition("=")[0]: attribute for attribute in attributes}
    return f"<{' '.join((name, *kept.values()))}>{inside}</{name}>"


@st.composite
def elements(draw: st.DrawFn, names: tuple[str, ...] = NAMES, depth: int = 0) -> str:
    kind = draw(st.integers(0, 60))
    name = draw(st.sampled_from(ODD if kind == 60 else names))
    attributes = draw(st.lists(st.sampled_from(ATTRIBUTES), max_size=2)) if kind % 4 == 0 else []
    if depth < 3 and kind > 50:
        name = draw(st.sampled_from(tuple(HOLDERS)))
        inner = st.lists(elements(HOLDERS[name], depth + 1), max_size=3).map("\n ".join)
        return element(name, attributes, draw(inner))
    return element(name, attributes, draw(TEXTS))


CONTENTS = st.lists(elements(), max_size=7).map("\n".join)


@st.composite
def documents(draw: st.DrawFn) -> str:
    opening, closing, name = draw(st.sampled_from(ROOTS))
    declared = " ".join(f"xmlns:{prefix}='{uri}'" for prefix, uri in NAMESPACES.items())
    parts = [draw(CONTENTS) if "RDF" not in opening else ""]
    for _ in range(draw(st.integers(1, 2))):
        about = "r:about='urn:a'" if "RDF" in opening and draw(st.booleans()) else ""
        parts.append(f"<{name} {about}>{draw(CONTENTS)}</{name}>")
    return opening.format(declared) + "".join(parts) + closing


@settings(max_examples=120)
@given(documents())
def test_small_feeds_read_the_same_both_ways(text: str) -> None:
    quick = quickly(text)

    assert quick is None or quick == slowly(text)


@pytest.mark.slow
@settings(max_examples=800, suppress_health_check=list(HealthCheck))
@given(documents())
def test_many_small_feeds_read_the_same_both_ways(text: str) -> None:
    quick = quickly(text)

    assert quick is None or quick == slowly(text)


@pytest.mark.parametrize(
    "inside",
    [
        "<a>" * 100_000 + "</a>" * 100_000,
        "<item>" + "<m:group>" * 50_000 + "</m:group>" * 50_000 + "</item>",
        "<item " + " ".join(f"a{n}='1'" for n in range(40_000)) + "/>",
        "<item>" + "<link href='/a'/>" * 50_000 + "</item>",
        "<item>" + "<author>a</author>" * 50_000 + "</item>",
        "<item><link>" + "a" * 1_000_000 + "</link></item>",
        "<item><pubDate>" + "1" * 1_000_000 + "</pubDate></item>",
        "<item/>" * 200_000,
    ],
)
def test_mean_feeds_take_no_time_to_be_read_or_left(inside: str) -> None:
    text = f"<rss xmlns:m='http://search.yahoo.com/mrss/'><channel>{inside}</channel></rss>"

    started = process_time()
    xmlfeed.read_plain(text, 500)

    assert process_time() - started < 3


def test_one_entry_with_thousands_of_categories_is_left() -> None:
    categories = "".join(f"<category>{n}</category>" for n in range(5000))

    assert xmlfeed.read_plain(f"<rss><channel><item>{categories}</item></channel></rss>", 5) is None


@settings(max_examples=150)
@given(TEXTS | st.from_regex(feeddates._RFC822) | st.from_regex(feeddates._RFC3339))
def test_dates_are_those_of_feedparser(text: str) -> None:
    quick, slow = feeddates.parse_date(text), feeddates._slowly(text)

    assert tuple(quick or ())[:6] == tuple(slow or ())[:6]


@pytest.mark.parametrize(
    "inside",
    [
        "<title>t</title><item><media:title>m</media:title><title>a</title></item>",
        "<item><title>a</title><media:title>m</media:title><title>b</title></item>",
        "<item><title/><dc:title>d</dc:title></item>",
        "<image><title>i</title></image><title>t</title><title>u</title>",
        "<item><title>a</title><source url='s'>S</source><title>b</title></item>",
        "<item><description>d</description><content:encoded>c</content:encoded></item>",
        "<item><content:encoded>c</content:encoded><description>d</description></item>",
        "<item><description/><dc:description>e</dc:description><media:description/></item>",
        "<itunes:summary/><itunes:summary/><item><summary>d</summary><summary>e</summary></item>",
        "<item><content:encoded/></item><item><summary>d</summary><summary>e</summary></item>",
        "<item><guid>https://e.example/1</guid></item>",
        "<item><guid isPermaLink='false'>https://e.example/1</guid></item>",
        "<item><guid>http:///e.example/1</guid><link>http:///e.example/2</link></item>",
        "<item><title>Ã©tÃ©</title><description>&#146;</description></item>",
        "<item xml:lang='de'><title xml:lang=''>t</title></item>",
        "<item xml:base='https://b.example/x/'><link>y</link></item><item><link>z</link></item>",
        "<link>/h?a&amp;amp;b;=1</link><item><link>/h?a&amp;amp;b;=1</link></item>",
        "<item><author>ann@example.org (Ann)</author><dc:creator>Bob</dc:creator></item>",
        "<item><author>Ann</author><author><email>b@example.org</email></author></item>",
        "<item><author><name>Ann</name><email>a@example.org</email></author></item>",
        "<item><category domain='d'/><category>a</category><category>a</category></item>",
        "<item><itunes:keywords>a, b,,a</itunes:keywords></item>",
        "<item><pubDate>Sun, 22 Nov 2026 07:00:00 -0230</pubDate></item>",
        "<item><pubDate>yesterday</pubDate><dc:date>2026-11-22T07:00:00+02:00</dc:date></item>",
        "<item><feedburner:origLink>https://o.example/</feedburner:origLink></item>",
        "<item><media:group><media:content url='a.jpg' width='9'/></media:group></item>",
        "<item><media:thumbnail>/t.jpg</media:thumbnail><itunes:image href='i.png'/></item>",
        "<item><enclosure url='a.png'/><atom:link rel='enclosure' href='b'/></item>",
        "<id>https://home.example/</id>",
        "<description/><itunes:summary/><item><summary>d</summary><summary>e</summary></item>",
        "<ttl>5</ttl><ttl x='y'>6</ttl><skipHours><hour>1</hour></skipHours>",
        "<language>nl</language><atom:link rel='self' href='s'/><atom:link href='h'/>",
    ],
)
@pytest.mark.parametrize("opening", ["<rss xml:lang='fr_CA'", "<rss xml:base='https://r.example/'"])
def test_each_rule_of_feedparser_is_followed(opening: str, inside: str) -> None:
    declared = " ".join(f"xmlns:{prefix}='{uri}'" for prefix, uri in NAMESPACES.items())
    text = f"{opening} {declared}><channel>{inside}</channel></rss>"

    quick = quickly(text)

    assert quick is not None
    assert quick == slowly(text)


def test_entries_beyond_the_cap_are_counted() -> None:
    items = "".join(f"<item><guid>{n}</guid></item>" for n in range(5))
    answer = xmlfeed.read_plain(f"<rss><channel>{items}</channel></rss>", 3)

    assert answer is not None
    assert len(answer["entries"]) == 3
    assert answer["beyond"] == 2


@pytest.mark.parametrize(
    "text",
    [
        "<rss><channel><title>a",
        "<!DOCTYPE rss [<!ENTITY a 'b'>]><rss><channel/></rss>",
        "<!-- <a --><!DOCTYPE rss [<!ENTITY a 'b'>]><rss><channel/></rss>",
        "<rss><channel/><channel/></rss>",
        "<html><body/></html>",
        "<rss><channel><item><title>&amp;#zz;</title></item></channel></rss>",
        "<rss><channel><item><title><b>a</b></title></item></channel></rss>",
        "<rss><channel><item><item/></item></channel></rss>",
        "",
    ],
)
def test_odd_documents_are_left_to_feedparser(text: str) -> None:
    assert xmlfeed.read_plain(text, 500) is None
