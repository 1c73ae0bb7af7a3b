"""Strangers' HTML → plain text and pictures that are safe to print."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.articles import Image
from courant.feeds.cleaning import clean, images, names, summary
from courant.feeds.document import Document, read_document
from courant.feeds.raw import RawEntry, RawImage, RawText

NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
INVISIBLE = set("\u00ad\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u180e\u3164")
ANY_TEXT = st.text(st.characters(exclude_categories=()))
NASTY = st.lists(
    st.sampled_from(
        [
            *("<p>", "</p>", "<script>", "</script>", "<!--", "-->", "<![CDATA[", "<svg>", "<img "),
            *(
                "&#x202e;",
                "&#8203;",
                "&lt;",
                "&amp;",
                "&#0;",
                "&nbsp;",
                "\u202e",
                "\u200d",
                "\u200c",
            ),
            *(
                "👩",
                "🏽",
                "\ufe0f",
                "a",
                " ",
                "\u0301",
                "क",
                "\u094d",
                "\ud800",
                "\x1b",
                "。",
                ". ",
            ),
        ]
    ),
    max_size=60,
).map("".join)
CLEANERS = [clean.clean_title, clean.clean_name, summary.clean_summary]


def html(text: str) -> RawText:
    return RawText(text)


def assert_safe(text: str) -> None:
    assert not set(text) & (BIDI | INVISIBLE)
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
    assert text == " ".join(text.split())
    assert unicodedata.is_normalized("NFC", text)


@pytest.mark.parametrize("cleaner", CLEANERS)
@given(value=ANY_TEXT | NASTY, is_html=st.booleans())
def test_whatever_comes_is_safe_to_print(cleaner: object, value: str, is_html: bool) -> None:
    assert callable(cleaner)

    assert_safe(cleaner(RawText(value, is_html=is_html)))


@given(NASTY | ANY_TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean.plain_text(text)

    assert clean.plain_text(once) == once


@given(st.text(min_size=1).map(lambda text: text * 400))
def test_texts_keep_to_their_length(text: str) -> None:
    assert len(clean.clean_title(html(text))) <= clean.TITLE_CHARS
    assert len(summary.clean_summary(html(text))) <= summary.SUMMARY_CHARS
    assert len(clean.clean_name(html(text))) <= clean.NAME_CHARS


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<p>One</p><p>two</p>", "One two"),
        ("a<br>b<br/>c", "a b c"),
        ("<b>Bo</b>ld", "Bold"),
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("&lt;b&gt; is a tag", "<b> is a tag"),
        ("x<script>alert(1)</script><style>p{}</style>y", "xy"),
        ("<img src=x onerror=alert(1)>text", "text"),
        ("<svg><style><img onerror=x></style></svg>ok", "ok"),
        ("a<!-- hidden -->b", "ab"),
        ("a&nbsp;&#8203;&#x202e;b\x1bc", "a b c"),
        ("typical<sup id='fn1'><a href='#1'>1</a></sup> word", "typical word"),
        ("cafe\u0301", "café"),
        ("half <a href='x", "half"),
    ],
)
def test_html_becomes_text(written: str, read: str) -> None:
    assert clean.clean_title(html(written)) == read


def test_plain_text_keeps_its_brackets() -> None:
    assert clean.clean_title(RawText("List<String> & <b>", is_html=False)) == "List<String> & <b>"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("👨🏽\u200d💻", "👨🏽\u200d💻"),
        ("❤️\u200d🔥", "❤️\u200d🔥"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("a\u200d \u200db", "a b"),
        ("\u200c\u200c\u200cx\u200c", "x"),
        ("Z\u0301\u0301\u0301\u0301\u0301\u0301\u0301o", "Ź\u0301\u0301\u0301\u0301o"),
    ],
)
def test_joiners_and_marks_stay_where_scripts_need_them(written: str, kept: str) -> None:
    assert clean.plain_text(written) == kept


def test_summary_ends_with_a_sentence() -> None:
    text = "The first sentence says enough to stand alone as one, and then some. " * 10

    cut = summary.clean_summary(html(text))

    assert cut.endswith("some.")
    assert 100 < len(cut) <= summary.SUMMARY_CHARS


def test_summary_without_sentences_ends_between_words() -> None:
    cut = summary.clean_summary(html("word " * 200))

    assert cut.endswith("word…")


def test_summary_in_a_script_without_spaces_is_cut() -> None:
    assert summary.clean_summary(html("日本語の文章です。" * 60)).endswith("。")
    assert summary.clean_summary(html("日" * 600)) == "日" * 319 + "…"


@pytest.mark.parametrize(
    "tail",
    [
        '<p>The post <a href="x">T</a> appeared first on <a href="y">S</a>.</p>',
        " [&hellip;]",
        ' <a href="x">Continue reading →</a>',
        " Read more...",
    ],
)
def test_what_blog_software_adds_is_left_out(tail: str) -> None:
    assert summary.clean_summary(html("<p>It rained.</p>" + tail)) == "It rained."


@pytest.mark.parametrize(
    "tail",
    [
        "[…]", "[...] ", "(…) Weiterlesen", "Weiterlesen →", "Lire la suite", "Lire la suite »",
        "Leer más", "Seguir leyendo.", "Lees meer", "Lees verder…", "Leggi tutto", "Läs vidare →",
        "Читать далее", "続きを読む", "阅读全文", "اقرأ المزيد", "और पढ़ें", "Devamını oku",
        "Der Beitrag It rained erschien zuerst auf The Gauge.",
        "L’article It rained est apparu en premier sur The Gauge.",
        "La entrada It rained se publicó primero en The Gauge.",
        "Het bericht It rained verscheen eerst op The Gauge.",
        "(Source: The Gauge)",
        "submitted by /u/ann [link] [comments]",
        "submitted by ann to weather [link] [3 comments]",
        "Article URL: https://a.example/x Comments URL: https://b.example/y Points: 3",
        "[…] The post It rained appeared first on The Gauge.",
        "Continue reading “It rained” at The Gauge",
    ],
)  # fmt: skip
def test_tails_of_many_tongues_are_left_out(tail: str) -> None:
    assert summary.clean_summary(html(f"<p>It rained for a week.</p> <p>{tail}</p>")) == (
        "It rained for a week."
    )


@pytest.mark.parametrize(
    "text",
    [
        "I like to read more books than I can carry up to the attic.",
        "The post office opened again on Monday, two weeks after the flood.",
        "Comments on the flood were submitted by 300 people.",
        "The source of the river is in the hills (see the map).",
        "It rained... and then it rained again.",
    ],
)
def test_sentences_like_tails_stay(text: str) -> None:
    assert summary.clean_summary(html(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "Comments",
        "Article URL: https://a.example/x Comments URL: https://b.example/y Points: 3",
        "600 points, 142 comments",
        "submitted by /u/ann [link] [comments]",
        "<ol><li><a href='x'>It rained</a> The Gauge</li><li><a href='y'>It pours</a></li></ol>",
    ],
)
def test_what_says_nothing_is_no_summary(text: str) -> None:
    assert summary.clean_summary(html(text)) == ""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("It rained for a week and the river…", "It rained for a week and the river…"),
        ("It rained for a week and the river ...", "It rained for a week and the river…"),
        ("It rained for a week and the river [&#8230;]", "It rained for a week and the river…"),
        ("It rained for a week and the Read more", "It rained for a week and the…"),
        ("It rained. " * 15 + "And then the [...]", ("It rained. " * 15).strip()),
    ],
)
def test_a_torn_text_ends_with_a_sentence_or_a_mark(text: str, kept: str) -> None:
    assert summary.clean_summary(html(text)) == kept


@pytest.mark.parametrize("name", ["Mr. Brook", "J. Brook", "Dr. Lind", "Nr. 7", "the U.S. Army"])
def test_an_abbreviation_ends_no_sentence(name: str) -> None:
    text = "the river rose and fell and rose again " * 6 + name + " the river fell" * 20

    assert summary.clean_summary(html(text)).endswith("…")


@pytest.mark.parametrize("length", range(316, 326))
def test_the_mark_of_a_torn_text_has_room(length: int) -> None:
    text = ("rain " * 100)[:length]

    assert len(summary.clean_summary(html(text + "…"))) <= summary.SUMMARY_CHARS


@pytest.mark.parametrize(
    ("sentence", "end"),
    [
        ("The river rose to 3.5 metres in St. Ives, said Mr. Brook of the U.S. mission", "."),
        ("川の水位が3.5メートルに達した", "。"),
        ("هل ارتفع منسوب النهر اليوم في الوادي", "؟"),
        ("कल से बारिश हो रही है और नदी का जलस्तर बढ़ गया है", "।"),
        ("کل سے بارش ہو رہی ہے اور دریا میں پانی بڑھ گیا ہے", "۔"),
        ("Что стало с рекой после недели дождя", "?"),
        ("下了一个星期的雨，河水涨了", "！"),
    ],
)
def test_a_summary_ends_where_its_script_ends_sentences(sentence: str, end: str) -> None:
    gap = "" if end in "。！" else " "

    cut = summary.clean_summary(html((sentence + end + gap) * 12))

    assert cut.endswith(sentence + end)
    assert len(cut) <= summary.SUMMARY_CHARS


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("AT&amp;amp;T &amp;#8211; news", "AT&T – news"),
        ("It&amp;rsquo;s", "It’s"),
        ("&lt;em&gt;Rain&lt;/em&gt; again", "Rain again"),
        ("1 &amp;lt; 2", "1 &lt; 2"),
        ("Use &lt;b&gt; in HTML", "Use <b> in HTML"),
    ],
)
def test_what_was_escaped_twice_is_read_as_meant(written: str, read: str) -> None:
    assert clean.clean_title(html(written)) == read


def test_a_body_escaped_twice_is_read_as_meant() -> None:
    assert summary.clean_summary(html("&lt;p&gt;It rained.&lt;/p&gt;")) == "It rained."


def test_shortcodes_are_no_words() -> None:
    text = "[vc_row css='a'][caption id='b']It rained [1] for a_week [sic].[/caption]"

    assert summary.clean_summary(html(text)) == "It rained [1] for a_week [sic]."


@given(NASTY | ANY_TEXT, st.integers(0, 400))
def test_a_long_text_is_cut_as_if_all_of_it_were_read(text: str, filler: int) -> None:
    # Only the beginning of a long text is cleaned; nobody may notice.
    words = "<b>The river rose</b> &amp; fell. " * filler
    whole = summary.cut(clean.text_of(html(words + "end")), summary.SUMMARY_CHARS)

    assert len(words) < 3000 or summary.clean_summary(html(words + text)) == whole


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("<p>It rained.</p>", True),
        ("It rained. The post Rain appeared first on The Gauge.", True),
        ("It rained and the river […]", False),
        ("It rained and the river...", False),
        ("It rained and the <a href=x>Continue reading</a>", False),
    ],
)
def test_a_text_is_whole_or_torn(text: str, whole: bool) -> None:
    assert summary.is_whole(html(text)) is whole


@pytest.mark.parametrize(
    ("name", "mixed"),
    [
        ("Аpple News", True),
        ("Νews", True),
        ("Apple News", False),
        ("Новости Apple", False),
        ("ТАСС-News", False),
        ("東京Walker", False),
        ("Café Ünique", False),
    ],
)
def test_a_word_in_two_alphabets_that_look_alike_is_a_disguise(name: str, mixed: bool) -> None:
    assert clean.mixes_scripts(name) is mixed


def document(title: str, *items: str, url: str = "https://example.org/feed") -> Document:
    body = f"<rss version='2.0'><channel><title>{title}</title>{''.join(items)}</channel></rss>"
    return read_document(body.encode(), "", url, feed_id="f", now=NOW)


ITEM = "<item><title>Rain</title><link>https://{host}/a</link>{more}</item>"


def test_hosts_that_look_like_others_are_shown_in_ascii() -> None:
    forged = "аpple.example"
    found = document("Аpple", ITEM.format(host=forged, more=""), url=f"https://{forged}/feed")

    (item,) = found.items
    assert item.article.url == "https://xn--pple-43d.example/a"
    assert item.article.source == "xn--pple-43d.example"


def test_a_source_is_named_by_its_feed_without_tricks() -> None:
    found = document("The &#x202e;Gauge&#x200b;", ITEM.format(host="a.example", more=""))

    assert found.items[0].article.source == "The Gauge"


def test_what_is_dropped_is_explained() -> None:
    found = document(
        "News",
        "<item><title>No link</title></item>",
        "<item><title>Odd</title><link>mailto:a@example.org</link></item>",
        "<item><link>https://example.org/b</link></item>",
        *("<item><title>x</title></item>" for _ in range(30)),
    )

    assert found.dropped == 33
    assert len(found.drops) == 20
    assert found.drops[:3] == (
        "Entry 1 “No link” has no link.",
        "Entry 2 “Odd” has a link that leads nowhere.",
        "Entry 3 has a link but no words.",
    )


@pytest.mark.parametrize(
    "link",
    [
        *(
            "http://localhost:1313/a",
            "http://127.0.0.1/a",
            "http://192.168.0.1/a",
            "http://[::1]/a",
        ),
        *(
            "http://10.1.2.3:8080/a",
            "http://intranet/a",
            "https://nas.local/a",
            "http://a.internal/",
        ),
        *("http://169.254.169.254/latest", "http://[fe80::1]/a", "https://wiki.home.arpa:81/a"),
    ],
)
def test_an_article_at_a_private_address_is_dropped(link: str) -> None:
    entry = f"<item><title>Rain</title><link>{link}</link></item>"
    found = document("News", entry, ITEM.format(host="a.example", more=""))

    assert [item.article.url for item in found.items] == ["https://a.example/a"]
    assert found.dropped == 1
    assert found.drops == ("Entry 1 “Rain” has a link that leads to a private address.",)


@pytest.mark.parametrize(
    "link",
    [
        *("https://a.example:8443/x", "http://93.184.216.34/a", "http://localhost.example/a"),
        "https://xn--80ak6aa92e.example/a",
    ],
)
def test_an_article_at_a_public_address_stays(link: str) -> None:
    found = document("News", f"<item><title>Rain</title><link>{link}</link></item>")

    assert [item.article.url for item in found.items] == [link]


def test_a_feed_of_our_own_machine_may_lead_to_itself_only() -> None:
    found = document(
        "News",
        "<item><title>Here</title><link>http://127.0.0.1:8000/a</link></item>",
        "<item><title>There</title><link>http://localhost:1313/a</link></item>",
        url="http://127.0.0.1:8001/feed",
    )

    assert [item.article.title for item in found.items] == ["Here"]


def posted(link: str, date: str, text: str = "It rained.", title: str = "Rain") -> str:
    return (
        f"<item><title>{title}</title><link>https://a.example/{link}</link>"
        f"<pubDate>{date}</pubDate><description>{text}</description></item>"
    )


MORNING, NOON = "Sat, 21 Nov 2026 06:00:00 GMT", "Sat, 21 Nov 2026 12:00:00 GMT"
LONG = "It rained in the valley for a week, and the river " + "rose and fell, " * 6 + "and"


@pytest.mark.parametrize("text", ["It rained.", LONG + " rose.", LONG + " fell."])
def test_a_piece_that_was_posted_twice_is_one_article(text: str) -> None:
    first = LONG + " rose again." if text.startswith(LONG) else text
    found = document("News", posted("rain", NOON, first), posted("rain-2", MORNING, text))
    apart = document("News", posted("rain-2", MORNING, text))

    (item,) = found.items
    assert item.article.url == "https://a.example/rain"
    assert set(apart.items[0].keys) < set(item.keys)
    assert found.dropped == 0


@pytest.mark.parametrize(
    "other",
    [
        posted("b", "Fri, 20 Nov 2026 12:00:00 GMT"),
        posted("b", ""),
        posted("b", NOON, "It snowed."),
        posted("b", NOON, "It rained in May."),
        posted("b", NOON, title="Snow"),
    ],
)
def test_what_differs_or_comes_again_another_day_is_two_articles(other: str) -> None:
    assert len(document("News", posted("a", NOON), other).items) == 2


def test_pieces_without_words_are_two_articles() -> None:
    found = document("News", posted("a", NOON, ""), posted("b", NOON, ""))

    assert len(found.items) == 2


def test_three_posts_of_a_piece_are_one_article_and_its_keys_lead_there() -> None:
    posts = [posted(name, NOON) for name in ("a", "b", "c", "a")]

    (item,) = document("News", *posts).items
    assert {key for post in posts for key in document("News", post).items[0].keys} <= set(item.keys)


@pytest.mark.parametrize(
    ("title", "text", "kept"),
    [
        ("Rain again", "<h1>Rain again</h1><p>The river rose.</p>", "The river rose."),
        ("Rain again", "Rain again<br>The river rose.", "The river rose."),
        ("Rain again", "<p>RAIN, again!</p>\n<p>“The river,” she said, “rose.”</p>",
         "“The river,” she said, “rose.”"),
        ("Rain again", "Rain again. The river rose.", "The river rose."),
        ("Rain again", "Rain again - The river rose.", "The river rose."),
        ("Rain again?", "Rain again? The river rose.", "The river rose."),
        ("雨又下了", "<p>雨又下了</p><p>35条河水涨了。</p>", "35条河水涨了。"),
        ("C su Windows", "<h2>C su Windows</h2>C su Windows non è difficile.",
         "C su Windows non è difficile."),
        ("Rain again", '<p>Rain again</p><p>"The river," she said, "rose."</p>',
         '"The river," she said, "rose."'),
        ("Rain again", '"Rain again." The river rose.', "The river rose."),
        ("Rain again", "<h1>★ Rain again ★</h1>$5 a ticket.", "$5 a ticket."),
        # The title is the sentence's own beginning.
        ("Rain again", "Rain again fell on the valley.", "Rain again fell on the valley."),
        ("Rain", "Rain Monday closed the road.", "Rain Monday closed the road."),
        ("Rain", "<p>Rain</p><p>fell on the valley.</p>", "Rain fell on the valley."),
        ("Rain", "Rainfall. It rose.", "Rainfall. It rose."),
        ("“Rain” is a word", "“Rain” is a word that falls.", "“Rain” is a word that falls."),
    ],
)  # fmt: skip
def test_a_summary_does_not_begin_with_the_title_again(title: str, text: str, kept: str) -> None:
    assert summary.clean_summary(html(text), title) == kept


@given(ANY_TEXT | NASTY, ANY_TEXT | NASTY)
def test_without_a_title_that_it_begins_with_a_summary_is_still_safe(title: str, text: str) -> None:
    title = clean.clean_title(html(title))

    assert_safe(summary.clean_summary(html(f"<p>{title}</p>{text}"), title))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("the Soviet Union.Speaking from home", "the Soviet Union. Speaking from home"),
        ("last year in April.Previously, he went", "last year in April. Previously, he went"),
        ("Is it over?The river rose", "Is it over? The river rose"),
        ("a crisis.In the town", "a crisis. In the town"),
        (
            "uses Directory.For that and Machine.On too",
            "uses Directory.For that and Machine.On too",
        ),
        ("a java.util.List of sun.misc.The end", "a java.util.List of sun.misc.The end"),
        ("runs on Node.Js and ASP.Net here", "runs on Node.Js and ASP.Net here"),
        ("see System.In and System.Out here", "see System.In and System.Out here"),
        ("read at Booking.Com or x.This.y now", "read at Booking.Com or x.This.y now"),
        ("https://a.example/page.The-one is it", "https://a.example/page.The-one is it"),
    ],
)
def test_sentences_that_lost_their_space_are_parted(written: str, read: str) -> None:
    assert summary.clean_summary(html(written)) == read


@pytest.mark.parametrize(
    ("title", "host", "name"),
    [
        ("The Gauge", "gauge.example", "The Gauge"),
        ("The Gauge – News, weather and video from the Gauge", "gauge.example", "The Gauge"),
        ("The Gauge | All stories", "x.example", "The Gauge"),
        ("Gauge - the best of all the weather", "www.gauge.example", "Gauge"),
        ("Home | Gauge Online", "x.example", "Gauge Online"),
        ("Latest News - Home - Gauge", "x.example", "Gauge"),
        ("À la une – La Jauge", "x.example", "La Jauge"),
        *((title, "gauge.example", "gauge.example") for title in
          ("Top Stories", "News", "RSS Feed", "RSS 2.0", "Latest", "Home", "Home - News", "…")),
        # What may be part of the name, or says what it is about.
        *((title, "x.example", title) for title in
          ("World – The Gauge", "Ticker - www.gauge.example", "Gauge-News", "A | The Gauge",
           "Science - all that is new in it", "AB - all the news of the valley")),
        ("World news - all of it from Gauge Online", "gauge.example",
         "World news - all of it from Gauge Online"),
    ],
)  # fmt: skip
def test_a_source_is_called_by_its_name(title: str, host: str, name: str) -> None:
    assert names.source_name(title, host) == name


@given(ANY_TEXT)
def test_a_source_always_has_a_name(title: str) -> None:
    cleaned = clean.plain_text(title)
    name = names.source_name(cleaned, "gauge.example")

    assert name == "gauge.example" or (name and name in cleaned)


def test_a_feed_without_a_name_is_called_by_its_sites_host() -> None:
    entry = "<link>https://www.gauge.example/</link>" + ITEM.format(host="a.example", more="")
    found = document("Top Stories", entry, url="https://feeds.example/1")

    assert found.title == "Top Stories"
    assert found.items[0].article.source == "gauge.example"


@pytest.mark.parametrize(
    ("author", "named"),
    [("The Gauge", None), ("the gauge", None), ("The", None), ("Ann Brook", "Ann Brook"),
     ("Gauge", "Gauge"), ("The Gauge Team", "The Gauge Team"), ("Th", "Th")],
)  # fmt: skip
def test_an_author_who_is_the_source_is_not_named_twice(author: str, named: str | None) -> None:
    more = f"<dc:creator xmlns:dc='http://purl.org/dc/elements/1.1/'>{author}</dc:creator>"
    found = document("The Gauge", ITEM.format(host="a.example", more=more))

    assert found.items[0].article.author == named


PIECE = "<p>" + "The river rose and fell again. " * 40 + "</p>"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PIECE, 240),
        (PIECE.replace("</p>", "And so […]</p>"), None),
        ("<p>Short.</p>", None),
        ("<p>" + "川の水位が上がった。" * 100 + "</p>", 450),
    ],
)
def test_words_are_counted_where_the_feed_has_the_whole_piece(text: str, words: int | None) -> None:
    more = f"<description><![CDATA[{text}]]></description>"

    assert (
        document("News", ITEM.format(host="a.example", more=more)).items[0].article.words == words
    )


def test_a_summary_that_repeats_the_title_gives_way_to_the_text() -> None:
    more = (
        "<description>Rain</description><content:encoded xmlns:content="
        "'http://purl.org/rss/1.0/modules/content/'>It rained in the valley.</content:encoded>"
    )

    found = document("News", ITEM.format(host="a.example", more=more))

    assert found.items[0].article.summary == "It rained in the valley."


@pytest.mark.parametrize(
    ("names", "author"),
    [
        (("Ann",), "Ann"),
        (("Ann", "Bob", "Ann", "Cy", "Dee"), "Ann, Bob, Cy"),
        (("ann@example.org", " "), None),
        ((), None),
    ],
)
def test_author_is_people(names: tuple[str, ...], author: str | None) -> None:
    assert clean.clean_author(names) == author


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en_US", "en-US"), (" nl ", "nl"), ("zh-Hant-TW", "zh-Hant-TW"), ("<b>", None), ("", None)],
)
def test_language_is_a_tag(tag: str, language: str | None) -> None:
    assert clean.clean_language(tag) == language


def chosen(*named: RawImage, text: str = "", base: str = "") -> Image | None:
    texts = (RawText(text),) if text else ()
    entry = RawEntry(images=named, texts=texts, base=base)
    return images.choose_image(entry, "https://example.org/2026/one")


def test_named_picture_goes_before_one_in_the_text() -> None:
    found = chosen(RawImage("/a.jpg", "640px", "360"), text="<img src=b.jpg>")

    assert found == Image("https://example.org/a.jpg", 640, 360)


def test_first_usable_picture_of_the_text_is_taken() -> None:
    found = chosen(
        text="""<img src="data:image/gif;base64,R0"><img src='https://pixel.wp.com/b.gif'>
        <img src="/p.gif" width=1 height=1><script><img src="/no.jpg"></script>
        <IMG ALT="x" SRC="c.jpg?a=1&amp;b=2" WIDTH="100%" onerror="alert(1)"><img src=d.jpg>"""
    )

    assert found == Image("https://example.org/2026/c.jpg?a=1&b=2")


@pytest.mark.parametrize(
    "image",
    [
        RawImage("https://example.org/a.jpg", "1", "1"),
        RawImage("https://example.org/a.jpg", "600", "0"),
        RawImage("https://example.org/icon.png", "16", "16"),
        RawImage("https://example.org/a.svg?x"),
        RawImage("javascript:alert(1)"),
        RawImage("data:image/png;base64,AAAA"),
        RawImage("ftp://example.org/a.jpg"),
        RawImage("https://user@example.org/a.jpg"),
        RawImage("https://feeds.feedburner.com/~r/x/~4/y"),
        RawImage("https://ssl.google-analytics.com/a.gif"),
        RawImage("http://[::1/a.jpg"),
        RawImage("https://example.org:port/a.jpg"),
        RawImage("https://example.org/" + "a" * 3000),
    ],
)
def test_what_is_no_picture_to_see_is_left_out(image: RawImage) -> None:
    assert chosen(image) is None


@pytest.mark.parametrize(
    ("tag", "url"),
    [
        ("<img src='data:image/gif;base64,R0' data-src='/a.jpg'>", "/a.jpg"),
        ("<img src='/blank.gif' data-lazy-src='/a.jpg'>", "/a.jpg"),
        ("<img srcset='/s.jpg 400w, /a.jpg 1200w, /xl.jpg 4000w'>", "/a.jpg"),
        ("<img srcset='/s.jpg 1x,/a.jpg 2x'>", "/a.jpg"),
        ("<noscript><img src='/no.jpg'></noscript><img src='/a.jpg'>", "/a.jpg"),
        ("<img class='wp-smiley' src='/smile.png'><img src='/a.jpg'>", "/a.jpg"),
        ("<img src='/avatar/ann.png'><img src='/a.jpg'>", "/a.jpg"),
        ("<img src='/i/feed-icon16x16.png'><img src='/a.jpg'>", "/a.jpg"),
        ("<img src='https://s.w.org/images/core/emoji/x.png'><img src='/a.jpg'>", "/a.jpg"),
        ("<img src='https://secure.gravatar.com/x.png'><img src='/a.jpg'>", "/a.jpg"),
        ("<img src='https://static.addtoany.com/buttons/x.png'><img src='/a.jpg'>", "/a.jpg"),
        ("x" * 90_000 + "<img src='/a.jpg'>", "/a.jpg"),
    ],
)
def test_pictures_come_late_and_decoration_stays_away(tag: str, url: str) -> None:
    assert chosen(text=tag) == Image("https://example.org" + url)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_picture_is_printable_or_left_out(url: str, width: str, base: str) -> None:
    for address in (url, f"https://example.org/{url}"):
        found = chosen(RawImage(address, width), text=f"<img src='{url}' width={width}>", base=base)

        if found is not None:
            assert found.url.startswith(("https://", "http://"))
            assert found.url.isascii()
            assert not set(found.url) & set(" \"'<>\\\n\t")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("the president-electâ€™s threats", "the president-elect’s threats"),
        ("â€œYesâ€\x9d, she said â€“ onceâ€¦", "“Yes”, she said – once…"),
        ("CafÃ© MÃ¼nchen, Ã–sterreich", "Café München, Österreich"),
        ("20Â°C for Â£5", "20°C for £5"),
        ("tea ðŸ\x8dµ", "tea 🍵"),
        # Sound text that looks a little like it.
        ("A MAÇÃ” e a IRMÃ…", "A MAÇÃ” e a IRMÃ…"),
        ("Âme, âge, Ão, ðe, voilà", "Âme, âge, Ão, ðe, voilà"),
        ("São João, MAÇÃ, €5 – “sim”", "São João, MAÇÃ, €5 – “sim”"),
        ("新聞 ニュース новости", "新聞 ニュース новости"),
    ],
)
def test_text_that_was_encoded_twice_reads_as_it_was_meant(written: str, meant: str) -> None:
    assert clean.clean_title(RawText(written)) == meant


@pytest.mark.parametrize("title", ["\u2800\u2800", "\ufe0f", "\u180b", "\u0600", "\U000e0100", " "])
def test_title_that_shows_nothing_is_none(title: str) -> None:
    assert not clean.shows(clean.clean_title(RawText(title)))
    assert clean.shows(clean.clean_title(RawText(f"{title}!")))


def test_picture_of_an_impossible_shape_is_left_out() -> None:
    def chosen(width: str, height: str) -> object:
        raw = RawImage("https://example.org/a.jpg", width, height)
        return images.choose_image(RawEntry(images=(raw,)), "https://example.org/")

    assert chosen("48", "99999") is None
    assert chosen("1200", "100") is None
    assert chosen("1200", "400") is not None
