"""Documents → raw entries: characters, formats, dates, and what is no feed."""

from __future__ import annotations

import json
import pickle
import re
from datetime import UTC, datetime, timedelta
from time import struct_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.errors import FeedUnreadable
from courant.feeds import dates
from courant.feeds.parsing.decode import decode
from courant.feeds.parsing.parse import MAX_ENTRIES, parse_feed, without_illegal_references
from courant.feeds.raw import (
    MAX_LINKS,
    MAX_TITLE_CHARS,
    RawFeed,
    RawImage,
    RawRhythm,
    RawText,
)

URL = "https://example.org/blog/feed.xml"
NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)


def rss(
    items: str, channel: str = "<title>News</title><link>https://site.example/</link>"
) -> bytes:
    return f"<rss version='2.0'><channel>{channel}{items}</channel></rss>".encode()


def atom(entries: str, attributes: str = "") -> bytes:
    return (
        f"<feed xmlns='http://www.w3.org/2005/Atom' {attributes}><title>News</title>"
        f"{entries}</feed>"
    ).encode()


def parse(body: bytes, content_type: str = "") -> RawFeed:
    return parse_feed(body, content_type, URL)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("é".encode(), "", "é"),
        ("é".encode("latin-1"), "", "é"),
        ("é".encode("latin-1"), "text/xml; charset=utf-8", "é"),
        ("é".encode(), "text/xml; charset=ISO-8859-1", "é"),
        ("Привет".encode("cp1251"), "text/xml; charset=windows-1251", "Привет"),
        ("Привет".encode("koi8-r"), 'text/xml; charset="koi8-r"', "Привет"),
        ("“x”".encode("cp1252"), "text/xml; charset=iso-8859-1", "“x”"),
        ("日本".encode("shift_jis"), "text/xml; charset=Shift_JIS", "日本"),
        ("日本".encode("iso2022_jp"), "text/xml; charset=iso-2022-jp", "日本"),
        ("中文龍".encode("gb18030"), "text/xml; charset=gb2312", "中文龍"),
        ("é".encode("utf-16"), "text/xml; charset=utf-8", "é"),
        ("é".encode("utf-32"), "", "é"),
        ("<?é".encode("utf-16-be"), "", "<?é"),
        ("é".encode("utf-8-sig"), "", "é"),
        (b"a\x00b\x0bc\xef\xbf\xbf", "", "abc"),
        (b"\\u0041", "text/xml; charset=unicode_escape", "\\u0041"),
        (b"a", "text/xml; charset=undefined", "a"),
        (b"a", "text/xml; charset=no-such\x00thing", "a"),
        ("naïve café ".encode() + b"\xff", "", "naïve café \ufffd"),
    ],
)
def test_document_is_decoded(body: bytes, content_type: str, text: str) -> None:
    assert decode(body, content_type) == text


def test_encoding_in_the_prolog_is_read() -> None:
    body = '<?xml version="1.0" encoding="windows-1251"?><a>Привет</a>'.encode("cp1251")

    assert "Привет" in decode(body, "application/xml")


@given(st.binary(), st.text())
def test_any_bytes_decode_to_what_xml_allows(body: bytes, content_type: str) -> None:
    decode(body, content_type).encode("utf-8")


def test_rss_entry_is_read_whole() -> None:
    feed = parse(
        rss("""
        <item>
          <title>One &amp;amp; only</title><link>/one?a=1&amp;b=2</link>
          <guid isPermaLink="false">id-1</guid>
          <pubDate>Sun, 22 Nov 2026 07:00:00 +0100</pubDate>
          <author>ann@example.org (Ann)</author>
          <description>&lt;p&gt;Short&lt;/p&gt;</description>
          <enclosure url="/a.jpg" type="image/jpeg" length="1"/>
          <enclosure url="/a.mp3" type="audio/mpeg" length="1"/>
        </item>""")
    )

    (entry,) = feed.entries
    assert feed.title == RawText("News", is_html=False)
    assert feed.base == "https://site.example/"
    assert entry.id == "id-1"
    assert entry.links == ("/one?a=1&b=2", "/a.jpg", "/a.mp3")
    assert entry.title == RawText("One &amp; only")
    assert entry.texts == (RawText("<p>Short</p>"),)
    assert entry.authors == ("Ann",)
    assert entry.dates == (datetime(2026, 11, 22, 6, tzinfo=UTC),)
    assert entry.images == (RawImage("/a.jpg"),)


