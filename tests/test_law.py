"""The law of the pressing: what is joined equals what rendering a reader's page alone gives.

DESIGN §5. Rendering alone is render.alone: the template with only that reader's stories and values,
inlined by itself, nothing cut. The mail is taken as it is sent: encoded, parsed again and decoded.
"""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courant.articles import Article, Image
from courant.delivery import mime
from courant.delivery.digest import Digest, Reader, join, message
from courant.editions.budget import LIMIT
from courant.editions.pressing import Own, Pressing
from courant.editions.render import alone, render
from courant.editions.select import SectionStories, Story
from courant.editions.view import Occasion
from courant.newsletter import Newsletter, Section
from courant.schedule import Slot

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
LINK = "https://news.example.org/u/AbC-_9.x?a=1&b=2"
LOOKS = ("broadsheet", "brief", "cards")
SECTIONS = ("a", "b", "c", "d")

# Titles and summaries as gather leaves them: any character that is no control, in one line. What
# looks like our templates, our marks, SES's or HTML's own is only text.
CODE = [
    "{{ 7 * 7 }}",
    "{% raw %}",
    "%%",
    "<b>&amp;</b>",
    "--> <!--",
    "&#8199;",
    '"',
    "'",
    "{name}",
    "=\r",
]
letters = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
line = st.lists(
    st.one_of(st.sampled_from(CODE).map(lambda code: code.strip()), st.text(letters, max_size=12)),
    max_size=6,
).map(lambda words: " ".join(" ".join(words).split()))
titles = line.map(lambda text: text or "Untitled")
images = st.builds(
    Image,
    st.sampled_from(["https://i.example.org/a.jpg", "https://i.example.org/ü?b=1&c=%20"]),
    *[st.none() | st.integers(1, 4000)] * 2,
)


def occasion(look: str, **changes: object) -> Occasion:
    newsletter = Newsletter.model_validate(
        {
            "id": "morning",
            "title": "The Morning & Co",
            "description": "News <fresh>",
            "look": look,
            "sender": {"name": "The Morning", "address": "morning@example.org"},
            "postal_address": "1 Harbour Street\nHavenmere",
            "cadences": {"daily": {"cron": "0 7 * * *", "timezone": "Europe/Amsterdam"}},
            "sections": [{"id": "s", "title": "S", "feeds": ["https://example.org/f"]}],
            "note": "**Dear** reader, [here](https://example.org/?a=1&b=2).",
            "brand": {
                "footer": "Ours & yours",
                "social": [{"name": "M", "url": "https://m.example.org/"}],
            },
            **changes,
        }
    )
    return Occasion(
        newsletter=newsletter,
        day=date(2026, 11, 22),
        zone=ZoneInfo("Europe/Amsterdam"),
        web_url="https://news.example.org/e/morning/daily/2026-11-22/0600?x=1&y=2",
    )


@st.composite
def articles(draw: st.DrawFn, number: int) -> Article:
    return Article(
        id=f"{number:032x}",
        feed_id="f",
        url=f"https://example.org/{number}?a=1&b={draw(st.sampled_from(['', 'é', '%C3']))}",
        title=draw(titles),
        summary=draw(line),
        source=draw(titles),
        first_seen=NOW,
        author=draw(st.none() | titles),
        language=draw(st.sampled_from([None, "en", "ar", "zh-Hant"])),
        image=draw(st.none() | images),
        words=draw(st.none() | st.integers(1, 5000)),
    )


@st.composite
def editions(draw: st.DrawFn) -> tuple[SectionStories, ...]:
    """Up to four sections over a pool of stories, so that some are in several, led by another."""
    pool = [draw(articles(number)) for number in range(draw(st.integers(1, 7)))]
    pairs = st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique_by=lambda one: one.id)
    sections = []
    for name in SECTIONS[: draw(st.integers(1, len(SECTIONS)))]:
        stories: dict[str, Story] = {}
        for members in draw(st.lists(pairs, min_size=1, max_size=4)):
            stories.setdefault(members[0].id, Story(tuple(members)))
        section = Section(
            id=name,
            title=draw(titles)[:200],
            intro=draw(st.none() | st.just("*Intro* & more")),
            feeds=("https://example.org/f",),
            limit=draw(st.integers(1, 4)),
        )
        sections.append(SectionStories(section, tuple(stories.values())))
    return tuple(sections)


readers = st.builds(
    Reader,
    sections=st.lists(st.sampled_from([*SECTIONS, "gone"]), max_size=5).map(tuple),
    limit=st.none() | st.integers(1, 3),
    name=st.none() | line,
    locale=st.sampled_from([None, "en", "en-GB", "nl", "ar", "xx"]),
)


