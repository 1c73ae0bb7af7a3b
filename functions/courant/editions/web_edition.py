"""An edition as a page of the readers' site: the same stories as the mail, in one responsive page.

It shows what a reader of all sections gets, in the newsletter's own language. Pure: archive.py
keeps the page, courant/web shows it.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from courant import locales
from courant.editions import view
from courant.editions.pressing import WebPage
from courant.editions.select import SectionStories, shown
from courant.editions.view import Occasion
from courant.schedule import EditionId
from courant.templates import TEMPLATES, environment, filled

# As many headlines as the mail's preheader names.
_NAMED = 3


def path_of(edition: EditionId, instant: datetime, number: int = 0) -> str:
    """Where on the site a pressing is: ``/e/morning/daily/2026-11-22/0600``.

    The last part is the instant in UTC. Readers' own zones reach into the days before and after
    the edition's date, so there it is written whole: ``20261121T1700``. ``number`` counts the
    pressings of one instant: the second is ``0600-1``. Instants of an edition are whole minutes
    apart, as cron's are; one that was started by hand has a single instant.
    """
    at = instant.astimezone(UTC)
    time = at.strftime("%H%M" if at.date() == edition.date else "%Y%m%dT%H%M")
    return f"/e/{edition}/{time}-{number}" if number else f"/e/{edition}/{time}"


def compose_page(
    occasion: Occasion,
    sections: tuple[SectionStories, ...],
    edition: EditionId,
    path: str,
    folder: Path = TEMPLATES,
) -> tuple[WebPage, str]:
    """The page of these stories and what is to be known of it.

    ``occasion.web_url`` is the page's whole address, ``path`` its part on the site. The same
    stories make the same page, letter by letter, and so the same key.

    Raises:
        jinja2.TemplateError: a template is broken or uses a name it is not given.
    """
    newsletter = occasion.newsletter
    stories = shown(sections)
    strings = locales.strings(newsletter.language, folder / "locales", newsletter.id)
    context = view.page(occasion, stories, strings, newsletter.language)
    leads = [story.lead for section in stories for story in section.stories]
    headline = leads[0].title
    summary = " · ".join(lead.title for lead in leads[1 : 1 + _NAMED]) or leads[0].summary
    image = next((lead.image.url for lead in leads if lead.image), newsletter.brand.logo)
    context |= {
        "headline": headline,
        "summary": summary,
        "image": image,
        "canonical_url": occasion.web_url,
        "editions_url": f"/e/{newsletter.id}",
        "feed_url": f"/e/{newsletter.id}/feed.xml",
    }
    templates = environment(newsletter.id, html=True, folder=folder)
    html = filled(templates, "web/edition.html.j2", context)
    digest = hashlib.sha256(html.encode()).hexdigest()
    page = WebPage(
        path=path,
        key=f"web/{edition}/{digest}.html",
        headline=headline,
        summary=summary,
        date_text=context["date_text"],
        image=image,
    )
    return page, html