# A DOCTYPE keeps a document from the fast way.
@pytest.mark.parametrize("prolog", [b"", b"<!DOCTYPE rss SYSTEM 'rss.dtd'>"])
def test_feed_tells_its_rhythm_and_home(prolog: bytes) -> None:
    feed = parse(
        prolog + b"<rss version='2.0' xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'>"
        b"<channel><title>News</title><link>/home</link><ttl> 60 </ttl>"
        b"<skipHours><hour>0</hour><hour> 23 </hour></skipHours>"
        b"<skipDays><day>Saturday</day><day>Sunday</day></skipDays>"
        b"<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>"
        b"<item><guid>a</guid></item></channel></rss>"
    )

    assert feed.kind == "rss20"
    assert feed.home == "/home"
    assert feed.rhythm == RawRhythm(
        ttl="60",
        skip_hours=("0", "23"),
        skip_days=("Saturday", "Sunday"),
        update_period="hourly",
        update_frequency="2",
    )


def test_feed_without_a_rhythm_has_none() -> None:
    written_about = "&lt;skipHours>&lt;hour>1&lt;/hour>&lt;/skipHours>"

    assert parse(rss(f"<item><title>{written_about}</title></item>")).rhythm == RawRhythm()


def test_id_of_a_feed_is_no_home() -> None:
    feed = parse(atom("<id>tag:example.org,2026:feed</id><entry><id>a</id></entry>"))

    assert feed.home == ""
    assert feed.kind == "atom10"


@pytest.mark.parametrize("prolog", [b"", b"<!DOCTYPE feed SYSTEM 'x.dtd'>"])
def test_categories_are_named_once_by_label_or_term(prolog: bytes) -> None:
    (entry,) = parse(
        prolog
        + atom(
            "<entry><category term='a' label='Art'/><category term='b'/>"
            "<category term='c' label='b'/></entry>"
        )
    ).entries

    assert entry.categories == ("Art", "b")


@pytest.mark.parametrize("prolog", [b"", b"<!DOCTYPE rss SYSTEM 'rss.dtd'>"])
def test_what_no_honest_entry_has_is_cut(prolog: bytes) -> None:
    links = "".join(f"<enclosure url='https://e.example/{n}'/>" for n in range(60))
    (entry,) = parse(
        prolog + rss(f"<item><guid>{'é' * 513}</guid>{links}<title>{'a' * 30_000}</title></item>")
    ).entries

    assert entry.id == ""
    assert len(entry.links) == MAX_LINKS
    assert entry.title is not None
    assert len(entry.title.value) == MAX_TITLE_CHARS


@given(st.from_regex(r"(&#([0-9]{1,8}|[xX][0-9a-fA-F]{1,7});?a?){1,4}", fullmatch=True))
def test_only_references_to_what_xml_forbids_are_removed(text: str) -> None:
    def allowed(found: re.Match[str]) -> str:
        code = int(found[1], 10) if found[1] else int(found[2], 16)
        fine = code in {9, 10, 13} or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE
        return found[0] if fine or 0x10000 <= code <= 0x10FFFF else ""

    reference = re.compile("&#(?:([0-9]+)|[xX]([0-9A-Fa-f]+));?")

    assert without_illegal_references(text) == reference.sub(allowed, text)


def test_what_is_parsed_can_go_to_another_process() -> None:
    feed = parse(rss("<item><title>a</title><link>https://a.example/</link></item>"))

    assert pickle.loads(pickle.dumps(feed)) == feed  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("written", "is_html"),
    [
        ("Why List&lt;String&gt; matters", False),
        ("1 &lt; 2", False),
        ("AT&amp;amp;T", True),
        ("&lt;b&gt;Bold&lt;/b&gt;", True),
        ("a &lt;br&gt; b", True),
        ("R&amp;D", False),
    ],
)
def test_rss_title_is_html_only_if_it_looks_so(written: str, is_html: bool) -> None:
    (entry,) = parse(rss(f"<item><title>{written}</title></item>")).entries

    assert entry.title is not None
    assert entry.title.is_html is is_html


