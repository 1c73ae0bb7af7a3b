"""A newsletter's digest as it would be now, for preview, lint and screenshots.

Composed as compose does, without tables and without earlier editions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from courant.articles import Article
from courant.delivery.digest import Reader
from courant.editions.pressing import Pressing
from courant.editions.select import choose
from courant.newsletter import Newsletter
from courant.schedule import EditionId, Slot, zone_of
from courant.templates import TEMPLATES

if TYPE_CHECKING:
    from courant.editions.view import Occasion

# As long as real ones, so that weights are right; the domain leads nowhere (RFC 2606).
UNSUBSCRIBE_URL = f"https://site.example/u/{'sample-' * 12}link"
_SITE = "https://site.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReader:
    """Somebody whose digest is worth a look: an id, what they chose in words, and their choices."""

    id: str
    label: str
    reader: Reader
    text_only: bool = False


def sample_readers(newsletter: Newsletter) -> tuple[SampleReader, ...]:
    """Every kind of reader that a newsletter has; the first gets everything."""
    ids = tuple(section.id for section in newsletter.sections)
    name = "Ada Lovelace"
    readers = [
        SampleReader(id="all", label="All sections", reader=Reader()),
        SampleReader(
            id="named", label=f"All sections, gave a name ({name})", reader=Reader(name=name)
        ),
        SampleReader(
            id="text", label="All sections, plain text only", reader=Reader(), text_only=True
        ),
        SampleReader(id="top-1", label="One story a section", reader=Reader(limit=1)),
        SampleReader(id="top-3", label="Three stories a section", reader=Reader(limit=3)),
    ]
    if len(ids) > 1:
        readers.append(
            SampleReader(
                id="reversed", label="Sections in reverse order", reader=Reader(sections=ids[::-1])
            )
        )
        readers += [
            SampleReader(
                id=f"only-{section.id}",
                label=f"Only {section.title}",
                reader=Reader(sections=(section.id,)),
            )
            for section in newsletter.sections
        ]
    return tuple(readers)


def compose_all(
    newsletter: Newsletter,
    candidates: Mapping[str, Iterable[Article]],
    now: datetime,
    *,
    folder: Path = TEMPLATES,
    locales: Iterable[str] = (),
) -> Pressing:
    """The pressing of everything in the feeds, in the newsletter's own language and these.

    Args:
        candidates: feed URL → what that feed brought.
        now: the edition's instant; its day is that of the newsletter's first cadence.

    Raises:
        TemplateBroken: a template breaks a law of the pressing.
        jinja2.TemplateError: a template is broken or uses a name it is not given.
    """
    # premailer and lxml take a while to load, and most commands need none of this.
    from courant.editions.render import render

    occasion, edition = _occasion(newsletter, now)
    sections = choose(newsletter.sections, candidates, frozenset())
    return render(occasion, sections, (Slot(edition.cadence),), locales=locales, folder=folder)


def compose_web(
    newsletter: Newsletter,
    candidates: Mapping[str, Iterable[Article]],
    now: datetime,
    *,
    folder: Path = TEMPLATES,
) -> str | None:
    """The page of the web edition, as ``compose_all`` takes it; None if there is no news.

    Raises:
        jinja2.TemplateError: a template is broken or uses a name it is not given.
    """
    from courant.editions.web_edition import compose_page, path_of

    occasion, edition = _occasion(newsletter, now)
    sections = choose(newsletter.sections, candidates, frozenset())
    if not sections:
        return None
    return compose_page(occasion, sections, edition, path_of(edition, now), folder)[1]


def _occasion(newsletter: Newsletter, now: datetime) -> tuple[Occasion, EditionId]:
    from courant.editions.view import Occasion
    from courant.editions.web_edition import path_of

    slot = Slot(next(iter(newsletter.cadences)))
    zone = zone_of(newsletter, slot)
    day = now.astimezone(zone).date()
    edition = EditionId(newsletter.id, slot.cadence, day)
    web_url = _SITE + path_of(edition, now) if newsletter.web.editions else None
    return Occasion(newsletter=newsletter, day=day, zone=zone, web_url=web_url), edition
