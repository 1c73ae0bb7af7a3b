"""Articles' pages: what is read from them, and when, and what they must not do."""

from __future__ import annotations

import gzip
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from courant.articles import Article, Image
from courant.errors import FeedUnreadable
from courant.feeds.cleaning import words
from courant.feeds.enrich import FAILURE_KEPT, Pages
from courant.feeds.fetching import fetch
from courant.feeds.fetching.fetch import Fetcher
from courant.feeds.identity import article_id
from courant.feeds.pages import lacking
from courant.feeds.pages.page import Page, read_page
from courant.feeds.sandbox.sandbox import Sandbox
from tests import content_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
URL = "https://news.example/weather/rain/"
TITLE = "It rained in the valley for a week"
PARAGRAPHS = [
    f"On day {day} the river rose by {day} centimetres, and the people of the valley carried their "
    f"chairs and their {day} best books up to the attic, where it was dry."
    for day in range(1, 8)
]
FUNCTIONS = Path(fetch.__file__).parents[2]


def page_of(
    head: str = "", before: str = "", after: str = "", paragraphs: list[str] | None = None
) -> bytes:
    """A page with chrome around ``paragraphs``, in the way of blog software."""
    body = "".join(f"<p>{text}</p>" for text in paragraphs or PARAGRAPHS)
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{TITLE} | The Gauge"
        f"</title>{head}</head><body><header><nav><a href='/'>Home</a> <a href='/s'>Sport</a></nav>"
        f"</header>{before}<article><h1>{TITLE}</h1>{body}</article>{after}"
        "<footer>© The Gauge. All rights reserved.</footer></body></html>"
    ).encode()


def read(body: bytes, content_type: str = "text/html", url: str = URL) -> Page:
    return read_page(body, content_type, url, now=NOW)


def ld(**thing: object) -> str:
    return f"<script type='application/ld+json'>{json.dumps(thing)}</script>"


def test_the_article_of_the_task_comes_out_whole(shared: Path) -> None:
    expected = json.loads((shared / "seed/article.expected.json").read_text())

    page = read((shared / "seed/article.html").read_bytes(), url=expected["canonical_url"])

    text = "\n".join(block.text for block in page.body)
    assert page.title == expected["title"]
    assert page.section == expected["section"]
    assert page.language == expected["language"]
    assert page.published == datetime.fromisoformat(expected["published"])
    assert page.canonical_url == expected["canonical_url"]
    assert page.image == Image(expected["image"])
    assert page.lede == expected["lede"]
    assert list(page.subheads) == expected["subheads"]
    assert len(page.paragraphs) == expected["paragraphs"]
    assert text.endswith(expected["body_ends_with"])
    assert not [phrase for phrase in expected["never"] if phrase in text]


def test_every_page_of_the_corpus_is_read_or_refused(shared: Path) -> None:
    found = 0
    for path in sorted((shared / "corpora/articles/gne-zh").glob("*.html*")):
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        found += bool(read(body).lede)

    assert found >= 4


@pytest.mark.slow
def test_no_page_of_the_corpus_is_a_surprise(shared: Path) -> None:
    slowest = 0.0
    for path in sorted((shared / "corpora/articles").rglob("*.html.gz"))[::5]:
        body = gzip.decompress(path.read_bytes())
        started = time.process_time()
        try:
            read(body)
        except FeedUnreadable:
            pass
        finally:
            slowest = max(slowest, time.process_time() - started)

    assert slowest < 5


def test_the_body_is_the_articles_and_nothing_elses() -> None:
    page = read(page_of())

    assert list(page.paragraphs) == PARAGRAPHS
    assert page.subheads == ()
    assert page.lede == PARAGRAPHS[0]
    assert page.title == TITLE
    assert page.words == sum(len(text.split()) for text in PARAGRAPHS)


