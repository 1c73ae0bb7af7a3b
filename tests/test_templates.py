"""Templates of an editor's own: those in docs/templates.md work, and a broken one says why."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from jinja2 import TemplateError, UndefinedError

from courant import locales
from courant.articles import Article
from courant.delivery.digest import Digest, Reader, join
from courant.editions.cut import TemplateBroken
from courant.editions.pressing import Own
from courant.editions.render import alone, render
from courant.editions.select import SectionStories, Story
from courant.editions.view import Occasion
from courant.editions.web_edition import compose_page
from courant.newsletter import Newsletter
from courant.schedule import EditionId, Slot
from courant.templates import TEMPLATES, environment

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
        ("<p>Hello</p>", "the HTML template cuts at .*, the text template at"),
        (
            '{% block greeting %}<tr><td title="{{ own.name }}"></td></tr>{% endblock %}',
            "own.name out of place: it may stand in text only",
        ),
        (
            '{% block foot %}<tr><td><a href="{{ own.unsubscribe_url }}?a=b">Out</a>{% endblock %}',
            "own.unsubscribe_url out of place: it may be the whole value of an href",
        ),
        (
            '{% block plain %}{{ cut("extra") }}{% endblock %}',
            "the HTML template cuts at .'extra', ''., the text template at",
        ),
    ],
    ids=["no cuts", "name in an attribute", "link with more", "a cut too many"],
)
def test_a_template_that_breaks_the_law_is_refused_with_a_sentence(
    template: str, sentence: str, folder: Path
) -> None:
    extends = EXTENDS if "block" in template else ""
    write(folder, "morning/digest/broadsheet.html.j2", extends + template)

    with pytest.raises(TemplateBroken, match=sentence):
        digest(newsletter(), folder)


def test_a_name_that_a_template_is_not_given_is_named(folder: Path) -> None:
    write(
        folder,
        "morning/digest/broadsheet.html.j2",
        EXTENDS + "{% block title %}{{ headline_of_the_day }}{% endblock %}",
    )

    with pytest.raises(UndefinedError, match="headline_of_the_day"):
        digest(newsletter(), folder)


def test_a_template_that_does_not_parse_says_where(folder: Path) -> None:
    write(folder, "morning/digest/broadsheet.html.j2", "{% if %}")

    with pytest.raises(TemplateError, match="Expected an expression"):
        digest(newsletter(), folder)
