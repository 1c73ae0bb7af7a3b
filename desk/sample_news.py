"""Stories that nobody wrote, of every kind that is awkward to set.

They stand in for what a newsletter's feeds bring (lint, preview, screenshots), so that a template
meets long words, missing pictures and other scripts before readers do. Pictures are those of the
demo's paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from courant.articles import Article, Image
from courant.newsletter import Newsletter, Note, Social
from desk.demo import paper

_WIDE, _TALL, _SMALL = (1200, 675), (800, 1400), (120, 90)
_LONG = (
    "For nine hours the council argued about light. The treasurer brought the price of a lamp, "
    "the neighbours brought a photograph of the moon, and a girl of eleven brought the book she "
    "had not finished at closing time. "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    title: str
    summary: str
    source: str = "Harbour Courier"
    author: str | None = "Ines Okafor"
    picture: str = ""
    size: tuple[int, int] | None = None
    words: int | None = 900
    language: str | None = "en"
    also: tuple[str, ...] = ()


# In the order in which sections take them; a section's first is its newest, so it leads.
_SAMPLES = (
    _Sample(
        title="Ferries return to the bay after forty days, and the town relearns its timetable",
        summary="The boats will cross every twenty minutes from Monday, the harbour office said, "
        "after a spring in which both lay in dock and the town learned to walk around the bay.",
        picture="harbour.jpg",
        size=_WIDE,
        also=("The Lantern", "Radio Havenmere", "Bay Gazette", "Courier on Sunday", "Tide & Time"),
    ),
    _Sample(title="Storm", summary="Gusts of 130 km/h.", author=None, words=None),
    _Sample(
        title="Council votes, by one voice, to keep the library’s lamps lit until midnight, "
        "against the advice of its treasurer, two former mayors and the association of neighbours "
        "who sleep with their windows open",
        summary=_LONG * 3,
        source="The Havenmere and District Intelligencer, Weekend Edition",
        author="Maria-Magdalena van der Westhuizen-Oosterhout",
        picture="library.jpg",
        size=_TALL,
        words=6_000,
    ),
    _Sample(
        title="Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz: aufgehoben",
        summary="Nachzulesen unter https://harbour.example/ein/sehr/langer/weg/ohne/jede/stelle/an/"
        "der/er/umbrechen/koennte?und=noch&mehr=davon",
        picture="roofs.jpg",
        language="de",
    ),
    _Sample(title="No summary, no picture, no author", summary="", author=None, words=None),
    _Sample(
        title='“Fish & chips” < 5 > "less" — it’s {{ cheap }}, say %%NAME%% & co. {% now %}',
        summary="Prices in <b>brackets</b> &amp; entities: 5 < 6, 100% {of} ${x} {{ n }} #{y}.",
        source="R&D <News>",
        author='O\'Brien "Obi" & Sons',
        picture="market.jpg",
        size=_SMALL,
    ),
    _Sample(
        title="الميناء يعود إلى الحياة بعد أربعين يوما من التوقف: 3 عبّارات و12 رحلة يوميا",
        summary="قالت هيئة الميناء إن العبّارات ستبحر كل عشرين دقيقة ابتداء من الاثنين (COVID-19).",
        source="صحيفة الخليج",
        author="ليلى حداد",
        picture="lighthouse.jpg",
        size=_TALL,
        language="ar",
    ),
    _Sample(
        title="הנמל חוזר לחיים: «Ferry 2.0» יוצאת לדרך",
        summary="המעבורת תצא כל עשרים דקות החל מיום שני.",
        source="עיתון המפרץ",
        author="נועה לוי",
        language="he",
    ),
    _Sample(
        title="渡轮四十天后重返海湾，居民重新学习时刻表，市政府承诺每二十分钟一班船直到年底为止",
        summary="港务局表示，自周一起渡轮将每二十分钟一班。春季期间两艘船均停靠在码头，镇上的人们又学会了绕着海湾步行。",
        source="海湾日报",
        author="陈美玲",
        picture="tram.jpg",
        size=_WIDE,
        language="zh",
    ),
    _Sample(
        title="🎉 Twelve 🦀 crabs 👩‍👩‍👧‍👦 win the regatta 🏆🏳️‍🌈",
        summary="A protest by the lobsters was heard and dismissed.",
        source="Tide & Time",
        words=120,
    ),
    _Sample(
        title="A bridge is measured, and found wanting by the width of a hand",
        summary="Its builders had counted the rails but not the handrails.",
        picture="bridge.jpg",
        size=(3000, 500),
        words=220,
    ),
    _Sample(
        title="Kelp farmers ask the ministry for a calendar that knows about tides",
        summary="Harvest falls on a bank holiday three times this year.",
        author=None,
        also=("The Lantern", "الجريدة", "Bay Gazette"),
    ),
)


def sample(newsletter: Newsletter, now: datetime) -> Mapping[str, tuple[Article, ...]]:
    """Feed URL → stories, as ``choose`` takes them: all sections full, the last but one of one.

    Sections go on where the one before stopped, so many kinds of story lead one.
    """
    candidates: dict[str, tuple[Article, ...]] = {}
    turns = count()
    sections = newsletter.sections
    for number, section in enumerate(sections):
        stories = 1 if number == len(sections) - 2 else section.limit
        for place in range(stories):
            made = tuple(_articles(next(turns), section.id, place, now))
            candidates[section.feeds[0]] = candidates.get(section.feeds[0], ()) + made
    return candidates


def dressed(newsletter: Newsletter) -> Newsletter:
    """The newsletter with everything that editors may add, where it has none of its own."""
    brand = newsletter.brand
    sections = newsletter.sections
    first = sections[0]
    intro = first.intro or "What *moved*, and who [moved it](https://harbour.example/moves)."
    social = (
        Social(name="Mastodon", url="https://social.example/@courant"),
        Social(name="Bluesky", url="https://bsky.example/courant"),
    )
    return newsletter.model_copy(
        update={
            "note": newsletter.note
            or Note(
                text="Good morning. **Two things** before the news:\n\n- the [ferry]"
                "(https://harbour.example/ferry) runs again;\n- our *lamps* stay lit.\n\n"
                "> Nobody sleeps on a Sunday.\n\nThe editors"
            ),
            "brand": brand.model_copy(
                update={
                    "footer": brand.footer
                    or "Made in [Havenmere](https://harbour.example/) by eleven people and a cat.",
                    "social": brand.social or social,
                }
            ),
            "sections": (first.model_copy(update={"intro": intro}), *sections[1:]),
        }
    )


def _articles(turn: int, section: str, place: int, now: datetime) -> Iterator[Article]:
    """The story of this turn, and the other papers' articles on it; stories.py finds that they tell
    the same. When all were shown they come again, told apart by a number."""
    again, which = divmod(turn, len(_SAMPLES))
    one = _SAMPLES[which]
    slug = f"{section}-{place}"
    image = None
    if one.picture:
        width, height = one.size or (None, None)
        image = Image(f"{paper.SITE}/images/{one.picture}", width, height)
    for number, source in enumerate((one.source, *one.also)):
        name = f"{slug}-{number}" if number else slug
        yield Article(
            id=f"sample-{name}",
            # Each of its own feed, so that no cap of articles a feed leaves any out.
            feed_id=f"sample-{name}",
            url=f"https://paper{number}.example/{name}"
            if number
            else f"{paper.SITE}/articles/{name}",
            title=f"{one.title} ({again + 1})" if again else one.title,
            summary=f"{one.summary} ({again + 1})" if again and one.summary else one.summary,
            source=source,
            first_seen=now,
            published=now - timedelta(minutes=40 + 97 * place + number),
            author=one.author,
            language=one.language,
            image=image,
            position=place,
            words=one.words,
        )