@pytest.mark.parametrize(
    "chrome",
    [
        *("Load More Related Articles", "Leave a Reply", "Tweet", "Share", "Advertisement"),
        "Your email address will not be published. Required fields are marked *",
        "We use cookies to give you the best experience.",
        "Related: The drought of last year",
        *("Weiterlesen", "Schreibe einen Kommentar", "Lesen Sie auch: Die Dürre", "Anzeige"),
        *("Lire aussi : La sécheresse", "Laisser un commentaire", "Publicité"),
        *("Lee también: La sequía", "Deja una respuesta", "Cargar más"),
        *("Lees ook: De droogte", "Geef een reactie", "Advertentie"),
        *("Читайте также: Засуха", "延伸閱讀：乾旱", "関連記事：干ばつ", "اقرأ أيضا: الجفاف"),
    ],
)
def test_chrome_inside_the_article_is_left_out(chrome: str) -> None:
    paragraphs = [*PARAGRAPHS[:3], chrome, *PARAGRAPHS[3:], chrome]

    page = read(page_of(paragraphs=paragraphs, after=f"<section>{chrome}</section>"))

    assert list(page.paragraphs) == PARAGRAPHS


@pytest.mark.parametrize(
    "sentence",
    [
        "Share prices fell after the flood, and the exchange closed early on Friday.",
        "Related problems were found in the dam above the village, said the engineer.",
        "Comments from the mayor were not to be had, since she was rowing.",
        "Tweet by tweet, the birds came back to the valley when the rain had ended.",
    ],
)
def test_sentences_that_begin_like_chrome_stay(sentence: str) -> None:
    page = read(page_of(paragraphs=[*PARAGRAPHS, sentence]))

    assert page.paragraphs[-1] == sentence


def test_headings_in_the_body_are_subheads_and_a_last_one_is_chrome() -> None:
    html = page_of().replace(b"<p>On day 4", b"<h2>The fourth day</h2><p>On day 4")
    html = html.replace(b"</article>", b"<h3>More on this</h3></article>")

    page = read(html)

    assert page.subheads == ("The fourth day",)
    assert page.body[3].is_heading
    assert len(page.paragraphs) == len(PARAGRAPHS)


@pytest.mark.parametrize(
    ("head", "before"),
    [
        ("<meta property='article:section' content='Weather'>", ""),
        ("<meta name='parsely-section' content='Weather'>", ""),
        (ld(**{"@type": "NewsArticle", "articleSection": ["Weather", "News"]}), ""),
        (ld(**{"@graph": [{"@type": ["Article"], "articleSection": "Weather"}]}), ""),
        (
            ld(
                **{
                    "@type": "BreadcrumbList",
                    "itemListElement": [
                        {"@type": "ListItem", "position": 1, "name": "Home"},
                        {"@type": "ListItem", "position": 2, "item": {"name": "Weather"}},
                        {"@type": "ListItem", "position": 3, "name": "It rained"},
                    ],
                }
            ),
            "",
        ),
        ("", "<nav class='breadcrumb'><a href='/'>Home</a> <a href='/w'>Weather</a> Rain</nav>"),
        ("", "<div id='breadcrumbs'><a href='/'>Home</a> » <a href='/w'>Weather</a></div>"),
        ("", "<p><a href='/w' rel='category tag'>Weather</a></p>"),
        ("<meta property='article:section' content='Home > Weather'>", ""),
        (
            "<meta property='article:section' content='Uncategorized'>",
            "<a rel=category>Weather</a>",
        ),
    ],
)
def test_section_is_the_pages_own(head: str, before: str) -> None:
    assert read(page_of(head, before)).section == "Weather"


@pytest.mark.parametrize(
    "before",
    [
        "<nav class='breadcrumb'><a href='/'>Home</a></nav>",
        f"<nav class='breadcrumb'><a href='/'>Home</a> <a href='{URL}'>{TITLE}</a></nav>",
        "<nav class='breadcrumb'><a href='/'>The Gauge</a></nav>",
    ],
)
def test_chrome_is_no_section(before: str) -> None:
    head = "<meta property='og:site_name' content='The Gauge'>"

    assert read(page_of(head, before)).section is None


