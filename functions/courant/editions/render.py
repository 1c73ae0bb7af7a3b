"""Stories → a pressing: for each locale one HTML and one text page, inlined once, cut up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from courant import locales as words
from courant.editions import view, wording
from courant.editions.budget import LIMIT, own_size
from courant.editions.cut import (
    Cutter,
    Fragments,
    Told,
    check,
    check_frame,
    check_styles,
    cut,
)
from courant.editions.inline import inline
from courant.editions.pressing import Masthead, Own, Placeholders, Pressing, Sheet
from courant.editions.select import SectionStories, articles_told, ids
from courant.editions.view import Occasion
from courant.newsletter import Newsletter
from courant.schedule import Slot
from courant.templates import TEMPLATES, TemplateBroken, environment, filled

# Sheets besides the newsletter's own. Each is rendered, frozen and read again by every delivery.
_SHEETS = 20


@dataclass(frozen=True, slots=True)
class _Pages:
    """One page in both forms."""

    html: str
    text: str


def render(
    occasion: Occasion,
    sections: tuple[SectionStories, ...],
    slots: tuple[Slot, ...],
    *,
    locales: Iterable[str] = (),
    folder: Path = TEMPLATES,
) -> Pressing:
    """The pressing of these stories for these slots.

    Args:
        locales: those of the newsletter's readers; a sheet is made for each that we have words
            for, besides the newsletter's own.

    Raises:
        TemplateBroken: a template is broken, or breaks a law of the pressing.
        ConfigurationError: a file of words is broken.
    """
    newsletter = occasion.newsletter
    placeholders = _absent_from(repr((newsletter, sections)))
    wanted = dict.fromkeys([newsletter.language, *_spoken(newsletter, locales, folder)])
    return Pressing(
        masthead=Masthead(
            newsletter=newsletter.id,
            title=newsletter.title,
            sender_name=newsletter.sender.name,
            sender_address=newsletter.sender.address,
            reply_to=newsletter.sender.reply_to,
        ),
        placeholders=placeholders,
        slots=slots,
        articles=articles_told(sections),
        sheets=tuple(_sheet(occasion, sections, placeholders, one, folder) for one in wanted),
    )


def alone(
    occasion: Occasion,
    sections: Sequence[SectionStories],
    own: Own,
    *,
    locale: str | None = None,
    folder: Path = TEMPLATES,
) -> tuple[str, str]:
    """One reader's page in HTML and text, rendered and inlined by itself: what every join equals.

    Exactly these stories are shown, the very first as the lead. Nothing is cut, and no other
    reader is thought of; a pressing exists because this is slow.
    """
    locale = locale or occasion.newsletter.language
    forms = {(each.section.id, story.id): ("plain",) for each in sections for story in each.stories}
    if forms:
        forms[next(iter(forms))] = ("lead",)
    cutter = Cutter()
    pages = _pages(occasion, sections, own, cutter, locale, folder, forms)
    return inline(cutter.without_marks(pages.html)), cutter.without_marks(pages.text)


def _sheet(
    occasion: Occasion,
    sections: tuple[SectionStories, ...],
    placeholders: Placeholders,
    locale: str,
    folder: Path,
) -> Sheet:
    cutter = Cutter()
    pages = _pages(occasion, sections, placeholders, cutter, locale, folder)
    check_styles(pages.html)
    html = inline(pages.html)
    check(html, pages.text, placeholders)
    stories = {
        (each.section.id, story.id): Told(story.lead.title, ids(story))
        for each in sections
        for story in each.stories
    }
    limits = {each.section.id: each.section.limit for each in sections}
    fragments = cut(cutter, html, pages.text, stories, limits)
    check_frame(fragments, placeholders)
    strings = _strings(occasion.newsletter, locale, folder)
    return Sheet(
        locale=locale,
        head=fragments.head,
        greeting=fragments.greeting,
        top=fragments.top,
        sections=fragments.sections,
        dropped=fragments.dropped,
        foot=fragments.foot,
        left_out=tuple(
            wording.plural(strings, "dropped", count, locale)
            for count in range(1, len(stories) + 1)
        ),
        test_mark=strings.test_mark,
        own_size=_own_size(fragments, placeholders),
    )


def _pages(
    occasion: Occasion,
    sections: Sequence[SectionStories],
    own: Own,
    cutter: Cutter,
    locale: str,
    folder: Path,
    forms: Mapping[tuple[str, str], tuple[str, ...]] | None = None,
) -> _Pages:
    newsletter = occasion.newsletter
    context = view.page(occasion, sections, _strings(newsletter, locale, folder), locale, forms)
    # Marks are made of our own random hex, so they are safe in HTML as they are.
    context |= {"own": own, "cut": lambda kind, id_="": Markup(cutter.mark(kind, id_))}  # noqa: S704
    html = environment(newsletter.id, html=True, folder=folder)
    text = environment(newsletter.id, html=False, folder=folder)
    return _Pages(
        filled(html, f"digest/{newsletter.look}.html.j2", context),
        filled(text, "digest/digest.txt.j2", context),
    )


def _spoken(newsletter: Newsletter, locales: Iterable[str], folder: Path) -> list[str]:
    """The locales that get a sheet: those that exist and that there are words for.

    Languages come before their kinds (``nl`` before ``nl-BE``), so that where there are too many
    those go whose readers lose least.
    """
    spoken = {
        each
        for each in locales
        if wording.known(each) and words.offered(each, folder / "locales", newsletter.id)
    }
    return sorted(spoken, key=lambda tag: (tag.count("-"), tag))[:_SHEETS]


def _strings(newsletter: Newsletter, locale: str, folder: Path) -> words.Strings:
    return words.strings(locale, folder / "locales", newsletter.id)


def _absent_from(content: str) -> Placeholders:
    while True:
        placeholders = Placeholders.fresh()
        if not any(each in content for each in placeholders.all()):
            return placeholders


def _own_size(fragments: Fragments, placeholders: Placeholders) -> int:
    """What a reader's own values add at most, if the frame leaves room for news at all."""
    frame = (fragments.head, fragments.greeting, fragments.top, fragments.dropped, fragments.foot)
    own = own_size(frame, placeholders)
    size = own + sum(piece.size for piece in frame)
    if size > LIMIT // 2:
        raise TemplateBroken(
            f"the frame of the digest weighs {size:,} bytes; more than {LIMIT // 2:,} leave too"
            " little room for news: shorten the note, the footer or the styles"
        )
    return own
