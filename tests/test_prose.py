"""Editors' Markdown: what a mail can show comes through, nothing else does."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from courant.editions.prose import INLINE_TAGS, TAGS, block, inline, plain
from courant.plaintext import wrap

CLASSES = {"p": "ink text", "a": "ink under"}
PIECES = st.sampled_from(
    [
        *("# ", "## ", "- ", "1. ", "3) ", "> ", "    ", "\n", "\n\n", "  \n", "```\n", "---\n"),
        *("**", "*", "_", "`", "[", "](", ")", "![", "<", ">", '"', "'", "\\", "&lt;", "&#0;"),
        *("&#x202e;", "&colon;", "&Tab;", "===\n", "|", "[x]: ", "\t", "\x00", "\ud800", "\u202e"),
        *("javascript:alert(1)", "JAVA\tSCRIPT:x", "data:text/html,<b>", "vbscript:x", "//x.org"),
        *(
            "https://example.org/",
            "http://[::1",
            "mailto:a@b.org",
            "/path",
            "#top",
            "{{ x }}",
            "%%",
        ),
        *("<script>", "</p>", "<img src=x onerror=y>", "<a href=javascript:x>", "<!--", "]]>"),
        *("<style>", "<svg/onload=x>", "<https://example.org/>", "<javascript:x>", "[a](<b>)"),
    ]
)
MARKDOWN = st.one_of(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=40).map("".join))


class Seen(HTMLParser):
    """The tags of a page, and whether each is closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.links: list[str] = []
        self.open: list[str] = []
        self.other: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def handle_decl(self, decl: str) -> None:
        self.other.append(decl)

    def handle_pi(self, data: str) -> None:
        self.other.append(data)


@given(MARKDOWN)
@example("[x](javascript&colon;alert(1))")
@example("[x](&#106;avascript:alert(1))")
@example("<a href=javascript:alert(1)>x</a>")
@example("[x](https://example.org/\"onmouseover='y')")
@example("> " * 500 + "x")
@example("*a" * 500 + "*" * 500)
@example("[" * 500 + "](" * 500)
def test_nothing_comes_out_that_is_not_on_the_list(markdown: str) -> None:
    for html, tags in (
        (block(markdown, classes=CLASSES), TAGS),
        (inline(markdown, CLASSES), INLINE_TAGS),
    ):
        seen = Seen(html)
        assert seen.tags <= tags
        assert seen.attributes <= {("p", "class"), ("a", "class"), ("a", "href"), ("ol", "start")}
        assert all(link.startswith(("http://", "https://", "mailto:")) for link in seen.links)
        assert seen.open == []
        assert seen.other == []
        assert "\x00" not in html


@given(MARKDOWN)
def test_the_text_part_never_fails(markdown: str) -> None:
    text = plain(markdown)

    text.encode()
    assert text == text.strip("\n")
    assert "\n\n\n" not in text
    wrap(text)


@given(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), max_size=60))
def test_no_word_is_lost(words: list[str]) -> None:
    assert plain(" ".join(words)).split() == words
    assert block(" ".join(words)).striptags().split() == words


