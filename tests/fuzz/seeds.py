"""Small documents of every kind, made here, for mutations to start from."""

from __future__ import annotations

import gzip
import json

_ITEM = """<item><title>One &amp;amp; <b>two</b></title><link>https://example.org/a?utm_source=rss</link>
<guid isPermaLink="false">a1</guid><pubDate>Sun, 22 Nov 2026 05:00:00 +0100</pubDate>
<dc:creator>A. Writer</dc:creator><category>News</category>
<description><![CDATA[<p>First. <a href="/b">Second</a>.</p><img src="/i.png" width="300">]]>
</description>
<content:encoded>&lt;p&gt;Whole &lt;/p&gt;</content:encoded>
<media:content url="https://example.org/m.jpg" medium="image" width="800" height="400"/>
<enclosure url="/e.mp3" type="audio/mpeg" length="9"/></item>"""

RSS = f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:media="http://search.yahoo.com/mrss/"
 xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xml:base="https://example.org/x/">
<channel><title>Paper</title><link>https://example.org/</link><language>en-GB</language>
<ttl>60</ttl><skipHours><hour>1</hour></skipHours><sy:updatePeriod>hourly</sy:updatePeriod>
{_ITEM}{_ITEM.replace("/a?", "/c?").replace("a1", "a2")}</channel></rss>"""

ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="nl">
<title type="html">Krant &lt;i&gt;1&lt;/i&gt;</title><id>urn:x</id><link href="https://example.org/"/>
<updated>2026-11-22T06:00:00Z</updated><entry xml:base="/y/"><title type="xhtml">
<div xmlns="http://www.w3.org/1999/xhtml">Een <b>twee</b></div></title><id>tag:example.org,1</id>
<link rel="alternate" href="a"/><link rel="enclosure" type="image/png" href="i.png"/>
<author><name>Jansen</name><email>j@example.org</email></author>
<published>2026-11-21T23:00:00+01:00</published><updated>2026-11-22T05:00:00Z</updated>
<summary>Kort.</summary><content type="html">&lt;p&gt;Lang.&lt;/p&gt;</content></entry></feed>"""

RDF = """<?xml version="1.0" encoding="iso-8859-1"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="https://example.org/"><title>Old \xe9</title><link>https://example.org/</link>
</channel><item rdf:about="https://example.org/1"><title>One</title>
<link>https://example.org/1</link><description>Text</description></item></rdf:RDF>"""

JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Paper",
        "home_page_url": "https://example.org/",
        "items": [
            {
                "id": "1",
                "url": "https://example.org/1",
                "title": "One",
                "content_html": "<p>Text &amp; more</p>",
                "date_published": "2026-11-22T05:00:00+01:00",
                "authors": [{"name": "A"}],
                "image": "https://example.org/i.png",
                "tags": ["a"],
            },
            {"id": 2, "url": "/2", "content_text": "Text \ud83d\ude00"},
        ],
    }
)

PAGE = """<!doctype html><html lang="en"><head><title>One - Paper</title>
<meta property="og:title" content="One"><meta property="og:image" content="/i.png">
<meta property="article:published_time" content="2026-11-22T05:00:00Z">
<meta property="article:section" content="World"><link rel="canonical" href="/one">
<script type="application/ld+json">{"@type":"NewsArticle","headline":"One",
"author":{"name":"A"},"datePublished":"2026-11-22"}</script></head><body><nav><a href="/">Home</a>
</nav><article><h1>One</h1><p>The first paragraph says what happened, where and to whom.</p>
<p>The second has the rest of it, which nobody needs to know.</p></article></body></html>"""

BOMB = '<!DOCTYPE rss [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'

DOCUMENTS: tuple[bytes, ...] = (
    RSS.encode(),
    ATOM.encode(),
    RDF.encode("iso-8859-1"),
    JSON.encode(),
    RSS.replace("utf-8", "utf-16").encode("utf-16"),
    RSS.replace("<rss", f"{BOMB}<rss", 1).replace("Whole", "&b;").encode(),
    RSS.replace("2.0", "0.91").encode(),
    PAGE.encode(),
)

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"

# Law (laws.py) → what to start from.
SEEDS: dict[str, tuple[bytes, ...]] = {
    "guard": (
        *(b"https://example.org:443/a?b#c", b"B\xc3\xbccher.example", b"[2606:4700::1]:8080/"),
        *(b"0x7f.1", b"user@127.0.0.1", b"http://xn--bcher-kva.example./%zz"),
    ),
    "prolog": (RSS.encode(), f"<?xml?><!-- {BOMB} -->{BOMB}<rss/>".encode()),
    "date": (
        *(b"Sun, 22 Nov 2026 05:00:00 +0100", b"2026-11-22T05:00:00.123Z", b"22 Nov 26 05:00 EST"),
        *(b"2026-W47-7", b"9999-12-31T23:59:59-14:00", b"0001-01-01T00:00:00+14:00"),
    ),
    "cleaner": (
        b"<p>First. &amp;lt;b&gt; <sup><a>1</a></sup>Second&hellip; [&#8230;]</p><script>x",
        "اَلْعَرَبِيَّةُ 👩‍👩‍👧 한국어 “quoted”… continue reading".encode(),
        b"The post <a>One</a> appeared first on <a>Paper</a>.",
    ),
    "canonical": (
        b"https://www.example.org:443/a/../b/amp/?utm_source=x&b=1#!/c",
        b"https://example.org/feed\n../a?fbclid=1",
        b"https://www.google.com/url?q=https%3A%2F%2Fexample.org%2F&sa=U",
        b"https://example-org.cdn.ampproject.org/c/s/example.org/a",
    ),
    "document": DOCUMENTS,
    "page": (PAGE.encode(), PAGE.replace("article", "div").encode()),
    "answer": (
        _HEAD + b"Content-Length: 5\r\n\r\nhello",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
        _HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello", mtime=0),
        b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + _HEAD + b"Connection: close\r\n\r\nhello",
        b'HTTP/1.0 304 Not Modified\nETag: "a"\n b\n\n',
    ),
}
