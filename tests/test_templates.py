"""Templates of an editor's own: those in docs/templates.md work, and a broken one says why."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from courant import locales
from courant.articles import Article
from courant.delivery.digest import Digest, Reader, join
from courant.editions.pressing import Own
from courant.editions.render import alone, render
from courant.editions.select import SectionStories, Story
from courant.editions.view import Occasion
from courant.editions.web_edition import compose_page
from courant.newsletter import Newsletter
from courant.schedule import EditionId, Slot
from courant.templates import TEMPLATES, TemplateBroken, environment

DOCS = Path(__file__).resolve().parents[1] / "docs" / "templates.md"
# A fenced block whose first line is a comment with the file's name.
_FILE = re.compile(
    r"^```(?:jinja|toml)\n(?:\{#|#) templates/(\S+).*\n(?s:(.*?))^```$", re.MULTILINE
)
NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
LINK = "https://news.example.org/u/token"


def newsletter(**changes: object) -> Newsletter:
    return Newsletter.model_validate(
        {
            "id": "morning",
            "title": "The Morning",
            "description": "News",
            "sender": {"name": "The Morning", "address": "morning@example.org"},
            "postal_address": "1 Harbour Street",
            "note": "Good morning.",
            "cadences": {"daily": {"cron": "0 7 * * *", "timezone": "UTC"}},
            "sections": [{"id": "town", "title": "Town", "feeds": ["https://example.org/feed"]}],
            **changes,
        }
    )


def occasion(of: Newsletter) -> Occasion:
    return Occasion(newsletter=of, day=date(2026, 11, 22), zone=ZoneInfo("UTC"))


def sections(of: Newsletter) -> tuple[SectionStories, ...]:
    stories = tuple(
        Story(
            (
                Article(
                    id=name,
                    feed_id="f",
                    url=f"https://example.org/{name}",
                    title=f"Title {name}",
                    summary="Summary.",
                    source="Wire",
                    first_seen=NOW,
                ),
            )
        )
        for name in ("one", "two")
    )
    return (SectionStories(of.sections[0], stories),)


def digest(of: Newsletter, folder: Path) -> Digest:
    pressing = render(occasion(of), sections(of), (Slot("daily"),), folder=folder)
    joined = join(pressing, Reader(name="Ada"), LINK)
    assert joined is not None
    return joined


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Our templates, where a test may add to them."""
    return shutil.copytree(TEMPLATES, tmp_path / "templates")


@pytest.fixture
def documented(folder: Path) -> Path:
    """Our templates, and those that the docs show."""
    files = _FILE.findall(DOCS.read_text(encoding="utf-8"))
    assert len(files) == 4
    for name, content in files:
        write(folder, name, content)
    return folder


