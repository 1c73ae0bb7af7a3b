"""What shuts people out, as far as it shows without a browser.

Rules that axe-core has too bear its ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from courant.editions import wording
from desk.lint.findings import Finding, at, shorten
from desk.lint.page import Element, Page

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
# Words that say nothing of where a link leads, in the languages of templates/locales.
_VAGUE = frozenset(
    [
        "here",
        "click here",
        "click",
        "link",
        "this",
        "this link",
        "hier",
        "klik hier",
        "klick hier",
        "hier klicken",
        "ici",
        "cliquez ici",
        "aquí",
        "haz clic aquí",
        "clic aquí",
        "هنا",
        "اضغط هنا",
    ]
)
_AT_MOST = 5


def findings(page: Page) -> Iterator[Finding]:
    """Everything of this page."""
    for check in (_document, _headings, _pictures, _links, _tables, _viewport, _ids):
        yield from check(page)


def _document(page: Page) -> Iterator[Finding]:
    html = page.first("html")
    language = html.get("lang").strip() if html else ""
    if not language:
        text = (
            "The page does not say its language, so it is read out in the wrong one: <html lang>."
        )
        yield at("html-has-lang", "error", text, html)
    for element in page.elements:
        said = element.attributes.get("lang")
        if said and not _LANGUAGE.fullmatch(said.strip()):
            rule = "html-lang-valid" if element.tag == "html" else "valid-lang"
            yield at(rule, "error", f"{said!r} is no language tag.", element)
    direction = html.get("dir").strip().lower() if html else ""
    if wording.direction(language) == "rtl" and direction != "rtl":
        text = f'{language} is written right to left: <html dir="rtl">.'
        yield at("html-dir", "error", text, html)
    elif not direction:
        text = (
            "The page does not say its direction; a client in another language may turn it round."
        )
        yield at("html-dir", "warning", text, html)
    title = page.first("title")
    if title is None or not title.text:
        yield at("document-title", "error", "The page has no title.", title)


def _headings(page: Page) -> Iterator[Finding]:
    headings = [
        each for each in page.elements if re.fullmatch(r"h[1-6]", each.tag) and not _silent(each)
    ]
    firsts = [each for each in headings if each.tag == "h1"]
    if not firsts:
        yield at("page-has-heading-one", "warning", "The page has no h1.", None)
    for extra in firsts[1:_AT_MOST]:
        yield at("one-h1", "warning", "A second h1; a page has one.", extra)
    last = 0
    for heading in headings:
        level = int(heading.tag[1])
        if last and level > last + 1:
            text = f"{heading.tag} follows h{last}: a level is left out."
            yield at("heading-order", "warning", text, heading)
        last = level
        if not _name(heading):
            yield at("empty-heading", "warning", "A heading without words.", heading)


def _pictures(page: Page) -> Iterator[Finding]:
    for picture in page.named("img", "area"):
        role = picture.get("role")
        if (
            "alt" in picture.attributes
            or picture.get("aria-label")
            or role in {"presentation", "none"}
        ):
            continue
        text = 'A picture without alt: its address is read out. Say what it shows, or alt="".'
        yield at("image-alt" if picture.tag == "img" else "area-alt", "error", text, picture)


def _links(page: Page) -> Iterator[Finding]:
    targets: dict[str, dict[str, Element]] = {}
    for link in page.named("a"):
        if not link.get("href"):
            continue
        if _silent(link):
            if link.get("tabindex") != "-1":
                text = 'Hidden from screen readers, but the Tab key stops at it: tabindex="-1".'
                yield at("aria-hidden-focus", "error", text, link)
            continue
        name = _name(link)
        if not name:
            yield at("link-name", "error", "A link without words.", link)
            continue
        if name.casefold().strip(" .:!→»›") in _VAGUE:
            text = f"“{name}” does not say where it leads."
            yield at("link-text-vague", "warning", text, link)
        targets.setdefault(name.casefold(), {}).setdefault(link.get("href"), link)
    twice = [(name, list(links.values())) for name, links in targets.items() if len(links) > 1]
    if twice:
        names = ", ".join(
            f"“{shorten(links[0].text or name, 40)}”" for name, links in twice[:_AT_MOST]
        )
        text = (
            f"The same words lead to different places: {names}{', …' if twice[_AT_MOST:] else ''}."
        )
        yield at("identical-links-same-purpose", "note", text, twice[0][1][1])


def _tables(page: Page) -> Iterator[Finding]:
    # A table of layout around one of data is no table of data.
    of_data = {
        id(next((each for each in cell.ancestors if each.tag == "table"), None))
        for cell in page.named("th", "caption")
    }
    found = [
        table
        for table in page.named("table")
        if table.get("role") not in {"presentation", "none", "table", "grid"}
        and id(table) not in of_data
    ]
    if found:
        text = (
            f"{len(found)} tables of layout are read out as tables of data: "
            'role="presentation" on each.'
        )
        yield at("layout-table-role", "warning", text, found[0])


def _viewport(page: Page) -> Iterator[Finding]:
    metas = [each for each in page.named("meta") if each.get("name").lower() == "viewport"]
    if not metas:
        text = (
            "Phones may draw the page as wide as a desk's and make it tiny: "
            '<meta name="viewport" content="width=device-width,initial-scale=1">.'
        )
        yield at("viewport", "warning", text, None)
    for meta in metas:
        content = meta.get("content").lower().replace(" ", "")
        if re.search(r"user-scalable=(no|0)|maximum-scale=(0|1)(\.|,|;|$)", content):
            yield at("meta-viewport", "error", "It keeps people from enlarging the mail.", meta)


def _ids(page: Page) -> Iterator[Finding]:
    seen: set[str] = set()
    twice: dict[str, Element] = {}
    for element in page.elements:
        name = element.get("id")
        if name in seen:
            twice.setdefault(name, element)
        elif name:
            seen.add(name)
    for name, element in list(twice.items())[:_AT_MOST]:
        text = f"A second id={shorten(name, 40)!r}: links and labels find the first only."
        yield at("duplicate-id", "note", text, element)


def _name(element: Element) -> str:
    """What a screen reader calls it."""
    if label := element.get("aria-label").strip():
        return label
    parts: list[str] = []
    for each in element.inside:
        if isinstance(each, str):
            parts.append(each)
        elif each.tag in {"img", "area"}:
            parts.append(f" {each.get('alt')} ")
    return " ".join("".join(parts).split()) or element.get("title").strip()


def _silent(element: Element) -> bool:
    return any(each.get("aria-hidden") == "true" for each in element.ancestors)