@pytest.mark.parametrize(
    ("head", "before"),
    [
        ("<meta property='article:published_time' content='2026-11-20T08:30:00+02:00'>", ""),
        (ld(**{"@type": "BlogPosting", "datePublished": "2026-11-20T06:30:00Z"}), ""),
        ("<meta name='date' content='Fri, 20 Nov 2026 07:30:00 +0100'>", ""),
        ("", "<meta itemprop='datePublished' content='2026-11-20T06:30:00.000Z'>"),
        ("", "<time pubdate datetime='2026-11-20T07:30+01:00'>Friday</time>"),
        # What is not of the web's time goes to the next.
        (
            (
                "<meta property='article:published_time' content='1111-11-11T11:11:11Z'>"
                "<meta name='pubdate' content='2199-01-01T00:00:00Z'>"
                "<meta name='date' content='2026-11-20T06:30:00Z'>"
            ),
            "",
        ),
    ],
)
def test_date_has_its_zone(head: str, before: str) -> None:
    assert read(page_of(head, before)).published == datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


def test_date_of_the_future_is_none() -> None:
    head = "<meta property='article:published_time' content='2026-11-23T08:30:00Z'>"

    assert read(page_of(head)).published is None


@pytest.mark.parametrize(
    ("head", "author"),
    [
        ("<meta name='author' content='By Ann Brook'>", "Ann Brook"),
        (ld(**{"@type": "Article", "author": {"name": "Ann Brook"}}), "Ann Brook"),
        (
            ld(**{"@type": "Article", "author": [{"name": "Ann Brook"}, {"name": "Bo Lind"}]}),
            "Ann Brook, Bo Lind",
        ),
        (ld(**{"@type": "Article", "author": "ann@news.example"}), None),
        ("<meta property='article:author' content='https://social.example/ann'>", None),
        (
            "<meta name=application-name content=Gauge><meta name=author content=Gauge>",
            None,
        ),
    ],
)
def test_author_is_people(head: str, author: str | None) -> None:
    assert read(page_of(head)).author == author


@pytest.mark.parametrize(
    ("head", "image"),
    [
        ("<meta property='og:image' content='/flood.jpg'>", "https://news.example/flood.jpg"),
        (
            (
                "<meta property='og:image' content='https://news.example/pixel.gif'>"
                "<meta name='twitter:image' content='https://news.example/b.jpg'>"
            ),
            "https://news.example/b.jpg",
        ),
        (ld(**{"@type": "Article", "image": {"url": "c.jpg"}}), URL + "c.jpg"),
        (ld(**{"@type": "Article", "image": ["//img.example/d.jpg"]}), "https://img.example/d.jpg"),
        ("<meta property='og:image' content='javascript:alert(1)'>", None),
    ],
)
def test_image_is_one_to_be_seen(head: str, image: str | None) -> None:
    found = read(page_of(head)).image

    assert (found and found.url) == image


def test_image_has_the_size_that_the_page_says() -> None:
    head = (
        "<meta property='og:image' content='/a.jpg'><meta property='og:image:width' content='1200'>"
        "<meta property='og:image:height' content='675'>"
    )

    assert read(page_of(head)).image == Image("https://news.example/a.jpg", 1200, 675)