def test_atom_says_itself_what_is_html() -> None:
    (entry,) = parse(
        atom(
            "<entry><title type='text'>&lt;b> &amp;amp;</title>"
            "<summary type='html'>&lt;b>x&lt;/b></summary></entry>"
        )
    ).entries

    assert entry.title == RawText("<b> &amp;", is_html=False)
    assert entry.texts == (RawText("<b>x</b>"),)


def test_atom_links_follow_xml_base() -> None:
    feed = parse(
        atom("<entry xml:base='2026/'><link href='one'/></entry>", "xml:base='https://b.example/'")
    )

    assert feed.entries[0].links == ("https://b.example/2026/one",)
    assert feed.base == URL


def test_number_that_calls_itself_permalink_is_no_link() -> None:
    (entry,) = parse(rss("<item><title>a</title><guid>12345</guid></item>")).entries

    assert entry.links == ()


def test_guid_that_is_a_url_is_a_link() -> None:
    (entry,) = parse(rss("<item><guid>https://example.org/a</guid></item>")).entries

    assert entry.links == ("https://example.org/a",)


def test_biggest_picture_comes_first_and_no_video() -> None:
    (entry,) = parse(
        b"<rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/'><channel><item>"
        b"<media:content url='s.jpg' medium='image' width='140' height='84'/>"
        b"<media:content url='l.jpg' medium='image' width='700' height='420'/>"
        b"<media:content url='v.mp4' medium='video' width='1920'/>"
        b"<media:thumbnail url='t.jpg'/>"
        b"</item></channel></rss>"
    ).entries

    assert [image.url for image in entry.images] == ["l.jpg", "s.jpg", "t.jpg"]
    assert entry.images[0] == RawImage("l.jpg", "700", "420")


@pytest.mark.parametrize("bad", ["&#1;", "&#xD800;", "&#99999999999999999999;", "\x01", "&nbsp;"])
def test_one_bad_character_spoils_no_feed(bad: str) -> None:
    (entry,) = parse(rss(f"<item><title>a{bad}b</title><guid>g</guid></item>")).entries

    assert entry.title is not None
    assert entry.title.value.replace("\xa0", "") == "ab"


def test_truncated_feed_gives_the_entries_it_has() -> None:
    body = rss("<item><title>a</title></item><item><title>b</title></item>")[:-40]

    assert [entry.title and entry.title.value for entry in parse(body).entries][:1] == ["a"]


def test_entries_beyond_the_cap_are_counted() -> None:
    items = "".join(f"<item><guid>{n}</guid></item>" for n in range(MAX_ENTRIES + 3))

    feed = parse(rss(items))

    assert len(feed.entries) == MAX_ENTRIES
    assert feed.beyond_cap == 3


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<rss version='0.91'><channel>{}</channel></rss>", "rss091u"),
        ("<rss version='0.92'><channel>{}</channel></rss>", "rss092"),
        ("<rss version='2.0'><channel>{}</channel></rss>", "rss20"),
        ("<rss><channel>{}</channel></rss>", "rss"),
        ("<r:RDF xmlns:r='{rdf}' xmlns='http://purl.org/rss/1.0/'><channel/>{}</r:RDF>", "rss10"),
        (
            "<r:RDF xmlns:r='{rdf}' xmlns='http://my.netscape.com/rdf/simple/0.9/'><channel/>{}</r:RDF>",
            "rss090",
        ),
        ("<Channel xmlns='http://purl.org/net/rss1.1#'><items>{}</items></Channel>", "rss11"),
    ],
)
def test_every_rss_is_read(body: str, kind: str) -> None:
    item = "<item><title>A</title><link>https://a.example/</link></item>"
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

    feed = parse(body.format(item, rdf=rdf).encode())

    (entry,) = feed.entries
    assert feed.kind == kind
    assert entry.title == RawText("A", is_html=False)
    assert entry.links == ("https://a.example/",)


