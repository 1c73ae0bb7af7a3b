"""What templates are given: stories and the newsletter, worded for one locale. Pure.

docs/templates.md lists every name for editors who write their own.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from courant import locales
from courant.articles import Image
from courant.editions import prose, wording
from courant.editions.excerpt import shorten, teaser
from courant.editions.select import SectionStories, Story
from courant.newsletter import Newsletter, Section

# The story's other papers; more would be a list to read instead of news.
_ALSO = 5
# A line or two in most mail programs, three on a phone.
_BRIEF = 130
# Older than this, a day and month could be taken for this year's.
_NEEDS_YEAR = timedelta(days=300)
BOTH_FORMS = ("lead", "plain")

_NOTE = {"p": "ink text", "a": "ink under", "li": "ink text", "blockquote": "ink text"}
_FOOTER = {"p": "muted small", "a": "ink under", "li": "muted small"}
_INTRO = {"a": "muted under"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """The edition that a page belongs to.

    ``day`` is its local date; ``zone`` that in which articles' times are shown; ``web_url`` where
    the same edition is on the web.
    """

    newsletter: Newsletter
    day: date
    zone: ZoneInfo
    web_url: str | None = None


def page(
    occasion: Occasion,
    sections: Iterable[SectionStories],
    strings: locales.Strings,
    locale: str,
    forms: Mapping[tuple[str, str], tuple[str, ...]] | None = None,
) -> dict[str, Any]:
    """The context of a digest, without the reader's own values and cuts.

    Args:
        forms: (section id, story id) → the forms to show; every story has both if left out.
    """
    newsletter = occasion.newsletter
    note = newsletter.note
    if note and note.until and occasion.day > note.until:
        note = None
    direction = wording.direction(locale)
    date_text = wording.full_date(occasion.day, locale)
    note_text = prose.plain(note.text) if note else None
    right_to_left = direction == "rtl"
    return {
        "newsletter": newsletter,
        "language": locale,
        "dir": direction,
        "start": "right" if right_to_left else "left",
        "end": "left" if right_to_left else "right",
        "t": strings,
        "date_text": _as_line(date_text),
        "date_within": date_text,
        "web_url": occasion.web_url,
        "note": prose.block(note.text, classes=_NOTE) if note else None,
        "note_text": note_text,
        "note_dir": _against(direction, note_text or ""),
        "footer": prose.block(newsletter.brand.footer, classes=_FOOTER)
        if newsletter.brand.footer
        else None,
        "footer_text": prose.plain(newsletter.brand.footer) if newsletter.brand.footer else None,
        "sections": [
            _section(each.section)
            | {
                "stories": [
                    _story(occasion, story, strings, locale)
                    | {
                        "forms": BOTH_FORMS
                        if forms is None
                        else forms.get((each.section.id, story.id), ())
                    }
                    for story in each.stories
                ]
            }
            for each in sections
        ],
        "fit": fit,
        "shorten": shorten,
    }


def fit(image: Image, width: int, max_height: int | None = None) -> dict[str, int | None]:
    """A picture's size in whole pixels, scaled to a width; the height is None if nobody knows.

    With ``max_height`` a tall picture gets narrower instead.
    """
    if not image.width or not image.height:
        return {"width": width, "height": None}
    height = width * image.height / image.width
    if max_height is not None and height > max_height:
        width, height = max(1, round(width * max_height / height)), max_height
    return {"width": width, "height": max(1, round(height))}


def _section(section: Section) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "intro": prose.inline(section.intro, _INTRO) if section.intro else None,
        "intro_text": prose.plain(section.intro) if section.intro else None,
    }


def _story(
    occasion: Occasion, story: Story, strings: locales.Strings, locale: str
) -> dict[str, Any]:
    article = story.lead
    minutes = article.reading_minutes
    language = article.language or occasion.newsletter.language
    return {
        "id": article.id,
        "title": article.title,
        "url": article.url,
        "summary": article.summary,
        "brief": teaser(article.summary, _BRIEF),
        "source": article.source,
        "author": article.author if article.author != article.source else None,
        "date_text": _dated(occasion, article.date, locale),
        "minutes_text": wording.plural(strings, "minutes", minutes, locale) if minutes else None,
        "lang": language if language.partition("-")[0] != locale.partition("-")[0] else None,
        "dir": _against(wording.direction(locale), f"{article.title} {article.summary}"),
        "image": article.image,
        "also": _also(story),
    }


def _as_line(text: str) -> str:
    """A text that stands alone, as the date does: “Zondag 22 november 2026”."""
    # Not `upper`, which makes Georgian shout: it has capitals for whole words only.
    return text[:1].title() + text[1:]


def _against(direction: str, text: str) -> str | None:
    """Which way a stranger's text runs by most of its letters, if that is not the page's.

    In a browser `dir="auto"` goes by the first letter, and most mail programs do not know it.
    """
    kinds = [unicodedata.bidirectional(each) for each in text]
    right, left = sum(each in ("R", "AL") for each in kinds), kinds.count("L")
    runs = "rtl" if right > left else "ltr" if left > right else direction
    return runs if runs != direction else None


def _dated(occasion: Occasion, instant: datetime, locale: str) -> str:
    """The date of what is not this morning's or last night's; the edition has its own on top."""
    age = occasion.day - instant.astimezone(occasion.zone).date()
    if timedelta(0) <= age <= timedelta(days=1):
        return ""
    return wording.short_date(instant, locale, occasion.zone, year=abs(age) > _NEEDS_YEAR)


def _also(story: Story) -> list[dict[str, str]]:
    """Where else a story is told, once a source: a paper's second feed is no other source."""
    links: dict[str, str] = {}
    for article in story.articles:
        links.setdefault(article.source, article.url)
    del links[story.lead.source]
    return [{"source": source, "url": url} for source, url in links.items()][:_ALSO]