@pytest.mark.parametrize(
    ("href", "canonical"),
    [
        ("/weather/other/", "https://news.example/weather/other/"),
        ("https://news.example/w?utm_source=x", "https://news.example/w"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        # A template's mistake that would make all articles of a site one.
        ("https://news.example/", URL),
        ("javascript:void(0)", URL),
    ],
)
def test_canonical_url_is_settled(href: str, canonical: str) -> None:
    assert read(page_of(f"<link rel='canonical' href='{href}'>")).canonical_url == canonical


@pytest.mark.parametrize(
    ("title", "head", "read_as"),
    [
        ("Rain | The Gauge", "<meta property='og:site_name' content='The Gauge'>", "Rain"),
        (
            "The Gauge: Rain",
            "<meta property='og:site_name' content='The Gauge'>",
            "The Gauge: Rain",
        ),
        ("Rain &amp; wind &#8211; wet", "", "Rain & wind – wet"),
        ("Rain AT&amp;amp;T", "", "Rain AT&T"),
    ],
)
def test_title_without_heading_is_the_documents(title: str, head: str, read_as: str) -> None:
    html = f"<html><head><title>{title}</title>{head}</head><body><p>{PARAGRAPHS[0]}</p></body>"

    assert read(html.encode()).title == read_as


def test_heading_that_names_the_site_is_no_title() -> None:
    html = page_of().replace(f"<h1>{TITLE}</h1>".encode(), b"<h1>The Gauge</h1>")

    assert read(html).title == TITLE


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<meta charset=windows-1251><p>Дождь".encode("cp1251"), "text/html"),
        ("<p>Дождь".encode("cp1251"), "text/html; charset=windows-1251"),
        ("<p>Дождь".encode(), "text/html; charset=windows-1251"),
        ("<meta http-equiv=Content-Type content='text/html; charset=koi8-r'><p>Дождь".encode(
            "koi8-r"), ""),
        ("<p>Дождь".encode("utf-16"), ""),
    ],
)  # fmt: skip
def test_characters_are_decided_as_for_feeds(body: bytes, content_type: str) -> None:
    html = body + (" шёл всю неделю, и река поднялась до самого моста. " * 8).encode(
        "utf-16-le" if body[:2] == b"\xff\xfe" else "koi8-r" if b"koi8" in body
        else "cp1251" if b"\xc4\xee" in body else "utf-8"
    )  # fmt: skip

    assert read(html, content_type).paragraphs[0].startswith("Дождь шёл всю неделю")


def test_length_in_scripts_without_spaces_is_counted_in_characters() -> None:
    page = read(
        page_of(
            paragraphs=[f"{day}日目も雨が降り続いた。川の水位が上がった。" * 4 for day in range(9)]
        )
    )

    letters = sum(len(text) - text.count("。") for text in page.paragraphs)
    assert len(page.paragraphs) == 9
    assert page.words is not None
    assert 0.5 <= page.words / letters < 0.6


@pytest.mark.parametrize(
    "title",
    ["Page not found", "404", "Just a moment...", "Access denied", "Before you continue to Gauge"],
)
def test_an_excuse_is_no_article(title: str) -> None:
    html = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>Try the search. It"
    html += " knows where everything is, says the person who built it.</p></body></html>"

    with pytest.raises(FeedUnreadable, match="not an article"):
        read(html.encode())


def test_an_article_about_an_excuse_is_an_article() -> None:
    html = page_of(paragraphs=PARAGRAPHS * 2).replace(TITLE.encode(), b"Access denied: a history")

    assert read(html).title == "Access denied: a history"


@pytest.mark.parametrize(
    "wall",
    [
        "Subscribe to continue reading this article and support our journalism in the valley.",
        "We and our partners use cookies to show you advertisements that you may like.",
        "Dieser Artikel ist nur für Abonnenten, die ihn ab sofort weiterlesen können.",
        "Please enable JavaScript to see this page in all the beauty that it can have.",
    ],
)
def test_a_wall_is_no_lede_and_hides_the_length(wall: str) -> None:
    page = read(page_of(paragraphs=[wall, *PARAGRAPHS]))

    assert page.lede == PARAGRAPHS[0]
    if wall in page.paragraphs:
        assert page.words is None


