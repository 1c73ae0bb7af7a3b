"""The page of an edition: what is in it, what can't get into it, where it lies."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from courant.articles import Article, Image
from courant.editions.pressing import WebPage
from courant.editions.select import SectionStories, Story
from courant.editions.view import Occasion
from courant.editions.web_edition import compose_page, path_of
from courant.newsletter import Newsletter
from courant.schedule import EditionId
from courant.templates import TEMPLATES

EDITION = EditionId("morning", "daily", date(2026, 11, 22))
AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
URL = "https://news.example.org/e/morning/daily/2026-11-22/0600"
HOSTILE = "\"><script>alert(1)</script>{{ 7 * 7 }}</style>'&"


def newsletter(**changes: object) -> Newsletter:
    return Newsletter.model_validate(
        {
            "id": "morning",
            "title": "The Morning",
            "description": "News from the harbour",
            "language": "en-GB",
            "sender": {"name": "The Morning", "address": "morning@news.example.org"},
            "postal_address": "1 Harbour Street\n1234 AB Havenmere",
            "cadences": {"daily": {"cron": "0 7 * * *", "timezone": "Europe/Amsterdam"}},
            "sections": [
                {"id": "world", "title": "World", "feeds": ["https://a.example/w"], "limit": 3},
                {"id": "sport", "title": "Sport", "feeds": ["https://a.example/s"], "limit": 2},
            ],
            **changes,
        }
    )


def article(number: int, **changes: object) -> Article:
    made = Article(
        id=f"{number:032x}",
        feed_id="f",
        url=f"https://example.org/{number}",
        title=f"Headline {number}",
        summary=f"What happened, part {number}.",
        source="Wire",
        author="Ada L.",
        first_seen=AT,
        published=AT,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # any field of an article


def stories(letter: Newsletter, *counts: int, **changes: object) -> tuple[SectionStories, ...]:
    """So many stories a section, numbered through."""
    number, found = 0, []
    for section, count in zip(letter.sections, counts, strict=True):
        found.append(
            SectionStories(
                section,
                tuple(Story((article(number + n, **changes),)) for n in range(1, count + 1)),
            )
        )
        number += count
    return tuple(found)


def compose(
    letter: Newsletter | None = None,
    sections: tuple[SectionStories, ...] | None = None,
    folder: Path = TEMPLATES,
) -> tuple[WebPage, str]:
    letter = letter or newsletter()
    occasion = Occasion(
        newsletter=letter, day=EDITION.date, zone=ZoneInfo("Europe/Amsterdam"), web_url=URL
    )
    sections = sections or stories(letter, 3, 2)
    return compose_page(occasion, sections, EDITION, path_of(EDITION, AT), folder)


def tree(page: str) -> lxml_html.HtmlElement:
    return lxml_html.document_fromstring(page)


def meta(page: str) -> dict[str, str]:
    """What the page says of itself: name or property → content."""
    return {
        str(each.get("property") or each.get("name")): str(each.get("content"))
        for each in tree(page).iter("meta")
        if each.get("content")
    }


@pytest.mark.parametrize(
    ("instant", "number", "path"),
    [
        (AT, 0, "/e/morning/daily/2026-11-22/0600"),
        (AT, 2, "/e/morning/daily/2026-11-22/0600-2"),
        # Kiritimati at seven, and Niue at six the same day: a day apart, both at 17:00 UTC.
        (datetime(2026, 11, 21, 17, tzinfo=UTC), 0, "/e/morning/daily/2026-11-22/20261121T1700"),
        (datetime(2026, 11, 22, 17, tzinfo=UTC), 0, "/e/morning/daily/2026-11-22/1700"),
        (
            datetime(2026, 11, 22, 7, tzinfo=ZoneInfo("Europe/Amsterdam")),
            0,
            "/e/morning/daily/2026-11-22/0600",
        ),
    ],
)
def test_a_path_names_the_edition_and_the_instant(
    instant: datetime, number: int, path: str
) -> None:
    assert path_of(EDITION, instant, number) == path


def test_an_extra_edition_has_a_path_of_its_own() -> None:
    extra = replace(EDITION, extra="budget-day")

    assert path_of(extra, AT) == "/e/morning/daily/2026-11-22+budget-day/0600"


@given(
    st.lists(
        st.tuples(
            # Minutes from the edition's midnight, days before to days after.
            st.integers(-4000, 4000).map(lambda n: AT.replace(hour=0) + timedelta(minutes=n)),
            st.integers(0, 3),
        ),
        min_size=2,
        unique=True,
    )
)
def test_no_two_pressings_share_a_path(pressings: list[tuple[datetime, int]]) -> None:
    paths = {path_of(EDITION, instant, number) for instant, number in pressings}

    assert len(paths) == len(pressings)


def test_the_page_shows_every_section_and_story_in_order() -> None:
    _, page = compose()

    shown = [link.text_content().strip() for link in tree(page).iterfind(".//h3/a")]
    assert shown == [f"Headline {n}" for n in range(1, 6)]
    assert [each.text_content() for each in tree(page).iterfind(".//h2")] == ["World", "Sport"]
    assert "1 Harbour Street" in page


def test_a_section_shows_its_limit_and_a_story_stands_once() -> None:
    letter = newsletter()
    world, sport = stories(letter, 5, 2)
    shared = SectionStories(sport.section, (world.stories[0], *sport.stories))

    _, page = compose(letter, (world, shared))

    shown = [link.text_content().strip() for link in tree(page).iterfind(".//h3/a")]
    assert shown == ["Headline 1", "Headline 2", "Headline 3", "Headline 6", "Headline 7"]


def test_the_same_stories_make_the_same_page() -> None:
    assert compose() == compose()


def test_another_story_makes_another_key() -> None:
    letter = newsletter()

    one, other = compose(letter)[0], compose(letter, stories(letter, 3, 1))[0]

    assert one.key != other.key
    assert re.fullmatch(r"web/morning/daily/2026-11-22/[0-9a-f]{64}\.html", one.key)


def test_headings_go_down_step_by_step() -> None:
    _, page = compose(newsletter(note="**Good morning.**"))

    levels = [int(each.tag[1]) for each in tree(page).iter("h1", "h2", "h3", "h4", "h5", "h6")]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_page_has_its_landmarks_and_the_nav_leads_to_every_section() -> None:
    _, page = compose()

    root = tree(page)
    assert all(len(list(root.iter(name))) == 1 for name in ("header", "main", "nav", "footer"))
    targets = [str(link.get("href")) for link in root.iterfind(".//nav//a")]
    assert targets == ["#world", "#sport"]
    assert {each.get("id") for each in root.iter("section")} >= {"world", "sport"}


def test_ids_are_unique_even_if_a_section_is_called_as_ours_are() -> None:
    section = {"id": "note", "title": "Note", "feeds": ["https://a.example/n"]}
    letter = newsletter(note="Good morning", sections=[section])

    _, page = compose(letter, stories(letter, 2))

    ids = [each.get("id") for each in tree(page).iter() if each.get("id")]
    assert len(ids) == len(set(ids))


def test_the_page_says_what_it_is_to_those_who_share_it() -> None:
    letter = newsletter()
    image = Image("https://img.example/a.jpg", 1200, 800)

    page, html = compose(letter, stories(letter, 2, 1, image=image))

    said = meta(html)
    assert said["og:type"] == "article"
    assert said["og:title"] == page.headline == "Headline 1"
    assert said["og:description"] == page.summary == "Headline 2 · Headline 3"
    assert said["og:image"] == page.image == "https://img.example/a.jpg"
    assert said["og:url"] == URL
    assert said["og:site_name"] == "The Morning"
    assert said["og:locale"] == "en_GB"
    links = {str(each.get("rel")): str(each.get("href")) for each in tree(html).iter("link")}
    assert links == {"canonical": URL, "alternate": "/e/morning/feed.xml"}


def test_a_page_of_one_story_is_summed_up_by_that_story() -> None:
    letter = newsletter()

    page, html = compose(letter, stories(letter, 1, 0))

    assert page.summary == meta(html)["og:description"] == "What happened, part 1."


@pytest.mark.parametrize(
    ("pictures", "shown"),
    [
        ("12", "https://img.example/1.jpg"),
        # The first that there is, else the paper's own.
        ("-23", "https://img.example/2.jpg"),
        ("---", "https://news.example.org/logo.png"),
    ],
)
def test_a_page_is_shared_with_the_first_picture(pictures: str, shown: str) -> None:
    letter = newsletter(brand={"logo": "https://news.example.org/logo.png"})
    told = [
        Story(
            (article(n, image=None if name == "-" else Image(f"https://img.example/{name}.jpg")),)
        )
        for n, name in enumerate(pictures)
    ]

    page, html = compose(letter, (SectionStories(letter.sections[0], tuple(told)),))

    assert page.image == meta(html)["og:image"] == shown


@pytest.mark.parametrize(("asked", "robots"), [(False, "noindex"), (True, None)])
def test_search_engines_are_asked_to_leave_it_unless_wanted(
    asked: bool, robots: str | None
) -> None:
    _, page = compose(newsletter(web={"search_engines": asked}))

    assert meta(page).get("robots") == robots


def test_the_page_needs_no_script_and_no_style_of_elsewhere() -> None:
    letter = newsletter(note="Good [morning](https://example.org)", brand={"footer": "Write us"})

    _, page = compose(letter, stories(letter, 3, 2, image=Image("https://img.example/a.jpg")))

    root = tree(page)
    assert not list(root.iter("script", "iframe", "form", "object", "embed", "base"))
    assert len(list(root.iter("style"))) == 1
    assert not [each for each in root.iter() if each.get("style")]
    assert not [name for each in root.iter() for name in each.attrib if str(name).startswith("on")]
    assert not re.search(r"@import|url\(", page)


def test_strangers_words_stay_words() -> None:
    letter = newsletter(
        title="Morning </style><script>", description=HOSTILE, postal_address=HOSTILE
    )
    sections = stories(letter, 2, 1, title=HOSTILE, summary=HOSTILE, source=HOSTILE, author=HOSTILE)

    page, html = compose(letter, sections)

    root = tree(html)
    assert not list(root.iter("script"))
    assert len(list(root.iter("style"))) == 1
    assert page.headline == HOSTILE
    assert root.find(".//h3/a").text_content() == HOSTILE
    assert meta(html)["og:title"] == HOSTILE


def test_pictures_have_their_size_and_wait_until_they_are_near() -> None:
    letter = newsletter()
    sections = stories(letter, 3, 2, image=Image("https://img.example/a.jpg", 1600, 800))

    _, page = compose(letter, sections)

    first, *others = tree(page).iter("img")
    assert (first.get("width"), first.get("height"), first.get("loading")) == ("1200", "600", None)
    assert len(others) == 4
    for image in others:
        assert image.get("loading") == "lazy"
        assert int(image.get("width")) == 2 * int(image.get("height"))
        assert image.get("alt") == ""


def test_a_thumbnail_is_not_blown_up() -> None:
    letter = newsletter()

    _, page = compose(letter, stories(letter, 1, 1, image=Image("https://img.example/t", 90, 60)))

    image = next(tree(page).iter("img"))
    assert (image.get("width"), image.get("height")) == ("90", "60")
    assert "tiny" in image.getparent().get("class")


def test_the_page_is_in_the_newsletters_language_and_direction() -> None:
    _, page = compose(newsletter(language="ar"))

    root = tree(page)
    assert (root.get("lang"), root.get("dir")) == ("ar", "rtl")
    # A story that runs the other way does so in all its lines.
    assert {each.get("dir") for each in root.iter("h3")} == {"ltr"}
    lines = root.findall(".//p[@class='summary']") + root.findall(".//p[@class='meta']")
    assert {each.get("dir") for each in lines} == {"ltr"}
    assert not re.search(r"(margin|padding|border)-(left|right)|float: (left|right)", page)


def test_accent_and_fonts_are_the_brands() -> None:
    brand = {
        "accent": "#123456",
        "heading_font": "Charter, serif",
        "text_font": "Inter, sans-serif",
    }

    _, page = compose(newsletter(brand=brand))

    style = tree(page).find(".//style").text
    assert "--accent: #123456" in style
    assert "--heading: Charter, serif" in style
    assert "--text: Inter, sans-serif" in style


def test_the_note_ends_on_its_day() -> None:
    def noted(until: str) -> bool:
        return (
            "Good morning" in compose(newsletter(note={"text": "Good morning", "until": until}))[1]
        )

    assert noted("2026-11-22")
    assert not noted("2026-11-21")


def test_also_in_and_reading_time_are_told() -> None:
    letter = newsletter()
    story = Story((article(1, words=880), article(2, source="Harbour Post")))

    _, page = compose(letter, (SectionStories(letter.sections[0], (story,)),))

    text = tree(page).find(".//article").text_content()
    assert re.search(r"4\smin read", text)
    assert "Harbour Post" in text
    assert 'href="https://example.org/2"' in page


def test_an_editors_own_template_takes_the_place_of_ours(tmp_path: Path) -> None:
    for name in ("digest", "locales", "web"):
        (tmp_path / name).symlink_to(TEMPLATES / name)
    own = tmp_path / "morning" / "web" / "edition.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text(
        '{% extends "courant/web/edition.html.j2" %}{% block foot %}<p>Ours alone</p>{% endblock %}'
    )

    _, page = compose(folder=tmp_path)

    assert "Ours alone" in page
    assert "Headline 1" in page
