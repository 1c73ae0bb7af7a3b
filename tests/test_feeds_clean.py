"""Strangers' HTML → plain text and pictures that are safe to print."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.articles import Image
from courant.feeds import clean, images
from courant.feeds.raw import RawEntry, RawImage, RawText

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
CLEANERS = [clean.clean_title, clean.clean_name, clean.clean_summary]


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
    assert len(clean.clean_summary(html(text))) <= clean.SUMMARY_CHARS
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

    summary = clean.clean_summary(html(text))

    assert summary.endswith("some.")
    assert 100 < len(summary) <= clean.SUMMARY_CHARS


def test_summary_without_sentences_ends_between_words() -> None:
    summary = clean.clean_summary(html("word " * 200))

    assert summary.endswith("word…")


def test_summary_in_a_script_without_spaces_is_cut() -> None:
    assert clean.clean_summary(html("日本語の文章です。" * 60)).endswith("。")
    assert clean.clean_summary(html("日" * 600)) == "日" * 319 + "…"


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
    assert clean.clean_summary(html("<p>It rained.</p>" + tail)) == "It rained."


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


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_picture_is_printable_or_left_out(url: str, width: str, base: str) -> None:
    for address in (url, f"https://example.org/{url}"):
        found = chosen(RawImage(address, width), text=f"<img src='{url}' width={width}>", base=base)

        if found is not None:
            assert found.url.startswith(("https://", "http://"))
            assert found.url.isascii()
            assert not set(found.url) & set(" \"'<>\\\n\t")