@pytest.mark.parametrize(
    "body",
    [b"", b"nothing", b"\x89PNG\r\n\x1a\n", b"<rss version='2.0'><channel/></rss>", b"{}"],
)
def test_what_is_no_page_is_unreadable(body: bytes) -> None:
    with pytest.raises(FeedUnreadable):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"<div>" * 100_000,
        b"<html><p>" + b"<b>" * 50_000 + b"x",
        b"<html><script type='application/ld+json'>" + b"[" * 100_000 + b"</script><p>x",
        b"<html><script type='application/ld+json'>" + b'{"@graph":[' * 30_000 + b"</script><p>x",
        b"<html><title>" + b"| " * 50_000 + b"</title><p>x",
        b"<html><body>" + b"<p><a href=x>y</a>" * 2_000,
        b"<html " + b" ".join(b"a%d=1" % n for n in range(3_000)) + b"><p>x",
        b"<html><meta charset=" + b"a" * 100_000,
    ],
    ids=["divs", "inline", "json", "graphs", "marks", "links", "attributes", "charset"],
)
def test_a_page_made_to_be_slow_is_read_in_time(body: bytes) -> None:
    started = time.process_time()
    try:
        read(body)
    except FeedUnreadable:
        pass
    finally:
        assert time.process_time() - started < 3


PIECES = st.lists(
    st.sampled_from(
        [
            *("<html>", "<head>", "<body>", "<p>", "</p>", "<h1>", "<article>", "<time datetime='"),
            *("<meta property='og:title' content='", "'>", "<script type='application/ld+json'>"),
            *('{"@type":"Article","author":', "[", "]", '"', "null", "1e999", "}", "</script>"),
            *("<link rel=canonical href='", "http://[", "&#0;", "\u202e", "a. ", "日。", "\ud800"),
        ]
    )
    | st.text(max_size=5),
    max_size=40,
).map("".join)


@settings(max_examples=25)
@given(PIECES)
def test_any_page_is_read_or_unreadable(text: str) -> None:
    body = ("<html>" + text).encode("utf-8", "surrogatepass")
    try:
        page = read(body)
    except FeedUnreadable:
        return

    for said in (page.title, page.lede, page.section, page.author, *page.paragraphs):
        assert said is None or (said and "\u202e" not in said and said == " ".join(said.split()))


def test_reading_needs_no_network_and_no_disk(tmp_path: Path) -> None:
    script = f"""
import resource, socket, sys
from datetime import UTC, datetime
def refuse(*args, **kwargs): raise AssertionError("network")
socket.socket.connect = socket.getaddrinfo = refuse
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from courant.feeds.pages.page import read_page
page = read_page({page_of().replace(b"<article>", b"<p class='date'>2026-11-20</p><article>")!r},
                 "text/html", {URL!r}, now=datetime(2026, 11, 22, tzinfo=UTC))
assert len(page.paragraphs) >= 7, page
assert page.published, page
"""
    subprocess.run(  # noqa: S603 - our own interpreter and our own script
        [sys.executable, "-B", "-c", script],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(FUNCTIONS), "HOME": str(tmp_path)},
    )
    assert not list(tmp_path.iterdir())


ARTICLE = Article(
    id="a" * 32,
    feed_id="f" * 32,
    url=URL,
    title=TITLE,
    summary="",
    source="The Gauge",
    first_seen=NOW,
)
LONG = (
    "A summary that says enough about the article to stand alone in a digest, as most of them do."
)


@pytest.mark.parametrize(
    ("summary", "lacks"),
    [
        ("", True),
        ("Rain.", True),
        (TITLE + "!", True),
        (LONG, False),
        (
            "雨が一週間降り続き、川の水位が上がった。人々は本を屋根裏へ運び、水が引くのを待っている。",
            False,
        ),
    ],
)
def test_too_little_is_less_than_a_sentence_or_two(summary: str, lacks: bool) -> None:
    assert lacking.too_little(replace(ARTICLE, summary=summary)) is lacks


def test_a_title_repeated_says_nothing_however_long() -> None:
    title = "It rained " * 12

    assert lacking.too_little(replace(ARTICLE, title=title, summary=title.upper()))


