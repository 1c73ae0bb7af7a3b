"""A made-up edition and made-up readers, the same each time: as long and as mixed as real ones.

Nothing here measures.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from courant.articles import Article, Image
from courant.delivery.digest import Reader
from courant.editions.select import SectionStories, Story
from courant.editions.view import Occasion
from courant.newsletter import Newsletter

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
LINK = "https://news.example.org/u/v1.3f9c.u.kq3J5u8mTzWv1nYb7Ld0Xg.morning.9cQeR2tYw4uIoP6aSdF8gA"

# Letters beyond ASCII as often as European papers have them: each costs six characters in a mail.
_LEXICON = (
    "the of to in and a for on at with from by as after before council harbour minister budget"
    " court police school hospital ferry storm village report workers union bridge market museum"
    " players coach election vote plan energy water housing prices farmers research university"
    " study climate railway festival director company orders opens closes rises falls warns finds"
    " wins loses delays approves rejects café coöperatie Zürich São München façade naïve crème"
    " Østergård €30 million percent week year Monday yesterday tomorrow morning old new former"
)
_WORDS = _LEXICON.split()
_SOURCES = ("The Herald", "Havenmere Post", "Le Journal", "De Krant", "Zeitung", "Wire & Sons")
_NAMES = ("Ada Byron", "Søren Østergård", "Mei-Ling Zhao 赵美玲", "Tom O’Brien", "Ελένη")


def occasion(sections: int, stories: int, look: str = "broadsheet") -> Occasion:
    """A newsletter with a note, a footer and links, on its day."""
    newsletter = Newsletter.model_validate(
        {
            "id": "morning",
            "title": "The Morning Courant",
            "description": "What the town, the harbour and the sea were up to while you slept.",
            "look": look,
            "sender": {"name": "The Morning Courant", "address": "morning@example.org"},
            "postal_address": "The Morning Courant\n1 Lantern Street, 1234 AB Havenmere",
            "cadences": {"daily": {"cron": "0 7 * * *", "timezone": "Europe/Amsterdam"}},
            "note": "Good morning. **The ferries** sail again, and so does [our podcast]"
            "(https://example.org/podcast); thank you for your many letters.",
            "brand": {
                "footer": "Independent since 1974. [Support us](https://example.org/support).",
                "social": [{"name": "Mastodon", "url": "https://social.example.org/@morning"}],
            },
            "sections": [
                {
                    "id": f"section-{number}",
                    "title": f"{_WORDS[15 + number].title()} & {_WORDS[45 + number]}",
                    "feeds": [f"https://feeds.example.org/{number}.xml"],
                    "limit": stories,
                }
                for number in range(sections)
            ],
        }
    )
    return Occasion(
        newsletter=newsletter,
        day=NOW.date(),
        zone=ZoneInfo("Europe/Amsterdam"),
        web_url="https://news.example.org/n/morning/daily/2026-11-22",
    )


def edition(newsletter: Newsletter) -> tuple[SectionStories, ...]:
    """As many stories in each section as it shows; one in six is told by others too."""
    chance = random.Random(1)
    numbers = iter(range(100_000))

    def article(source: str) -> Article:
        number = next(numbers)
        published = NOW - timedelta(minutes=chance.randrange(1_400))
        slug = "-".join(_words(chance, 20, 50).split()).lower()
        return Article(
            id=f"{number:032x}",
            feed_id=source,
            url=f"https://{source.split()[-1].lower()}.example.org/2026/11/22/{slug}-{number}",
            title=_words(chance, 30, 90).capitalize(),
            summary=_words(chance, 110, 290).capitalize() + ".",
            source=source,
            first_seen=published,
            published=published,
            author="Noor van Dijk" if chance.random() < 0.7 else None,
            language="en",
            image=Image(f"https://img.example.org/2026/11/{number:08x}/large.jpg", 1200, 675)
            if chance.random() < 0.7
            else None,
            words=chance.randrange(150, 1_800),
        )

    def story() -> Story:
        others = chance.choice((1, 2)) if chance.random() < 1 / 6 else 0
        return Story(tuple(article(name) for name in chance.sample(_SOURCES, 1 + others)))

    return tuple(
        SectionStories(section, tuple(story() for _ in range(section.limit)))
        for section in newsletter.sections
    )


def readers(newsletter: Newsletter) -> Iterator[Reader]:
    """Readers without end: four in ten take it as it is, the others choose and order sections;
    four in ten want fewer stories, six in ten gave a name."""
    chance = random.Random(2)
    ids = [section.id for section in newsletter.sections]
    while True:
        own = chance.sample(ids, chance.randint(1, len(ids))) if chance.random() < 0.6 else []
        yield Reader(
            sections=tuple(own),
            limit=chance.randint(1, 6) if chance.random() < 0.4 else None,
            name=chance.choice(_NAMES) if chance.random() < 0.6 else None,
        )


def _words(chance: random.Random, least: int, most: int) -> str:
    """Words, in characters between ``least`` and ``most`` or a word more."""
    length, text = chance.randint(least, most), ""
    while len(text) < length:
        text += f" {chance.choice(_WORDS)}"
    return text.strip()