@pytest.mark.parametrize(
    ("opening", "kind"),
    [
        ("<feed version='0.3' xmlns='http://purl.org/atom/ns#'>", "atom03"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'>", "atom10"),
        (
            "<a:feed xmlns:a='http://www.w3.org/2005/Atom' xmlns='http://www.w3.org/2005/Atom'>",
            "atom10",
        ),
    ],
)
def test_every_atom_is_read(opening: str, kind: str) -> None:
    closing = opening.split()[0].replace("<", "</")
    body = f"{opening}<entry><id>urn:a</id><title>A</title></entry>{closing}>"

    feed = parse(body.encode())

    assert feed.kind == kind
    assert [entry.id for entry in feed.entries] == ["urn:a"]


def test_feed_without_entries_is_a_feed() -> None:
    assert parse(rss("")).entries == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<!DOCTYPE html><html><body><p>Hi", "web page"),
        (b"<!-- a --><html><item>x</item></html>", "web page"),
        (b"<?xml version='1.0'?><opml version='2.0'><body/></opml>", "OPML"),
        (b"<?xml version='1.0'?><urlset><url/></urlset>", "a sitemap"),
        (b"<sitemapindex/>", "a sitemap"),
        (b"<?xml version='1.0'?><note/>", "XML that is not a feed .<note>"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a picture"),
        (b"<div class='x'><p>Hi</p></div>", "a part of a web page"),
        (b"<h1>Readme</h1>", "a part of a web page"),
        (b"Not found", "plain text"),
        (b"# Readme\n\n<img src='x'> or <https://example.org>", "plain text"),
        (b"[![Build](https://example.org/x.svg)](https://example.org)", "plain text"),
        (b"[Courant] <b>x", "plain text"),
        (b"[main]\nkey = value", "plain text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "a picture"),
        (b"\xff\xd8\xff\xe0" + bytes(range(256)), "a picture"),
        (b"GIF89a" + bytes(range(256)), "a picture"),
        (b"RIFF1234WEBPVP8 <a b", "a picture"),
        (b"%PDF-1.7\n<</Type/Catalog>>", "a PDF document"),
        (b"PK\x03\x04" + bytes(100), "an archive"),
        (b"\x1f\x8b\x08<w>", "an archive"),
        (b"ID3\x04\x00<j>", "a recording"),
        (b"\xff\xfb\x90\x64<j>", "a recording"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": [', "broken JSON"),
        (b'{"error": "not found"}', "not a JSON Feed"),
        (b'{"items": [{"name": "x"}]}', "not a JSON Feed"),
        (b"[1, 2]", "not a JSON Feed"),
        (b"[" * 100_000, "broken JSON"),
        (b"<rss version='2.0'><channel><title>x</ti", "broken"),
    ],
)
def test_what_is_no_feed_says_what_it_is(body: bytes, said: str) -> None:
    with pytest.raises(FeedUnreadable, match=said):
        parse(body)


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_are_a_feed_or_unreadable(body: bytes, content_type: str) -> None:
    for document in (body, rss("<item>") + body, b'{"items":[{"content_text":"' + body + b'"}]}'):
        try:
            parse(document, content_type)
        except FeedUnreadable:
            continue


def test_json_feed_is_read() -> None:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "News",
        "home_page_url": "https://site.example/",
        "language": "nl",
        "authors": [{"name": "Desk"}],
        "items": [
            {
                "id": 7,
                "url": "/one",
                "title": "One <b>",
                "content_html": "<p>Body</p>",
                "image": "https://img.example/a.jpg",
                "date_published": "2026-11-22T07:00:00+01:00",
                "attachments": [{"url": "/b.png", "mime_type": "image/png"}],
                "tags": ["Art", " b", 7, "", "Art"],
            },
            {"id": "https://example.org/two", "content_text": "Two", "author": {"name": "Ann"}},
            "nonsense",
        ],
    }

    feed = parse(json.dumps(document).encode())

    one, two = feed.entries
    assert feed.base == feed.home == "https://site.example/"
    assert feed.kind == "json1.1"
    assert feed.language == "nl"
    assert one.categories == ("Art", "b")
    assert one.id == "7"
    assert one.links == ("/one",)
    assert one.title == RawText("One <b>", is_html=False)
    assert one.texts == (RawText("<p>Body</p>"),)
    assert one.images == (RawImage("https://img.example/a.jpg"), RawImage("/b.png"))
    assert one.dates == (datetime(2026, 11, 22, 6, tzinfo=UTC),)
    assert one.authors == ("Desk",)
    assert two.links == ("https://example.org/two",)
    assert two.authors == ("Ann",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = "id url title summary content_html content_text image date_published author authors"


@given(st.dictionaries(st.sampled_from([*NAMES.split(), "attachments", "language", "tags"]), JSON))
def test_json_feed_with_wrong_types_loses_only_those(item: dict[str, object]) -> None:
    body = json.dumps({"version": "https://jsonfeed.org/version/1", "items": [item]}).encode()

    assert len(parse(body).entries) == 1


@given(st.text())
def test_any_text_is_a_date_or_none(text: str) -> None:
    found = dates.from_text(text)

    assert found is None or found.tzinfo is UTC


@given(st.lists(st.integers(-(10**12), 10**12), min_size=9, max_size=9))
def test_any_numbers_are_a_date_or_none(numbers: list[int]) -> None:
    found = dates.from_struct(struct_time(numbers))

    assert found is None or found.tzinfo is UTC


@given(st.lists(st.datetimes(timezones=st.just(UTC))))
def test_believable_date_is_of_the_web_and_past(candidates: list[datetime]) -> None:
    found = dates.believable(candidates, NOW)

    assert found is None or dates.EARLIEST <= found <= NOW


def test_first_believable_date_counts() -> None:
    tomorrow, yesterday = NOW + timedelta(days=1), NOW - timedelta(days=1)

    assert dates.believable([tomorrow, yesterday], NOW) == yesterday
    assert dates.believable([tomorrow], NOW) is None
    assert dates.believable([datetime(1111, 1, 1, tzinfo=UTC)], NOW) is None


@pytest.mark.parametrize(
    "body",
    [b"<?x?>" * 30 + b"<a/>", b"<!--" * 5000, b"<?a" * 5000, b"<!doctype" + b" " * 5000 + b"<a/>"],
)
def test_a_prolog_made_to_be_slow_is_read_step_by_step(body: bytes) -> None:
    # A pattern for it once took twice as long with each `<?x?>`; thirty would not end today.
    with pytest.raises(FeedUnreadable):
        parse_feed(body, "text/xml", "https://example.org/feed")


@pytest.mark.parametrize(
    ("words", "codec"),
    [
        ("新しい記事を公開しました。東京の天気は晴れです。", "shift_jis"),
        ("我希望很容易。今天的天氣很好，我們去看電影。", "big5"),
        ("不归移民漫画系列，今天的天气很好，我们去看电影。", "gb2312"),
        ("한글로 사용하는 많은 분들도 이런 문제가 있다. 오늘 날씨가 좋다.", "euc_kr"),
        ("Сегодня в Москве хорошая погода, и мы идём в кино.", "cp1251"),
        ("Сегодня в Москве хорошая погода, и мы идём в кино.", "koi8_r"),
        ("היום מזג האוויר יפה ואנחנו הולכים לקולנוע.", "cp1255"),
        ("L’été dernier, à Orléans, on a fêté l’élève à l’œuvre.", "cp1252"),
        ("é", "cp1252"),
        ("Größe, Äußerung, Übermut: schöne Grüße an die Bäckerei.", "cp1252"),
    ],
)
def test_document_that_names_no_encoding_is_read_in_the_one_it_is_in(
    words: str, codec: str
) -> None:
    body = f"<rss version='2.0'><channel><title>{words}</title></channel></rss>".encode(codec)

    assert words in decode(body, "")
