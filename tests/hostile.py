"""Documents made to hurt: how each is made, and what must come of it.

Nothing here is a file: a maker gives the bytes when asked. The numbers in the section comments are
those of the list that the wall was built against.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

XML = "text/xml; charset=utf-8"
JSON = "application/feed+json"
HTML = "text/html"

TOO_SLOW = "takes longer"
TOO_MUCH = "than a feed may"

# The sentence that an editor reads must hold this; so many articles, all of them clean; these
# titles; or whichever, as long as it is a named error or clean articles.
Expected = str | int | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Hostile:
    """One document.

    ``slow`` where seconds go by until it is given up, ``literal`` where brackets are part of what
    is said: printed, they are escaped like any text.
    """

    name: str
    make: Callable[[], bytes]
    expected: Expected
    content_type: str = XML
    slow: bool = False
    literal: bool = False


def rss(items: str = "", head: str = "", channel: str = "<title>News</title>") -> str:
    """An RSS document with something in front of it."""
    return f"{head}<rss version='2.0'><channel>{channel}{items}</channel></rss>"


def item(title: str = "", more: str = "", link: str = "https://example.org/bad") -> str:
    """An item with XML in it as given."""
    return f"<item><title>{title}</title><link>{link}</link>{more}</item>"


GOOD = item("Good", link="https://example.org/good")


def beside(bad: str) -> bytes:
    """A hostile item beside a good one."""
    return rss(bad + GOOD).encode("utf-8", "surrogatepass")


def _json(*items: object, **more: object) -> bytes:
    document = {"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": items}
    return json.dumps(document | more).encode()


LAUGHS = (
    '<!DOCTYPE rss [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    + "]>"
)
LAUGHING = item("&l11;") + GOOD
QUAD = f'<!DOCTYPE rss [<!ENTITY a "{"a" * 50_000}">]>'
STOLEN = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///proc/self/environ">]>'
DECLARED = "<?xml version='1.0'?>"


def _bomb(head: str, encoding: str = "utf-8") -> bytes:
    return rss(LAUGHING, head).encode(encoding)


def _quad() -> bytes:
    return rss(item("&a;" * 50_000) + GOOD, QUAD).encode()


def _many_parameters() -> bytes:
    entities = "".join(f"<!ENTITY % p{n} '{f'%p{n - 1};' * 10}'>" for n in range(1, 12))
    return rss(GOOD, f"<!DOCTYPE rss [<!ENTITY % p0 'x'>{entities}%p11;]>").encode()


def _attributes(value: str, count: int = 40_000) -> bytes:
    attributes = " ".join(f"a{n}={value}" for n in range(count))
    return rss(f"<item {attributes}><title>Bad</title></item>{GOOD}").encode()


def _prefixes() -> bytes:
    return rss(GOOD + "".join(f"<a xmlns:n{n}='u:{n}'>" for n in range(60_000))).encode()


def _nested(tag: str, closed: bool, times: int = 200_000) -> bytes:
    inside = f"<{tag}>" * times + (f"</{tag}>" * times if closed else "")
    return rss(GOOD + f"<item>{inside}</item>").encode()


def _nested_xhtml() -> bytes:
    inside = "<div>" * 100_000 + "words" + "</div>" * 100_000
    return (
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>News</title><entry><title>Bad</title>"
        f"<link href='https://example.org/bad'/><content type='xhtml'>{inside}</content></entry>"
        "</feed>"
    ).encode()


def _items(count: int) -> bytes:
    return rss("".join(item("a", link=f"https://e.example/{n}") for n in range(count))).encode()


def _said(encoding: str) -> bytes:
    return rss(GOOD, f"<?xml version='1.0' encoding='{encoding}'?>").encode()


XML_CASES = (
    # (1)–(6) entities
    Hostile("quad entity", _quad, None),
    Hostile("billion laughs", partial(_bomb, DECLARED + "\n" + LAUGHS.replace(">", ">\n")), None),
    Hostile("billion laughs in one line", partial(_bomb, LAUGHS), None),
    Hostile("laughs behind a comment", partial(_bomb, "<!-- x -->" + LAUGHS), None),
    Hostile("laughs behind a comment with a tag", partial(_bomb, "<!-- <a -->" + LAUGHS), None),
    Hostile("laughs behind a short comment", partial(_bomb, "<!--><a -->" + LAUGHS), None),
    Hostile("laughs behind an instruction", partial(_bomb, "<?a <rss> ?>" + LAUGHS), None),
    Hostile("laughs after 70 KB", partial(_bomb, f"<!--{'x' * 70_000}-->" + LAUGHS), None),
    Hostile("laughs in UTF-16", partial(_bomb, DECLARED + LAUGHS, "utf-16"), None),
    Hostile("laughs in UTF-16 unmarked", partial(_bomb, DECLARED + LAUGHS, "utf-16-be"), None),
    Hostile("laughs in UTF-32", partial(_bomb, LAUGHS, "utf-32"), None),
    Hostile(
        "laughs that a control character hides",
        lambda: rss(LAUGHING, LAUGHS.replace("<!", "<!\x01").replace("ENT", "ENT\0")).encode(),
        None,
    ),
    Hostile(
        "laughs that a reference hides",
        lambda: rss(
            LAUGHING, LAUGHS.replace("<!DOC", "<!DOC&#0;").replace("<!ENT", "<!ENT&#xFFFF;")
        ).encode(),
        None,
    ),
    Hostile("laughs after another doctype", partial(_bomb, "<!DOCTYPE rss>" + LAUGHS), None),
    Hostile("laughs inside the root", lambda: rss(LAUGHS + LAUGHING).encode(), None),
    Hostile("parameter entities", _many_parameters, ("Good",)),
    Hostile("file entity", lambda: rss(item("a&x;b") + GOOD, STOLEN).encode(), None),
    Hostile(
        "external declarations",
        lambda: rss(GOOD, "<!DOCTYPE rss SYSTEM 'http://127.0.0.1:9001/x.dtd'>").encode(),
        ("Good",),
    ),
    Hostile(
        "inclusion",
        lambda: rss(
            item(
                "Bad",
                "<description><xi:include xmlns:xi='http://www.w3.org/2001/XInclude' parse='text'"
                " href='file:///proc/self/environ'/></description>",
            )
            + GOOD
        ).encode(),
        ("Bad", "Good"),
    ),
    Hostile("doctype without end", lambda: f"<!DOCTYPE rss [{rss(GOOD)}".encode(), "not a feed"),
    Hostile("50,000 doctypes", lambda: rss(GOOD, "<!DOCTYPE a []>" * 50_000).encode(), ("Good",)),
    # (7)–(9) much of it
    Hostile("40,000 attributes", partial(_attributes, "'1'"), None),
    Hostile("40,000 attributes with tags in them", partial(_attributes, "'>'"), None),
    Hostile("60,000 prefixes", _prefixes, None, slow=True),
    Hostile("200,000 nested elements", partial(_nested, "b", closed=True), None),
    Hostile("200,000 open elements", partial(_nested, "b", closed=False), None, slow=True),
    Hostile("100,000 nested divs in an entry", _nested_xhtml, None, slow=True),
    Hostile("200,000 items", partial(_items, 200_000), None),
    Hostile("a million comments", lambda: rss(GOOD + "<!---->" * 1_000_000).encode(), None),
    Hostile("300,000 instructions", lambda: rss(GOOD, "<?a?>" * 300_000).encode(), ("Good",)),
    Hostile("a million CDATA", lambda: rss(item("<![CDATA[a]]>" * 500_000)).encode(), None),
    Hostile("only opening brackets", lambda: b"<" * 5_000_000, None, slow=True),
    Hostile("8 MB of spaces", lambda: b" " * 8_000_000, "empty"),
    Hostile("8 MB of spaces in the root", lambda: rss(GOOD + " " * 8_000_000).encode(), None),
    # (10), (11) characters
    Hostile("codec undefined", partial(_said, "undefined"), ("Good",)),
    Hostile("codec with NUL", partial(_said, "utf\0-8"), ("Good",)),
    Hostile("codec unicode_escape", partial(_said, "unicode_escape"), ("Good",)),
    Hostile("codec zlib", partial(_said, "zlib_codec"), ("Good",)),
    Hostile("codec punycode", partial(_said, "punycode"), ("Good",)),
    Hostile("codec idna", partial(_said, "idna"), ("Good",)),
    Hostile("codec in the header", lambda: rss(GOOD).encode(), ("Good",), "text/xml; charset=hex"),
    Hostile("UTF-7", lambda: rss(item("+ADw-script+AD4-") + GOOD).encode(), 2, "a; charset=utf-7"),
    Hostile("wrong charset", lambda: rss(item("é") + GOOD).encode("latin-1"), ("é", "Good")),
    Hostile("two byte order marks", lambda: b"\xef\xbb\xbf" * 2 + rss(GOOD).encode(), ("Good",)),
    Hostile("wrong byte order mark", lambda: b"\xff\xfe" + rss(GOOD).encode(), "not a feed"),
    Hostile("UTF-16 with a byte more", lambda: rss(GOOD).encode("utf-16") + b"<", ("Good",)),
    Hostile("surrogates alone", lambda: beside(item("Bad\ud800\udfff\udc00")), 2),
    Hostile("surrogates as references", lambda: beside(item("Bad&#xD83D;&#xDE00;")), 2),
    Hostile("only marks of order", lambda: b"\xef\xbb\xbf" * 1_000_000, "it sent"),
    Hostile("bytes of all kinds", lambda: bytes(range(256)) * 4_000, "not a feed"),
    # (12), (13) half of it, or something else
    Hostile("cut in a tag", lambda: rss(GOOD * 2).encode()[:-40], None),
    Hostile("cut in a character", lambda: rss(GOOD + item("é")).encode().partition(b"\xa9")[0], 1),
    Hostile("cut in CDATA", lambda: rss(GOOD + item("<![CDATA[x")).encode()[:-25], None),
    Hostile("a page", lambda: b"<!DOCTYPE html><html><body>" + b"<p>x" * 99, "web page", HTML),
    Hostile("a page of 4 MB", lambda: b"<html><body>" + b"<p>x" * 1_000_000, "web page", XML),
    Hostile("a page that ends as a feed", lambda: b"<html>" + rss(GOOD).encode(), None),
    Hostile("a zip file", lambda: b"PK\x03\x04" + bytes(100_000), "not a feed"),
)

# (14) JSON
JSON_CASES = (
    Hostile("JSON 100,000 deep", lambda: b'{"items":' + b"[" * 100_000, "broken JSON", JSON),
    Hostile(
        "JSON 100,000 objects deep", lambda: b'{"items":[' + b'{"a":' * 100_000, "broken JSON", JSON
    ),
    Hostile(
        "JSON no number",
        lambda: _json({"id": "1", "url": "https://e.example/", "title": "A", "n": float("nan")}),
        None,
        JSON,
    ),
    Hostile(
        "JSON big number",
        lambda: _json({"id": 0, "url": "https://e.example/", "title": "A"}).replace(
            b"0,", b"9" * 100_000 + b",", 1
        ),
        None,
        JSON,
    ),
    Hostile(
        "JSON number beyond all",
        lambda: (
            b'{"version":"https://jsonfeed.org/version/1","items":[{"id":1e999,'
            b'"url":"https://e.example/","title":"A"}]}'
        ),
        ("A",),
        JSON,
    ),
    Hostile(
        "JSON surrogates",
        lambda: _json({"id": "\ud800", "url": "https://e.example/\udfff", "title": "A\udc00"}),
        None,
        JSON,
    ),
    Hostile(
        "JSON 100,000 items",
        lambda: _json(*({"id": str(n), "content_text": "x"} for n in range(100_000))),
        0,
        JSON,
    ),
    Hostile(
        "JSON of wrong types",
        lambda: _json(
            {"id": [], "url": {}, "title": 5, "authors": "x", "attachments": 7, "image": [1]},
            *(None, 5, "x", [], {}),
            title={},
            language=[],
            authors={},
            home_page_url=5,
        ),
        0,
        JSON,
    ),
    Hostile(
        "JSON with markup",
        lambda: _json(
            {
                "id": "1",
                "url": "https://e.example/",
                "title": "<script>alert(1)</script>A\u202e",
                "content_html": "<svg onload=alert(1)><p>Words",
            }
        ),
        1,
        JSON,
        literal=True,
    ),
    Hostile("JSON string without end", lambda: b'{"items":["' + b"\\" * 3_000_000, "broken", JSON),
)
