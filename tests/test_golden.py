"""What readers get, byte for byte. ``make golden`` writes it anew; look at the diff."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from courant.articles import Article, Image
from courant.delivery.digest import join
from courant.editions.render import render
from courant.editions.select import SectionStories, Story
from courant.schedule import Slot
from desk.newsletter_file import load

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden"
NOW = datetime(2026, 11, 22, 5, tzinfo=UTC)


def article(name: str, title: str, summary: str, **more: object) -> Article:
    fields: dict[str, object] = {
        "id": name,
        "feed_id": "feed",
        "url": f"https://news.example.org/{name}",
        "title": title,
        "summary": summary,
        "source": "City Desk",
        "first_seen": NOW,
        "published": NOW - timedelta(hours=1),
        **more,
    }
    return Article(**fields)  # type: ignore[arg-type]  # fields of Article


ARTICLES = (
    article(
        "ferry",
        "The night ferry returns after eleven years",
        "Shortly before five this morning it came in past the breakwater with 212 passengers.",
        author="Ilse van Ravensteyn",
        image=Image("https://news.example.org/ferry.jpg", 1200, 630),
    ),
    article("quay", "Council votes 21 to 14 to “rebuild” the south quay", ""),
    article(
        "library",
        "غرفة القراءة الجديدة تفتح أبوابها",
        "The new Arabic reading room opens every Thursday & Friday.",
        image=Image("https://news.example.org/library.jpg"),
    ),
    article(
        "tugs", "Old shipyard wins order for forty tugs", "Work for 160 welders.", author="N. Ö."
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


def story(lead: Article) -> Story:
    return Story((lead, *ALSO.get(lead.id, ())))


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_digest_is_as_it_was(language: str, request: pytest.FixtureRequest) -> None:
    newsletter = load(ROOT / "newsletters" / "demo.yaml").model_copy(update={"language": language})
    town, trade = newsletter.sections[:2]
    sections = (
        SectionStories(town, tuple(story(each) for each in ARTICLES[:3])),
        SectionStories(trade, (story(ARTICLES[3]),)),
    )

    pressing = render(
        newsletter, sections, (Slot("daily"),), date(2026, 11, 22), ZoneInfo("Europe/Amsterdam")
    )
    digest = join(pressing, (), "https://news.example.org/u/token")

    assert digest is not None
    for kind, page in (("html", digest.html), ("txt", digest.text)):
        path = GOLDEN / f"digest.{language}.{kind}"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(page, newline="")
        assert page == path.read_text(), f"{path.name} differs; see `make golden`"