@pytest.mark.parametrize(
    ("markdown", "html", "text"),
    [
        (
            "One *two* **three**.",
            "<p>One <em>two</em> <strong>three</strong>.</p>",
            "One two three.",
        ),
        ("One\n\nTwo", "<p>One</p>\n<p>Two</p>", "One\n\nTwo"),
        ("One  \nTwo", "<p>One<br>\nTwo</p>", "One\nTwo"),
        ("One\nTwo", "<p>One\nTwo</p>", "One Two"),
        (
            "# Our *day*\n\nText",
            "<p><strong>Our <em>day</em></strong></p>\n<p>Text</p>",
            "Our day\n\nText",
        ),
        (
            "- One\n- Two\n  - Deep",
            "<ul>\n<li>One</li>\n<li>Two\n<ul>\n<li>Deep</li>\n</ul>\n</li>\n</ul>",
            "- One\n- Two\n  - Deep",
        ),
        (
            "Text\n\n9. Nine\n10. Ten\n\nText",
            '<p>Text</p>\n<ol start="9">\n<li>Nine</li>\n<li>Ten</li>\n</ol>\n<p>Text</p>',
            "Text\n\n9. Nine\n10. Ten\n\nText",
        ),
        ("- - Deep", "<ul>\n<li>\n<ul>\n<li>Deep</li>\n</ul>\n</li>\n</ul>", "-\n  - Deep"),
        (
            "> Said\n>\n> Ada",
            "<blockquote>\n<p>Said</p>\n<p>Ada</p>\n</blockquote>",
            "  Said\n\n  Ada",
        ),
        (
            "See [our site](https://example.org/?a=1&b=2).",
            '<p>See <a href="https://example.org/?a=1&amp;b=2">our site</a>.</p>',
            "See our site (https://example.org/?a=1&b=2).",
        ),
        (
            "<https://example.org/>",
            '<p><a href="https://example.org/">https://example.org/</a></p>',
            "https://example.org/",
        ),
        (
            "[Write](mailto:ada@example.org)",
            '<p><a href="mailto:ada@example.org">Write</a></p>',
            "Write (ada@example.org)",
        ),
        (
            "<ada@example.org>",
            '<p><a href="mailto:ada@example.org">ada@example.org</a></p>',
            "ada@example.org",
        ),
        # A link must have words to press.
        (
            "[ ](https://example.org/)",
            '<p><a href="https://example.org/"> https://example.org/</a></p>',
            "https://example.org/",
        ),
        # Links that lead nowhere from a mail leave their words.
        ("[a](javascript:x) [b](/c) [d](ftp://e.org)", "<p>a b d</p>", "a b d"),
        ("![A map](https://example.org/map.png)", "<p>A map</p>", "A map"),
        ("<b>One</b>", "<p>&lt;b&gt;One&lt;/b&gt;</p>", "<b>One</b>"),
        ("&lt;b&gt; &amp;amp; &copy;", "<p>&lt;b&gt; &amp;amp; ©</p>", "<b> &amp; ©"),
        ("Say `a < b`", "<p>Say a &lt; b</p>", "Say a < b"),
        ("```\na < b\nc\n```", "<p>a &lt; b<br>c</p>", "a < b\nc"),
        ("One\n\n---\n\nTwo", "<p>One</p>\n<p>Two</p>", "One\n\nTwo"),
        # Not a template: what looks like one is text.
        ("{{ own.name }} %%x%%", "<p>{{ own.name }} %%x%%</p>", "{{ own.name }} %%x%%"),
        ("", "", ""),
        (" \n\n ", "", ""),
    ],
)
def test_what_editors_write(markdown: str, html: str, text: str) -> None:
    assert block(markdown) == html
    assert plain(markdown) == text


def test_classes_stand_on_the_tags_that_have_them() -> None:
    assert block("A [b](https://c.org) *d*", classes=CLASSES) == (
        '<p class="ink text">A <a href="https://c.org" class="ink under">b</a> <em>d</em></p>'
    )
    assert block("A [b](https://c.org)", classes={"p": "", "a": ""}) == (
        '<p>A <a href="https://c.org">b</a></p>'
    )
    assert block("- [b](https://c.org)", classes={"a": "under", "h1": "x"}) == (
        '<ul>\n<li><a href="https://c.org" class="under">b</a></li>\n</ul>'
    )


def test_an_intro_is_the_inside_of_one_paragraph() -> None:
    html = inline("From [Ada](https://example.org/) & *all*\n\n- of us", {"a": "under"})

    assert html == (
        'From <a href="https://example.org/" class="under">Ada</a> &amp; <em>all</em>\n\n- of us'
    )
    assert isinstance(html, Markup)


def test_lists_are_wrapped_under_their_text() -> None:
    assert wrap(plain("1. One *two* three\n   - four five six seven"), 16) == (
        "1. One two three\n   - four five\n     six seven"
    )