def write(folder: Path, name: str, content: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def test_the_documented_masthead_and_word_are_in_the_digest_and_all_else_is_ours(
    documented: Path,
) -> None:
    html = digest(newsletter(), documented).html

    founded = re.search(r'<p class="muted founded" style="([^"]*)">Since 1871</p>', html)
    assert founded is not None
    assert "margin:0 0 4px" in founded[1]
    assert ">Our view</h2>" in html
    assert html.count("Title two") == 2  # the preheader and the story
    assert f'href="{LINK}"' in html


def test_a_reader_of_an_own_template_gets_what_rendering_alone_gives(documented: Path) -> None:
    of = newsletter()
    joined = digest(of, documented)
    own = Own(joined.subject, joined.preheader, "Ada", LINK, "")

    html, text = alone(occasion(of), sections(of), own, folder=documented)

    assert (joined.html, joined.text) == (html, text)


def test_the_documented_letter_is_ours_and_a_line_more(documented: Path) -> None:
    letter = (
        environment("morning", html=False, folder=documented)
        .get_template("mail/confirmation.txt.j2")
        .render(
            newsletter=newsletter(),
            t=locales.strings("en", documented / "locales", "morning"),
            confirm_url="https://news.example.org/c/token",
        )
    )

    assert "https://news.example.org/c/token" in letter
    assert letter.endswith("1 Harbour Street\n\nP.S. The crossword is on Saturdays.\n")


def test_the_documented_page_on_the_web_is_ours_and_a_line_more(documented: Path) -> None:
    of = newsletter()

    _, html = compose_page(
        occasion(of),
        sections(of),
        EditionId("morning", "daily", date(2026, 11, 22)),
        "/e/morning/daily/2026-11-22/0700",
        documented,
    )

    assert "<p>Printed on screens only.</p>" in html
    assert "Title one" in html


def test_other_newsletters_see_nothing_of_it(documented: Path) -> None:
    html = digest(newsletter(id="evening"), documented).html

    assert "Since 1871" not in html
    assert "Our view" not in html


def test_a_part_that_an_editor_replaces_is_used_by_our_own_looks(folder: Path) -> None:
    ours = (folder / "digest" / "parts.html.j2").read_text(encoding="utf-8")
    byline = "{% macro byline(story) %}<p>by our own {{ story.source }}</p>{% endmacro %}"
    write(folder, "morning/digest/parts.html.j2", ours + byline)

    assert "by our own Wire" in digest(newsletter(), folder).html


def test_courant_means_ours_even_where_an_editor_has_the_same_name(folder: Path) -> None:
    write(folder, "morning/web/not_found.html.j2", "mine")
    found = environment("morning", html=True, folder=folder)

    assert found.get_template("web/not_found.html.j2").render() == "mine"
    assert found.get_template("courant/web/not_found.html.j2").filename == str(
        folder / "web" / "not_found.html.j2"
    )


EXTENDS = '{% extends "courant/digest/broadsheet.html.j2" %}'


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("<p>Hello</p>", r"sets no cut where the text template sets cut\('greeting'\)"),
        (
            '{% block greeting %}<tr><td title="{{ own.name }}"></td></tr>{% endblock %}',
            "own.name out of place: it may stand in text only",
        ),
        (
            '{% block foot %}<tr><td><a href="{{ own.unsubscribe_url }}?a=b">Out</a>{% endblock %}',
            "own.unsubscribe_url out of place: it may be the whole value of an href",
        ),
        (
            "{% block greeting %}<tr><td>{{ own.name | upper }}</td></tr>{% endblock %}",
            "changes own.name: .* filters and slices can't work on it",
        ),
        (
            "{% block greeting %}<tr><td>{{ own.name | truncate(20) }}</td></tr>{% endblock %}",
            "changes own.name",
        ),
        (
            "{% block styles %}{{ super() }}.x:after{content:'{{ own.name }}'}{% endblock %}",
            "own.name out of place",
        ),
        (
            "{% block dark_styles %}{{ super() }}.x{content:'{{ own.name }}'}{% endblock %}",
            "own.name out of place",
        ),
        (
            "{% block section_opening %}<tr><td>{{ own.name }}</td></tr>{% endblock %}",
            "own.… in a section",
        ),
        (
            "{% block foot %}<tr><td>Bye</td></tr>{% endblock %}",
            "the html template has no link to unsubscribe",
        ),
        (
            "{% block styles %}{{ super() }}tr + tr td { padding: 9px; }{% endblock %}",
            "looks from one piece of the page into another",
        ),
        (
            "{% block styles %}{{ super() }}p:first-child { margin: 0; }{% endblock %}",
            "looks from one piece of the page into another",
        ),
        (
            '{% block plain %}{{ cut("extra") }}{% endblock %}',
            r"sets cut\('extra'\) where the text template sets cut",
        ),
    ],
    ids=[
        *("no cuts", "name in an attribute", "link with more", "upper", "truncate", "style"),
        *("dark style", "in a section", "no link", "siblings", "first child", "a cut too many"),
    ],
)
def test_a_template_that_breaks_the_law_is_refused_with_a_sentence(
    template: str, sentence: str, folder: Path
) -> None:
    extends = EXTENDS if "block" in template else ""
    write(folder, "morning/digest/broadsheet.html.j2", extends + template)

    with pytest.raises(TemplateBroken, match=sentence):
        digest(newsletter(), folder)


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{% block title %}{{ headline_of_the_day }}{% endblock %}", "2: 'headline_of_the_day'"),
        ("{% block title %}{{ newsletter.titel }}{% endblock %}", "2: .*'titel'"),
        ("{% block title %}{{ t.foo }}{% endblock %}", "2: .*'foo'"),
        ("{% block title %}{{ 1 / 0 }}{% endblock %}", "2: ZeroDivisionError: division by zero"),
        ("{% if %}", "2: Expected an expression"),
        ("{% block title %}{{ 1 | nosuch }}{% endblock %}", "2: No filter named 'nosuch'"),
        ('{% include "nosuch.html.j2" %}', "there is no template 'nosuch.html.j2'"),
    ],
)
def test_a_template_that_fails_says_in_which_line_and_why(
    template: str, sentence: str, folder: Path
) -> None:
    write(folder, "morning/digest/broadsheet.html.j2", f"{EXTENDS}\n{template}")

    with pytest.raises(TemplateBroken, match=sentence) as caught:
        digest(newsletter(), folder)

    assert "morning/digest/broadsheet.html.j2" in caught.value.file or "include" in template


def test_a_template_that_extends_itself_is_told_how_to_extend_ours(folder: Path) -> None:
    write(
        folder,
        "morning/digest/broadsheet.html.j2",
        '{% extends "digest/broadsheet.html.j2" %}',
    )

    with pytest.raises(TemplateBroken, match=r"write courant/digest/broadsheet\.html\.j2"):
        digest(newsletter(), folder)


def test_a_text_template_without_the_link_to_unsubscribe_is_refused(folder: Path) -> None:
    ours = (folder / "digest" / "digest.txt.j2").read_text(encoding="utf-8")
    write(folder, "morning/digest/digest.txt.j2", ours.replace("{{ own.unsubscribe_url }}", ""))

    with pytest.raises(TemplateBroken, match="the text template has no link"):
        digest(newsletter(), folder)


def test_room_is_left_for_every_time_that_a_template_shows_a_readers_own(folder: Path) -> None:
    name = "{% block greeting %}<tr><td>" + "{{ own.name }} " * 30 + "</td></tr>{% endblock %}"
    write(folder, "morning/digest/broadsheet.html.j2", EXTENDS + name)
    many = [
        {"id": id_, "title": id_, "feeds": ["https://example.org/feed"], "limit": 50}
        for id_ in ("town", "sea", "sky")
    ]
    of = newsletter(sections=many)
    lead = sections(of)[0].stories[0].lead
    stories = [
        Story((replace(lead, id=str(number), summary="word " * 60),)) for number in range(150)
    ]
    full = tuple(
        SectionStories(section, tuple(stories[at::3])) for at, section in enumerate(of.sections)
    )
    pressing = render(occasion(of), full, (Slot("daily"),), folder=folder)

    joined = join(pressing, Reader(name="&" * 60), LINK)

    assert joined is not None
    assert joined.dropped
    assert joined.html.count("&amp;" * 60) == 30
    assert len(joined.html.encode()) <= 100_000
