"""Stories → one HTML and one text page, inlined once, cut into fragments.

The only module that loads premailer (and so lxml and cssutils): compose and preview import it,
nothing on the send path does.
"""

import logging
import textwrap
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from premailer import Premailer

from courant import locales
from courant.editions.pressing import Cutter, Fragments, Masthead, Placeholders, Pressing, cut
from courant.editions.select import SectionStories, Story, article_ids
from courant.newsletter import Newsletter
from courant.schedule import Slot

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
# The story's other sources; more would be a list to read instead of news.
_ALSO = 5
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


def render(
    newsletter: Newsletter,
    sections: tuple[SectionStories, ...],
    slots: tuple[Slot, ...],
    day: date,
    zone: ZoneInfo,
    templates: Path = TEMPLATES,
) -> Pressing:
    """The pressing of these stories for these slots.

    ``day`` is the edition's local date; ``zone`` that in which articles' times are shown.

    Raises:
        CutMissing: a template of the editor's own lacks a cut.
        jinja2.TemplateError: a template is broken or uses a name it is not given.
    """
    placeholders, cutter = Placeholders.fresh(), Cutter()
    strings = locales.strings(newsletter.language)
    context = {
        "newsletter": newsletter,
        "dir": "rtl" if newsletter.language.split("-")[0] in _RIGHT_TO_LEFT else "ltr",
        "date_text": format_date(day, "full", locale=_locale(newsletter.language)),
        "sections": [_section_view(section, newsletter.language, zone) for section in sections],
        "t": strings,
        "slots": placeholders,
    }
    html = _environment(templates, cutter, html=True).get_template("digest/digest.html.j2")
    text = _environment(templates, cutter, html=False).get_template("digest/digest.txt.j2")
    fragments: Fragments = cut(
        cutter,
        inline(html.render(context)),
        text.render(context),
        {story.id: story.lead.title for section in sections for story in section.stories},
    )
    return Pressing(
        masthead=Masthead(
            newsletter=newsletter.id,
            title=newsletter.title,
            language=newsletter.language,
            sender_name=newsletter.sender.name,
            sender_address=newsletter.sender.address,
            reply_to=newsletter.sender.reply_to,
            dropped_one=strings.dropped_one,
            dropped_other=strings.dropped_other,
        ),
        placeholders=placeholders,
        slots=slots,
        articles=article_ids(sections),
        head=fragments.head,
        sections=fragments.sections,
        dropped=fragments.dropped,
        foot=fragments.foot,
    )


def inline(html: str) -> str:
    """The page with our CSS inlined.

    premailer's defaults would fetch from the network, drop ``!important`` (dark mode) and
    re-indent the page, after which a joined digest would differ from one rendered alone.
    """
    return str(
        Premailer(
            html,
            allow_network=False,
            strip_important=False,
            keep_style_tags=False,
            remove_classes=False,
            disable_validation=True,
            cssutils_logging_level=logging.CRITICAL,
            align_floating_images=False,
            # The templates size tables and pictures themselves; premailer would copy `100%` and
            # `auto` from the style into the attributes that Outlook goes by.
            disable_basic_attributes=["width", "height"],
        ).transform(pretty_print=False)
    )


def _environment(templates: Path, cutter: Cutter, *, html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=html,  # noqa: S701 - the other page is plain text, where escaping would show
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # Both are made of our own random hex, so they are safe in HTML as they are.
    environment.globals["cut"] = lambda kind, id_="": Markup(cutter.mark(kind, id_))  # noqa: S704
    environment.filters["wrap"] = wrap
    return environment


def wrap(text: str, width: int = 72, indent: str = "") -> str:
    """Text broken at ``width`` columns; a link is never broken."""
    lines = textwrap.wrap(
        text,
        width=width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def _section_view(section: SectionStories, language: str, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": section.section.id,
        "title": section.section.title,
        "stories": [_story_view(story, language, zone) for story in section.stories],
    }


def _story_view(story: Story, language: str, zone: ZoneInfo) -> dict[str, Any]:
    article = story.lead
    return {
        "id": article.id,
        "title": article.title,
        "url": article.url,
        "summary": article.summary,
        "source": article.source,
        "author": article.author,
        "date_text": _short_date(article.date, language, zone),
        "image": article.image,
        "also": _also(story),
    }


def _also(story: Story) -> list[dict[str, str]]:
    """Where else a story is told, once a source: a paper's second feed is no other source."""
    links: dict[str, str] = {}
    for article in story.articles:
        links.setdefault(article.source, article.url)
    del links[story.lead.source]
    return [{"source": source, "url": url} for source, url in links.items()][:_ALSO]


def _short_date(instant: datetime, language: str, zone: ZoneInfo) -> str:
    return str(format_skeleton("MMMMd", instant, tzinfo=zone, locale=_locale(language)))


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")
