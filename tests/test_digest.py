"""The join: what a reader gets is what rendering and inlining their page alone would give."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import escape, unescape
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courant.articles import Article, Image
from courant.delivery.digest import Digest, Reader, join, message
from courant.editions.budget import LIMIT
from courant.editions.pressing import Frozen, Pressing
from courant.editions.render import render
from courant.editions.select import SectionStories, Story
from courant.editions.view import Occasion
from courant.newsletter import Newsletter, Section
from courant.schedule import EditionId, Slot
from courant.templates import TemplateBroken

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
DAY, ZONE = date(2026, 11, 22), ZoneInfo("Europe/Amsterdam")
LINK = "https://news.example.org/u/token"
NEWSLETTER = Newsletter.model_validate(
    {
        "id": "morning",
        "title": "The Morning & Co",
        "description": "News <fresh>",
        "sender": {"name": "The Morning", "address": "morning@example.org"},
        "postal_address": "1 Harbour Street",
        "cadences": {"daily": {"cron": "0 7 * * *", "timezone": "Europe/Amsterdam"}},
        "sections": [{"id": "s", "title": "S", "feeds": ["https://example.org/f"]}],
    }
)


def story(name: str, **changes: object) -> Story:
    article = Article(
        id=name,
        feed_id="f",
        url=f"https://example.org/{name}",
        title=f"Title {name}",
        summary=f"Summary of {name}.",
        source="Wire",
        first_seen=NOW,
        published=NOW,
    )
    return Story((replace(article, **changes),))  # type: ignore[arg-type]  # fields of Article


def sections_of(layout: dict[str, list[Story]]) -> tuple[SectionStories, ...]:
    return tuple(
        SectionStories(
            Section(id=name, title=f"Section {name}", feeds=("https://example.org/f",), limit=50),
            tuple(stories),
        )
        for name, stories in layout.items()
    )


def press(layout: dict[str, list[Story]]) -> Pressing:
    occasion = Occasion(newsletter=NEWSLETTER, day=DAY, zone=ZONE)
    return render(occasion, sections_of(layout), (Slot("daily"),))


def joined(pressing: Pressing, *sections: str) -> Digest:
    digest = join(pressing, Reader(sections=sections), LINK)
    assert digest is not None
    return digest


THREE = {
    "a": [story("a1", image=Image("https://example.org/a1.jpg", 1200, 630)), story("a2")],
    "b": [story("b1"), story("b2", summary="", author="Zoë Ångström")],
    "c": [story("c1"), story("a1", image=Image("https://example.org/a1.jpg", 1200, 630))],
}


@pytest.fixture(scope="module")
def pressing() -> Pressing:
    """Three sections; the first story of ``a`` is also in ``c``."""
    return press(THREE)


@given(chosen=st.permutations(["a", "b", "c"]), keep=st.integers(1, 3))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_joining_equals_rendering_and_inlining_the_readers_page_alone(
    pressing: Pressing, chosen: list[str], keep: int
) -> None:
    choice = chosen[:keep]
    shown: set[str] = set()
    layout: dict[str, list[Story]] = {}
    for name in choice:
        layout[name] = [each for each in THREE[name] if each.id not in shown]
        shown |= {each.id for each in layout[name]}
    # A page of its own: only these sections, in this order, joined without choosing anything.
    alone = press(layout)

    ours, theirs = joined(pressing, *choice), joined(alone)

    assert ours.html == theirs.html
    assert ours.text == theirs.text
    assert ours.subject == theirs.subject


def test_no_choice_is_every_section_and_unknown_ones_are_passed_over(pressing: Pressing) -> None:
    assert (
        joined(pressing) == joined(pressing, "a", "b", "c") == joined(pressing, "x", "a", "b", "c")
    )


def test_sections_without_stories_make_no_digest(pressing: Pressing) -> None:
    assert join(pressing, Reader(sections=("x",)), LINK) is None


def test_a_story_of_two_sections_is_shown_in_the_first(pressing: Pressing) -> None:
    digest = joined(pressing, "c", "a")

    assert digest.stories == ("c1", "a1", "a2")
    assert digest.html.count("https://example.org/a1.jpg") == 1


def test_subject_is_the_readers_own_lead_and_the_preheader_what_follows(
    pressing: Pressing,
) -> None:
    digest = joined(pressing, "b", "a")

    assert digest.subject == "Title b1"
    assert digest.preheader == "Title b2 · Title a1 · Title a2"


@pytest.mark.parametrize(
    ("title", "subject"),
    [("w" * 150, "w" * 150), ("w" * 400, "w" * 149 + "…"), ("word " * 40, "word " * 29 + "word…")],
)
def test_a_subject_has_150_characters_at_most(title: str, subject: str) -> None:
    assert joined(press({"a": [story("a1", title=title.strip())]})).subject == subject


def test_where_nothing_follows_the_preheader_is_the_newsletters_title() -> None:
    assert joined(press({"a": [story("a1")]})).preheader == "The Morning & Co"


@pytest.mark.parametrize("chosen", [(), ("b", "a")])
def test_only_the_very_first_story_is_large(pressing: Pressing, chosen: tuple[str, ...]) -> None:
    digest = joined(pressing, *chosen)

    (sheet,) = pressing.sheets
    stories = [story for section in sheet.sections for story in section.stories]
    assert all(story.lead.html != story.plain.html for story in stories)
    first, *others = digest.stories
    assert {story.id for story in stories if story.lead in digest.pieces} == {first}
    assert {story.id for story in stories if story.plain in digest.pieces} == {*others}


@pytest.mark.parametrize("reply_to", ["desk@example.org", None])
def test_answers_go_where_the_editors_want_them(pressing: Pressing, reply_to: str | None) -> None:
    asked = replace(pressing, masthead=replace(pressing.masthead, reply_to=reply_to))

    raw = message(asked, joined(asked), to="ada@example.org", now=NOW, unsubscribe_url=LINK)

    assert (b"\r\nReply-To: desk@example.org\r\n" in raw) is (reply_to is not None)
    assert (b"Reply-To" in raw) is (reply_to is not None)


def test_a_test_says_so(pressing: Pressing) -> None:
    digest = join(pressing, Reader(), LINK, test=True)

    assert digest is not None
    assert digest.subject == "[Test] Title a1"


def test_nothing_is_left_of_marks_and_placeholders(pressing: Pressing) -> None:
    digest = joined(pressing)

    for page in (digest.html, digest.text):
        assert not re.search(r"c[0-9a-f]{32}c|<!--[0-9a-f]{32}", page)
        assert LINK in page


@pytest.mark.parametrize(
    "title",
    [
        "{{ 7 * 7 }} {% include 'x' %}",
        "%%UNSUBSCRIBE%% {{amazonSESUnsubscribeUrl}}",
        "<script>alert(1)</script>",
        "\"quoted\" & 'more' <b>",
        "a --> b <!-- c",
        "&#123;&#123;x&#125;&#125; &amp;amp;",
    ],
)
def test_titles_that_look_like_code_are_only_text(title: str) -> None:
    digest = joined(press({"a": [story("a1", title=title)]}))

    assert digest.subject == title
    assert title in unescape(digest.html)
    assert escape(title, quote=False) in digest.html or escape(title) in digest.html
    assert title in " ".join(digest.text.split())
    assert "<script>alert" not in digest.html


def test_an_article_can_not_carry_a_readers_link_away() -> None:
    thief = story("a1", url="https://evil.example/?u=unsubscribe_url&p=c" + "0" * 32 + "c")

    digest = joined(press({"a": [thief]}))

    assert "evil.example/?u=https" not in digest.html


def test_a_digest_stays_under_the_clip_by_dropping_the_last_stories_and_says_so() -> None:
    layout = {
        name: [story(f"{name}{n}", summary="word " * 60) for n in range(40)] for name in "abcd"
    } | {"e": [story("e0")]}
    pressing = press(layout)

    digest = joined(pressing)

    assert len(digest.html.encode()) <= LIMIT
    sections = {each[0] for each in digest.stories}
    assert sections == set("abcde")  # no section goes while another has more than one
    dropped = 161 - len(digest.stories)
    assert dropped > 0
    assert str(dropped) in digest.html
    assert str(dropped) in digest.text


def test_a_frozen_pressing_thaws_the_same(pressing: Pressing) -> None:
    frozen = Frozen(
        edition=EditionId("morning", "daily", DAY),
        instant=NOW,
        cut_at=NOW + timedelta(seconds=5),
        pressings=(pressing,),
    )

    assert Frozen.from_json(frozen.to_json()) == frozen


def test_styles_that_premailer_must_leave_are_still_there(pressing: Pressing) -> None:
    html = joined(pressing).html

    assert html.startswith("<!DOCTYPE html>")
    assert "@media (prefers-color-scheme:dark)" in html
    assert "!important" in html
    assert "<!--[if mso]>" in html
    assert 'width="600"' in html
    assert "data-premailer" not in html
    assert "<script" not in html
    assert "<link" not in html


def test_a_name_is_only_text() -> None:
    pressing = press({"a": [story("a1")]})

    digest = join(pressing, Reader(name="<b>Ada</b>\r\nBcc: x\u202e & {{ co }}"), LINK)

    assert digest is not None
    assert "&lt;b&gt;Ada&lt;/b&gt; Bcc: x &amp; {{ co }}" in digest.html
    assert "<b>Ada</b> Bcc: x & {{ co }}" in digest.text


def test_who_gave_no_name_is_not_greeted(pressing: Pressing) -> None:
    named = join(pressing, Reader(name="Ada"), LINK)

    assert named is not None
    assert "Ada" in named.html
    assert pressing.sheets[0].greeting.html not in joined(pressing).html


def test_a_frame_that_leaves_no_room_for_news_is_refused() -> None:
    heavy = NEWSLETTER.model_copy(update={"postal_address": "x" * 60_000})

    with pytest.raises(TemplateBroken, match="weighs"):
        render(
            Occasion(newsletter=heavy, day=DAY, zone=ZONE),
            sections_of({"a": [story("a1")]}),
            (Slot("daily"),),
        )


def test_every_locale_that_readers_have_and_we_speak_gets_a_sheet() -> None:
    pressing = render(
        Occasion(newsletter=NEWSLETTER, day=DAY, zone=ZONE),
        sections_of({"a": [story("a1")]}),
        (Slot("daily"),),
        locales={"nl", "nl-BE", "tlh", "en"},
    )

    assert [sheet.locale for sheet in pressing.sheets] == ["en", "nl", "nl-BE"]
    assert pressing.sheet("nl-NL").locale == "nl"
    assert pressing.sheet("tlh") is pressing.sheet(None) is pressing.sheets[0]
    assert "Uitschrijven" in pressing.sheet("nl").foot.html


def test_each_reader_has_as_many_stories_of_a_section_as_they_want() -> None:
    pressing = press({"a": [story(f"a{n}") for n in range(5)], "b": [story("b1")]})

    digest = join(pressing, Reader(sections=("a", "b", "a"), limit=2), LINK)

    assert digest is not None
    assert digest.stories == ("a0", "a1", "b1")


def test_who_wants_more_than_a_section_shows_gets_what_it_shows() -> None:
    (sheet,) = press({"a": [story(f"a{n}") for n in range(3)]}).sheets
    few = replace(sheet, sections=(replace(sheet.sections[0], limit=2),))
    pressing = replace(press({"a": [story("a1")]}), sheets=(few,))

    digest = join(pressing, Reader(limit=50), LINK)

    assert digest is not None
    assert digest.stories == ("a0", "a1")


def test_an_author_who_is_the_source_is_named_once() -> None:
    layout = {"a": [story("a1", author="Wire"), story("a2", author="Ada")]}

    text = joined(press(layout)).text

    assert text.count("Wire\n") == 1
    assert "Wire ·\u00a0by Ada\n" in text
