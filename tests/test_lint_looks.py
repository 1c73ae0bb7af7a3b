"""Our digests are clean: every look in a language of each direction, with every awkward story."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from courant.delivery import digest as digests
from courant.delivery.digest import Digest, Reader
from courant.editions.pressing import Pressing
from courant.newsletter import Look, Newsletter, Section
from desk import newsletter_file, sample_news
from desk.lint.check import check_digest
from desk.sample_digest import UNSUBSCRIBE_URL, compose_all

FILE = Path(__file__).resolve().parents[1] / "newsletters" / "demo.yaml"
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
LOOKS: tuple[Look, ...] = get_args(Look)


@cache
def pressing(look: Look) -> tuple[Newsletter, Pressing]:
    newsletter = sample_news.dressed(newsletter_file.load(FILE)).model_copy(update={"look": look})
    news = sample_news.sample(newsletter, NOW)
    return newsletter, compose_all(newsletter, news, NOW, locales=("en", "ar"))


def digest(look: Look, reader: Reader) -> tuple[Newsletter, Pressing, Digest]:
    newsletter, pressed = pressing(look)
    joined = digests.join(pressed, reader, UNSUBSCRIBE_URL)
    assert joined is not None
    return newsletter, pressed, joined


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", "ar"])
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    "reader",
    [Reader(name="Ada <b>"), Reader(sections=("sport", "city"), limit=1)],
    ids=["all", "few"],
)
def test_a_look_has_nothing_to_mend(look: Look, locale: str, reader: Reader) -> None:
    asked = Reader(sections=reader.sections, limit=reader.limit, name=reader.name, locale=locale)
    newsletter, pressed, joined = digest(look, asked)
    raw = digests.message(
        pressed, joined, to="ada@example.org", now=NOW, unsubscribe_url=UNSUBSCRIBE_URL
    )

    found = check_digest(newsletter, pressed, joined, UNSUBSCRIBE_URL, raw)

    assert [each for each in found if each.severity != "note"] == []


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_a_digest_as_full_as_can_be_weighs_what_it_may(look: Look) -> None:
    newsletter, _ = pressing(look)
    sections = tuple(
        Section(id=f"s{n}", title=f"Part {n}", feeds=(f"https://x.example/{n}.xml",), limit=12)
        for n in range(12)
    )
    full = newsletter.model_copy(update={"sections": sections})
    pressed = compose_all(full, sample_news.sample(full, NOW), NOW)
    joined = digests.join(pressed, Reader(name="Ada"), UNSUBSCRIBE_URL)
    assert joined
    assert joined.dropped

    found = check_digest(full, pressed, joined, UNSUBSCRIBE_URL)

    assert [each for each in found if each.severity != "note"] == []


def test_the_sample_news_has_every_awkward_case() -> None:
    newsletter = newsletter_file.load(FILE)
    news = sample_news.sample(newsletter, NOW)
    articles = [each for some in news.values() for each in some]
    pictures = [each.image for each in articles if each.image]
    _, _, joined = digest("broadsheet", Reader())

    assert any(len(each.title) > 200 for each in articles)
    assert any(len(word) >= 60 for each in articles for word in each.title.split())
    assert {each.language for each in articles} >= {"ar", "he", "zh", "de"}
    assert any("{{" in each.title and '"' in each.title and "&" in each.title for each in articles)
    assert any(not each.summary for each in articles)
    assert any(each.author is None for each in articles)
    assert any(each.words for each in articles)
    assert any(each.width is None for each in pictures)
    assert any(each.width and each.height and each.width > 3 * each.height for each in pictures)
    assert any(each.width and each.height and each.height > each.width for each in pictures)
    # stories.py finds the other papers' articles to be the same story, and no more than those
    assert (
        len(joined.stories)
        == sum(s.limit for s in newsletter.sections) - newsletter.sections[-2].limit + 1
    )
    assert "Tide &amp; Time" in joined.html
    assert any(
        len(story.articles) == 6
        for s in pressing("broadsheet")[1].sheets[0].sections
        for story in s.stories
    )


def test_what_editors_may_add_is_added_and_kept() -> None:
    plain = newsletter_file.load(FILE)
    dressed = sample_news.dressed(plain)

    assert dressed.note is not None
    assert dressed.brand.footer
    assert dressed.brand.social
    assert dressed.sections[0].intro
    assert sample_news.dressed(dressed) == dressed
    assert Newsletter.model_validate(dressed.model_dump()) == dressed
