"""What templates are given of a story and of the page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from courant import locales
from courant.articles import Image
from courant.editions import view
from courant.editions.select import Story
from courant.editions.view import Occasion
from tests.test_digest import DAY, NEWSLETTER, NOW, ZONE, sections_of, story


def shown(*stories: Story, locale: str = "en", **changes: object) -> list[dict[str, Any]]:
    """The stories of the only section, as a template gets them."""
    occasion = Occasion(newsletter=NEWSLETTER.model_copy(update=changes), day=DAY, zone=ZONE)
    context = view.page(occasion, sections_of({"a": [*stories]}), locales.strings(locale), locale)
    found: list[dict[str, Any]] = context["sections"][0]["stories"]
    return found


@pytest.mark.parametrize(
    ("article", "paper", "page", "language"),
    [
        # Who doesn't say is taken to write the newsletter's language.
        (None, "nl", "en-US", "nl"),
        (None, "nl", "nl-BE", None),
        ("en-GB", "nl", "en-US", None),
        ("nl-BE", "nl", "en-US", "nl-BE"),
        ("ar", "nl", "nl", "ar"),
    ],
)
def test_a_story_has_a_language_where_the_page_is_in_another(
    article: str | None, paper: str, page: str, language: str | None
) -> None:
    (found,) = shown(story("a1", language=article), language=paper, locale=page)

    assert found["lang"] == language


@pytest.mark.parametrize(
    ("title", "summary", "page", "direction"),
    [
        ("The ferry is back", "It came in before five.", "en", None),
        ("The ferry is back", "It came in before five.", "ar", "ltr"),
        ("العبّارة تعود إلى الميناء", "وصلت قبل الخامسة.", "en", "rtl"),
        ("העבורת חזרה לנמל", "", "en", "rtl"),
        # What it begins with says nothing of a headline.
        ("BBC: العبّارة تعود إلى الميناء", "", "en", "rtl"),
        ("BBC: العبّارة تعود إلى الميناء", "", "ar", None),
        ("«غرفة»: a reading room opens its doors", "", "en", None),
        ("2026", "", "ar", None),
    ],
)
def test_a_story_has_a_direction_where_it_runs_against_the_page(
    title: str, summary: str, page: str, direction: str | None
) -> None:
    (found,) = shown(story("a1", title=title, summary=summary), locale=page)

    assert found["dir"] == direction


@pytest.mark.parametrize(
    ("locale", "line", "within"),
    [
        ("nl", "Zondag 22 november 2026", "zondag 22 november 2026"),
        ("fr", "Dimanche 22 novembre 2026", "dimanche 22 novembre 2026"),
        ("es", "Domingo, 22 de noviembre de 2026", "domingo, 22 de noviembre de 2026"),
        ("ar", "الأحد، 22 نوفمبر 2026", "الأحد، 22 نوفمبر 2026"),
        # Georgian has capitals, for whole words only.
        ("ka", "კვირა, 22 ნოემბერი, 2026", "კვირა, 22 ნოემბერი, 2026"),
        ("zh", "2026年11月22日星期日", "2026年11月22日星期日"),
    ],
)
def test_a_date_that_stands_alone_begins_with_a_capital(
    locale: str, line: str, within: str
) -> None:
    occasion = Occasion(newsletter=NEWSLETTER, day=date(2026, 11, 22), zone=ZONE)

    context = view.page(occasion, sections_of({}), locales.strings(locale), locale)

    assert (context["date_text"], context["date_within"]) == (line, within)


def test_a_story_names_five_other_papers_once_each() -> None:
    wires = [replace(story(f"a{n}").lead, source=f"Wire {n}") for n in range(9)]
    second_feed = replace(wires[1], url="https://example.org/second")

    many, twice = shown(Story(tuple(wires)), Story((*wires[:2], second_feed)))

    assert [each["source"] for each in many["also"]] == [f"Wire {n}" for n in range(1, 6)]
    assert [each["url"] for each in twice["also"]] == ["https://example.org/a1"]


@pytest.mark.parametrize(
    ("published", "date_text"),
    [
        (NOW, ""),
        (NOW - timedelta(hours=20), ""),
        # Past midnight in Amsterdam already.
        (datetime(2026, 11, 20, 23, 30, tzinfo=UTC), ""),
        (datetime(2026, 11, 18, 23, 30, tzinfo=UTC), "November 19"),
        (NOW - timedelta(days=2), "November 20"),
        (NOW + timedelta(days=1), "November 23"),
        (NOW - timedelta(days=299), "January 27"),
        (NOW - timedelta(days=301), "January 25, 2026"),
        (datetime(2019, 11, 22, tzinfo=UTC), "November 22, 2019"),
    ],
)
def test_only_what_is_not_new_says_its_date(published: datetime, date_text: str) -> None:
    (found,) = shown(story("a1", published=published))

    assert found["date_text"] == date_text


@pytest.mark.parametrize(
    "sentence",
    [
        "U.S. president signs the bill after a long night.",
        "U.S. Senators vote on the bill after a long night.",
        "Mr. Smith goes to the harbour and does not come back.",
    ],
)
def test_a_brief_summary_does_not_end_at_an_abbreviation(sentence: str) -> None:
    (found,) = shown(story("a1", summary=f"{sentence} {'More of it follows. ' * 9}"))

    assert found["brief"] == sentence


@pytest.mark.parametrize(
    ("image", "max_height", "size"),
    [
        (Image("https://example.org/a", 800, 600), None, (400, 300)),
        (Image("https://example.org/a", 800, 1600), None, (400, 800)),
        (Image("https://example.org/a", 800, 1600), 400, (200, 400)),
        (Image("https://example.org/a", 4000, 1), None, (400, 1)),
        (Image("https://example.org/a", 1, 4000), 400, (1, 400)),
        # Of one side nothing follows for the other.
        (Image("https://example.org/a", 800, None), 400, (400, None)),
        (Image("https://example.org/a", None, 800), 400, (400, None)),
    ],
)
def test_a_picture_is_scaled_to_its_width(
    image: Image, max_height: int | None, size: tuple[int, int | None]
) -> None:
    assert view.fit(image, 400, max_height) == {"width": size[0], "height": size[1]}