def test_only_what_the_feed_lacks_is_filled_in() -> None:
    page = Page(
        lede=PARAGRAPHS[0],
        image=Image("https://news.example/a.jpg"),
        author="Ann Brook",
        published=NOW - timedelta(1),
        language="en",
        section="Weather",
        words=200,
    )
    known = replace(
        ARTICLE, summary=LONG, author="Bo", language="nl", published=NOW, words=1, section="Own"
    )

    assert lacking.filled(ARTICLE, page) == replace(
        ARTICLE,
        summary=PARAGRAPHS[0],
        image=page.image,
        author="Ann Brook",
        published=NOW - timedelta(1),
        language="en",
        section="Weather",
        words=200,
    )
    assert lacking.filled(known, page) == replace(known, image=page.image)


def test_a_page_is_about_the_article_that_it_names() -> None:
    assert lacking.is_about(read(page_of()), ARTICLE)
    # Search engines are told one headline, feeds another; the words are in the text.
    assert lacking.is_about(read(page_of()), replace(ARTICLE, title="Valley river people dry"))
    assert not lacking.is_about(read(page_of()), replace(ARTICLE, title="Markets close higher"))


@pytest.mark.parametrize(
    ("title", "text", "share"),
    [
        ("雨が降る", "昨日は雨が降ると聞いた", 1.0),
        ("雨が降る", "株価が上昇した", 0.0),
        ("Rain in the valley", "THE VALLEY: rain", 1.0),
        ("!", "anything", 1.0),
    ],
)
def test_kinship_is_in_words_or_pairs_of_characters(title: str, text: str, share: float) -> None:
    assert words.kinship(title, text) == share


