"""What readers get, byte for byte. ``make golden`` writes it anew; look at the diff."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from courant.articles import Article, Image
from courant.delivery.digest import Digest, Reader, join
from courant.editions.render import render
from courant.editions.select import SectionStories, Story
from courant.editions.view import Occasion
from courant.newsletter import Look, Newsletter
from courant.schedule import Slot
from desk.newsletter_file import load

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden"
NOW = datetime(2026, 11, 22, 5, tzinfo=UTC)
LOOKS: tuple[Look, ...] = get_args(Look)
# The newsletter is in English, so the other two have strangers' and editors' words in a language
# that is not the page's, and one of them turns it round.
NAMES = {"en": "Ada", "nl": "Wiebe & Zn", "ar": "سارة"}


def article(name: str, title: str, summary: str, **more: object) -> Article:
    fields: dict[str, object] = {
        "id": name,
        "feed_id": "feed",
        "url": f"https://news.example.org/{name}?from=feed&n=1",
        "title": title,
        "summary": summary,
        "source": "City Desk",
        "first_seen": NOW,
        "published": NOW - timedelta(hours=1),
        "language": "en",
        **more,
    }
    return Article(**fields)  # type: ignore[arg-type]  # fields of Article


def image(name: str, width: int | None = None, height: int | None = None) -> Image:
    return Image(f"https://news.example.org/{name}.jpg", width, height)


TOWN = (
    article(
        "ferry",
        "The night ferry returns after eleven years",
        "Shortly before five this morning it came in past the breakwater with 212 passengers.",
        author="Ilse van Ravensteyn",
        words=880,
        image=image("ferry", 1200, 630),
    ),
    article("quay", "Council votes 21 to 14 to “rebuild” the south quay", ""),
    article(
        "library",
        "غرفة القراءة الجديدة تفتح أبوابها",
        "مع 1400 كتاب وشاي بالنعناع وطاولة طويلة.",
        source="صحيفة الميناء",
        author="نور حدّادي",
        language="ar",
        words=200,
        image=image("of-unknown-size"),
    ),
    article("tram", "Line 9 runs on", "Two stops further. " * 30, image=image("tall", 400, 900)),
)
TRADE = (
    article(
        "tugs",
        "Old shipyard wins order for forty tugs",
        "Work for 160 welders.",
        author="N. Ö.",
        words=2_600,
        image=image("wide", 3000, 300),
    ),
    article(
        "donau",
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft tagt",
        "Das Wort ist länger als die Tagesordnung.",
        language="de",
    ),
)
# The same stories elsewhere: the ferry in two other papers, twice in one; the tugs in one.
ALSO = {
    "ferry": (
        article("ferry-2", "Night ferry is back", "", source="Harbour Times & Tides"),
        article("ferry-3", "Night ferry back after 11 years", "", source="صحيفة الميناء"),
        article("ferry-4", "The ferry is back", "", source="Harbour Times & Tides"),
    ),
    "tugs": (article("tugs-2", "Yard to build forty tugs", "", source="Trade Gazette"),),
}
DRESSING: dict[str, object] = {
    "note": "Good morning. The **ferry** is back:\n\n- three crossings a week\n"
    "- [write to us](mailto:editors@courant.example) & say what you saw\n\n> Mind the gap.",
    "brand": {
        "accent": "#0b6e4f",
        "footer": "Made before dawn by [eleven people](https://courant.example/about).",
        "social": [
            {"name": "Mastodon", "url": "https://social.example/@courant"},
            {"name": "Bluesky", "url": "https://sky.example/courant"},
        ],
    },
}


def newsletter(look: Look) -> Newsletter:
    demo = load(ROOT / "newsletters" / "demo.yaml").model_dump()
    town, trade, *_ = demo["sections"]
    trade |= {"intro": "Wages, wharves & what they *cost*."}
    return Newsletter.model_validate({**demo, **DRESSING, "look": look, "sections": [town, trade]})


def stories(leads: tuple[Article, ...]) -> tuple[Story, ...]:
    return tuple(Story((lead, *ALSO.get(lead.id, ()))) for lead in leads)


@pytest.fixture(scope="module", params=LOOKS)
def digests(request: pytest.FixtureRequest) -> tuple[Look, dict[str, Digest]]:
    """A look, and the digest in it by locale."""
    look: Look = request.param
    dressed = newsletter(look)
    occasion = Occasion(
        newsletter=dressed,
        day=date(2026, 11, 22),
        zone=ZoneInfo("Europe/Amsterdam"),
        web_url="https://news.example.org/demo/daily/2026-11-22",
    )
    town, trade = dressed.sections
    sections = (
        SectionStories(town, stories(TOWN)),
        SectionStories(trade, stories(TRADE)),
    )
    pressing = render(occasion, sections, (Slot("daily"),), locales=NAMES)
    found = {
        locale: join(pressing, Reader(name=name, locale=locale), "https://news.example.org/u/token")
        for locale, name in NAMES.items()
    }
    return look, {locale: digest for locale, digest in found.items() if digest}


@pytest.mark.parametrize("locale", NAMES)
def test_the_digest_is_as_it_was(
    digests: tuple[Look, dict[str, Digest]], locale: str, request: pytest.FixtureRequest
) -> None:
    look, by_locale = digests
    digest = by_locale[locale]

    # The text part is one for all looks.
    for name, page in ((f"{look}.{locale}.html", digest.html), (f"{locale}.txt", digest.text)):
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(page, newline="")
        assert page == path.read_text(), f"{name} differs; see `make golden`"