def dealt(sections: tuple[SectionStories, ...], reader: Reader) -> list[SectionStories]:
    """What this reader is to see, said plainly: the test's own words for courant.editions.deal."""
    by_id = {each.section.id: each for each in sections}
    order = [id_ for id_ in dict.fromkeys(reader.sections) if id_ in by_id]
    seen: set[str] = set()
    page = []
    for id_ in order if reader.sections else by_id:
        section = by_id[id_].section
        stories: list[Story] = []
        for story in by_id[id_].stories:
            ids = {article.id for article in story.articles}
            if len(stories) < min(section.limit, reader.limit or 99) and not ids & seen:
                stories.append(story)
                seen |= ids
        if stories:
            page.append(SectionStories(section, tuple(stories)))
    return page


def without(page: list[SectionStories], kept: tuple[str, ...]) -> list[SectionStories]:
    """The page with only the stories that were kept, a section's last gone first."""
    left = list(kept)
    result = []
    for each in page:
        stories = []
        for story in each.stories:
            if left and story.id == left[0]:
                stories.append(story)
                left.pop(0)
        if stories:
            result.append(SectionStories(each.section, tuple(stories)))
    assert not left
    return result


def decoded(pressing: Pressing, digest: Digest) -> tuple[str, str]:
    """HTML and text of the mail as a mail program has them."""
    raw = message(pressing, digest, to="r@example.org", now=NOW, unsubscribe_url=LINK)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    # On the wire lines end in CRLF.
    text, html = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    return html, text


def check(at: Occasion, sections: tuple[SectionStories, ...], reader: Reader) -> Digest | None:
    # The others' sheets are rendered apart, and only take time.
    pressing = render(at, sections, (Slot("daily"),), locales={reader.locale or "en"})
    digest = join(pressing, reader, LINK)
    page = dealt(sections, reader)
    if digest is None:
        assert not page
        return None
    sheet = pressing.sheet(reader.locale)
    own = Own(
        subject=digest.subject,
        preheader=digest.preheader,
        name=mime.clean(reader.name or "", 60),
        unsubscribe_url=LINK,
        dropped=sheet.left_out[digest.dropped - 1] if digest.dropped else "",
    )
    html, text = alone(at, without(page, digest.stories), own, locale=sheet.locale)

    ours_html, ours_text = decoded(pressing, digest)

    assert ours_html.rstrip("\n") == html.rstrip("\n")
    assert ours_text.rstrip("\n") == text.rstrip("\n")
    assert len(digest.html.encode()) <= LIMIT
    assert not any(each in ours_html + ours_text for each in pressing.placeholders.all())
    assert len(digest.stories) + digest.dropped == sum(len(each.stories) for each in page)
    return digest


@pytest.mark.parametrize("look", LOOKS)
@given(sections=editions(), reader=readers)
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_a_joined_mail_equals_the_readers_page_rendered_alone(
    look: str, sections: tuple[SectionStories, ...], reader: Reader
) -> None:
    check(occasion(look), sections, reader)


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
@given(sections=editions(), reader=readers)
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_the_law_holds_for_many(
    look: str, sections: tuple[SectionStories, ...], reader: Reader
) -> None:
    check(occasion(look), sections, reader)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("locale", ["en", "ar"])
def test_the_law_holds_where_stories_are_left_out(look: str, locale: str) -> None:
    sections = tuple(
        SectionStories(
            Section(id=name, title=name, feeds=("https://example.org/f",), limit=50),
            tuple(
                Story(
                    (
                        Article(
                            id=f"{name}{number}",
                            feed_id="f",
                            url=f"https://example.org/{name}{number}",
                            title=f"Title {number} of {name} " + "& so on " * 8,
                            summary="What happened, and why it matters to those who live there. "
                            * 4,
                            source="Wire",
                            first_seen=NOW,
                            image=Image("https://i.example.org/a.jpg", 1200, 630),
                        ),
                    )
                )
                for number in range(40)
            ),
        )
        for name in SECTIONS
    )

    digest = check(
        occasion(look), sections, Reader(sections=("c", "a", "d", "b"), name="Zoë", locale=locale)
    )

    assert digest is not None
    assert digest.dropped > 0
    counts = [sum(id_.startswith(name) for id_ in digest.stories) for name in "cadb"]
    assert max(counts) - min(counts) <= 1
    # Gmail clips at 102,400; most of the room is used.
    assert 92_000 < len(digest.html.encode()) <= LIMIT