class Site(ThreadingHTTPServer):
    """A site on loopback that counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answer: tuple[int, str, bytes] = (200, "text/html", page_of())
        self.asked = 0

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""


class _Answer(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked += 1
        status, content_type, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield content_table.make()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def pages(table: Table, site: Site, sandbox: Sandbox) -> Pages:
    port = site.server_address[1]
    fetcher = Fetcher(contact_url="https://news.example.org", open_ports=frozenset({port}))
    return Pages(table, fetcher, sandbox)


@pytest.fixture
def article(site: Site) -> Article:
    return replace(ARTICLE, url=f"http://127.0.0.1:{site.server_address[1]}/rain")


def test_a_page_is_asked_once_and_kept(pages: Pages, site: Site, article: Article) -> None:
    site.answer = (200, "text/html", page_of("<meta property=article:section content=Weather>"))

    first = pages.enrich(article, NOW)
    again = pages.enrich(replace(article, feed_id="e" * 32), NOW + timedelta(days=69))

    assert first.summary == PARAGRAPHS[0]
    assert first.section == "Weather"
    assert first.words == sum(len(text.split()) for text in PARAGRAPHS)
    assert again == replace(first, feed_id="e" * 32)
    assert site.asked == 1


def test_what_was_kept_comes_back_whole(pages: Pages, site: Site, article: Article) -> None:
    head = (
        "<meta property='og:image' content='https://news.example/a.jpg'>"
        "<meta property='og:image:width' content=1200><meta property='og:image:height' content=675>"
        "<meta name=author content='Ann Brook'><meta name=date content='2026-11-20T06:30:00Z'>"
    )
    site.answer = (200, "text/html; charset=utf-8", page_of(head))

    assert pages.enrich(article, NOW) == pages.enrich(article, NOW)
    assert pages.enrich(article, NOW).image == Image("https://news.example/a.jpg", 1200, 675)


def test_no_page_is_asked_where_the_feed_says_enough(
    pages: Pages, site: Site, article: Article
) -> None:
    told = replace(article, summary=LONG)
    episode = replace(article, url=article.url + ".mp3")

    assert pages.enrich(told, NOW) == told
    assert pages.enrich(episode, NOW) == episode
    assert site.asked == 0


@pytest.mark.parametrize(
    "answer",
    [
        (404, "text/html", page_of()),
        (500, "text/html", b""),
        (200, "application/pdf", b"%PDF-1.7"),
        (200, "image/png", page_of()),
        (200, "text/html", b"\x00" * 1000),
        (200, "text/html", page_of(paragraphs=["Our newest recipes are here."] * 9)),
        (200, "text/html", b"<html><title>Just a moment...</title><p>Checking your browser</p>"),
        (200, "text/html", b"<html><title>Login</title><h1>Login</h1><p>Name</p><p>Password</p>"),
    ],
    ids=["404", "500", "pdf", "png", "zeros", "other", "robot", "login"],
)  # fmt: skip
def test_what_is_not_the_article_changes_nothing_and_is_not_asked_again_today(
    pages: Pages, site: Site, article: Article, answer: tuple[int, str, bytes]
) -> None:
    site.answer = answer
    strange = replace(article, title="Markets close higher on Friday", summary="Up 2 %.")

    assert pages.enrich(strange, NOW) == strange
    assert pages.enrich(strange, NOW + FAILURE_KEPT - timedelta(seconds=1)) == strange
    assert site.asked == 1

    site.answer = (200, "text/html", page_of().replace(TITLE.encode(), strange.title.encode()))

    assert pages.enrich(strange, NOW + FAILURE_KEPT).summary == PARAGRAPHS[0]
    assert site.asked == 2


def test_a_server_that_is_not_there_changes_nothing(pages: Pages, article: Article) -> None:
    private = replace(article, url="http://127.0.0.1:1/rain")

    assert pages.enrich(private, NOW) == private


def test_no_row_outlives_its_time(pages: Pages, table: Table, site: Site, article: Article) -> None:
    pages.enrich(article, NOW)
    site.answer = (404, "text/html", b"")
    other = replace(article, url=article.url + "2")
    pages.enrich(other, NOW)

    rows = {row["PK"]: int(str(row["ttl"])) for row in table.scan()["Items"]}

    assert rows == {
        f"U#{article_id(article.url)}": int((NOW + timedelta(days=70)).timestamp()),
        f"U#{article_id(other.url)}": int((NOW + timedelta(days=1)).timestamp()),
    }


def test_no_feed_takes_another_feeds_page_away(pages: Pages, site: Site, article: Article) -> None:
    site.answer = (200, "text/html", page_of())
    strange = replace(article, feed_id="e" * 32, title="Markets close higher on Friday")

    assert pages.enrich(strange, NOW) == strange
    assert pages.enrich(article, NOW).summary == PARAGRAPHS[0]
    assert pages.enrich(strange, NOW) == strange
    assert site.asked == 1


def test_an_article_is_known_by_its_words_though_its_page_is_titled_otherwise(
    pages: Pages, article: Article
) -> None:
    retitled = replace(article, title=" ".join(PARAGRAPHS[1].split()[:6]))

    first = pages.enrich(retitled, NOW)

    assert first.summary == PARAGRAPHS[0]
    assert pages.enrich(retitled, NOW) == first


def test_a_page_is_kept_under_its_own_address_whatever_the_article_claims(
    pages: Pages, site: Site, article: Article
) -> None:
    victim = replace(article, url=article.url + "2")
    pages.enrich(replace(article, id=victim.id), NOW)
    site.answer = (200, "text/html", page_of(paragraphs=PARAGRAPHS[1:]))

    assert pages.enrich(victim, NOW).summary == PARAGRAPHS[1]


def test_what_a_page_says_is_not_logged(
    pages: Pages, site: Site, article: Article, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("courant").addHandler(caplog.handler)
    site.answer = (200, "text/html", b"<html><title>Just a moment...</title><p>Checking</p>")
    try:
        with caplog.at_level(logging.INFO, "courant"):
            pages.enrich(article, NOW)
    finally:
        logging.getLogger("courant").removeHandler(caplog.handler)

    assert '"error": "FeedUnreadable"' in caplog.text
    assert "moment" not in caplog.text
